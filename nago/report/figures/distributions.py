"""Figures of the studies: how random draws of the generators spread.

Drawn in the style of `nago.report.figures.style`: equal tables give equal bytes.
"""

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from nago.generators.complexity import MEGABYTE
from nago.report.figures.style import COLOURS, INK, MARKERS, mark, open_style, write_figure

MEMORY_BINS = 40
PANELS = {
    "edges": "edges, for all P alike",
    "depth": "nodes on the longest path, mean",
    "input_nodes": "input nodes, mean",
}
"""What is drawn of graphs, and its titles; rewiring moves edges and leaves their number."""

QUIET = "#666666"
POSSIBLE: dict[str, Any] = {"color": "#d9d9d9", "linewidth": 12, "zorder": 1}
OBSERVED: dict[str, Any] = {"color": QUIET, "linewidth": 4, "zorder": 2}


def draw_memory(draws: pd.DataFrame, path: Path) -> None:
    """Draw histograms of the sample memory as SVG: a row per generator, a column per images.

    Args:
        draws: a row per draw, with `generator`, `images` and `sample_memory_bytes`.
        path: the SVG file.
    """
    draws = draws.assign(memory=draws["sample_memory_bytes"].astype(float) / MEGABYTE)
    generators, kinds = list(draws["generator"].unique()), list(draws["images"].unique())
    edges = log_edges(draws["memory"], MEMORY_BINS)
    with open_style():
        size = (4.6 * len(kinds), 1.5 * len(generators) + 0.9)
        figure = Figure(figsize=size, layout="constrained")
        figure.suptitle(
            "Sample memory of random draws, a row per generator (dashed: the median)",
            x=0.01,
            ha="left",
            color=INK,
        )
        grid = figure.subplots(
            len(generators), len(kinds), sharex=True, sharey=True, squeeze=False
        )
        for row, generator in enumerate(generators):
            for column, images in enumerate(kinds):
                chosen = (draws["generator"] == generator) & (draws["images"] == images)
                memory = draws.loc[chosen, "memory"].to_numpy()
                draw_histogram(grid[row, column], memory, edges, generator, COLOURS[row])
            grid[row, 0].set_ylabel("share of draws (%)")
        for column, images in enumerate(kinds):
            grid[0, column].set_title(f"{images} images", pad=18)
            grid[-1, column].set_xlabel("sample memory (MB per image)")
        use_log_axis(grid[0, 0], edges[0], edges[-1])
        write_figure(figure, path)


def draw_nodes(summary: pd.DataFrame, path: Path) -> None:
    """Draw the observed numbers of operations within the possible ones as SVG.

    Args:
        summary: a row per generator, as `nago.studies.summaries.summarise_nodes` gives it.
        path: the SVG file.
    """
    rows = summary.to_dict("records")
    with open_style():
        figure = Figure(figsize=(9, 0.75 * len(rows) + 1.6), layout="constrained")
        axes = figure.add_subplot()
        axes.set_title("Operations of random draws, within what the space allows", pad=14)
        axes.set_xlabel("operations of a network")
        for place, row in enumerate(rows):
            _draw_range(axes, row, place)
        axes.set_yticks(range(len(rows)), [row["generator"] for row in rows])
        axes.set_ylim(len(rows) - 0.6, -0.7)
        axes.grid(visible=False, axis="y")
        use_log_axis(axes, summary["possible_min"].min(), summary["possible_max"].max())
        figure.legend(handles=_explain_ranges(), loc="outside lower center", ncols=3)
        write_figure(figure, path)


def draw_variance(configurations: pd.DataFrame, within: float, path: Path) -> None:
    """Draw the memory of the draws of each configuration, sorted by their mean, as SVG.

    Args:
        configurations: a row each, as `nago.studies.summaries.summarise_repeats` gives it.
        within: the share of the variance of all draws within configurations, in [0, 1].
        path: the SVG file.
    """
    table = configurations.sort_values(["mean_mb", "configuration"]).reset_index(drop=True)
    places, mean = np.arange(1, len(table) + 1), table["mean_mb"]
    with open_style():
        figure = Figure(figsize=(9, 6), layout="constrained")
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 2])
        upper.set_title(
            f"Draws of {len(table)} random HNAG configurations:"
            f" {format_share(within)} of the variance lies within a configuration"
        )
        upper.set_ylabel("sample memory (MB per image)")
        lower.set_ylabel("from the mean (%)")
        lower.set_xlabel("configurations, in order of their mean")
        spread: dict[str, Any] = {"color": COLOURS[0], "linewidth": 4, "zorder": 2}
        upper.vlines(places, table["min_mb"], table["max_mb"], **spread)
        upper.plot(places, mean, **mark("_", INK))
        ends = (100 * (table[f"{end}_mb"] / mean - 1) for end in ("min", "max"))
        lower.vlines(places, *ends, **spread)
        lower.plot(places, 100 * table["sd_mb"] / mean, **mark("o", COLOURS[1], filled=False))
        lower.axhline(0, color=INK, linewidth=1)
        lower.set_xlim(0, len(table) + 1)
        lower.set_xticks([1, *range(10, len(table) + 1, 10)])
        handles = [
            Line2D([], [], label="least to most of the draws", **spread),
            Line2D([], [], label="mean", **mark("_", INK)),
            Line2D([], [], label="standard deviation", **mark("o", COLOURS[1], filled=False)),
        ]
        upper.legend(handles=handles, loc="upper left")
        write_figure(figure, path)


