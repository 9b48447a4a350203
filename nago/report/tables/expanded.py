"""Searches of expanded spaces beside those of the base space: tables 6 and 7 of the paper.

Source: Ru, Esperança and Carlucci 2020, appendix H: more hyperparameters don't help at equal
epochs (merges and operations), or cost longer trainings (stages and channels).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from nago.report.contestants import Contestant, group_runs, list_contestants
from nago.report.runs import Run
from nago.report.tables.published import find_published
from nago.report.tables.rows import PLACE, SOURCE, join_notes, make_table, mean_of
from nago.report.tables.standings import measure_hours, summarise_best

ACCURACY = "validation_accuracy_percent_mean"
MEASURES = (ACCURACY, "training_minutes_mean", "training_minutes_worst", "gpu_hours_per_search")
SEVERAL = "no contestant of an expanded space"


def tabulate_expanded(runs: Sequence[Run]) -> pd.DataFrame:
    """Return contestants of expanded spaces beside those of the base space.

    Returns:
        For each of them a row per budget, then one without a budget for the whole search. The
        base has the same generator and method; what it gave stands in columns with `base_`, and
        `difference_percent_points` is the accuracy less that of the base. The accuracy in a row
        of a budget is that of the best trial there, in the last row that of the incumbent; both
        are means over the seeds. Minutes are the mean and the longest of all trainings that gave
        a result.
    """
    published = [f"published_{name}" for name in MEASURES]
    columns = (
        *(*PLACE, "base_contestant", "seeds", "base_seeds", "budget_epochs"),
        *(ACCURACY, f"base_{ACCURACY}", "difference_percent_points"),
        *(name for measure in MEASURES[1:] for name in (measure, f"base_{measure}")),
        *(name for pair in zip(published, map(_base, published), strict=True) for name in pair),
        *SOURCE,
    )
    rows = []
    contest = group_runs(runs)
    for contestant in list_contestants(contest):
        if contestant.runs[0].settings["space"] != "base":
            base = contest[contestant.dataset].get(name_base(contestant))
            rows += _compare(contestant, base)
    return make_table(rows, columns, SEVERAL)


def name_base(contestant: Contestant) -> str:
    """Return the contestant of the same generator and method in the base space."""
    run = contestant.runs[0]
    return f"{run.settings['generator']}-{run.method}"


def _base(name: str) -> str:
    return f"published_base_{name.removeprefix('published_')}"


def _compare(expanded: Contestant, base: Contestant | None) -> list[dict[str, Any]]:
    """Return the rows of a contestant and its base, a row per budget and one of all."""
    contestants = [expanded] if base is None else [expanded, base]
    budgets = sorted({budget for c in contestants for budget in _list_budgets(c)})
    name = name_base(expanded)
    place = {**expanded.place, "base_contestant": name, "seeds": len(expanded.runs)}
    place["base_seeds"] = 0 if base is None else len(base.runs)
    rows: list[dict[str, Any]] = []
    for budget in [*budgets, None]:
        own = _measure(expanded, budget)
        other = {} if base is None else _measure(base, budget)
        row = {**place, "budget_epochs": budget, **own}
        row |= {f"base_{key}": value for key, value in other.items()}
        accuracies = own.get(ACCURACY), other.get(ACCURACY)
        if None not in accuracies:
            row["difference_percent_points"] = own[ACCURACY] - other[ACCURACY]
        rows.append(row)
    rows[-1] |= _find_published(expanded, name)
    lacks = "" if base is not None else f"{name} is missing: no base to compare with"
    note = join_notes(lacks, summarise_best(expanded)["note"])
    return [{**row, "note": note} for row in rows]


def _list_budgets(contestant: Contestant) -> set[int]:
    tables = [run.trials for run in contestant.runs if run.trials is not None]
    return {int(budget) for table in tables for budget in table["budget"]}


def _measure(contestant: Contestant, budget: int | None) -> dict[str, Any]:
    """Return the accuracy and the minutes of trainings at one budget, or of all together."""
    best, minutes = [], []
    for run in contestant.runs:
        if run.trials is None:
            continue
        trials = run.trials[run.trials["status"] == "ok"]
        if budget is not None:
            trials = trials[trials["budget"] == budget]
        if len(trials):
            best.append(100 * (1 - float(trials["validation_error"].astype(float).min())))
        if run.costs is not None:
            chosen = run.costs[run.costs["trial"].isin(trials["trial"])]
            minutes += [float(seconds) / 60 for seconds in chosen["seconds"]]
    measured: dict[str, Any] = {
        ACCURACY: mean_of(best),
        "training_minutes_mean": mean_of(minutes),
        "training_minutes_worst": float(np.max(minutes)) if minutes else None,
    }
    if budget is None:
        hours = [value for run in contestant.runs if (value := measure_hours(run)) is not None]
        measured[ACCURACY] = summarise_best(contestant)[ACCURACY]
        measured["gpu_hours_per_search"] = mean_of(hours)
    return measured


def _find_published(contestant: Contestant, base: str) -> dict[str, Any]:
    """Return the published values of a contestant and its base, if it has any."""
    found: dict[str, Any] = {}
    for table in ("validation", "minutes"):
        own = find_published(table, contestant.published, contestant.name)
        other = find_published(table, contestant.published, base)
        found |= own
        found |= {_base(key): other[key] for key in own if key in other and key != SOURCE[0]}
    return found
