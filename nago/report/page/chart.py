"""Charts of the page: marks and curves by their place in per cent of the plot.

Text of the page stands around a plot that is stretched to its place, so one chart serves every
width, both colour schemes, paper, and readers without JavaScript. The ticks are matplotlib's.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.ticker import LogLocator, MaxNLocator

WIDE = 8
"""Largest over smallest value from which an axis is logarithmic."""

LOOKS = 6
"""Colours, and shapes of marks."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """From values to places in per cent; `ticks` are places with their texts."""

    label: str
    low: float
    high: float
    log: bool
    ticks: tuple[tuple[float, str], ...] = ()

    def place(self, value: float) -> float:
        """Return the place of a value, 0 to 100."""
        low, high, at = self.low, self.high, value
        if self.log:
            low, high, at = math.log(low), math.log(high), math.log(value)
        return round(100 * (at - low) / (high - low), 3)


@dataclass(frozen=True, slots=True)
class Series:
    """What the legend names, its colour and shape by number, and how much of it there is."""

    name: str
    colour: int
    shape: int
    note: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """A point of a series, what is said of it, and whether it is filled."""

    series: int
    x: float
    y: float
    text: str
    filled: bool = True
    small: bool = False


@dataclass(frozen=True, slots=True)
class Curve:
    """A path in a square of 100 by 100, as a line, dashed or not, or as an area."""

    series: int
    path: str
    kind: str = "line"


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart, ready to be written; `summary` says in words what there is to see."""

    name: str
    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    marks: tuple[Mark, ...]
    curves: tuple[Curve, ...]
    summary: str
    caption: str
    notes: tuple[str, ...] = ()


def choose_axis(label: str, values: Sequence[float], *, zero: bool = False) -> Axis:
    """Return an axis with room for all values, logarithmic if they are positive and far apart.

    Args:
        label: what is measured, with its unit.
        values: finite numbers; there may be none.
        zero: whether the axis is linear and begins at 0.
    """
    low, high = min(values, default=0.0), max(values, default=1.0)
    log = not zero and 0 < WIDE * low < high
    if log:
        room = (high / low) ** 0.04
        axis = Axis(label, low / room, high * room, log)
    else:
        low = 0.0 if zero else low
        room = 0.05 * (high - low) or 0.1 * abs(high) or 1.0
        axis = Axis(label, low if zero else low - room, high + room, log)
    locator = LogLocator(subs=(1, 2, 5)) if log else MaxNLocator(6, steps=[1, 2, 2.5, 5, 10])
    found = [float(v) for v in locator.tick_values(axis.low, axis.high)]
    places = [(axis.place(v), f"{v:,.6g}") for v in found if axis.low <= v <= axis.high]
    return Axis(label, axis.low, axis.high, log, tuple(places))


def choose_series(names: Sequence[str], notes: Sequence[str]) -> tuple[Series, ...]:
    """Return series that differ in colour, and past those in the shape beside it."""
    return tuple(
        Series(name, place % LOOKS, (place + place // LOOKS) % LOOKS, note)
        for place, (name, note) in enumerate(zip(names, notes, strict=True))
    )


def draw_steps(points: Sequence[Point]) -> str:
    """Return a path of steps: each height holds until the next point."""
    parts = [f"M{_point(points[0])}"]
    for x, y in points[1:]:
        parts.append(f"H{x:g}V{100 - y:g}")
    return "".join(parts)


def draw_band(low: Sequence[Point], high: Sequence[Point]) -> str:
    """Return the area between two curves of steps over the same places."""
    upper = [high[0]]
    for (_, before), (x, y) in itertools.pairwise(high):
        upper += [(x, before), (x, y)]
    return f"{draw_steps(low)}L{'L'.join(_point(point) for point in reversed(upper))}Z"


def _point(point: Point) -> str:
    return f"{point[0]:g} {100 - point[1]:g}"
