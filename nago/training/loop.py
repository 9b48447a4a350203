"""The training of one network: epochs with a checkpoint after each, and what comes of them.

Every random number of an epoch comes from the seed and the epoch's number, so a checkpoint holds
no random state, and a training that was interrupted ends with the digits of one that was not.
"""

import hashlib
import json
import math
import time
from dataclasses import astuple, dataclass, replace
from pathlib import Path

import torch
from torch import nn

from nago.data.images import LabelledImages
from nago.records import RecordError, UserError
from nago.training.checkpoint import State, read_checkpoint, read_state, write_checkpoint
from nago.training.device import choose_device, is_out_of_memory, reproducible
from nago.training.epoch import SMALLEST_BATCH, train_epoch
from nago.training.evaluation import evaluate
from nago.training.optimiser import MomentumSGD
from nago.training.outcome import CurveRow, Outcome
from nago.training.run import Run


class DivergedError(Exception):
    """The loss is no number any more."""


def train_network(
    network: nn.Module, train: LabelledImages, validation: LabelledImages | None, run: Run
) -> Outcome:
    """Train a network and return what came of it; it then has the last weights.

    Goes on from the checkpoint, if there is one. When the memory is full, the batch is halved,
    the learning rate with it, and the epoch begun again.

    Args:
        network: (N, C, H, W) float32 to logits (N, classes).
        train: the images to learn from.
        validation: images for the error of each epoch, None to do without.
        run: all else.

    Raises:
        UserError: the run cannot be: its budget, batch size or device.
        RecordError: the training to be continued left no state, or one of another network.
    """
    if run.budget < 1 or run.settings.batch_size < SMALLEST_BATCH:
        raise UserError(
            f"budget must be 1 or more and batch_size {SMALLEST_BATCH} or more,"
            f" got {run.budget} and {run.settings.batch_size}"
        )
    device = choose_device(run.device)
    network.to(device)
    images = train.to(device)
    held_out = None if validation is None else validation.to(device)
    with reproducible(device, run.settings.threads):
        return _Training(network, images, held_out, run).finish()


@dataclass(frozen=True, slots=True)
class _Progress:
    """How far a training is; `epoch` of them are done, `first_epoch` by the one continued."""

    first_epoch: int
    epoch: int
    batch_size: int
    curve: tuple[CurveRow, ...]


