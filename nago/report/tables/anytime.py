"""How searches go on: the best error so far against the epochs spent, over seeds."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from nago.report.contestants import (
    Contestant,
    describe_progress,
    group_runs,
    list_contestants,
)
from nago.report.runs import Run
from nago.report.tables.rows import NO_RUNS, PLACE, join_notes, make_table
from nago.report.traces import Course, trace_contestant

QUARTILES = {"median": 0.5, "low": 0.25, "high": 0.75}
CURVES = {"validation_error_percent": "error", "best_any_budget_percent": "best_any_budget"}
"""What a curve is called in the table, and in a trace."""


def tabulate_anytime(runs: Sequence[Run]) -> pd.DataFrame:
    """Return the best validation error so far against the epochs spent.

    Returns:
        For each data set and contestant a row wherever the curve of a seed changes or ends, from
        where all seeds with a result have one up to the end of the longest search: `epochs` that
        each seed has spent, `seeds` that count there, the highest `budget_epochs` of their
        incumbents, and of the incumbent's error and the best error at any budget the median and
        quartiles over those seeds (on a line between neighbours). A search that is over keeps its
        last value, an unfinished one counts up to its end.
    """
    curves = [f"{name}_{part}" for name in CURVES for part in QUARTILES]
    columns = (*PLACE, "epochs", "seeds", "budget_epochs", *curves, "note")
    contestants = list_contestants(group_runs(runs))
    rows = [row for contestant in contestants for row in _describe_course(contestant)]
    return make_table(rows, columns, NO_RUNS)


def _describe_course(contestant: Contestant) -> list[dict[str, Any]]:
    notes = join_notes(*map(describe_progress, contestant.runs))
    course = trace_contestant(contestant.runs)
    if course is None:
        return [{**contestant.place, "note": join_notes(notes, "no trial has a result")}]
    quartiles = {
        f"{name}_{part}": course.quantile(column, share, 100)
        for name, column in CURVES.items()
        for part, share in QUARTILES.items()
    }
    rows = []
    for place in _list_steps(course):
        budgets = course.values["budget"][:, place]
        found = sorted({int(budget) for budget in budgets[np.isfinite(budgets)]})
        mixed = f"incumbents of budgets {', '.join(map(str, found))} together"
        rows.append(
            {
                **contestant.place,
                "epochs": int(course.epochs[place]),
                "seeds": int(course.seeds[place]),
                "budget_epochs": found[-1],
                **{name: float(values[place]) for name, values in quartiles.items()},
                "note": join_notes(mixed if len(found) > 1 else "", notes),
            }
        )
    return rows


def _list_steps(course: Course) -> list[int]:
    """Return the places at which a seed's values change, or it ends or has just dropped out."""
    everything = np.concatenate(list(course.values.values()))  # (columns x seeds, n)
    known = np.isfinite(everything)
    alike = (everything[:, 1:] == everything[:, :-1]) | ~(known[:, 1:] | known[:, :-1])
    changes = np.concatenate([[True], ~alike.all(axis=0)]) | np.isin(course.epochs, course.ends)
    return [int(place) for place in np.flatnonzero(changes)]
