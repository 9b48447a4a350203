"""What failed: trials and final networks by their status, with what they said."""

from collections.abc import Sequence

import pandas as pd

from nago.report.page.numbers import count, name_sources, show_path
from nago.report.page.table import Table, cell, make_table
from nago.report.runs import Run

NAMED = 6
"""Trials that are named beside an error; of more, their number is said."""


def count_statuses(runs: Sequence[Run]) -> Table:
    """Return how many trials of each run have which status, and its final networks."""
    found = {run.folder: _statuses(run) for run in runs}
    kinds = sorted({kind for counts in found.values() for kind in counts} - {"ok"})
    rows = [
        [
            *(cell(run.dataset), cell(run.contestant), cell(run.seed)),
            *(cell(found[run.folder].get(kind, 0)) for kind in ("ok", *kinds)),
            cell(_failed_finals(run)),
        ]
        for run in runs
    ]
    return make_table(
        "failures-table",
        "Trials by status",
        [
            *("data set", "contestant", "seed", "ok"),
            *(kind.replace("_", " ") for kind in kinds),
            "final networks failed",
        ],
        rows,
        source="trials.csv and final.csv of each run",
    )


def list_failures(runs: Sequence[Run]) -> Table | None:
    """Return what failed trials and networks said, a row for equal errors of a run.

    None if nothing failed.
    """
    rows = []
    for run in runs:
        for table, column, noun in (
            (run.trials, "trial", ""),
            (run.finals, "network", "final network "),
        ):
            if table is None or table.empty:
                continue
            failed = table[table["status"] != "ok"]
            texts = failed["error"].astype(object).where(failed["error"].notna(), "said nothing")
            for (status, error), group in failed.groupby([failed["status"], texts], sort=True):
                names = [str(name) for name in group[column]]
                more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
                rows.append(
                    [
                        cell(show_path(run.folder)),
                        cell(str(status).replace("_", " ")),
                        cell(len(names)),
                        cell(str(error)),
                        cell(f"{noun}{', '.join(names[:NAMED])}{more}"),
                    ]
                )
    if not rows:
        return None
    headings = ("run", "status", "how many", "error", "which")
    return make_table(
        "errors-table",
        "What they said",
        headings,
        rows,
        source=name_sources([run.folder for run in runs], "trials.csv"),
    )


def say_failures(runs: Sequence[Run]) -> str:
    """Return in a sentence how many trials failed."""
    failed = sum(number for run in runs for kind, number in _statuses(run).items() if kind != "ok")
    total = sum(sum(_statuses(run).values()) for run in runs)
    if not total:
        return "No bracket of any run is done, so nothing is known of failures yet."
    if not failed:
        return f"None of {count(total, 'trial')} failed."
    return (
        f"{failed:,} of {count(total, 'trial')} failed. A failed trial counts as the worst"
        " result there is, and is never promoted."
    )


def _statuses(run: Run) -> dict[str, int]:
    if run.trials is None:
        return {}
    counts = run.trials["status"].value_counts()
    return {str(kind): int(number) for kind, number in counts.items()}


def _failed_finals(run: Run) -> int:
    if run.finals is None:
        return 0
    return int((pd.Series(run.finals["status"]) != "ok").sum())
