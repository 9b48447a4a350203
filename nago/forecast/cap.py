"""The cap: a run that would take more GPU-hours than `max_gpu_hours` is refused, in one line."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nago.comparison import Comparison, Planned
from nago.forecast.basis import Asked, Basis, find_basis, read_sizes
from nago.forecast.outlook import spread
from nago.forecast.population import Population, draw_population
from nago.forecast.simulation import simulate_times
from nago.forecast.words import round_hours
from nago.records import UserError
from nago.settings import Settings

Array = NDArray[np.float64]

LENGTH_KEYS = {"mobo": "mobo_iterations", "spread": "spread_configurations", "default": None}
"""By method: the setting that makes a search longer; `iterations` for the others."""


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class _Known:
    """A search with all that its hours are simulated from."""

    search: Planned
    basis: Basis
    population: Population

    @property
    def length_key(self) -> str | None:
        return LENGTH_KEYS.get(self.search.values["method"], "iterations")

    def simulate_hours(self, longest: int | None = None) -> Array:
        """Return the GPU-hours of simulated searches, with at most so many iterations."""
        settings = self.search.settings
        if longest is not None and self.length_key is not None:
            length = min(longest, settings.values[self.length_key])
            settings = Settings({**settings.values, self.length_key: length})
        times = simulate_times(settings, self.population, self.basis.speed, self.basis.images)
        hours: Array = self.search.values["gpus_per_trial"] * times.all.sum(axis=1) / 3600
        return hours

    def measure_training(self) -> float:
        """Return the GPU-hours of a training, the median."""
        settings = self.search.settings
        times = simulate_times(settings, self.population, self.basis.speed, self.basis.images)
        return float(settings.values["gpus_per_trial"] * np.median(times.search) / 3600)


def check_cap(comparison: Comparison, root: Path) -> None:
    """Raise UserError if a run would take more GPU-hours than its settings allow.

    All its searches count together, with what is done already and with the final networks.

    Args:
        comparison: the searches of the run; their cap is the same.
        root: the folder of the project.

    Raises:
        UserError: one line with what it would take, the cap and what would fit; or nothing is
            known of the seconds of an epoch.
    """
    cap = comparison.all[0].values["max_gpu_hours"]
    if cap is None:
        return
    known = [_learn(search, root) for search in comparison.all]
    training = min(one.measure_training() for one in known)
    if cap < training:
        raise UserError(
            f"max_gpu_hours must be at least one training, {round_hours(training)} GPU-hours,"
            f" got {cap}"
        )
    foreseen = spread(_add(known, None))
    if foreseen.median <= cap:
        return
    raise UserError(
        f"max_gpu_hours is {cap}, and the run would take {round_hours(foreseen.median)} GPU-hours"
        f" ({round_hours(foreseen.low)} to {round_hours(foreseen.high)});"
        f" {_say_fitting(known, cap)}"
    )


def find_fitting(known: Sequence[_Known], cap: float) -> int:
    """Return the most iterations of every search that fit; 0 if not even one does."""
    low, high = 0, max((_length(one) for one in known), default=0)
    while low < high:
        middle = (low + high + 1) // 2
        if np.median(_add(known, middle)) <= cap:
            low = middle
        else:
            high = middle - 1
    return low


def _learn(search: Planned, root: Path) -> _Known:
    basis = find_basis(search, root, Asked())
    if basis is None:
        raise UserError(
            "max_gpu_hours: nothing is known of the seconds of an epoch of"
            f" {search.dataset}, {search.search}; give seconds_per_epoch, or calibration: the"
            " folder of an earlier search"
        )
    _, classes = read_sizes(root, search.settings)
    return _Known(search, basis, draw_population(search.settings, classes))


def _length(one: _Known) -> int:
    return 0 if one.length_key is None else int(one.search.values[one.length_key])


def _add(known: Sequence[_Known], longest: int | None) -> Array:
    hours: Array = np.sum([one.simulate_hours(longest) for one in known], axis=0)
    return hours


def _say_fitting(known: Sequence[_Known], cap: float) -> str:
    keys = [key for key in dict.fromkeys(one.length_key for one in known) if key is not None]
    fitting = find_fitting(known, cap) if keys else 0
    if not fitting:
        least = float(np.median(_add(known, 1)))
        text = (
            f"not even {' and '.join(f'{key}=1' for key in keys)} would fit"
            if keys
            else ("it can't be shortened")
        )
        return f"{text}: the least is {round_hours(least)} with the final networks"
    hours = float(np.median(_add(known, fitting)))
    text = " ".join(f"{key}={fitting}" for key in keys)
    return f"{text} would fit, with {round_hours(hours)}"
