"""What a warm start from another data set gives, and what a misleading one costs.

`python docs/benchmarks/beyond_warm.py` makes the searches that are missing in beyond/warm.csv.
They replay the real trainings on one data set and begin with what those on the other say: as they
are, with the ranks of all errors reversed, or not at all.
"""

import argparse
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from beyond_own import OWN, run_method
from beyond_problems import REPLAYED, Array, Problem, locate_table, make_replayed
from beyond_runs import Account, SpentError
from scipy.stats import spearmanr, wilcoxon
from search_tables import (
    NOT_MEASURED,
    add_measured,
    describe_spread,
    is_measured,
    read_measured,
    write_rows,
)

from nago.records import Configuration, Observation
from nago.replay.table import Replay
from nago.search.methods import find_method
from nago.search.warm import RANK, prior_observations, read_warm_start
from nago.tables import configuration_of, read_table

TABLE = Path(__file__).parent / "beyond/warm.csv"
COLUMNS = ("target", "search", "prior", "seed", "evaluations", "share", "error")
SOURCES = {"mnist": "digits", "digits": "mnist"}
"""By data set, the one that a search on it begins with."""

PRIORS = ("none", "other", "reversed")
CHECKPOINTS = (8, 16, 32, 64)
"""When to look: epochs as evaluations at the largest budget."""

SEARCHES: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "bohb": ("bohb", {}),
    **{name: OWN[name] for name in ("mobo, gp", "mobo, bnn", "mobohb, gp")},
}
SEEDS = 10


def main() -> None:
    """Make the searches that are missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("searches", nargs="*", default=list(SEARCHES))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    args = parser.parse_args()
    for run in itertools.product(SOURCES, args.searches, PRIORS, range(args.seeds)):
        measure_search(*run)


def measure_search(target: str, search: str, prior: str, seed: int) -> None:
    """Run one search unless the table has it, and add what it had found at each checkpoint."""
    key = {"target": target, "search": search, "prior": prior, "seed": seed}
    if is_measured(read_measured(TABLE, COLUMNS), key):
        return
    method, options = SEARCHES[search]
    objectives = REPLAYED if find_method(method).multi_objective else REPLAYED[:1]
    problem = replace(make_both(target), total=CHECKPOINTS[-1])
    account, errors = Account(problem), [(0, np.inf)]

    def evaluate(configuration: Configuration, budget: int, spent: int = 0) -> tuple[float, float]:
        losses = account.evaluate(configuration, budget, spent)
        if budget == problem.budgets[-1]:
            errors.append((account.epochs, min(errors[-1][1], losses[0])))
        return losses

    learnt = make_prior(target, prior, tuple(objectives))
    try:
        run_method(method, options, problem, seed, evaluate, prior=learnt)
    except SpentError:
        account.close()
    rows = []
    for evaluations in CHECKPOINTS:
        until = evaluations * problem.budgets[-1]
        share = max([0.0, *(share for epochs, _, share in account.rows if epochs <= until)])
        error = [error for epochs, error in errors if epochs <= until][-1]
        rows.append(key | {"evaluations": evaluations, "share": share, "error": error})
    add_measured(TABLE, rows)
    print(*key.values(), *(f"{row['share']:.3f} {row['error']:.4f}" for row in rows))


def make_both(target: str) -> Problem:
    """Return the problem of a data set, with limits that the other's configurations keep."""
    return make_replayed(target, SOURCES[target])


@cache
def make_prior(target: str, prior: str, objectives: tuple[str, ...]) -> Sequence[Observation]:
    """Return what a search begins with, by a name of PRIORS."""
    if prior == "none":
        return []
    problem = make_both(target)
    table = read_warm_start(
        [locate_table(SOURCES[target])],
        ranges=problem.limits,
        objectives=objectives,
        budgets=problem.budgets,
    )
    if prior == "reversed":
        # Only of the errors: what a network computes is known, whatever a table says.
        table[f"{RANK}{REPLAYED[0]}"] = 1 - table[f"{RANK}{REPLAYED[0]}"]
    return prior_observations(table, objectives)


