"""Figures of the front: what was tried in two objectives, and how the hypervolume grew."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from nago.generators.complexity import MEGABYTE
from nago.report.figures.style import INK, mark, open_style, write_figure
from nago.search.front import select_compared

LABELS = {
    "validation_error": ("validation error (%)", 100.0),
    "sample_memory_bytes": ("sample memory (MB)", 1 / MEGABYTE),
    "parameters": ("parameters (millions)", 1e-6),
    "multiply_adds": ("multiply-adds (millions)", 1e-6),
}
"""What an objective is called in a figure, and the factor from its column to that unit."""

WIDE = 8
"""Largest over smallest value from which an axis is logarithmic."""


def draw_front(
    table: pd.DataFrame,
    front: pd.DataFrame,
    path: Path,
    *,
    objectives: Sequence[str],
    name: str,
) -> None:
    """Draw each trial by the first two objectives, its bracket as its colour, and the front.

    Args:
        table: a row per trial; bracket -1 are trials of an earlier search.
        front: the trials on the front.
        path: the SVG file.
        objectives: columns; the first one stands upright.
        name: of the data set and the search, for the title.
    """
    upright, flat = objectives[:2]
    trials = select_compared(table, [upright, flat])
    with open_style():
        figure = Figure(figsize=(7.4, 4.8), layout="constrained")
        axes = figure.add_subplot()
        axes.set_title(f"{name}: trials at the largest budget and their front", pad=14)
        x, y = scale_objective(trials, flat), scale_objective(trials, upright)
        label_objectives(axes, flat, upright, x, y)
        if len(trials):
            _plot_rounds(figure, axes, x, y, trials["bracket"].to_numpy(dtype=float))
        _plot_front(axes, scale_objective(front, flat), scale_objective(front, upright))
        figure.legend(loc="outside lower right")
        write_figure(figure, path)


def draw_hypervolume(growth: pd.DataFrame, path: Path, *, name: str) -> None:
    """Draw the hypervolume against trials and against epochs, as SVG.

    Args:
        growth: a row per bracket, as `nago.search.front.trace_hypervolume` gives it.
        path: the SVG file.
        name: of the data set and the search, for the title.
    """
    with open_style():
        figure = Figure(figsize=(9, 3.8), layout="constrained")
        figure.suptitle(f"{name}: how the front grew", x=0.01, ha="left")
        panels = figure.subplots(1, 2, sharey=True)
        for axes, column in zip(panels, ("trials", "epochs"), strict=True):
            axes.plot(
                growth[column],
                100 * growth["hypervolume"],
                drawstyle="steps-post",
                color=INK,
                marker="o",
                markersize=4,
            )
            axes.set_xlim(0, 1.03 * max([1, *growth[column]]))
            axes.set_xlabel(f"{column}, all brackets together")
            axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        panels[0].set_ylim(0, 100 * max([0.01, *growth["hypervolume"]]) * 1.05)
        panels[0].set_ylabel("hypervolume (% of the box)")
        write_figure(figure, path)


def _plot_rounds(
    figure: Figure, axes: Axes, x: np.ndarray, y: np.ndarray, rounds: np.ndarray
) -> None:
    scale = Normalize(rounds.min(), max(rounds.max(), rounds.min() + 1))
    colours = colormaps["viridis_r"](scale(rounds))
    axes.scatter(x, y, c=colours, s=30, edgecolors="white", linewidths=0.5, zorder=3)
    bar = figure.colorbar(ScalarMappable(scale, "viridis_r"), ax=axes, label="bracket")
    bar.ax.yaxis.set_major_locator(MaxNLocator(6, integer=True))


def _plot_front(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    order = np.argsort(x)
    axes.plot(x[order], y[order], color="#D55E00", drawstyle="steps-post", linewidth=1.4, zorder=2)
    look = mark("o", "#D55E00", size=9) | {"markerfacecolor": "none"}
    axes.plot(x, y, label=f"front ({len(x)} trials)", **look)


def label_objectives(axes: Axes, flat: str, upright: str, x: np.ndarray, y: np.ndarray) -> None:
    """Name two objectives at the axes, and make an axis logarithmic whose values differ much."""
    for values, axis, scale, name in (
        (x, axes.xaxis, axes.set_xscale, flat),
        (y, axes.yaxis, axes.set_yscale, upright),
    ):
        axis.set_label_text(LABELS[name][0])
        if len(values) and 0 < WIDE * values.min() < values.max():
            scale("log")
            axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def scale_objective(table: pd.DataFrame, objective: str) -> np.ndarray:
    """Return a column (n,) in the unit of LABELS, NaN where a trial has no value."""
    values = table[objective].to_numpy(dtype=np.float64, na_value=np.nan)
    return np.asarray(LABELS[objective][1] * values)
