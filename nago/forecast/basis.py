"""Where a forecast knows seconds from: what is given, earlier runs, or the settings."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from nago.comparison import Planned
from nago.forecast.calibration import (
    Assumed,
    Speed,
    calibrate,
    find_folders,
    read_trainings,
)
from nago.forecast.plan import measure_seconds_per_epoch
from nago.forecast.simulation import Images
from nago.records import RecordError, UserError, read_json
from nago.settings import Settings

WORKERS = (1, 4, 16, 64)


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


@dataclass(frozen=True, slots=True, eq=False)
class Basis:
    """What trainings take, on how many images, and where that is known from."""

    speed: Speed | Assumed
    images: Images
    source: str


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
