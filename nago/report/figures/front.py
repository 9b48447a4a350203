"""The fronts of several contestants in one picture, with the share of the box they dominate.

Source of the figure: Ru, Esperança and Carlucci 2020, figure 3.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from nago.report.contestants import (
    choose_searches,
    count_seeds,
    group_runs,
    list_contestants,
    list_runs,
)
from nago.report.figures.looks import Look, choose_looks
from nago.report.figures.panels import add_legend, name_absent, open_panels, say
from nago.report.figures.search_front import LABELS, label_objectives, scale_objective
from nago.report.figures.style import open_style, write_figure
from nago.report.hypervolume import choose_box
from nago.report.runs import Run
from nago.report.tables.front import join_histories, tabulate_fronts
from nago.search.front import find_front, select_compared

THIN = {"markeredgewidth": 0.9}


def draw_fronts(runs: Sequence[Run], paths: Sequence[Path]) -> None:
    """Draw the trials and the front of each contestant by the first two objectives.

    Args:
        runs: of several contestants, seeds and data sets.
        paths: of the figure, as SVG or PDF.
    """
    contest, looks = group_runs(choose_searches(runs)), choose_looks(runs)
    volumes = tabulate_fronts(runs)
    seeds = count_seeds(list_contestants(contest))
    with open_style():
        title = f"Trials at the largest budget and their front ({seeds})"
        figure, panels = open_panels(list(contest), title, width=5.2, height=3.7)
        for dataset, axes in panels.items():
            objectives = choose_box(list_runs(contest[dataset].values())).objectives
            found = {name: join_histories(c.runs) for name, c in contest[dataset].items()}
            tables = {name: table for name, table in found.items() if table is not None}
            _draw_tables(axes, tables, objectives, looks)
            if tables:
                rows = volumes[volumes["dataset"] == dataset]
                _list_volumes(axes, rows[rows["trials"] > 0], objectives[:2], looks)
                name_absent(axes, [name for name in found if name not in tables])
            else:
                say(axes, "no trial has a result yet")
        add_legend(figure, looks)
        write_figure(figure, *paths)


def _draw_tables(
    axes: Axes,
    tables: Mapping[str, pd.DataFrame],
    objectives: Sequence[str],
    looks: Mapping[str, Look],
) -> None:
    """Draw faint marks for the trials, a staircase and larger marks for the fronts."""
    upright, flat = objectives[:2]
    everything = [select_compared(table, objectives) for table in tables.values()]
    joined = pd.concat(everything) if everything else pd.DataFrame(columns=[upright, flat])
    label_objectives(
        axes, flat, upright, scale_objective(joined, flat), scale_objective(joined, upright)
    )
    for name, table in tables.items():
        trials, front = select_compared(table, objectives), find_front(table, objectives)
        look = looks[name]
        x, y = scale_objective(trials, flat), scale_objective(trials, upright)
        axes.plot(x, y, alpha=0.4, **look.mark(filled=False, size=4) | THIN)
        x, y = scale_objective(front, flat), scale_objective(front, upright)
        order = np.lexsort((y, x))
        axes.plot(x[order], y[order], drawstyle="steps-post", zorder=4, **look.stroke())
        axes.plot(x, y, **look.mark(size=6) | {"zorder": 5})


def _list_volumes(
    axes: Axes, rows: pd.DataFrame, objectives: Sequence[str], looks: Mapping[str, Look]
) -> None:
    """Write the hypervolumes, and up to where they count, in the panel."""
    handles = [
        axes.plot(
            [],
            [],
            label=f"{100 * row['hypervolume']:.1f} %",
            **looks[row["contestant"]].mark(size=5),
        )[0]
        for row in rows.to_dict("records")
    ]
    units = [LABELS[name] for name in objectives]
    limits = [
        f"{factor * rows[f'reference_{name}'].iloc[0]:.3g} {label.split('(')[1].rstrip(')')}"
        for name, (label, factor) in zip(objectives, units, strict=True)
    ]
    axes.legend(
        handles=handles,
        title=f"hypervolume, of\n{limits[0]} by {limits[1]}",
        loc="upper left",
        bbox_to_anchor=(1.0, 1.0),
        fontsize="small",
        title_fontsize="small",
        alignment="left",
    )
