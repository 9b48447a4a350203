"""Figures of a search: error against effort, and how well budgets agree with each other.

Drawn in the style of `nago.report.figures.style`: equal tables give equal bytes.
"""

import itertools
import math
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from nago.report.figures.style import COLOURS, INK, MARKERS, mark, open_style, write_figure
from nago.report.tables.correlations import FEWEST_PAIRS, pair_budgets, rank_correlations
from nago.report.traces import order_trials, trace_incumbent


def draw_anytime(table: pd.DataFrame, path: Path, name: str = "") -> None:
    """Draw each trial, and the incumbent, against the epochs spent so far, as SVG.

    Args:
        table: a row per trial, as `nago.tables.read_table` gives it; it may be empty.
        path: the SVG file.
        name: of the data set and the search, for the title.
    """
    trials = order_trials(table)
    with open_style():
        figure = Figure(figsize=(9, 4.8), layout="constrained")
        axes = figure.add_subplot()
        _label_anytime(axes, trials, name)
        handles = [*_plot_incumbent(axes, trials), *_plot_trials(axes, trials)]
        handles += _plot_failures(axes, trials)
        if handles:
            figure.legend(handles=handles, loc="outside right upper", labelcolor=INK)
        write_figure(figure, path)


def draw_correlation(table: pd.DataFrame, path: Path, name: str = "") -> None:
    """Draw the error at a low budget against that at a high one, a panel per pair, as SVG.

    Args:
        table: a row per trial, as `nago.tables.read_table` gives it; it may be empty.
        path: the SVG file.
        name: of the data set and the search, for the title.
    """
    pairs = pair_budgets(table)
    panels = rank_correlations([table]).iloc[:-1].to_dict("records")
    columns = max(1, min(3, len(panels)))
    rows = max(1, math.ceil(len(panels) / columns))
    with open_style():
        figure = Figure(figsize=(max(4.6, 3.4 * columns), 3.6 * rows + 0.4), layout="constrained")
        figure.suptitle(_title(name, "do the budgets agree?"), x=0.01, ha="left")
        grid = figure.subplots(rows, columns, squeeze=False)
        for place, axes in enumerate(grid.flat):
            if place < len(panels):
                _draw_panel(axes, pairs, panels[place], place)
            else:
                axes.set_axis_off()
        if not panels:
            grid[0, 0].text(0.5, 0.5, "fewer than two budgets:\nnothing to compare", ha="center")
        write_figure(figure, path)


def count_epochs(number: int) -> str:
    """Return a number of epochs in words."""
    return f"{number} epoch" if number == 1 else f"{number} epochs"


def _label_anytime(axes: Axes, trials: pd.DataFrame, name: str) -> None:
    axes.set_title(_title(name, "validation error as the search goes on"), pad=14)
    axes.set_xlabel("epochs trained, all trials together")
    axes.set_ylabel("validation error (%)")
    axes.set_xlim(0, max(1.0, 1.02 * trials["spent"].max()) if len(trials) else 1.0)
    errors = 100 * trials["validation_error"]
    errors = errors[np.isfinite(errors)]
    positive = errors[errors > 0]
    if len(positive) and positive.max() >= 10 * positive.min():
        _use_log_scale(axes, positive, has_zeros=bool((errors == 0).any()))
    elif len(errors):
        margin = 0.08 * max(errors.max() - errors.min(), 1.0)
        axes.set_ylim(errors.min() - margin, errors.max() + margin)
    else:
        axes.set_ylim(0, 100)


def _use_log_scale(axes: Axes, positive: pd.Series, has_zeros: bool) -> None:
    smallest, largest = float(positive.min()), float(positive.max())
    ticks = [digit * 10.0**decade for decade in range(-6, 3) for digit in (1, 2, 5)]
    ticks = [tick for tick in ticks if smallest / 1.5 <= tick <= largest * 1.5]
    if has_zeros:
        # Zero has no logarithm: from the smallest positive error down the scale is linear.
        axes.set_yscale("symlog", linthresh=smallest, linscale=0.4)
        axes.set_ylim(-0.15 * smallest, largest * 1.4)
        ticks = [0.0, *(tick for tick in ticks if tick >= smallest)]
    else:
        axes.set_yscale("log")
        axes.set_ylim(smallest / 1.4, largest * 1.4)
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _plot_incumbent(axes: Axes, trials: pd.DataFrame) -> list[Line2D]:
    steps = trace_incumbent(trials).dropna()
    if steps.empty:
        return []
    return axes.plot(
        steps["spent"],
        100 * steps["error"],
        drawstyle="steps-post",
        color=INK,
        linewidth=1.6,
        label="incumbent: the best at\nthe highest budget so far",
        zorder=2,
    )


