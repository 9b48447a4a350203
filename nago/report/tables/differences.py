"""Differences between contestants: their size, and whether they could be luck.

Searches are compared at equal numbers of epochs and paired by seed: the method with random search
of the same generator, and HNAG with RNAG under the same method; searches for a front by the
hypervolume. Final networks are compared among all contestants. A p is corrected by Holm over the
tests of one measure on one data set: over all of them together, what a handful of seeds can show
at best would never be below 0.05.
"""

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from nago.report.contestants import (
    Contestant,
    by_dataset,
    describe_progress,
    group_runs,
    join_notes,
    make_table,
)
from nago.report.hypervolume import find_reference, measure_front
from nago.report.runs import Run
from nago.report.tables.progress import read_trace, trace_run
from nago.report.tables.standings import NO_RUNS
from nago.report.tables.statistics import (
    Verdict,
    compare_groups,
    compare_pairs,
    correct_holm,
    measure_a12,
    measure_rank_biserial,
    rank_contestants,
)
from nago.report.tables.tested import list_accuracies
from nago.search.methods import METHODS

ERROR, HYPERVOLUME = "validation_error_percent", "hypervolume_percent"
NETWORKS, BY_SEED = "test_accuracy_percent", "test_accuracy_percent_by_seed"
RANK = "test_accuracy_rank"
SHARES = (0.25, 0.5, 0.75, 1.0)
"""Of the epochs that all paired searches have spent: where the searches are compared."""

COLUMNS = (
    *("dataset", "measure", "contestant", "baseline", "epochs", "values", "baseline_values"),
    *("median", "baseline_median", "difference_median", "difference_low", "difference_high"),
    *("a12", "rank_biserial", "test", "p", "p_holm", "mean_rank", "critical_difference", "note"),
)
FEWEST_CONTESTANTS, FEWEST_DATASETS = 3, 5

