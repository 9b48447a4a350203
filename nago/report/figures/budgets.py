"""Do short trainings rank as long ones do? Errors by budget, and Spearman's coefficients.

Source of the figure: Ru, Esperança and Carlucci 2020, figure 9.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from nago.report.contestants import (
    choose_searches,
    count_seeds,
    group_runs,
    list_contestants,
    list_runs,
)
from nago.report.figures.panels import fit_epoch_axis, fit_error_axis, say
from nago.report.figures.search_trials import count_epochs
from nago.report.figures.style import COLOURS, INK, MARKERS, mark, open_style, write_figure
from nago.report.runs import Run
from nago.report.tables.correlations import FEWEST_PAIRS, rank_correlations
from nago.report.traces import order_trials

COLUMNS = 4
SHADES = "PuOr"
"""From orange for -1 over white to violet for 1, told apart with any colour vision."""


def draw_budgets(runs: Sequence[Run], paths: Sequence[Path]) -> None:
    """Draw errors by budget and below them the coefficients, a column per search.

    Searches with one budget have no column. The seeds of a contestant on a data set share one.

    Args:
        runs: of several contestants, seeds and data sets.
        paths: of the figure, as SVG or PDF.
    """
    contestants = list_contestants(group_runs(choose_searches(runs)))
    searches = {
        f"{contestant.dataset} {contestant.name}": contestant
        for contestant in contestants
        if len(_list_budgets(contestant.runs)) > 1
    }
    budgets = _list_budgets(list_runs(searches.values()))
    columns = max(1, min(COLUMNS, len(searches)))
    blocks = max(1, math.ceil(len(searches) / columns))
    with open_style():
        size = (max(7.2, 4.0 * columns), 6.2 * blocks + 1.0)
        figure = Figure(figsize=size, layout="constrained")
        title = f"Do the budgets agree? ({count_seeds(searches.values())})"
        figure.suptitle(title, x=0.01, ha="left", color=INK)
        grid = figure.subplots(2 * blocks, columns, squeeze=False)
        for axes in grid.flat:
            axes.set_visible(False)
        for place, (name, contestant) in enumerate(searches.items()):
            block, column = divmod(place, columns)
            upper, lower = grid[2 * block : 2 * block + 2, column]
            _draw_errors(upper, name, contestant.runs, budgets)
            _draw_matrix(lower, contestant.runs)
        if searches:
            _explain(figure, budgets)
        else:
            grid[0, 0].set_visible(True)
            say(grid[0, 0], "no search has trials at two budgets:\nnothing to compare")
        write_figure(figure, *paths)


def _draw_errors(axes: Axes, name: str, runs: Sequence[Run], budgets: Sequence[int]) -> None:
    """Draw the trials of some seeds against the epochs of each seed, a mark per budget."""
    axes.set_visible(True)
    axes.set_title(name)
    axes.set_xlabel("epochs trained in a search")
    axes.set_ylabel("validation error (%)")
    trials = pd.concat([order_trials(run.trials) for run in runs if run.trials is not None])
    for place, budget in enumerate(budgets):
        chosen = trials[trials["budget"] == budget]
        axes.plot(chosen["spent"], 100 * chosen["validation_error"], **_mark_of_budget(place))
    errors = 100 * trials["validation_error"]
    fit_epoch_axis(axes, float(trials["spent"].max()))
    if np.isfinite(errors).any():
        fit_error_axis(axes, errors[np.isfinite(errors)])
    else:
        say(axes, "all trials failed")


def _draw_matrix(axes: Axes, runs: Sequence[Run]) -> None:
    """Draw the coefficients as a triangle of shaded squares, with their numbers of pairs."""
    axes.set_visible(True)
    budgets = _list_budgets(runs)
    places = {budget: place for place, budget in enumerate(budgets)}
    squares = np.full((len(budgets) - 1, len(budgets) - 1), np.nan)
    axes.set_title("Spearman's rank correlation")
    tables = [run.trials for run in runs if run.trials is not None]
    for row in rank_correlations(tables).dropna(subset="low_budget").to_dict("records"):
        x, y = places[row["low_budget"]], places[row["high_budget"]] - 1
        spearman = squares[y, x] = row["spearman"]
        words = f"{spearman:.2f}"
        if math.isnan(spearman):
            words = "too few" if row["pairs"] < FEWEST_PAIRS else "all equal"
        # White on the dark shades at both ends.
        ink = "white" if abs(spearman) > 0.6 else INK
        axes.text(x, y, f"{words}\nn = {row['pairs']}", ha="center", va="center", color=ink)
    edges = np.arange(len(budgets)) - 0.5
    axes.pcolormesh(
        edges, edges, squares, cmap=SHADES, vmin=-1, vmax=1, edgecolors="white", linewidth=2
    )
    axes.set_xticks(range(len(budgets) - 1), [str(budget) for budget in budgets[:-1]])
    axes.set_yticks(range(len(budgets) - 1), [str(budget) for budget in budgets[1:]])
    axes.set_xlabel("after the smaller budget (epochs)")
    axes.set_ylabel("after the larger budget (epochs)")
    axes.invert_yaxis()
    axes.set_aspect("equal")
    axes.grid(visible=False)


def _explain(figure: Figure, budgets: Sequence[int]) -> None:
    handles = [
        Line2D([], [], label=count_epochs(budget), **_mark_of_budget(place))
        for place, budget in enumerate(budgets)
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(6, len(handles)))


def _mark_of_budget(place: int) -> dict[str, Any]:
    look = mark(MARKERS[place % len(MARKERS)], COLOURS[place % len(COLOURS)], size=4.5)
    return look | {"alpha": 0.8}


def _list_budgets(runs: Sequence[Run]) -> list[int]:
    tables = [run.trials for run in runs if run.trials is not None]
    return sorted({int(budget) for table in tables for budget in table["budget"]})