def _plot_trials(axes: Axes, trials: pd.DataFrame) -> list[Line2D]:
    """Plot the trials that succeeded: a mark per budget, filled if the model proposed it."""
    handles = []
    budgets = sorted(set(trials["budget"]))
    for budget, colour, marker in zip(
        budgets, itertools.cycle(COLOURS), itertools.cycle(MARKERS), strict=False
    ):
        label = count_epochs(budget)
        for filled in (True, False):
            by_model = trials["origin"].isin(["model", "replicate"])
            chosen = (trials["budget"] == budget) & (by_model == filled)
            axes.plot(
                trials.loc[chosen, "spent"],
                100 * trials.loc[chosen, "validation_error"],
                **mark(marker, colour, filled=filled),
            )
        handles.append(Line2D([], [], label=label, **mark(marker, colour)))
    if handles:
        fallback = " or fallback" if (trials["origin"] == "fallback").any() else ""
        for label, filled in (("proposed by the model", True), (f"random{fallback}", False)):
            handles.append(Line2D([], [], label=label, **mark("o", "#777777", filled=filled)))
    return handles


def _plot_failures(axes: Axes, trials: pd.DataFrame) -> list[Line2D]:
    failed = trials[~np.isfinite(trials["validation_error"])]
    if failed.empty:
        return []
    return axes.plot(
        failed["spent"],
        np.ones(len(failed)),
        transform=axes.get_xaxis_transform(),
        linestyle="none",
        marker="|",
        markersize=11,
        markeredgewidth=1.8,
        color="#B00020",
        clip_on=False,
        label=f"failed ({len(failed)} of {len(trials)})",
        zorder=4,
    )


def _draw_panel(
    axes: Axes, pairs: pd.DataFrame, panel: Mapping[Hashable, Any], place: int
) -> None:
    low, high = panel["low_budget"], panel["high_budget"]
    chosen = pairs[(pairs["low_budget"] == low) & (pairs["high_budget"] == high)]
    found = f"Spearman {panel['spearman']:.2f} (n = {panel['pairs']})"
    if panel["pairs"] < FEWEST_PAIRS:
        found = f"too few pairs (n = {panel['pairs']})"
    elif math.isnan(panel["spearman"]):
        found = f"all equal at one budget (n = {panel['pairs']})"
    axes.set_title(f"{low} against {high} epochs\n{found}")
    axes.set_xlabel(f"validation error (%) after {count_epochs(low)}")
    axes.set_ylabel(f"validation error (%) after {count_epochs(high)}")
    _set_common_limits(axes, 100 * chosen[["low_error", "high_error"]].to_numpy())
    axes.axline((0, 0), slope=1, color="#999999", linewidth=1, linestyle=(0, (4, 3)), zorder=1)
    axes.plot(
        100 * chosen["low_error"],
        100 * chosen["high_error"],
        **mark(MARKERS[place % len(MARKERS)], COLOURS[place % len(COLOURS)]),
        alpha=0.75,
    )


def _set_common_limits(axes: Axes, errors: np.ndarray) -> None:
    """Give both axes the same limits, so that the diagonal means equal errors."""
    smallest, largest = (errors.min(), errors.max()) if errors.size else (0.0, 100.0)
    margin = 0.08 * max(largest - smallest, 0.5)
    axes.set_xlim(smallest - margin, largest + margin)
    axes.set_ylim(smallest - margin, largest + margin)
    axes.xaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_aspect("equal")


def _title(name: str, text: str) -> str:
    return f"{name}: {text}" if name else text[0].upper() + text[1:]
