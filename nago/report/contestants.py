"""Contestants: the runs of one method on one data set, a run per seed, and tables of them.

Every table of a comparison has all its columns and at least one row, also when there is nothing
to say yet: its last column, `note`, says what is missing.
"""

import itertools
import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from nago.records import UserError
from nago.report.runs import Run
from nago.search.incumbent import select_incumbent
from nago.search.methods import METHODS
from nago.tables import join_tables

DIGITS = 6
"""Significant digits of the numbers in tables."""


@dataclass(frozen=True, slots=True)
class Contestant:
    """The runs of one contestant on one data set, by rising seed.

    `published` is the name of the data set by which the paper's numbers are found.
    """

    dataset: str
    name: str
    published: str
    runs: Sequence[Run]

    @property
    def place(self) -> dict[str, str]:
        """The columns that say whose row it is."""
        return {"dataset": self.dataset, "contestant": self.name}

    @property
    def by_seed(self) -> dict[int, Run]:
        """The run of each seed."""
        return {run.seed: run for run in self.runs}


def group_runs(runs: Sequence[Run]) -> list[Contestant]:
    """Return the contestants of each data set, both in the order in which they first appear.

    Raises:
        UserError: two runs have the same data set, contestant and seed.
    """
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.dataset, run.contestant), []).append(run)
    datasets = list(dict.fromkeys(run.dataset for run in runs))
    contestants = []
    for (dataset, name), members in sorted(groups.items(), key=lambda g: datasets.index(g[0][0])):
        ordered = sorted(members, key=lambda run: run.seed)
        for one, other in itertools.pairwise(ordered):
            if one.seed == other.seed:
                raise UserError(
                    f"{one.folder} and {other.folder} are both {name} on {dataset} with seed"
                    f" {one.seed}; give one of them"
                )
        published = str(ordered[0].settings["dataset"])
        contestants.append(Contestant(dataset, name, published, ordered))
    return contestants


def by_dataset(contestants: Iterable[Contestant]) -> dict[str, dict[str, Contestant]]:
    """Return the contestants of each data set by name."""
    found: dict[str, dict[str, Contestant]] = {}
    for contestant in contestants:
        found.setdefault(contestant.dataset, {})[contestant.name] = contestant
    return found


def count_planned(run: Run) -> int | None:
    """Return how many trials the whole search has; None for a method that has no plan."""
    method = METHODS.get(run.method)
    if method is None:
        return None
    # With a table of initial points there is no round that makes them.
    given = dict(run.settings)
    if given.get("initial") is not None:
        given["initial_points"] = 0
    plan = method.plan(*(given[key] for key in method.plan_keys))
    return sum(rung.size for rungs in plan for rung in rungs)


def is_finished(run: Run) -> bool:
    """Return whether all trials of the search are there."""
    return run.trials is not None and (count_planned(run) or 0) <= len(run.trials)


def collect_trials(run: Run) -> pd.DataFrame | None:
    """Return the trials that a search may choose from: its own after those it began with."""
    tables = [table for table in (run.initial, run.trials) if table is not None and len(table)]
    return join_tables(tables) if tables else None


def find_best(run: Run) -> Mapping[str, Any] | None:
    """Return the incumbent so far, as a row of `trials.csv`; None if no trial has a result."""
    trials = collect_trials(run)
    try:
        return None if trials is None else dict(select_incumbent(trials))
    except UserError:
        return None


def describe_progress(run: Run) -> str:
    """Return what a search still lacks, in words; empty if all its trials are there."""
    done = 0 if run.trials is None else len(run.trials)
    planned = count_planned(run)
    if done == 0:
        return f"seed {run.seed}: no trial yet"
    if planned is None or done >= planned:
        return ""
    return f"seed {run.seed}: {done} of {planned} trials"


def mean_of(values: Sequence[float]) -> float | None:
    """Return the mean; None of nothing."""
    return statistics.fmean(values) if values else None


def std_of(values: Sequence[float]) -> float | None:
    """Return the sample standard deviation, n - 1 in the denominator; None below 2 values."""
    return statistics.stdev(values) if len(values) > 1 else None


def join_notes(*notes: str) -> str:
    """Return notes as one text."""
    return "; ".join(dict.fromkeys(note for note in notes if note))


def make_table(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], nothing: str
) -> pd.DataFrame:
    """Return a table of rows, a row with a note if there are none.

    Args:
        rows: values by column; a column that a row leaves out is missing there.
        columns: all columns; `note` is one of them.
        nothing: the note of a table without rows.
    """
    whole = [
        {name: _round(row.get(name)) for name in columns} for row in rows or [{"note": nothing}]
    ]
    return pd.DataFrame({name: _make_column([row[name] for row in whole]) for name in columns})


def _make_column(values: Sequence[Any]) -> "pd.Series[Any]":
    """Return a column whose whole numbers stay whole where some are missing."""
    kinds = {type(value) for value in values if value is not None}
    if kinds == {int}:
        return pd.Series(list(values), dtype="Int64")
    return pd.Series(list(values), dtype="float64" if kinds and kinds <= {int, float} else object)


def _round(value: Any) -> Any:
    """Return a value as Python's own, floats to the digits of tables, None for NaN."""
    value = value.item() if hasattr(value, "item") else value
    if value is None or value is pd.NA or value == "":
        return None
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value
