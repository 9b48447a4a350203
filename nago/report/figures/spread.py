"""The figure of a spread: error against memory and seconds, a cross per configuration.

Source: Ru, Esperança and Carlucci 2020, figures 2 and 8.
"""

import math
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nago.report.figures.panels import say
from nago.report.figures.style import COLOURS, INK, mark, open_style, write_figure
from nago.report.tables.spread import PLACE
from nago.search.pareto import find_front

COSTS = {"memory": "sample memory (MB per image)", "seconds": "training (seconds)"}
PLAIN, BEST = COLOURS[0], COLOURS[1]
UNITS = {"error": "points", "memory": "MB", "seconds": "s"}


def draw_spread(summary: pd.DataFrame, shares: pd.DataFrame, paths: Sequence[Path]) -> None:
    """Draw the configurations of each run by mean error and mean cost, with what they spread.

    Args:
        summary: a row per configuration, as `nago.report.tables.spread.summarise_spread` gives it.
        shares: a row per run and measure, as `nago.report.tables.spread.tabulate_shares` gives it.
        paths: of the figure, as SVG or PDF.
    """
    runs = [run for run, _ in shares.groupby(PLACE, sort=False)]
    with open_style():
        figure = Figure(figsize=(11.2, 4.5 * max(1, len(runs)) + 0.9), layout="constrained")
        title = "Spread of generators: mean and standard deviation over the draws of each"
        figure.suptitle(title, x=0.01, ha="left", color=INK)
        grid = figure.subplots(max(1, len(runs)), 2, sharey="row", squeeze=False)
        for axes, run in zip(grid, runs, strict=False):
            rows = _choose(summary, run)
            parts = _choose(shares, run).set_index("measure").to_dict("index")
            name = f"{run[0]} {run[1]}, seed {run[2]}" if len(runs) > 1 else f"{run[0]} {run[1]}"
            for panel, cost in zip(axes, COSTS, strict=True):
                _draw_panel(panel, rows, cost)
                panel.set_title(_describe(cost, parts[cost]), fontsize="small")
            texts = [
                name,
                *(_describe(measure, parts[measure]) for measure in ("error", "memory")),
            ]
            axes[0].set_title("\n".join(texts), fontsize="small")
        for axes in [] if runs else grid[0]:
            say(axes, "no run has the method spread")
        figure.legend(handles=_explain(), loc="outside lower center", ncols=2)
        write_figure(figure, *paths)


def _choose(table: pd.DataFrame, run: Sequence[Hashable]) -> pd.DataFrame:
    chosen: pd.DataFrame = table[(table[PLACE] == list(run)).all(axis=1)]
    return chosen


def _draw_panel(axes: Axes, rows: pd.DataFrame, cost: str) -> None:
    """Draw a mark per configuration with bars both ways; the front of the means in orange."""
    axes.set_xlabel(COSTS[cost])
    axes.set_ylabel("validation error (%)")
    names = [f"{name}_mean" for name in (cost, "error")]
    known = rows[rows[names].notna().all(axis=1)]
    if known.empty:
        reason = "no draw has a result" if rows["error_mean"].isna().all() else f"no {cost} known"
        axes.text(0.5, 0.5, reason, ha="center", va="center", transform=axes.transAxes)
        return
    front = find_front(known[names].to_numpy(float))
    for chosen, colour, look in (
        (known[~front], PLAIN, mark("o", PLAIN, size=4.5)),
        (known[front], BEST, mark("D", BEST, size=6)),
    ):
        x, y = (chosen[name].to_numpy(float) for name in names)
        wide, high = (
            np.nan_to_num(chosen[f"{name}_std"].to_numpy(float)) for name in (cost, "error")
        )
        axes.hlines(y, x - wide, x + wide, color=colour, alpha=0.5, linewidth=1.1, zorder=2)
        axes.vlines(x, y - high, y + high, color=colour, alpha=0.5, linewidth=1.1, zorder=2)
        axes.plot(x, y, **look)


def _describe(measure: str, parts: Mapping[Hashable, Any]) -> str:
    """Say how the variance of a measure parts."""
    if parts["draws"] == 0:
        return f"{measure}: nothing known"
    if math.isnan(parts["intraclass"]):
        return f"{measure}: too few draws to part the variance"
    unit = UNITS[measure]
    return (
        f"{measure}: std {parts['std_between']:.3g} between, {parts['std_within']:.3g} {unit}"
        f" within; {100 * parts['share_between']:.0f} % between, intraclass"
        f" {parts['intraclass']:.2f}"
    )


def _explain() -> list[Line2D]:
    return [
        Line2D(
            [], [], label="configuration: mean ± std of its draws", **mark("o", PLAIN, size=4.5)
        ),
        Line2D([], [], label="on the front of the means", **mark("D", BEST)),
    ]
