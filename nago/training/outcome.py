"""What came of a training: its curve, one row for each epoch, and its outcome."""

import csv
import dataclasses
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nago.records import write_text


class DivergedError(Exception):
    """The loss is no number any more."""


def check_finite(name: str, loss: float, epoch: int) -> None:
    """Raise DivergedError unless a loss of an epoch is a number."""
    if not math.isfinite(loss):
        became = "NaN" if math.isnan(loss) else "infinite"
        raise DivergedError(f"{name} became {became} in epoch {epoch}")


@dataclass(frozen=True, slots=True)
class CurveRow:
    """What an epoch gave; epochs count from 1, errors are in [0, 1], losses in nats.

    `learning_rate` is that of its first step. A top-5 error counts images whose class is not
    among the five best answers. The train numbers are means over its batches, with
    augmentation and moving weights; the validation ones are None without such images.
    """

    epoch: int
    learning_rate: float
    train_loss: float
    train_error: float
    validation_loss: float | None
    validation_error: float | None
    validation_top5_error: float | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a training.

    `status` is `ok` or one of `nago.failures.FAILED`; those say why in `error` and have no
    `validation_error`, which is that of the last epoch, in [0, 1]. `epochs` are those trained
    here, one that failed not counted; `batch_size` is the last one; `seconds` are those of all
    runs, up to their last checkpoints; `images_per_second` is the speed of the last run,
    validation included, None if it trained none; `restarts` are the runs that went on from a
    checkpoint.
    """

    status: str
    epochs: int
    validation_error: float | None
    error: str | None
    curve: tuple[CurveRow, ...]
    batch_size: int
    seconds: float
    images_per_second: float | None
    restarts: int = 0


def write_curve(path: Path, rows: Sequence[CurveRow]) -> None:
    """Write a curve as CSV, whole or not at all; floats with the digits that give them back."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(field.name for field in dataclasses.fields(CurveRow))
    writer.writerows(dataclasses.astuple(row) for row in rows)
    write_text(path, buffer.getvalue())
