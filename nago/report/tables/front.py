"""The fronts of several contestants, and the share of the box they dominate.

Each contestant's front is that of the trials of all its seeds together, at its own highest budget
with a result.
"""

from collections.abc import Sequence

import pandas as pd

from nago.report.contestants import (
    choose_searches,
    collect_trials,
    group_runs,
    has_result,
    list_runs,
)
from nago.report.hypervolume import choose_box, trace_front
from nago.report.runs import Run
from nago.search.front import find_front, select_compared
from nago.tables import join_tables

NAMES = ["dataset", "contestant", "seeds", "trials", "front", "hypervolume"]


def join_histories(runs: Sequence[Run]) -> pd.DataFrame | None:
    """Return the trials of several seeds with a result, None if there is none."""
    tables = [table for run in runs if (table := collect_trials(run)) is not None]
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
    for dataset, contestants in group_runs(choose_searches(runs)).items():
        box = choose_box(list_runs(contestants.values()))
        for name, contestant in contestants.items():
            table = join_histories(contestant.runs)
            front, volume, trials = 0, 0.0, 0
            if table is not None:
                trials = len(select_compared(table, box.objectives))
                front = len(find_front(table, box.objectives))
                volume = trace_front(table, box)["hypervolume"].iloc[-1]
            seeds = sum(has_result(collect_trials(run)) for run in contestant.runs)
            values = (dataset, name, seeds, trials, front, float(volume))
            rows.append(dict(zip(NAMES, values, strict=True)) | box.columns)
    return pd.DataFrame(rows, columns=None if rows else NAMES)
