"""Do short trainings rank as long ones do? Spearman's correlation of errors at two budgets.

Source: Ru, Esperança and Carlucci 2020, section 4.1 and figure 9.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from nago.report.contestants import (
    Contestant,
    describe_progress,
    group_runs,
    list_contestants,
)
from nago.report.runs import Run
from nago.report.tables.published import CORRELATIONS
from nago.report.tables.rows import NO_RUNS, PLACE, SOURCE, join_notes, make_table
from nago.report.traces import order_trials

FEWEST_PAIRS = 3
"""With two pairs a rank correlation is always 1 or -1."""


def tabulate_correlations(runs: Sequence[Run]) -> pd.DataFrame:
    """Return how well the budgets of each run agree: Spearman's correlation of the errors.

    Returns:
        A row per run and pair of budgets, over the configurations with a result at both; the
        last row of a run, without budgets, is over the pairs of all budgets together.
    """
    columns = (
        *(*PLACE, "seed", "low_budget_epochs", "high_budget_epochs", "pairs", "spearman"),
        *("published_spearman", *SOURCE),
    )
    contestants = list_contestants(group_runs(runs))
    rows = [row for c in contestants for run in c.runs for row in correlate_run(c, run)]
    return make_table(rows, columns, NO_RUNS)


def correlate_run(contestant: Contestant, run: Run) -> list[dict[str, Any]]:
    """Return the rows of one run in the table of correlations."""
    place = {**contestant.place, "seed": run.seed}
    progress = describe_progress(run)
    if run.trials is None:
        return [{**place, "note": progress}]
    if run.trials["budget"].nunique() < 2:
        return [{**place, "note": join_notes(progress, "a single budget")}]
    rows = []
    for found in rank_correlations([run.trials]).to_dict("records"):
        budgets = found["low_budget"], found["high_budget"]
        row = {**place, **{key: found[key] for key in ("pairs", "spearman")}}
        if not pd.isna(budgets[0]):
            low, high = (int(budget) for budget in budgets)
            row |= {"low_budget_epochs": low, "high_budget_epochs": high}
            key = (contestant.published, contestant.name, low, high)
            value, source = CORRELATIONS.get(key, (None, None))
            row |= {"published_spearman": value, "published_source": source}
        rows.append(row | {"note": join_notes(progress, str(found["note"]))})
    return rows


def pair_budgets(table: pd.DataFrame) -> pd.DataFrame:
    """Return the errors of the same configuration at two budgets, a row per such pair.

    A trial is paired with each trial in its chain of parents that had a smaller budget. Pairs
    with a failed trial are left out, since a rank needs a number.

    Returns:
        Columns `low_budget`, `high_budget` (epochs), `low_error`, `high_error` (in [0, 1]).
    """
    trials = {row["trial"]: row for row in order_trials(table).to_dict("records")}
    rows = []
    for trial in trials.values():
        parent = trials.get(trial["parent"])
        while parent is not None:
            errors = parent["validation_error"], trial["validation_error"]
            if parent["budget"] < trial["budget"] and all(math.isfinite(e) for e in errors):
                rows.append((parent["budget"], trial["budget"], *errors))
            parent = trials.get(parent["parent"])
    return pd.DataFrame(rows, columns=["low_budget", "high_budget", "low_error", "high_error"])


def rank_correlations(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return Spearman's rank correlation between the errors at each pair of budgets.

    The pairs of several seeds count together. The last row, without budgets, is over the pairs of
    all budgets.

    Returns:
        Columns `low_budget`, `high_budget` (epochs; missing in the last row), `pairs`,
        `spearman` (NaN where it cannot be computed) and `note` (why, else empty).
    """
    pairs = pd.concat([pair_budgets(table) for table in tables], ignore_index=True)
    budgets = sorted({int(budget) for table in tables for budget in table["budget"]})
    rows: list[tuple[Any, ...]] = []
    for low, high in itertools.combinations(budgets, 2):
        chosen = pairs[(pairs["low_budget"] == low) & (pairs["high_budget"] == high)]
        rows.append((low, high, len(chosen), *correlate_pairs(chosen)))
    rows.append((pd.NA, pd.NA, len(pairs), *correlate_pairs(pairs)))
    names = ["low_budget", "high_budget", "pairs", "spearman", "note"]
    return pd.DataFrame(rows, columns=names).astype(
        {"low_budget": "Int64", "high_budget": "Int64", "spearman": "float64"}
    )


def correlate_pairs(pairs: pd.DataFrame) -> tuple[float, str]:
    """Return Spearman's coefficient of pairs of errors, or NaN and why there is none."""
    if len(pairs) < FEWEST_PAIRS:
        return math.nan, f"too few pairs: {FEWEST_PAIRS} are needed"
    low, high = pairs["low_error"].rank(), pairs["high_error"].rank()
    if low.nunique() == 1 or high.nunique() == 1:
        return math.nan, "all errors at one budget are equal"
    # Pearson's correlation of the ranks (the mean rank for equal errors) is Spearman's.
    return float(low.corr(high)), ""
