"""A forecast held against what a run took: learnt from its first trainings, tried on the rest."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from nago.forecast.calibration import (
    FEWEST,
    Speed,
    Work,
    calibrate,
    read_trainings,
    training_columns,
)
from nago.forecast.liked import find_liked
from nago.forecast.outlook import LEARNT, Range, spread
from nago.forecast.population import Population, draw_population
from nago.forecast.simulation import choose_networks, draw_favourites
from nago.records import UserError
from nago.settings import Settings


class Recorded(Protocol):
    """A run as the report reads it: where its files are, and its settings."""

    @property
    def folder(self) -> Path:
        """The folder of the search."""
        ...

    @property
    def settings(self) -> Any:
        """A value for every key of the schema."""
        ...


@dataclass(frozen=True, slots=True)
class Held:
    """What was foreseen for the trainings after the first ones, and what they took, in seconds.

    Attributes:
        learnt: trainings that the forecast knew.
        tried: trainings that it foresaw.
        blind: what it foresaw without knowing which networks would come.
        informed: what it foresees for the very networks that came.
        actual: what they took.
    """

    learnt: int
    tried: int
    blind: Range
    informed: Range
    actual: float

    @property
    def error(self) -> float:
        """The share by which the median missed, not knowing the networks."""
        return self.blind.median / self.actual - 1

    @property
    def informed_error(self) -> float:
        """The share by which the median missed, knowing the networks."""
        return self.informed.median / self.actual - 1


def compare_with_actual(run: Recorded, learnt: int = LEARNT) -> Held | None:
    """Return how a forecast from the first trainings of a run compares with the rest.

    Args:
        run: a search that goes on or is over, as `nago.report.runs.read_run` gives it.
        learnt: good trainings that are learnt from, in the order of the plan.

    Returns:
        None if there are no tables, no trainings after those, or too few to learn from.
    """
    try:
        trainings = read_trainings([run.folder])
    except UserError:
        return None
    first, rest = trainings.iloc[:learnt], trainings.iloc[learnt:]
    if learnt < FEWEST or rest.empty:
        return None
    speed = calibrate(first)
    if speed is None:
        return None
    rest = rest[rest["device"] == speed.device]
    if rest.empty:
        return None
    settings = Settings(run.settings)
    liked = find_liked(first, settings.objectives)
    return hold(settings, speed, rest, learnt, liked)


def hold(
    settings: Settings,
    speed: Speed,
    rest: pd.DataFrame,
    learnt: int,
    liked: Population | None = None,
) -> Held:
    """Return how a forecast compares with what trainings took.

    Args:
        settings: of their search.
        speed: what the forecast has learnt.
        rest: the trainings, as `read_trainings` gives them.
        learnt: how many it has learnt from.
        liked: networks that were good in these.
    """
    rng = np.random.default_rng(0)
    population = draw_population(settings, None)
    drawn = len(population.nodes)
    population = population if liked is None else population.join(liked)
    epochs = rest["epochs"].to_numpy(float)
    work = Work(float(rest["images"].median()), settings.values["batch_size"])
    starts, rates = speed.predict(population, work)
    favourites = draw_favourites(rng, len(rates), drawn, rates.shape[1])
    brackets = rest["bracket"].to_numpy(int)
    chosen = choose_networks(settings, brackets, favourites, drawn, rng)
    blind = starts[:, None] + epochs * np.take_along_axis(rates, chosen, axis=1)
    columns = training_columns(rest)
    columns[:, 0] = 1.0
    informed = speed.fits.coefficients @ columns.T
    ratios = speed.draw_ratios(rng, len(rest))
    return Held(
        learnt=learnt,
        tried=len(rest),
        blind=spread((blind * ratios).sum(axis=1)),
        informed=spread((informed * ratios).sum(axis=1)),
        actual=float(rest["seconds"].sum()),
    )
