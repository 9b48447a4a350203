"""Rows of tables: means, notes, and columns that are there whatever there is to say.

Every table of a comparison has all its columns and at least one row, also when there is nothing
to say yet: its last column, `note`, says what is missing.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

DIGITS = 6
"""Significant digits of the numbers in tables."""

NO_RUNS = "no runs were given"
PLACE = ("dataset", "contestant")
SOURCE = ("published_source", "note")


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
