"""Runs of multi-fidelity, multi-objective searches on problems, kept in tables in beyond/.

`python docs/benchmarks/beyond_runs.py random "mobohb, gp"` makes what is missing of these, `own`
of all of ours, `peers` of all others. A run has a row whenever its hypervolume grows, and one at
its end. Peers run in an environment of their own, see beyond_peers.py.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
from beyond_own import OWN, run_own
from beyond_peers import PEERS, run_peer
from beyond_problems import FOLDER, PROBLEMS, Losses, Problem, make_problem
from search_tables import add_measured, read_measured

from nago.records import Configuration

COLUMNS = ["problem", "contestant", "seed", "epochs", "evaluations", "share"]
RUN = COLUMNS[:3]


class Evaluate(Protocol):
    """Evaluates a configuration at a budget and counts what it costs.

    `spent` are the epochs that an earlier evaluation of the same configuration had, on which this
    one goes on where the problem lets it.
    """

    def __call__(self, configuration: Configuration, budget: int, spent: int = 0) -> Losses:
        """Return the losses."""
        ...


Run = Callable[[str, Problem, int, Evaluate], None]


class SpentError(Exception):
    """The epochs are spent."""


class Account:
    """What a search evaluated, and what that cost."""

    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self.epochs = 0
        self._evaluations = 0
        self._losses = np.empty((0, 2))
        self.rows: list[tuple[int, int, float]] = []

    def evaluate(self, configuration: Configuration, budget: int, spent: int = 0) -> Losses:
        """Return the losses; those at the largest budget count for the hypervolume.

        Raises:
            SpentError: there are fewer epochs left than that takes.
        """
        problem = self._problem
        cost = budget - (spent if problem.continues else 0)
        if self.epochs + cost > problem.epochs:
            raise SpentError
        self.epochs += cost
        self._evaluations += 1
        losses = problem.evaluate(configuration, budget)
        if budget == problem.budgets[-1]:
            self._losses = np.vstack([self._losses, losses])
            self._note(self.epochs, only_if_better=True)
        return losses

    def close(self) -> None:
        """Note the end."""
        self._note(self._problem.epochs, only_if_better=False)

    def _note(self, epochs: int, *, only_if_better: bool) -> None:
        share = round(self._problem.share(self._losses), 6)
        if not only_if_better or not self.rows or share > self.rows[-1][2]:
            self.rows.append((epochs, self._evaluations, share))


def main() -> None:
    """Make the runs that are missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contestants", nargs="+", choices=["own", "peers", *OWN, *PEERS])
    parser.add_argument("--problems", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    parser.add_argument("--seeds", type=int, default=10)
    args = parser.parse_args()
    groups = {"own": [*OWN], "peers": [*PEERS]}
    names = [name for given in args.contestants for name in groups.get(given, [given])]
    make_missing(names, args.problems, args.seeds)


def make_missing(contestants: Sequence[str], problems: Sequence[str], seeds: int) -> None:
    """Make the runs that are missing, one seed of all problems after the other."""
    for contestant in contestants:
        made = {tuple(run) for run in read_runs([contestant])[RUN].itertuples(index=False)}
        for seed in range(seeds):
            for name in problems:
                if (name, contestant, seed) not in made:
                    make_run(make_problem(name), contestant, seed)


def make_run(problem: Problem, contestant: str, seed: int) -> None:
    """Run one search and add its rows to the contestant's table."""
    account = Account(problem)
    run: Run = run_own if contestant in OWN else run_peer
    try:
        run(contestant, problem, seed, account.evaluate)
    except SpentError:
        account.close()
    else:
        raise RuntimeError(f"{contestant} ended before its epochs were spent")
    head = (problem.name, contestant, seed)
    add_measured(
        locate_runs(contestant),
        [dict(zip(COLUMNS, (*head, *row), strict=True)) for row in account.rows],
    )
    print(*head, f"{account.rows[-1][2]:.3f}", flush=True)


def locate_runs(contestant: str) -> Path:
    """Return where a contestant's runs are kept."""
    words = contestant.lower().replace(",", "").replace("'", "").split()
    return FOLDER / f"runs-{'-'.join(words)}.csv"


def read_runs(contestants: Sequence[str]) -> pd.DataFrame:
    """Return the rows of contestants' runs that were made."""
    tables = [read_measured(locate_runs(name), COLUMNS) for name in contestants]
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=COLUMNS)


if __name__ == "__main__":
    main()
