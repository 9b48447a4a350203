"""Panels: a figure with a panel per data set, and one legend for all of them."""

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

from nago.report.figures.looks import Look
from nago.report.figures.style import INK

COLUMNS = 3
WIDE = 8
"""Largest over smallest value from which an axis is logarithmic."""

LINE = 48
"""Letters that fit above a panel."""

QUIET = "#666666"
NOTHING = "no search to compare"


def open_panels(
    names: Sequence[str], title: str, *, width: float = 4.3, height: float = 3.5
) -> tuple[Figure, dict[str, Axes]]:
    """Return a figure and its panels by name; without names, one that says so.

    Args:
        names: of the data sets.
        title: of the figure.
        width: of a panel, in inches; a lone one is wider.
        height: of a panel, in inches.
    """
    columns = max(1, min(COLUMNS, len(names)))
    rows = max(1, math.ceil(len(names) / columns))
    size = (max(7.2, width * columns), height * rows + 1.1)
    figure = Figure(figsize=size, layout="constrained")
    figure.suptitle(title, x=0.01, ha="left", color=INK)
    grid = figure.subplots(rows, columns, squeeze=False)
    panels = dict(zip(names, grid.flat, strict=False))
    for axes in grid.flat[len(names) :]:
        axes.set_axis_off()
    for name, axes in panels.items():
        axes.set_title(name)
    if not names:
        say(grid[0, 0], NOTHING)
    return figure, panels


def say(axes: Axes, text: str) -> None:
    """Say in words why a panel shows nothing."""
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes, color=QUIET)


def name_absent(axes: Axes, absent: Sequence[str], what: str = "no result") -> None:
    """Say below a panel's title which contestants it lacks."""
    if absent:
        lines = textwrap.wrap(f"{what}: {', '.join(absent)}", LINE, break_on_hyphens=False)
        axes.set_title("\n".join([axes.get_title(loc="left"), *lines]))


def add_legend(figure: Figure, looks: Mapping[str, Look], *, lines: bool = True) -> None:
    """Explain the contestants below all panels, if there are any."""
    handles = [
        Line2D([], [], label=name, **{**look.mark(), **(look.stroke() if lines else {})})
        for name, look in looks.items()
    ]
    if handles:
        figure.legend(
            handles=handles,
            loc="outside lower center",
            ncols=min(4, len(handles)),
            handlelength=4 if lines else 1.5,
        )


def fit_error_axis(axes: Axes, errors: Iterable[float]) -> None:
    """Make the upright axis logarithmic if errors (%) differ much, with ticks at 1, 2 and 5."""
    values = np.asarray(list(errors), dtype=np.float64)
    if len(values) and 0 < WIDE * values.min() < values.max():
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def fit_epoch_axis(axes: Axes, last: float) -> None:
    """Let an axis begin at no epochs and end after the last."""
    axes.set_xlim(0, 1.03 * max(1.0, last))
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