Measure = Callable[[Run, float], tuple[float, float]]
"""From a run and a number of epochs to a loss so far and the budget that it was found at."""


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
        * `hypervolume_percent` of the box up to one reference point for both,
        * `test_accuracy_percent` of the networks of the first finalist: with one search each, it
          tells of these two generators and not of the methods,
        * `test_accuracy_percent_by_seed`, the mean of these networks in each search,
        * `test_accuracy_rank` over data sets: mean ranks, 1 for the best, with Friedman's p
          (not corrected) and the critical difference of Nemenyi.
    """
    groups = by_dataset(group_runs(runs))
    rows = []
    for contestants in groups.values():
        rows += _compare_searches(contestants)
        rows += _compare_networks(contestants)
    families: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        families.setdefault((row["dataset"], row["measure"]), []).append(row)
    for family in families.values():
        corrected = correct_holm([row.get("p") for row in family])
        for row, p in zip(family, corrected, strict=True):
            row["p_holm"] = p
    return make_table(rows + _rank_over_datasets(groups), COLUMNS, NO_RUNS)


def list_pairs(contestants: Mapping[str, Contestant]) -> list[tuple[Contestant, str, str]]:
    """Return each contestant with the name of a baseline, and the measure they are compared by.

    The baseline may be missing among `contestants`.
    """
    pairs = []
    for contestant in contestants.values():
        run = contestant.runs[0]
        method = METHODS.get(run.method)
        if method is not None and method.learns:
            measure = HYPERVOLUME if method.multi_objective else ERROR
            pairs.append((contestant, f"{run.generator}-random", measure))
        if run.generator == "hnag" and run.method in ("bohb", "random"):
            other = f"rnag-{run.method}"
            if run.method == "bohb" or other in contestants:
                pairs.append((contestant, other, ERROR))
    return pairs


def _compare_searches(contestants: Mapping[str, Contestant]) -> list[dict[str, Any]]:
    rows = []
    for contestant, name, measure in list_pairs(contestants):
        place = {"dataset": contestant.dataset, "measure": measure}
        place |= {"contestant": contestant.name, "baseline": name}
        if name not in contestants:
            rows.append({**place, "note": f"{name} is missing: nothing to compare with"})
        else:
            rows += [place | row for row in race(contestant, contestants[name], measure)]
    return rows


def race(contestant: Contestant, baseline: Contestant, measure: str) -> list[dict[str, Any]]:
    """Return the rows of two searches at equal epochs, paired by seed."""
    pairs = [
        (run, baseline.by_seed[seed])
        for seed, run in contestant.by_seed.items()
        if seed in baseline.by_seed
    ]
    ends = [_count_spent(run) for pair in pairs for run in pair]
    if not pairs or min(ends) == 0:
        why = "a search has no trial yet" if pairs else "no seed in common"
        return [{"values": 0, "baseline_values": 0, "note": why}]
    grid = sorted({max(1, math.floor(share * min(ends))) for share in SHARES})
    look = _prepare(measure, contestant, pairs)
    notes = [describe_progress(run) for pair in pairs for run in pair]
    alone = sorted(set(contestant.by_seed) ^ set(baseline.by_seed))
    notes.append(f"without a partner: seeds {', '.join(map(str, alone))}" if alone else "")
    rows = []
    for epochs in grid:
        found = [(look(run, epochs), look(other, epochs)) for run, other in pairs]
        row = _describe_pairs(found, last=epochs == grid[-1])
        row = {"epochs": epochs} | (_turn(row) if measure == HYPERVOLUME else row)
        rows.append(row | {"note": join_notes(row["note"], *notes)})
    return rows


def _count_spent(run: Run) -> int:
    trace = trace_run(run)
    return int(trace["spent"].iloc[-1]) if len(trace) else 0


def _prepare(measure: str, contestant: Contestant, pairs: Sequence[tuple[Run, Run]]) -> Measure:
    """Return what measures a run after some epochs; losses in per cent."""
    if measure == ERROR:
        traces = {id(run): trace_run(run) for pair in pairs for run in pair}

        def look(run: Run, epochs: float) -> tuple[float, float]:
            found = read_trace(traces[id(run)], epochs)
            return 100 * found["error"], found["budget"]

        return look
    objectives = [str(name) for name in contestant.runs[0].settings["objectives"]]
    reference = find_reference([run for pair in pairs for run in pair], objectives)

    def look_at_front(run: Run, epochs: float) -> tuple[float, float]:
        share, budget = measure_front(run, objectives, reference, epochs)
        return -100 * share, budget

    return look_at_front


def _describe_pairs(
    found: Sequence[tuple[tuple[float, float], tuple[float, float]]], *, last: bool
) -> dict[str, Any]:
    """Return the columns of paired losses with their budgets."""
    known = [pair for pair in found if all(math.isfinite(loss) for loss, _ in pair)]
    own, other = [pair[0][0] for pair in known], [pair[1][0] for pair in known]
    differences = [a - b for a, b in zip(own, other, strict=True)]
    row: dict[str, Any] = {"values": len(known), "baseline_values": len(known)}
    notes = []
    if len(known) < len(found):
        notes.append(f"{len(found) - len(known)} of {len(found)} pairs have no result yet")
    budgets = sorted({int(budget) for pair in known for _, budget in pair})
    if len(budgets) > 1:
        notes.append(f"budgets differ: {', '.join(map(str, budgets))} epochs")
    if known:
        low, middle, high = np.quantile(differences, [0.25, 0.5, 0.75])
        row |= {"median": float(np.median(own)), "baseline_median": float(np.median(other))}
        row |= {"difference_median": middle, "difference_low": low, "difference_high": high}
        row |= {"a12": measure_a12(own, other)}
        row |= {"rank_biserial": measure_rank_biserial(differences)}
    if not last:
        return row | {"note": join_notes(*notes, "on the way: not tested")}
    return row | _columns_of(compare_pairs(differences), notes)


def _turn(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of losses as one of gains, whose signs are the other way round."""
    turned = {"difference_low": "difference_high", "difference_high": "difference_low"}
    gains = ("median", "baseline_median", "difference_median", *turned)
    return {**row} | {turned.get(name, name): -row[name] for name in gains if name in row}


def _columns_of(verdict: Verdict, notes: Sequence[str]) -> dict[str, Any]:
    name = None if verdict.p is None else verdict.name
    return {"test": name, "p": verdict.p, "note": join_notes(*notes, verdict.note)}


def _compare_networks(contestants: Mapping[str, Contestant]) -> list[dict[str, Any]]:
    """Return the rows of all pairs of contestants that have final networks."""
    accuracies = {name: list_accuracies(c) for name, c in contestants.items()}
    tested = sorted(name for name, found in accuracies.items() if any(found.values()))
    rows = []
    for name, other in itertools.combinations(tested, 2):
        place = {"dataset": contestants[name].dataset, "contestant": name, "baseline": other}
        own, others = accuracies[name], accuracies[other]
        rows.append({**place, "measure": NETWORKS} | _compare_all(own, others))
        shared = [seed for seed in own if own[seed] and others.get(seed)]
        means = [(-float(np.mean(own[seed])), -float(np.mean(others[seed]))) for seed in shared]
        row = _describe_pairs([((a, 0.0), (b, 0.0)) for a, b in means], last=True)
        rows.append({**place, "measure": BY_SEED} | _turn(row))
    return rows


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
    } | _columns_of(compare_groups(values, baseline), [of_what])


def _rank_over_datasets(
    groups: Mapping[str, Mapping[str, Contestant]],
) -> list[dict[str, Any]]:
    """Return a row per contestant with its mean rank over all data sets."""
    means = {
        dataset: {
            name: float(np.mean([value for found in accuracies.values() for value in found]))
            for name, contestant in contestants.items()
            if any((accuracies := list_accuracies(contestant)).values())
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
