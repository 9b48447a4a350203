"""How searches go on: the best error so far against the epochs spent, over seeds; and budgets.

Epochs are counted in the order of the plan, those of an earlier search that a run began with
among them, so contestants are compared at what they spent and not at how many trials that was.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nago.report.contestants import (
    Contestant,
    collect_trials,
    describe_progress,
    group_runs,
    is_finished,
    join_notes,
    make_table,
)
from nago.report.figures.search_trials import PLAN_ORDER, rank_correlations
from nago.report.runs import Run
from nago.report.tables.published import CORRELATIONS
from nago.report.tables.standings import NO_RUNS, PLACE, SOURCE

Array = NDArray[np.float64]
TRACED = ("budget", "error", "best_any_budget")
QUARTILES = {"low": 0.25, "median": 0.5, "high": 0.75}
CURVES = {"validation_error_percent": "error", "best_any_budget_percent": "best_any_budget"}
"""What a curve is called in the table, and in a trace."""


def trace_run(run: Run) -> pd.DataFrame:
    """Return what a search had found after each trial, in plan order.

    Returns:
        A row per trial: `spent` (epochs of all trials so far), `budget` and `error` of the
        incumbent (the best at the highest budget with a result so far, so its error rises where
        a higher budget is reached), and `best_any_budget`; errors in [0, 1], NaN before the first.
    """
    trials = collect_trials(run)
    rows: list[tuple[float, ...]] = []
    highest, error, best, spent = math.nan, math.nan, math.nan, 0.0
    ordered = [] if trials is None else trials.sort_values(PLAN_ORDER).to_dict("records")
    for trial in ordered:
        found, budget = float(trial["validation_error"]), float(trial["budget"])
        spent += float(trial["epochs"])
        if math.isfinite(found):
            best = found if math.isnan(best) else min(best, found)
            if math.isnan(highest) or budget > highest or (budget == highest and found < error):
                highest, error = budget, found
        rows.append((spent, highest, error, best))
    return pd.DataFrame(rows, columns=["spent", *TRACED])


def read_trace(trace: pd.DataFrame, epochs: float) -> dict[str, float]:
    """Return the values of a trace after some epochs: those of the last trial that ended by then.

    Returns:
        The columns `budget`, `error` and `best_any_budget`, all NaN before the first trial.
    """
    # What took no epochs counts as soon as those before it are spent.
    place = int(trace["spent"].searchsorted(epochs, side="right")) - 1
    if place < 0:
        return dict.fromkeys(TRACED, math.nan)
    return {name: float(trace[name].iloc[place]) for name in TRACED}


def tabulate_anytime(runs: Sequence[Run]) -> pd.DataFrame:
    """Return the best validation error so far against the epochs spent.

    Returns:
        For each data set and contestant a row wherever the curve of a seed changes, up to the
        end of the longest search: `epochs` that each seed has spent, `seeds` that have a result
        by then, the highest `budget_epochs` of their incumbents, and of the incumbent's error
        and the best error at any budget the median and quartiles over those seeds (on a line
        between neighbours). A search that is over keeps its last value, an unfinished one counts
        up to its end.
    """
    curves = [f"{name}_{part}" for name in CURVES for part in ("median", "low", "high")]
    columns = (*PLACE, "epochs", "seeds", "budget_epochs", *curves, "note")
    rows = [row for contestant in group_runs(runs) for row in _trace_contestant(contestant)]
    return make_table(rows, columns, NO_RUNS)


def _trace_contestant(contestant: Contestant) -> list[dict[str, Any]]:
    traces = [trace_run(run) for run in contestant.runs]
    notes = join_notes(*map(describe_progress, contestant.runs))
    over = [is_finished(run) for run in contestant.runs]
    rows = []
    for epochs in _list_steps(traces, over):
        known = [
            read_trace(trace, epochs)
            for trace, ended in zip(traces, over, strict=True)
            if len(trace) and (ended or epochs <= trace["spent"].iloc[-1])
        ]
        known = [values for values in known if math.isfinite(values["error"])]
        if not known:
            continue
        budgets = sorted({int(values["budget"]) for values in known})
        mixed = f"incumbents of budgets {', '.join(map(str, budgets))} together"
        row: dict[str, Any] = {
            **contestant.place,
            "epochs": int(epochs),
            "seeds": len(known),
            "budget_epochs": budgets[-1],
            "note": join_notes(mixed if len(budgets) > 1 else "", notes),
        }
        for name, column in CURVES.items():
            values = [100 * value[column] for value in known]
            row |= {
                f"{name}_{part}": float(np.quantile(values, q)) for part, q in QUARTILES.items()
            }
        rows.append(row)
    return rows or [{**contestant.place, "note": join_notes(notes, "no trial has a result")}]


def _list_steps(traces: Sequence[pd.DataFrame], over: Sequence[bool]) -> list[float]:
    """Return the epochs at which a curve steps or ends, and the one after an unfinished end."""
    steps: set[float] = set()
    spent = sorted({float(value) for trace in traces for value in trace["spent"]})
    for trace, ended in zip(traces, over, strict=True):
        if trace.empty:
            continue
        values = trace[list(TRACED)]
        changed = (values != values.shift()) & values.notna()
        last = float(trace["spent"].iloc[-1])
        steps |= {float(value) for value in trace.loc[changed.any(axis=1), "spent"]} | {last}
        after = [value for value in spent if value > last]
        if not ended and after:
            steps.add(after[0])
    return sorted(steps)


def tabulate_correlations(runs: Sequence[Run]) -> pd.DataFrame:
    """Return how well the budgets of each run agree: Spearman's correlation of the errors.

    Returns:
        A row per run and pair of budgets, over the configurations with a result at both; the
        last row of a run, without budgets, is over the pairs of all budgets together.
    """
    columns = (
        *(*PLACE, "seed", "low_budget_epochs", "high_budget_epochs", "pairs", "spearman"),
        *("published_spearman", *SOURCE),
    )
    rows = [row for c in group_runs(runs) for run in c.runs for row in correlate_run(c, run)]
    return make_table(rows, columns, NO_RUNS)


def correlate_run(contestant: Contestant, run: Run) -> list[dict[str, Any]]:
    """Return the rows of one run in the table of correlations."""
    place = {**contestant.place, "seed": run.seed}
    progress = describe_progress(run)
    if run.trials is None:
        return [{**place, "note": progress}]
    if run.trials["budget"].nunique() < 2:
        return [{**place, "note": join_notes(progress, "a single budget")}]
    rows = []
    for found in rank_correlations(run.trials).to_dict("records"):
        budgets = found["low_budget"], found["high_budget"]
        row = {**place, **{key: found[key] for key in ("pairs", "spearman")}}
        if not pd.isna(budgets[0]):
            low, high = (int(budget) for budget in budgets)
            row |= {"low_budget_epochs": low, "high_budget_epochs": high}
            key = (contestant.published, contestant.name, low, high)
            value, source = CORRELATIONS.get(key, (None, None))
            row |= {"published_spearman": value, "published_source": source}
        rows.append(row | {"note": join_notes(progress, str(found["note"]))})
    return rows