def draw_neighbours(table: pd.DataFrame, path: Path) -> None:
    """Draw what graphs are like against K, a panel per measure and a line per P, as SVG.

    Args:
        table: a row per P and K, as `nago.studies.rings.compare_neighbours` gives it.
        path: the SVG file.
    """
    effective = table.drop_duplicates("k").set_index("k")["effective_k"]
    groups = [(p, rows) for p, rows in table.groupby("p")]
    with open_style():
        figure = Figure(figsize=(10.5, 4.2), layout="constrained")
        figure.suptitle(
            "Watts-Strogatz graphs of 10 nodes: an odd K is the K below it", x=0.01, ha="left"
        )
        for axes, (name, label) in zip(figure.subplots(1, 3), PANELS.items(), strict=True):
            axes.set_title(label)
            axes.set_xlabel("K given, and below it the effective K")
            axes.set_xticks(list(effective.index), [f"{k}\n{own}" for k, own in effective.items()])
            for place, (_, rows) in enumerate(groups):
                _draw_steps(axes, rows, name, place)
            axes.set_ylim(bottom=0)
        handles = [
            Line2D([], [], label=f"P = {p:g}", **_mark_of_p(place))
            for place, (p, _) in enumerate(groups)
        ]
        handles.append(Line2D([], [], label="odd K", **mark("o", QUIET, filled=False)))
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        write_figure(figure, path)


def format_share(share: float) -> str:
    """Return a share as a percentage with two digits that say something."""
    percent = 100 * share
    return f"{percent:.2g} %" if percent < 10 else f"{percent:.0f} %"


def draw_histogram(
    axes: Axes, memory: np.ndarray, edges: np.ndarray, name: str, colour: str
) -> None:
    """Draw the shares of the bins, and above them the range from 5 to 95 % and the median."""
    counts, _ = np.histogram(memory, edges)
    shares = 100 * counts / len(memory)
    axes.stairs(shares, edges, fill=True, color=colour, alpha=0.35)
    axes.stairs(shares, edges, color=colour, linewidth=1.3)
    axes.set_axisbelow(True)
    low, median, high = np.quantile(memory, [0.05, 0.5, 0.95])
    axes.axvline(median, color=INK, linewidth=1.2, linestyle=(0, (4, 2)))
    text = f"{name}: median {median:.3g}, 5 to 95 % {low:.3g} to {high:.3g} MB"
    axes.annotate(text, (0, 1), (0, 4), xycoords="axes fraction", textcoords="offset points")


def _draw_range(axes: Axes, row: Mapping[Hashable, Any], place: int) -> None:
    """Draw the possible and the observed range of a generator, with a text above."""
    possible, observed = (row["possible_min"], row["possible_max"]), (row["min"], row["max"])
    colour = COLOURS[place % len(COLOURS)]
    for limits, look in ((possible, POSSIBLE), (observed, OBSERVED | {"color": colour})):
        axes.plot(limits, [place, place], solid_capstyle="butt", **look)
    axes.plot(row["median"], place, **mark(MARKERS[place % len(MARKERS)], colour))
    text = f"{_span(*observed)} seen, median {row['median']:g}; {_span(*possible)} possible"
    axes.annotate(text, (possible[0], place), (0, 11), textcoords="offset points", color=INK)


def _draw_steps(axes: Axes, rows: pd.DataFrame, name: str, place: int) -> None:
    """Draw a measure against K: filled marks for even K, hollow ones for odd."""
    axes.plot(rows["k"], rows[name], color=COLOURS[place], linewidth=1, alpha=0.6)
    for filled in (True, False):
        chosen = rows[(rows["k"] % 2 == 0) == filled]
        axes.plot(chosen["k"], chosen[name], **_mark_of_p(place, filled=filled))


def _explain_ranges() -> list[Line2D]:
    return [
        Line2D([], [], label="possible", **POSSIBLE),
        Line2D([], [], label="seen, least to most", **OBSERVED),
        Line2D([], [], label="median", **mark("o", QUIET)),
    ]


def _mark_of_p(place: int, *, filled: bool = True) -> dict[str, Any]:
    # Smaller marks on larger ones, so that equal values are all seen.
    marker, colour = MARKERS[place % len(MARKERS)], COLOURS[place % len(COLOURS)]
    return mark(marker, colour, filled=filled, size=max(4, 11 - 3 * place))


def _span(low: float, high: float) -> str:
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def log_edges(values: "pd.Series[float]", bins: int) -> np.ndarray:
    """Return the edges of bins of equal ratio that hold all values."""
    low, high = 0.95 * float(values.min()), 1.05 * float(values.max())
    return np.geomspace(low, high, bins + 1)


def use_log_axis(axes: Axes, low: float, high: float) -> None:
    """Make the horizontal axis logarithmic, with ticks at 1, 2 and 5 times powers of ten."""
    axes.set_xscale("log")
    axes.set_xlim(low / 1.1, high * 1.1)
    ticks = [digit * 10.0**decade for decade in range(-3, 7) for digit in (1, 2, 5)]
    axes.xaxis.set_major_locator(FixedLocator([t for t in ticks if low / 1.1 <= t <= high * 1.1]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
