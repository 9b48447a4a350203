"""Failures: how often each class of them befell each search, and what was done about it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from nago.failures import CLASSES, INFRASTRUCTURE, OUT_OF_MEMORY, FailureClass
from nago.report.contestants import (
    Contestant,
    describe_progress,
    group_runs,
    list_contestants,
)
from nago.report.runs import Run
from nago.report.tables.rows import NO_RUNS, PLACE, join_notes, make_table

SHOWN = tuple(found for found in CLASSES if found.is_result or found.name == INFRASTRUCTURE)
"""The classes that leave something in the files of a search."""

UNCOUNTED = "its costs.csv has no restarts"


def tabulate_failures(runs: Sequence[Run]) -> pd.DataFrame:
    """Return how often each class of failures befell each run, a row for each of both.

    Returns:
        `trials` that ended so, of infrastructure those whose training was started again; their
        `share_percent` of those with a result; `final_networks` likewise. `retries` are, of
        out_of_memory, trials that took a smaller batch than the settings say, because it would
        not have fitted or did not fit; of infrastructure, runs of trainings of trials that went
        on from a checkpoint, None where that was not recorded. `rule` is what is done, `search`
        what the search makes of it.
    """
    columns = (
        *(*PLACE, "seed", "failure", "trials", "share_percent", "retries", "final_networks"),
        *("rule", "search", "note"),
    )
    contestants = list_contestants(group_runs(runs))
    rows = [_count(c, run, found) for c in contestants for run in c.runs for found in SHOWN]
    return make_table(rows, columns, NO_RUNS)


def _count(contestant: Contestant, run: Run, found: FailureClass) -> Mapping[str, Any]:
    total = 0 if run.trials is None else len(run.trials)
    counts = _count_restarts(run) if found.name == INFRASTRUCTURE else _count_status(run, found)
    trials = counts["trials"]
    unknown = found.name == INFRASTRUCTURE and trials is None
    return {
        **contestant.place,
        **{"seed": run.seed, "failure": found.name},
        **counts,
        "share_percent": 100 * trials / total if total and trials is not None else None,
        **{"rule": found.rule, "search": found.effect},
        "note": join_notes(describe_progress(run), UNCOUNTED if unknown and total else ""),
    }


def _count_status(run: Run, found: FailureClass) -> dict[str, int | None]:
    ended = [
        0 if table is None else int((table["status"] == found.name).sum())
        for table in (run.trials, run.finals)
    ]
    return {
        "trials": ended[0],
        "retries": _count_smaller_batches(run) if found.name == OUT_OF_MEMORY else 0,
        "final_networks": ended[1],
    }


def _count_smaller_batches(run: Run) -> int | None:
    if run.costs is None or "batch_size" not in run.costs:
        return None
    return int(run.costs["batch_size"].between(1, int(run.settings["batch_size"]) - 1).sum())


def _count_restarts(run: Run) -> dict[str, int | None]:
    finals = [result.get("cost", {}).get("restarts", 0) for result in run.final_results]
    hit = retries = None
    if run.costs is not None and "restarts" in run.costs:
        restarts = run.costs["restarts"].fillna(0)
        hit, retries = int((restarts > 0).sum()), int(restarts.sum())
    return {
        "trials": hit,
        "retries": retries,
        "final_networks": sum(number > 0 for number in finals),
    }
