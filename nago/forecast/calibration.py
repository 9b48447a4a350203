"""What earlier runs say of the seconds of a training: from their `trials.csv` and `costs.csv`.

A training takes a start, and for each epoch a share of its multiply-adds, of the bytes that it
keeps, and of the operations that its steps call one by one. Each device has its own shares.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nago.forecast.population import Population
from nago.forecast.regression import Fits, fit_seconds, resample_fits
from nago.records import RecordError, UserError
from nago.tables import join_tables, read_table

Array = NDArray[np.float64]

FEWEST = 8
"""Trainings on a device below which nothing is learnt from them."""

FITS = 200
COLUMNS = ("start", "multiply_adds", "sample_memory", "calls")


@dataclass(frozen=True, slots=True, eq=False)
class Work:
    """What an epoch trains: its images, and how many a step takes, of all networks or of each."""

    images: float
    batch_size: float | Array


@dataclass(frozen=True, slots=True, eq=False)
class Speed:
    """Seconds of trainings on a device, as earlier ones took them; simulated `len(fits)` times.

    Attributes:
        device: the name of the device, as in the costs.
        trainings: how many it is learnt from.
        images: of an epoch in them, their median.
        coefficients: of the fit to all of them: of a training, then of the epochs.
        fits: fits to resampled ones.
    """

    device: str
    trainings: int
    images: float
    coefficients: Array
    fits: Fits

    def predict(self, population: Population, work: Work) -> tuple[Array, Array]:
        """Return the seconds to start, (fits,), and those of an epoch, (fits, networks)."""
        columns = epoch_columns(
            *(population.multiply_adds, population.sample_memory, population.nodes),
            np.full(len(population.nodes), work.images),
            np.full(len(population.nodes), work.batch_size, dtype=float),
        )
        found = self.fits.coefficients
        return found[:, 0], found[:, 1:] @ columns.T

    def draw_ratios(self, rng: np.random.Generator, count: int) -> Array:
        """Return (fits, count) factors by which trainings differ from what is predicted."""
        return np.array([rng.choice(ratios, count) for ratios in self.fits.ratios])


@dataclass(frozen=True, slots=True, eq=False)
class Assumed:
    """Seconds by a mean that was given: networks differ as their multiply-adds do."""

    seconds_per_epoch: float
    number: int = FITS

    def predict(self, population: Population, work: Work) -> tuple[Array, Array]:
        """Return the seconds to start, (number,), and those of an epoch, (number, networks)."""
        shares = population.multiply_adds / population.multiply_adds.mean()
        return np.zeros(self.number), np.tile(self.seconds_per_epoch * shares, (self.number, 1))

    def draw_ratios(self, rng: np.random.Generator, count: int) -> Array:
        """Return (number, count) factors, all 1: nothing is known of how trainings differ."""
        return np.ones((self.number, count))


def epoch_columns(
    multiply_adds: Array, sample_memory: Array, nodes: Array, images: Array, batch: Array
) -> Array:
    """Return what an epoch of each of n trainings does: (n, 3), as COLUMNS without the start."""
    calls = np.ceil(images / batch) * nodes
    return np.column_stack([images * multiply_adds, images * sample_memory, calls])


def find_folders(root: Path, dataset: str) -> list[Path]:
    """Return the folders of the searches on a data set that have costs."""
    folders = sorted((root / "results" / dataset).glob("*/"))
    return [folder for folder in folders if any(_list_tables(folder))]


def read_trainings(folders: Sequence[Path]) -> pd.DataFrame:
    """Return the trainings of earlier searches that ended well, a row each.

    Args:
        folders: of searches, or `costs.csv` with a `trials.csv` beside it. Of a search that goes
            on, the brackets that are done count.

    Raises:
        UserError: a folder has no table of costs with one of trials beside it.
    """
    found = []
    for folder in folders:
        tables = [*_list_tables(folder)]
        if not tables:
            raise UserError(
                f"{folder} has no costs.csv with a trials.csv beside it; give the folder of a"
                " search, as in results/digits/hnag-bohb"
            )
        found += [_read_pair(costs, folder) for costs in tables]
    return join_tables(found)


def _list_tables(folder: Path) -> Iterator[Path]:
    """Yield the tables of costs of a search: of all brackets in one, or of each that is done."""
    whole = folder if folder.suffix == ".csv" else folder / "costs.csv"
    parts = sorted(
        folder.glob("bracket*/costs.csv"), key=lambda path: (len(path.parent.name), path)
    )
    for path in [whole] if whole.with_name("trials.csv").exists() else parts:
        if path.exists() and path.with_name("trials.csv").exists():
            yield path


def _read_pair(path: Path, folder: Path) -> pd.DataFrame:
    """Return the good trainings of a table of costs and the one of trials beside it."""
    try:
        trials, costs = read_table(path.with_name("trials.csv")), read_table(path)
        kept = ["trial", "status", "validation_error", "parameters", "multiply_adds"]
        kept += ["sample_memory_bytes", "nodes"]
        used = ["trial", "bracket", "epochs", "seconds", "images_per_second"]
        both = costs[[*used, "batch_size", "device"]].merge(trials[kept], on="trial")
    except RecordError as error:
        raise UserError(str(error)) from None
    except KeyError as error:
        raise UserError(f"{path} is no table of costs: {error.args[0]}") from None
    good = both[(both["status"] == "ok") & (both["epochs"] > 0) & (both["seconds"] > 0)]
    images = (good["images_per_second"] * good["seconds"] / good["epochs"]).round()
    groups = [f"{folder}/{bracket}" for bracket in good["bracket"]]
    return good.assign(images=images, group=groups).dropna(subset=["images"])


def calibrate(trainings: pd.DataFrame, device: str | None = None) -> Speed | None:
    """Return what trainings took on a device; None if there are too few on any.

    Args:
        trainings: as `read_trainings` gives them.
        device: its name, or None: the one with the most trainings.

    Raises:
        UserError: there are too few trainings on the device that was named.
    """
    numbers = trainings["device"].value_counts()
    if device is None:
        if numbers.empty or numbers.iloc[0] < FEWEST:
            return None
        device = str(sorted(numbers[numbers == numbers.iloc[0]].index)[0])
    elif numbers.get(device, 0) < FEWEST:
        known = ", ".join(f"{number} on {name}" for name, number in numbers.items())
        raise UserError(
            f"--device must have {FEWEST} trainings or more, got {device!r}; there are"
            f" {known or 'none'}"
        )
    own = trainings[trainings["device"] == device]
    columns, seconds = training_columns(own), own["seconds"].to_numpy(float)
    return Speed(
        device=device,
        trainings=len(own),
        images=float(own["images"].median()),
        coefficients=fit_seconds(columns, seconds),
        fits=resample_fits(columns, seconds, [*own["group"]], number=FITS, seed=0),
    )


def training_columns(trainings: pd.DataFrame) -> Array:
    """Return what each of n trainings did: (n, 4), as COLUMNS.

    Where all have as many epochs, a start can't be told from them: its column is 0.
    """
    names = ("multiply_adds", "sample_memory_bytes", "nodes", "images", "batch_size")
    epochs = trainings["epochs"].to_numpy(float)
    starts = np.full(len(trainings), float(len({*epochs}) > 1))
    by_epoch = epoch_columns(*(trainings[name].to_numpy(float) for name in names))
    return np.column_stack([starts, epochs[:, None] * by_epoch])
