"""Contestants: the runs of one method on one data set, a run per seed, and how far they are.

Everything that compares runs groups them here: tables, figures and the page.
"""

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from nago.records import UserError
from nago.report.runs import Run
from nago.search.incumbent import select_incumbent
from nago.search.methods import METHODS
from nago.tables import join_tables

SPREAD = "spread"
"""The method that trains configurations many times, and searches for none."""

RANDOM = "random"
"""The baseline: the method that doesn't learn from its trials."""


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

    @property
    def method(self) -> str:
        """The search method of its runs."""
        return self.runs[0].method

    @property
    def generator(self) -> str:
        """The generator of its runs, and its space."""
        return self.runs[0].generator

    @property
    def baseline(self) -> str:
        """The name of random search of its generator."""
        return f"{self.generator}-{RANDOM}"


Contest = Mapping[str, Mapping[str, Contestant]]
"""The contestants of each data set by name."""


def group_runs(runs: Sequence[Run]) -> dict[str, dict[str, Contestant]]:
    """Return the contestants of each data set, both in the order in which they first appear.

    Raises:
        UserError: two runs have the same data set, contestant and seed.
    """
    groups: dict[str, dict[str, list[Run]]] = {}
    for run in runs:
        groups.setdefault(run.dataset, {}).setdefault(run.contestant, []).append(run)
    return {
        dataset: {name: _make_contestant(members) for name, members in contestants.items()}
        for dataset, contestants in groups.items()
    }


def list_contestants(contest: Contest) -> list[Contestant]:
    """Return the contestants of all data sets."""
    return [contestant for found in contest.values() for contestant in found.values()]


def list_runs(contestants: Iterable[Contestant]) -> list[Run]:
    """Return the runs of some contestants."""
    return [run for contestant in contestants for run in contestant.runs]


def choose_searches(runs: Sequence[Run]) -> list[Run]:
    """Return the runs that search, and so recommend something."""
    return [run for run in runs if run.method != SPREAD]


def choose_spreads(runs: Sequence[Run]) -> list[Run]:
    """Return the runs that train configurations many times, by contestant and rising seed."""
    found = list_runs(list_contestants(group_runs(runs)))
    return [run for run in found if run.method == SPREAD]


def count_seeds(contestants: Iterable[Contestant]) -> str:
    """Return how many runs the contestants have, in words."""
    counts = sorted({len(contestant.runs) for contestant in contestants})
    if not counts:
        return "no seed"
    if len(counts) > 1:
        return f"{counts[0]} to {counts[-1]} seeds"
    return "1 seed" if counts[0] == 1 else f"{counts[0]} seeds"


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
    """Return the trials that a search may choose from: its own after those it began with.

    Who began with the trials of an earlier search has their epochs on its bill.
    """
    tables = [table for table in (run.initial, run.trials) if table is not None and len(table)]
    return join_tables(tables) if tables else None


def has_result(table: pd.DataFrame | None) -> bool:
    """Return whether any trial of a table has an error that is a number."""
    if table is None:
        return False
    return any(math.isfinite(error) for error in table["validation_error"].astype(float))


def find_best(run: Run) -> "pd.Series[Any] | None":
    """Return the incumbent so far, as a row of `trials.csv`; None if no trial has a result."""
    trials = collect_trials(run)
    try:
        return None if trials is None else select_incumbent(trials)
    except UserError:
        return None


def describe_progress(run: Run) -> str:
    """Return what a search lacks or has lost, in words; empty if it has all its trials."""
    damaged = [name for name, reason in run.missing.items() if "is damaged" in reason]
    notes = [f"{name} is damaged" for name in damaged]
    done = 0 if run.trials is None else len(run.trials)
    planned = count_planned(run)
    if done == 0:
        notes.append("no trial yet")
    elif planned is not None and done < planned:
        notes.append(f"{done} of {planned} trials")
    elif run.costs is None:
        notes.append("no costs.csv")
    return f"seed {run.seed}: {', '.join(notes)}" if notes else ""


def _make_contestant(runs: Sequence[Run]) -> Contestant:
    ordered = sorted(runs, key=lambda run: run.seed)
    dataset, name = ordered[0].dataset, ordered[0].contestant
    for one, other in itertools.pairwise(ordered):
        if one.seed == other.seed:
            raise UserError(
                f"{one.folder} and {other.folder} are both {name} on {dataset} with seed"
                f" {one.seed}; give one of them"
            )
    return Contestant(dataset, name, str(ordered[0].settings["dataset"]), ordered)