def describe_warm() -> str:
    """Return the section of the page."""
    table = read_measured(TABLE, COLUMNS)
    if table.empty:
        return f"## Warm start\n\n{NOT_MEASURED}"
    trainings = read_table(locate_table("mnist"))
    parts = [
        f"""## Warm start

Searches that begin with what trainings on another data set say (`warm_start`), replayed. Beside
[digits.csv](beyond/digits.csv), [mnist.csv](beyond/mnist.csv) has {len(trainings):,} real
trainings of {trainings["bracket"].nunique()} configurations, of random searches and of one of
`mobo`'s, at the same budgets (`trainings_table.py mnist`), on 1,800 images of 14x14 pixels that
other people wrote. The errors at the largest budget correlate by {correlate("mnist"):.2f} between
the two (Spearman, each configuration on MNIST with the nearest on digits). Objectives, reference
and cost as with [the real trainings](#real-trainings).

* `other`: all trainings on the other data set.
* `reversed`: a misleading prior, the same with the ranks of all errors the other way round. What a
  network computes is known, so these ranks stay.

Median and quartiles over seeds; in how many seeds a prior was better, as good as and worse than
none, and p of Wilcoxon's signed ranks, of each row alone."""
    ]
    for target, (search, settings) in itertools.product(SOURCES, SEARCHES.items()):
        runs = table[(table["search"] == search) & (table["target"] == target)]
        if len(runs):
            several = find_method(settings[0]).multi_objective
            said = _describe_search(runs, "share" if several else "error")
            parts.append(f"### {search}, from {SOURCES[target]} to {target}\n\n{said}")
    return "\n\n".join(parts)


def _describe_search(runs: pd.DataFrame, measure: str) -> str:
    """Return the table of a search: what it reached with each prior, and against none."""
    goal = "hypervolume, a share of the front's" if measure == "share" else "lowest error"
    sign = 1 if measure == "share" else -1
    rows = []
    for evaluations in CHECKPOINTS:
        at = runs[runs["evaluations"] == evaluations]
        values = at.pivot_table(index="seed", columns="prior", values=measure)
        # Of a search that is still without a result, or not made yet, nothing is compared.
        values = values.reindex(columns=PRIORS).replace(np.inf, np.nan).dropna()
        if values.empty:
            return NOT_MEASURED
        compared = [
            compare_pairs(sign * values["none"].to_numpy(), sign * values[prior].to_numpy())
            for prior in PRIORS[1:]
        ]
        rows.append(
            [
                evaluations,
                *(describe_spread(list(values[prior]), 3) for prior in PRIORS),
                *compared,
            ]
        )
    header = ["evaluations", *PRIORS, *(f"{prior} against none" for prior in PRIORS[1:])]
    seeds = runs["seed"].nunique()
    return f"The {goal}, {seeds} seeds.\n\n{write_rows(header, rows)}"


def compare_pairs(base: Array, other: Array) -> str:
    """Return how often values are greater than others, equal and less, with the p of a test."""
    gain = other - base
    counts = ", ".join(str(int(n.sum())) for n in (gain > 0, gain == 0, gain < 0))
    p = wilcoxon(gain).pvalue if gain.any() else 1.0
    return f"{counts} (p {p:.3f})"


def correlate(target: str) -> float:
    """Return the rank correlation of the errors of configurations with those on the other."""
    problem = make_both(target)
    source = Replay([read_table(locate_table(SOURCES[target]))], problem.limits, REPLAYED)
    table = read_table(locate_table(target))
    budget = problem.budgets[-1]
    rows = table[(table["budget"] == budget) & (table["status"] == "ok")]
    theirs = [
        source.evaluate(configuration_of(row), budget).losses[0] for _, row in rows.iterrows()
    ]
    return float(spearmanr(rows["validation_error"], theirs).statistic)


if __name__ == "__main__":
    main()
