"""Looks: what each contestant looks like in every figure that compares them.

A contestant has one colour, one marker and one line in all panels, so that a figure can be read
without colours as well. Random search, the baseline, is dashed; no other contestant is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from nago.report.contestants import RANDOM, choose_searches
from nago.report.figures.style import COLOURS, MARKERS, mark
from nago.report.runs import Run

DASHED = (0, (4, 2))
LINES: list[Any] = [
    "-",
    (0, (6, 1.5, 1, 1.5)),
    (0, (1, 1.2)),
    (0, (6, 1, 1, 1, 1, 1)),
    (0, (9, 1)),
]


@dataclass(frozen=True, slots=True)
class Look:
    """The colour, marker and line of a contestant."""

    colour: str
    marker: str
    line: Any

    def mark(self, *, filled: bool = True, size: float = 6) -> dict[str, Any]:
        """Return the look of its marks, as arguments of matplotlib's lines."""
        return mark(self.marker, self.colour, filled=filled, size=size)

    def stroke(self) -> dict[str, Any]:
        """Return the look of its lines, as arguments of matplotlib's lines."""
        return {"color": self.colour, "linestyle": self.line, "linewidth": 1.6}


def choose_looks(runs: Sequence[Run]) -> dict[str, Look]:
    """Return the look of each contestant that searches, all different for 36 of them."""
    methods = {run.contestant: run.method for run in choose_searches(runs)}
    looks = {}
    for place, (contestant, method) in enumerate(methods.items()):
        turn, colour = divmod(place, len(COLOURS))
        marker = MARKERS[(colour + turn) % len(MARKERS)]
        line = DASHED if method == RANDOM else LINES[place % len(LINES)]
        looks[contestant] = Look(COLOURS[colour], marker, line)
    return looks
