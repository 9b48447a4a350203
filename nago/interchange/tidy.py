"""All trials of several searches as one tidy table: CSV or Parquet."""

import io
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from nago.interchange.extras import load_extra
from nago.records import write_bytes
from nago.report.runs import Run
from nago.tables import AFTER, BEFORE, hyperparameters, join_tables, write_table

SEARCH = ["dataset", "contestant", "seed"]
"""Columns that say of which search a trial is."""


def join_searches(runs: Sequence[Run]) -> pd.DataFrame:
    """Return the trials of all searches, in the order of `runs` and of the plan.

    `dataset`, `contestant` and `seed` of the search come first, then the columns of trials.csv,
    where `seed` is called `trial_seed`. Hyperparameters that a search doesn't have are empty.
    """
    tables = [
        run.trials.rename(columns={"seed": "trial_seed"}).assign(
            dataset=run.dataset, contestant=run.contestant, seed=run.seed
        )
        for run in runs
        if run.trials is not None
    ]
    names = dict.fromkeys(
        name for run in runs if run.trials is not None for name in hyperparameters(run.trials)
    )
    before = ["trial_seed" if name == "seed" else name for name in BEFORE]
    return join_tables(tables)[[*SEARCH, *before, *names, *AFTER]]


def write_csv(path: Path, runs: Sequence[Run]) -> None:
    """Write the trials of all searches as CSV, whole or not at all."""
    write_table(path, join_searches(runs))


def write_parquet(path: Path, runs: Sequence[Run]) -> None:
    """Write the trials of all searches as Parquet, whole or not at all.

    Raises:
        UserError: pyarrow isn't installed.
    """
    load_extra("pyarrow", "Parquet")
    buffer = io.BytesIO()
    join_searches(runs).to_parquet(buffer, engine="pyarrow", index=False)
    write_bytes(path, buffer.getvalue())
