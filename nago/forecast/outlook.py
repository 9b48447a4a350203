"""The whole forecast of a search: ranges of GPU-hours and of the wall time, disk and arrays."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nago.comparison import Planned
from nago.forecast.basis import Asked, Basis, find_basis, read_sizes
from nago.forecast.calibration import Assumed, read_trainings
from nago.forecast.disk import Disk, measure_disk
from nago.forecast.liked import find_liked
from nago.forecast.plan import Forecast, forecast
from nago.forecast.population import Population, draw_population
from nago.forecast.schedule import LAGS, NEAR, Order, simulate_jobs
from nago.forecast.simulation import Times, simulate_times
from nago.records import UserError
from nago.settings import Settings

Array = NDArray[np.float64]

LEARNT = 20
"""Trainings of a search from which on they say which networks it likes."""

WALKS = 21
"""Simulated searches whose jobs are put in order; the others count for the hours alone."""


@dataclass(frozen=True, slots=True)
class Range:
    """What 5, 50 and 95% of the simulated searches stay below."""

    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class Outlook:
    """All that is foreseen of a search; None where the seconds of an epoch are unknown.

    Attributes:
        forecast: numbers by the plan, hours by the median of the total.
        source: where the seconds come from, in words.
        arrays: trainings that become ready together, in the order of time.
        disk: what the files take.
        training_seconds: of a trial.
        search_gpu_hours: of all trials.
        final_gpu_hours: of the final networks.
        gpu_hours: of both.
        wall_hours: by trainings at a time.
        lag_hours: with the GPUs asked for, the median by lag; empty unless asked.
        liked: networks that the search has found good, which it is taken to come back to.
        recommended_lag: the smallest that is within a tenth of the quickest.
        busy_gpus: the share of the GPUs asked for that is busy at that lag, from start to end.
    """

    forecast: Forecast
    source: str | None
    arrays: tuple[int, ...]
    disk: Disk
    training_seconds: Range | None = None
    search_gpu_hours: Range | None = None
    final_gpu_hours: Range | None = None
    gpu_hours: Range | None = None
    wall_hours: dict[int, Range] = dataclasses.field(default_factory=dict)
    lag_hours: dict[int, float] = dataclasses.field(default_factory=dict)
    liked: int = 0
    recommended_lag: int | None = None
    busy_gpus: float | None = None


def look_ahead(search: Planned, root: Path, asked: Asked) -> Outlook:
    """Return what is foreseen of a search.

    Raises:
        UserError: earlier runs can't be read, none of the space's configurations has a network, or
            the GPUs are too few for one training.
    """
    settings, values = search.settings, search.values
    if asked.gpus is not None and asked.gpus < values["gpus_per_trial"]:
        raise UserError(
            f"--gpus must be at least gpus_per_trial, {values['gpus_per_trial']}, got {asked.gpus}"
        )
    _, classes = read_sizes(root, settings)
    population = draw_population(settings, classes)
    basis = find_basis(search, root, asked)
    order = order_of(settings)
    epochs = [
        float(rung.budget) for rungs in search.plan for rung in rungs for _ in range(rung.size)
    ]
    epochs += [float(values["final_epochs"])] * settings.final_networks
    arrays = simulate_jobs(order, epochs, None).ready
    disk = measure_disk(settings, population, max(arrays))
    if basis is None:
        return Outlook(_count(search, None), None, arrays, disk)
    liked = _find_own(search, root) if settings.method.learns else None
    times = simulate_times(settings, population, basis.speed, basis.images, liked=liked)
    devices = values["gpus_per_trial"]
    hours = devices * times.search.sum(axis=1) / 3600
    final = devices * times.final.sum(axis=1) / 3600
    total = spread(hours + final)
    lags, recommended, busy = {}, None, None
    if asked.gpus is not None and settings.method.learns:
        lags = time_lags(order, times, asked.gpus // devices, asked.job_seconds)
        recommended = recommend_lag(lags)
        busy = total.median / (asked.gpus * lags[recommended])
    return Outlook(
        forecast=_count_hours(search, basis, hours, final),
        source=basis.source,
        arrays=arrays,
        disk=disk,
        training_seconds=spread(times.search.ravel()),
        search_gpu_hours=spread(hours),
        final_gpu_hours=spread(final),
        gpu_hours=total,
        wall_hours={
            number: spread(np.array(time_jobs(order, times, number, asked.job_seconds)))
            for number in asked.workers
        },
        lag_hours=lags,
        liked=0 if liked is None else len(liked.nodes),
        recommended_lag=recommended,
        busy_gpus=busy,
    )


def _find_own(search: Planned, root: Path) -> Population | None:
    """Return the networks that a search has found good; None before it has LEARNT trainings."""
    try:
        trainings = read_trainings([root / search.folder])
    except UserError:
        return None
    return None if len(trainings) < LEARNT else find_liked(trainings, search.settings.objectives)


def order_of(settings: Settings, lag: int | None = None) -> Order:
    """Return what waits for what in a search, at another lag if one is given."""
    return Order(
        plan=settings.plan,
        lag=settings.lag if lag is None else lag,
        learns=settings.method.learns,
        makes_initial=settings.makes_initial,
        final_networks=settings.final_networks,
    )


def time_jobs(order: Order, times: Times, workers: int, job_seconds: float) -> list[float]:
    """Return the hours that simulated searches take from start to end.

    Those whose trainings take the quantiles of the total stand for all.
    """
    by_total = np.argsort(times.all.sum(axis=1), kind="stable")
    chosen = by_total[((np.arange(WALKS) + 0.5) / WALKS * len(by_total)).astype(int)]
    return [
        simulate_jobs(order, (row + job_seconds).tolist(), workers).end / 3600
        for row in times.all[chosen]
    ]


def time_lags(order: Order, times: Times, workers: int, job_seconds: float) -> dict[int, float]:
    """Return the median of the hours that a search takes, by its lag."""
    return {
        lag: float(
            np.median(time_jobs(dataclasses.replace(order, lag=lag), times, workers, job_seconds))
        )
        for lag in LAGS
    }


def recommend_lag(hours: dict[int, float]) -> int:
    """Return the smallest lag that is nearly as quick as the quickest."""
    return min(lag for lag, taken in hours.items() if taken <= NEAR * min(hours.values()))


def spread(numbers: Array) -> Range:
    """Return what 5, 50 and 95% of numbers stay below."""
    if not numbers.size:
        return Range(0.0, 0.0, 0.0)
    return Range(*(float(value) for value in np.quantile(numbers, [0.05, 0.5, 0.95])))


def _count(search: Planned, seconds_per_epoch: float | None) -> Forecast:
    return forecast(
        search.plan,
        continues=search.values["continue"],
        final_networks=search.settings.final_networks,
        final_epochs=search.values["final_epochs"],
        seconds_per_epoch=seconds_per_epoch,
        devices=search.values["gpus_per_trial"],
    )


def _count_hours(search: Planned, basis: Basis, hours: Array, final: Array) -> Forecast:
    """Return the numbers of the plan with hours: by the mean that was given, or the medians."""
    if isinstance(basis.speed, Assumed):
        return _count(search, basis.speed.seconds_per_epoch)
    counted = _count(search, None)
    devices = search.values["gpus_per_trial"]
    median = float(np.median(hours))
    return dataclasses.replace(
        counted,
        seconds_per_epoch=median * 3600 / devices / counted.epochs,
        search_gpu_hours=median,
        final_gpu_hours=float(np.median(final)) if final.size else 0.0,
    )