class _Training:
    """A network under training, with what belongs to it, all on one device."""

    def __init__(
        self,
        network: nn.Module,
        train: LabelledImages,
        validation: LabelledImages | None,
        run: Run,
    ) -> None:
        self.network, self.train, self.validation, self.run = network, train, validation, run
        self.device = train.labels.device
        self.optimiser = MomentumSGD(network.parameters(), run.settings)
        self.fingerprint = _fingerprint(network, run)
        self.earlier_seconds = 0.0
        self.began = time.perf_counter()
        self.progress = self._begin()
        self.begun_at = self.progress.epoch

    def finish(self) -> Outcome:
        """Train until the budget is used up, or until no more can be done."""
        while self.progress.epoch < self.run.budget:
            try:
                row = self._try_epoch()
            except DivergedError as error:
                return self._outcome("diverged", str(error))
            if row is not None:
                progress = self.progress
                self.progress = replace(
                    progress, epoch=progress.epoch + 1, curve=(*progress.curve, row)
                )
                self._save()
                self._report(row)
                continue
            batch_size = self.progress.batch_size
            if batch_size // 2 < SMALLEST_BATCH:
                return self._outcome("out_of_memory", f"no memory for a batch of {batch_size}")
            self._halve_batch()
        return self._outcome("ok", None)

    def _begin(self) -> _Progress:
        """Load the checkpoint, or else the state to continue, or else begin."""
        state = read_checkpoint(self.run.checkpoint, self.fingerprint, self.run.report)
        if state is not None:
            self.earlier_seconds = state["seconds"]
            progress = self._restore(state)
            self.run.report(f"goes on after epoch {progress.epoch}/{self.run.budget}")
            return progress
        epoch = 0
        if self.run.start is not None:
            epoch = self._take_over(self.run.start)
            self.run.report(f"continues {self.run.start} after epoch {epoch}/{self.run.budget}")
        self.progress = _Progress(epoch, epoch, self.run.settings.batch_size, ())
        self._save()  # where to go back to if the first epoch finds the memory full
        return self.progress

    def _take_over(self, path: Path) -> int:
        """Load the weights and momentum of another training; return its epochs."""
        state = read_state(path)
        epochs: int = state["epoch"]
        if epochs >= self.run.budget:
            raise UserError(
                f"budget must be more than the {epochs} epochs of {path}, got {self.run.budget}"
            )
        try:
            self._load(state)
        except (RuntimeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise RecordError(f"{path} is the state of another network ({reason})") from None
        return epochs

    def _restore(self, state: State) -> _Progress:
        self._load(state)
        curve = tuple(CurveRow(*row) for row in state["curve"])
        return _Progress(state["first_epoch"], state["epoch"], state["batch_size"], curve)

    def _load(self, state: State) -> None:
        self.network.load_state_dict(state["network"])
        self.optimiser.load(state["velocities"])

    def _save(self) -> None:
        state = {
            "network": self.network.state_dict(),
            "velocities": self.optimiser.velocities,
            "first_epoch": self.progress.first_epoch,
            "epoch": self.progress.epoch,
            "batch_size": self.progress.batch_size,
            "curve": [astuple(row) for row in self.progress.curve],
            "seconds": self._seconds(),
        }
        write_checkpoint(self.run.checkpoint, state, self.fingerprint)

    def _try_epoch(self) -> CurveRow | None:
        """Return the row of the next epoch, or None if the memory was full."""
        try:
            return self._epoch()
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            return None  # and with the error goes all that it holds of the epoch

    def _halve_batch(self) -> None:
        self.optimiser.clear()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        batch_size = self.progress.batch_size
        self.progress = replace(
            self._restore(read_state(self.run.checkpoint)), batch_size=batch_size // 2
        )
        self._save()
        self.run.report(
            f"no memory for a batch of {batch_size}: epoch {self.progress.epoch + 1} begins again"
            f" with {batch_size // 2}, the learning rate in proportion"
        )

    def _epoch(self) -> CurveRow:
        """Return the row of the next epoch.

        Raises:
            DivergedError: a loss is no number.
        """
        progress = self.progress
        epoch = progress.epoch + 1
        tally, learning_rate = train_epoch(
            self.network,
            self.optimiser,
            self.train,
            self.run,
            epoch=progress.epoch,
            batch_size=progress.batch_size,
        )
        train_loss, train_error = tally.means()
        _check_finite("loss", train_loss, epoch)
        if self.validation is None:
            return CurveRow(epoch, learning_rate, train_loss, train_error, None, None)
        loss, error = evaluate(self.network, self.validation, progress.batch_size)
        _check_finite("validation loss", loss, epoch)
        return CurveRow(epoch, learning_rate, train_loss, train_error, loss, error)

    def _report(self, row: CurveRow) -> None:
        seconds = (time.perf_counter() - self.began) / (row.epoch - self.begun_at)
        validation = (
            ""
            if row.validation_error is None
            else f"  validation error {row.validation_error:.4f}"
        )
        self.run.report(
            f"epoch {row.epoch}/{self.run.budget}  loss {row.train_loss:.4f}"
            f"  train error {row.train_error:.4f}{validation}"
            f"  {len(self.train) / seconds:.0f} images/s"
            f"  {seconds * (self.run.budget - row.epoch):.0f} s left"
        )

    def _outcome(self, status: str, error: str | None) -> Outcome:
        progress = self.progress
        last = progress.curve[-1] if progress.curve and status == "ok" else None
        return Outcome(
            status=status,
            epochs=progress.epoch - progress.first_epoch,
            validation_error=last.validation_error if last else None,
            error=error,
            curve=progress.curve,
            batch_size=progress.batch_size,
            seconds=self._seconds(),
        )

    def _seconds(self) -> float:
        return self.earlier_seconds + time.perf_counter() - self.began


def _check_finite(name: str, loss: float, epoch: int) -> None:
    if not math.isfinite(loss):
        became = "NaN" if math.isnan(loss) else "infinite"
        raise DivergedError(f"{name} became {became} in epoch {epoch}")


def _fingerprint(network: nn.Module, run: Run) -> str:
    """Return a hash of what a checkpoint depends on."""
    shapes = {name: list(value.shape) for name, value in network.state_dict().items()}
    text = json.dumps([run.fingerprint, run.budget, run.seed, run.settings.as_dict(), shapes])
    return hashlib.sha256(text.encode()).hexdigest()
