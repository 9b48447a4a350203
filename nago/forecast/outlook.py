"""The whole forecast of a search: ranges of GPU-hours and of the wall time, disk and arrays."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nago.comparison import Planned
from nago.forecast.calibration import (
    Assumed,
    Speed,
    calibrate,
    find_folders,
    read_trainings,
)
from nago.forecast.disk import Disk, measure_disk
from nago.forecast.plan import Forecast, forecast, measure_seconds_per_epoch
from nago.forecast.population import draw_population
from nago.forecast.schedule import LAGS, NEAR, Order, simulate_jobs
from nago.forecast.simulation import Images, Times, simulate_times
from nago.records import RecordError, UserError, read_json
from nago.settings import Settings

Array = NDArray[np.float64]

WORKERS = (1, 4, 16, 64)
WALKS = 21
"""Simulated searches whose jobs are put in order; the others count for the hours alone."""


@dataclass(frozen=True, slots=True)
class Range:
    """What 5, 50 and 95% of the simulated searches stay below."""

    low: float
    median: float
    high: float


@dataclass(frozen=True, slots=True)
class Asked:
    """What a user says beside the settings.

    Attributes:
        epoch_seconds: of an epoch, which then is all that is known of times.
        folders: of earlier searches to learn from; those of the data set in results if empty.
        device: whose trainings count; the one with the most if None.
        workers: trainings at a time, for the wall time.
        gpus: for which a lag is recommended, or None.
        job_seconds: that a job takes before it trains, in the wall time.
    """

    epoch_seconds: float | None = None
    folders: Sequence[Path] = ()
    device: str | None = None
    workers: Sequence[int] = WORKERS
    gpus: int | None = None
    job_seconds: float = 0.0


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
        recommended_lag: the smallest that is within a tenth of the quickest.
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
    recommended_lag: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """What trainings take, on how many images, and where that is known from."""

    speed: Speed | Assumed
    images: Images
    source: str


def look_ahead(search: Planned, root: Path, asked: Asked) -> Outlook:
    """Return what is foreseen of a search.

    Raises:
        UserError: earlier runs can't be read, or none of the space's configurations has a network.
    """
    settings, values = search.settings, search.values
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
    times = simulate_times(settings, population, basis.speed, basis.images)
    devices = values["gpus_per_trial"]
    hours = devices * times.search.sum(axis=1) / 3600
    final = devices * times.final.sum(axis=1) / 3600
    lags = {}
    if asked.gpus is not None and settings.method.learns:
        lags = time_lags(order, times, asked.gpus // devices, asked.job_seconds)
    mean = float(np.median(hours)) * 3600 / devices / _count(search, None).epochs
    if isinstance(basis.speed, Assumed):
        mean = basis.speed.seconds_per_epoch
    return Outlook(
        forecast=_count(search, mean),
        source=basis.source,
        arrays=arrays,
        disk=disk,
        training_seconds=spread(times.search.ravel()),
        search_gpu_hours=spread(hours),
        final_gpu_hours=spread(final),
        gpu_hours=spread(hours + final),
        wall_hours={
            number: spread(np.array(time_jobs(order, times, number, asked.job_seconds)))
            for number in asked.workers
        },
        lag_hours=lags,
        recommended_lag=recommend_lag(lags) if lags else None,
    )


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


def find_basis(search: Planned, root: Path, asked: Asked) -> Basis | None:
    """Return what is known of the seconds of a training; None if nothing is.

    What is given counts most, then what earlier runs say, then the setting.

    Raises:
        UserError: earlier runs were named and there are too few trainings in them.
    """
    images, _ = read_sizes(root, search.settings)
    if asked.epoch_seconds is not None:
        return _assume(asked.epoch_seconds, images, "as given")
    named = [*asked.folders] or _name_folders(search.values["calibration"], root)
    folders = named or find_folders(root, search.dataset)
    trainings = read_trainings(folders) if folders else pd.DataFrame({"device": []})
    speed = calibrate(trainings, asked.device)
    if named and speed is None:
        raise UserError(
            f"there are too few trainings to learn from, {len(trainings)} in"
            f" {', '.join(map(str, named))}; give more folders, or --epoch-seconds"
        )
    if speed is not None:
        if images is None:
            whole = speed.images / (1 - search.values["validation_fraction"])
            images = Images(speed.images, whole)
        source = f"{speed.trainings} earlier trainings on {speed.device}"
        return Basis(speed, images, source)
    own = measure_seconds_per_epoch(root / search.folder / "costs.csv")
    if own is not None:
        return _assume(own, images, "the mean of its own costs.csv")
    given = search.values["seconds_per_epoch"]
    return None if given is None else _assume(given, images, "the setting seconds_per_epoch")


def _assume(seconds: float, images: Images | None, source: str) -> Basis:
    text = f"{seconds:.3g} s an epoch, {source}"
    return Basis(Assumed(seconds), images or Images(1.0, 1.0), text)


def _name_folders(given: str | Sequence[str] | None, root: Path) -> list[Path]:
    named = [given] if isinstance(given, str) else given or []
    return [root / folder for folder in named]


def read_sizes(root: Path, settings: Settings) -> tuple[Images | None, int | None]:
    """Return the images of an epoch and the classes, None if the data isn't prepared yet."""
    try:
        info = read_json(root / "data" / settings.dataset / "dataset.json")
        sizes = info["sizes"]
        images = Images(sizes["train"], sizes["train"] + sizes["validation"])
        return images, len(info["class_names"])
    except (RecordError, KeyError, TypeError):
        return None, None


def _count(search: Planned, seconds_per_epoch: float | None) -> Forecast:
    return forecast(
        search.plan,
        continues=search.values["continue"],
        final_networks=search.settings.final_networks,
        final_epochs=search.values["final_epochs"],
        seconds_per_epoch=seconds_per_epoch,
        devices=search.values["gpus_per_trial"],
    )
