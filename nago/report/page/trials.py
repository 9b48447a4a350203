"""The table of all trials, those of the lowest error first where there are too many."""

from collections.abc import Sequence

import pandas as pd

from nago.report.page.numbers import configure, megabytes, millions, name_sources, percent
from nago.report.page.table import Cell, Table, cell, make_table
from nago.report.runs import Run
from nago.tables import configuration_of

MOST_ROWS = 400
"""Trials that the page holds."""

RUN_HEADINGS = 3
"""Columns that say whose the trial is, which a page of one run does without."""

HEADINGS = (
    *("data set", "contestant", "seed", "trial", "budget", "error", "memory per image"),
    *("parameters", "origin", "status", "configuration"),
)


def tabulate_trials(runs: Sequence[Run]) -> tuple[Table, int]:
    """Return the table of the trials of all runs, and how many there are.

    Of more than `MOST_ROWS` it holds those with the largest budgets and of them the best.
    """
    found = [
        (run, row) for run in runs if run.trials is not None for _, row in run.trials.iterrows()
    ]
    shown = found
    if len(found) > MOST_ROWS:
        shown = sorted(found, key=lambda pair: _rank(pair[1]))[:MOST_ROWS]
    skipped = RUN_HEADINGS if len(runs) == 1 else 0
    table = make_table(
        "trials-table",
        "Trials of all runs",
        HEADINGS[skipped:],
        [_describe(run, row)[skipped:] for run, row in shown],
        source=name_sources([run.folder for run in runs], "trials.csv"),
    )
    return table, len(found)


def _rank(row: pd.Series) -> tuple[float, float]:
    error = row["validation_error"]
    return -float(row["budget"]), float("inf") if pd.isna(error) else float(error)


def _describe(run: Run, row: pd.Series) -> list[Cell]:
    configuration = {name: v for name, v in configuration_of(row).items() if pd.notna(v)}
    return [
        *(
            cell(run.dataset),
            cell(run.contestant),
            cell(run.seed, str(run.seed)),
            cell(row["trial"]),
        ),
        cell(row["budget"]),
        cell(row["validation_error"], percent(row["validation_error"])),
        cell(row["sample_memory_bytes"], megabytes(row["sample_memory_bytes"])),
        cell(row["parameters"], millions(row["parameters"])),
        *(cell(row["origin"]), cell(row["status"]), cell(configure(configuration))),
    ]
