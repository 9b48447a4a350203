"""Progress: the lines of a training's log, after each epoch and now and then within one."""

import time
from collections.abc import Callable

from nago.training.outcome import CurveRow

INTERVAL = 30.0
"""Seconds between two lines within an epoch; reading the loss makes a GPU wait."""


class Progress:
    """Reports how far a training is, how quick and how well.

    The clock decides when a line is printed and what it says of the speed, and nothing else.
    """

    def __init__(self, budget: int, images: int, report: Callable[[str], None]) -> None:
        self.budget, self.images, self.report = budget, images, report
        self.began = self.last = time.perf_counter()
        self.seen = self._before = 0

    def begin_epoch(self, seen: int) -> None:
        """Begin an epoch of which `seen` images were seen by an earlier process."""
        self._before = seen

    def count(self, seen: int) -> None:
        """Take note of the images seen of this epoch."""
        self.seen += seen - self._before
        self._before = seen

    def speed(self) -> float | None:
        """Return the images per second so far; None before the first."""
        return self.seen / (time.perf_counter() - self.began) if self.seen else None

    def due(self) -> bool:
        """Return whether a line is due within the epoch."""
        return time.perf_counter() - self.last >= INTERVAL

    def step(self, epoch: int, seen: int, total: int, loss: float) -> None:
        """Report a step; epochs count from 1, `seen` and `total` are images of this one."""
        done = (epoch - 1) + seen / total
        self._report(f"epoch {epoch}/{self.budget}  {seen}/{total} images  loss {loss:.4f}", done)

    def epoch(self, row: CurveRow) -> None:
        """Report a whole epoch."""
        validation = (
            ""
            if row.validation_error is None
            else f"  validation error {row.validation_error:.4f}"
        )
        self._report(
            f"epoch {row.epoch}/{self.budget}  loss {row.train_loss:.4f}"
            f"  train error {row.train_error:.4f}{validation}",
            row.epoch,
        )

    def _report(self, text: str, done: float) -> None:
        self.last = time.perf_counter()
        speed = self.speed() or 0.0
        left = (self.budget - done) * self.images / speed if speed else 0.0
        self.report(f"{text}  {speed:.0f} images/s  {left:.0f} s left")
