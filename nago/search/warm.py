"""Warm start: the trials of searches on other data sets as ranks, for a search to learn from.

Ranks are those among the results of one table at one budget, so that neither the data set nor the
budget matters. Budgets are paired from the top: the highest with the highest, the next with the
next; what has no partner is left out.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pandas as pd

from nago.records import Observation, RecordError, UserError
from nago.search.incumbent import PLAN_ORDER
from nago.search.initial import FEWEST, check_columns
from nago.tables import hyperparameters, read_table

RANK = "rank_"
"""What the names of the columns of ranks begin with; the objective's name follows."""

PLACE = ["source", "trial", "source_budget", "budget"]


def read_warm_start(
    paths: Sequence[Path],
    *,
    ranges: Mapping[str, Sequence[float]],
    objectives: Collection[str],
    budgets: Collection[int],
) -> pd.DataFrame:
    """Return the trials of other searches as ranks.

    Args:
        paths: a trials.csv each, finished or of some brackets.
        ranges: limits of each hyperparameter.
        objectives: columns that are ranked.
        budgets: of this search.

    Returns:
        a row for each trial with a result: `source`, the place of its table in `paths`; `trial`
        and `source_budget` there; `budget`, that of this search which it speaks of; the
        hyperparameters; and for each objective `rank_<objective>` in (0, 1), 0 for the best.

    Raises:
        UserError: a table is missing, of another space, or has no results.
    """
    tables = [
        _rank(_read(path, ranges, objectives), objectives, budgets).assign(source=place)
        for place, path in enumerate(paths)
    ]
    table = pd.concat(tables, ignore_index=True)
    return table[[*PLACE, *ranges, *(f"{RANK}{name}" for name in objectives)]]


def prior_observations(table: pd.DataFrame, objectives: Sequence[str]) -> list[Observation]:
    """Return what a search learns from a table of `read_warm_start`, in the order of its rows."""
    ranks = [f"{RANK}{name}" for name in objectives]
    names = [name for name in table.columns if name not in PLACE and not name.startswith(RANK)]
    return [
        Observation(
            configuration={name: record[name] for name in names},
            budget=record["budget"],
            losses=tuple(record[name] for name in ranks),
            prior=True,
            source=record["source"],
        )
        for record in table.to_dict("records")
    ]


def _read(
    path: Path, ranges: Mapping[str, Sequence[float]], objectives: Collection[str]
) -> pd.DataFrame:
    """Return the trials of a table that have a result, in the order of their plan."""
    try:
        table = read_table(path)
    except RecordError as error:
        raise UserError(f"warm_start: {error}") from None
    check_columns("warm_start", path, table, ranges, objectives)
    losses = table[list(objectives)].astype(float)
    results = table[losses.map(math.isfinite).all(axis=1)].sort_values(PLAN_ORDER)
    if len(results) < FEWEST:
        raise UserError(
            f"warm_start: {path} must have {FEWEST} results or more, it has {len(results)} of"
            f" {len(table)} trials"
        )
    return results


def _rank(
    table: pd.DataFrame, objectives: Collection[str], budgets: Collection[int]
) -> pd.DataFrame:
    """Return the trials of paired budgets, highest first, with their ranks."""
    theirs = sorted({int(budget) for budget in table["budget"]}, reverse=True)
    found = []
    for source, budget in zip(theirs, sorted(budgets, reverse=True), strict=False):
        rows = table[table["budget"] == source]
        ranks = {
            f"{RANK}{name}": (rows[name].astype(float).rank(method="average") - 0.5) / len(rows)
            for name in objectives
        }
        kept = rows[["trial", *hyperparameters(table)]]
        found.append(kept.assign(source_budget=source, budget=budget, **ranks))
    return pd.concat(found, ignore_index=True)
