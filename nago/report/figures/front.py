"""The fronts of several contestants in one picture, and the share of the box they dominate.

Each contestant's front is that of the trials of all its seeds together, at its own highest budget
with a result. Source of the figure: Ru, Esperança and Carlucci 2020, figure 3.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from nago.report.figures.looks import (
    Look,
    choose_looks,
    choose_objectives,
    choose_reference,
    count_seeds,
    group_runs,
    has_result,
    read_history,
)
from nago.report.figures.panels import add_legend, name_absent, open_panels, say
from nago.report.figures.search_front import LABELS, label_objectives, scale_objective
from nago.report.figures.style import open_style, write_figure
from nago.report.runs import Run
from nago.search.front import find_front, trace_hypervolume
from nago.tables import join_tables

THIN = {"markeredgewidth": 0.9}
NAMES = ["dataset", "contestant", "seeds", "trials", "front", "hypervolume"]


def join_histories(runs: Sequence[Run]) -> pd.DataFrame | None:
    """Return the trials of several seeds with a result, None if there is none."""
    tables = [table for run in runs if (table := read_history(run)) is not None]
    tables = [table for table in tables if has_result(table)]
    return join_tables(tables) if tables else None


def tabulate_fronts(runs: Sequence[Run]) -> pd.DataFrame:
    """Return the hypervolume of each contestant's front on each data set.

    Returns:
        `dataset`, `contestant`, `seeds` (those with a result), `trials` that are compared, `front`
        (how many are on it), `hypervolume` (a share of the box from 0 to the reference point) and
        `reference_<objective>`.
    """
    rows = []
    for dataset, contestants in group_runs(runs).items():
        objectives = choose_objectives(contestants)
        reference = choose_reference(contestants, objectives)
        columns = dict(zip((f"reference_{name}" for name in objectives), reference, strict=True))
        for contestant, group in contestants.items():
            table = join_histories(group)
            front, volume, trials = 0, 0.0, 0
            if table is not None:
                front, trials = len(find_front(table, objectives)), len(_compare(table))
                volume = trace_hypervolume(table, objectives, reference)["hypervolume"].iloc[-1]
            seeds = sum(has_result(read_history(run)) for run in group)
            values = (dataset, contestant, seeds, trials, front, float(volume))
            rows.append(dict(zip(NAMES, values, strict=True)) | columns)
    return pd.DataFrame(rows, columns=None if rows else NAMES)


def draw_fronts(runs: Sequence[Run], paths: Sequence[Path]) -> None:
    """Draw the trials and the front of each contestant by the first two objectives.

    Args:
        runs: of several contestants, seeds and data sets.
        paths: of the figure, as SVG or PDF.
    """
    contest, looks = group_runs(runs), choose_looks(runs)
    volumes = tabulate_fronts(runs)
    groups = [group for contestants in contest.values() for group in contestants.values()]
    with open_style():
        title = f"Trials at the largest budget and their front ({count_seeds(groups)})"
        figure, panels = open_panels(list(contest), title, width=5.2, height=3.7)
        for dataset, axes in panels.items():
            objectives = choose_objectives(contest[dataset])
            found = {name: join_histories(group) for name, group in contest[dataset].items()}
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
    everything = [_compare(table) for table in tables.values()]
    joined = pd.concat(everything) if everything else pd.DataFrame(columns=[upright, flat])
    label_objectives(
        axes, flat, upright, scale_objective(joined, flat), scale_objective(joined, upright)
    )
    for name, table in tables.items():
        trials, front = _compare(table), find_front(table, objectives)
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


def _compare(table: pd.DataFrame) -> pd.DataFrame:
    """Return the trials at the highest budget that has a finite error."""
    finite = table[np.isfinite(table["validation_error"].astype(float))]
    compared: pd.DataFrame = finite[finite["budget"] == finite["budget"].max()]
    return compared
