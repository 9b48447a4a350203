"""The incumbent: the trial that a search recommends, by HpBandSter's rule.

Errors at different budgets cannot be compared, so only the highest budget that has a finite
result counts, even if a trial at a lower one has a lower error.
"""

from typing import Any

import pandas as pd

from nago.records import MEASURES, UserError
from nago.tables import configuration_of

PLAN_ORDER = ["bracket", "rung", "slot"]


def select_incumbent(table: pd.DataFrame) -> pd.Series:
    """Return the row of the lowest validation error at the highest budget with a finite one.

    Of equal errors the earliest in plan order (bracket, rung, slot) wins, whatever the order of
    the rows.

    Args:
        table: a row per trial, as `nago.tables.read_table` gives it.

    Raises:
        UserError: the table is empty, or every trial in it failed.
    """
    finite = table[table["validation_error"].astype(float) < float("inf")]
    if finite.empty:
        raise UserError(_explain_failure(table))
    highest = finite[finite["budget"] == finite["budget"].max()].sort_values(PLAN_ORDER)
    # argmin gives the first of equal values, here the earliest in plan order.
    best: pd.Series = highest.iloc[int(highest["validation_error"].astype(float).argmin())]
    return best


def _explain_failure(table: pd.DataFrame) -> str:
    if table.empty:
        return "there is no incumbent: the table has no trials; at least one must have succeeded"
    counts = table["status"].value_counts().sort_index()
    statuses = ", ".join(f"{count} {status}" for status, count in counts.items())
    return (
        f"there is no incumbent: all {len(table)} trials failed ({statuses});"
        " at least one must have a validation error"
    )


def describe_trial(row: pd.Series) -> dict[str, Any]:
    """Return a trial of a table as values that JSON holds."""
    names = ("trial", "seed", "budget", "validation_error", *MEASURES)
    values = {
        name: row[name].item() if hasattr(row[name], "item") else row[name] for name in names
    }
    return values | {"configuration": configuration_of(row)}
