"""When to ask the cluster next: soon while something changes, ever later while nothing does."""

import time
from collections import Counter

BACK_OFF = 1.5
"""The factor by which the time between two calls of squeue grows."""


class Pace:
    """The time between two questions, from `least` to `most` seconds."""

    def __init__(self, least: float, most: float) -> None:
        self.least, self.most = least, max(least, most)
        self._between = least
        self._due = float("-inf")
        self._last: Counter[str] = Counter()

    def is_due(self) -> bool:
        """Return whether it is time."""
        return time.monotonic() >= self._due

    def hurry(self) -> None:
        """Ask after the least time: something new was sent."""
        self._between = self.least
        self._due = min(self._due, time.monotonic() + self._between)

    def note(self, counts: Counter[str]) -> None:
        """Take in an answer: how many jobs are in each state."""
        changed = counts != self._last
        self._between = self.least if changed else min(self.most, self._between * BACK_OFF)
        self._last = counts
        self._due = time.monotonic() + self._between
