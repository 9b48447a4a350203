"""Differences between contestants: their size, and whether they could be luck.

Searches are compared at equal numbers of epochs and paired by seed: the method with random search
of the same generator, and HNAG with RNAG under the same method; searches for a front by the
hypervolume. Final networks are compared among all contestants. A p is corrected by Holm over the
tests of one measure on one data set: over all of them together, what a handful of seeds can show
at best would never be below 0.05.
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from nago.report.contestants import Contest, Contestant, group_runs
from nago.report.finals import list_finals, read_accuracies
from nago.report.runs import Run
from nago.report.tables.equal_epochs import compare_searches
from nago.report.tables.paired import describe_pairs, describe_verdict, turn_losses
from nago.report.tables.rows import NO_RUNS, make_table
from nago.report.tables.statistics import (
    compare_groups,
    correct_holm,
    measure_a12,
    rank_contestants,
)

NETWORKS, BY_SEED = "test_accuracy_percent", "test_accuracy_percent_by_seed"
RANK = "test_accuracy_rank"

COLUMNS = (
    *("dataset", "measure", "contestant", "baseline", "epochs", "values", "baseline_values"),
    *("median", "baseline_median", "difference_median", "difference_low", "difference_high"),
    *("a12", "rank_biserial", "test", "p", "p_holm", "mean_rank", "critical_difference", "note"),
)
FEWEST_CONTESTANTS, FEWEST_DATASETS = 3, 5


def tabulate_differences(runs: Sequence[Run]) -> pd.DataFrame:
    """Return the comparisons of each data set, and of all data sets together.

    Returns:
        A row per data set, measure, pair and number of epochs. `values` are the paired seeds, or
        the networks for `test_accuracy_percent`. Differences are the contestant's value less the
        baseline's: their median and quartiles over the pairs, or the difference of the medians
        where nothing is paired. `a12` is the chance that a value of the contestant is better than
        one of the baseline, 1/2 for no difference; `rank_biserial` is that of the pairs, in
        [-1, 1], positive if the contestant is better. Searches are tested at the end alone; the
        other rows of a pair show how they got there. Measures are

        * `validation_error_percent` of the incumbent after that many epochs,
        * `hypervolume_percent` of the box up to the reference point of the data set,
        * `test_accuracy_percent` of the networks of the first finalist: with one search each, it
          tells of these two generators and not of the methods,
        * `test_accuracy_percent_by_seed`, the mean of these networks in each search,
        * `test_accuracy_rank` over data sets: mean ranks, 1 for the best, with Friedman's p
          (not corrected) and the critical difference of Nemenyi.
    """
    groups = group_runs(runs)
    rows = []
    for contestants in groups.values():
        rows += compare_searches(contestants)
        rows += _compare_networks(contestants)
    families: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        families.setdefault((row["dataset"], row["measure"]), []).append(row)
    for family in families.values():
        corrected = correct_holm([row.get("p") for row in family])
        for row, p in zip(family, corrected, strict=True):
            row["p_holm"] = p
    return make_table(rows + _rank_over_datasets(groups), COLUMNS, NO_RUNS)


def _compare_networks(contestants: Mapping[str, Contestant]) -> list[dict[str, Any]]:
    """Return the rows of all pairs of contestants that have final networks."""
    accuracies = {name: _read_networks(c) for name, c in contestants.items()}
    tested = sorted(name for name, found in accuracies.items() if any(found.values()))
    rows = []
    for name, other in itertools.combinations(tested, 2):
        place = {"dataset": contestants[name].dataset, "contestant": name, "baseline": other}
        own, others = accuracies[name], accuracies[other]
        rows.append({**place, "measure": NETWORKS} | _compare_all(own, others))
        shared = [seed for seed in own if own[seed] and others.get(seed)]
        means = [(-float(np.mean(own[seed])), -float(np.mean(others[seed]))) for seed in shared]
        row = describe_pairs([((a, 0.0), (b, 0.0)) for a, b in means], last=True)
        rows.append({**place, "measure": BY_SEED} | turn_losses(row))
    return rows


def _read_networks(contestant: Contestant) -> dict[int, list[float]]:
    """Return by seed the test accuracies in % of the first finalist's networks."""
    return {run.seed: read_accuracies(run) for run in contestant.runs if list_finals(run)}


def _compare_all(
    own: Mapping[int, Sequence[float]], others: Mapping[int, Sequence[float]]
) -> dict[str, Any]:
    """Return the columns of two groups of networks, those of all searches together."""
    values = [value for found in own.values() for value in found]
    baseline = [value for found in others.values() for value in found]
    searches = max(len(own), len(others))
    of_what = "one seed: of these generators, not of the methods"
    if searches > 1:
        of_what = f"networks of up to {searches} searches together, not independent"
    medians = float(np.median(values)), float(np.median(baseline))
    return {
        "values": len(values),
        "baseline_values": len(baseline),
        "median": medians[0],
        "baseline_median": medians[1],
        "difference_median": medians[0] - medians[1],
        "a12": measure_a12(baseline, values),
    } | describe_verdict(compare_groups(values, baseline), [of_what])


def _rank_over_datasets(
    groups: Contest,
) -> list[dict[str, Any]]:
    """Return a row per contestant with its mean rank over all data sets."""
    means = {
        dataset: {
            name: float(np.mean([value for found in accuracies.values() for value in found]))
            for name, contestant in contestants.items()
            if any((accuracies := _read_networks(contestant)).values())
        }
        for dataset, contestants in groups.items()
    }
    tested = [found for found in means.values() if found]
    names = [name for name in (tested or [{}])[0] if all(name in found for found in tested)]
    place = {"dataset": "all", "measure": RANK}
    if len(names) < FEWEST_CONTESTANTS or len(tested) < FEWEST_DATASETS:
        note = (
            f"{len(names)} contestants tested on all of {len(tested)} data sets: ranks need"
            f" {FEWEST_CONTESTANTS} on {FEWEST_DATASETS}"
        )
        return [{**place, "note": note}] if groups else []
    ranks = rank_contestants([[-found[name] for name in names] for found in tested])
    shared = {"values": len(tested), "test": "Friedman", "p": ranks.p}
    shared |= {"critical_difference": ranks.critical_difference}
    return [
        {**place, "contestant": name, "mean_rank": mean, **shared}
        for name, mean in zip(names, ranks.means, strict=True)
    ]
