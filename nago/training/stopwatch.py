"""The stopwatch: how long a training has taken, over all its runs, and when that is too long."""

import time
from collections.abc import Mapping
from typing import Any


class TimedOutError(Exception):
    """The training took longer than it may."""


class Stopwatch:
    """Counts the seconds of a training and how often it was started.

    Only the time of its runs counts, each up to the last checkpoint that it left, never the wait
    in a queue between them. Looking at it costs a GPU nothing.

    Args:
        limit: seconds that the training may take; None for no limit.
    """

    def __init__(self, limit: float | None) -> None:
        self._limit = limit
        self._began = time.perf_counter()
        self.earlier_seconds = 0.0
        self.restarts = 0

    @property
    def seconds(self) -> float:
        """The seconds of all runs so far."""
        return self.earlier_seconds + time.perf_counter() - self._began

    def is_over(self) -> bool:
        """Return whether the limit is reached."""
        return self._limit is not None and self.seconds >= self._limit

    def was_over(self) -> bool:
        """Return whether it was when this run began."""
        return self._limit is not None and self.earlier_seconds >= self._limit

    def describe(self, epochs: int, budget: int) -> str:
        """Return in words that the limit is reached, and how far the training came."""
        hours = (self._limit or 0.0) / 3600
        return (
            f"took longer than max_trial_hours {hours:g}: {self.seconds:.0f} s for {epochs} of"
            f" {budget} epochs"
        )

    def to_state(self) -> dict[str, Any]:
        """Return what a checkpoint keeps."""
        return {"seconds": self.seconds, "restarts": self.restarts}

    def go_on(self, state: Mapping[str, Any]) -> None:
        """Count on from a checkpoint; those of earlier versions don't have the restarts."""
        self.earlier_seconds = state["seconds"]
        self.restarts = state.get("restarts", 0) + 1
