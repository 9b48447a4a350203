"""What was measured, as tables in search/ that grow row by row, and as text on the page."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nago.tables import write_table

FOLDER = Path(__file__).parent / "search"
NOTHING = "–"  # noqa: RUF001
NOT_MEASURED = "Not measured."


def read_measured(path: Path, columns: Sequence[str]) -> pd.DataFrame:
    """Return the rows measured so far, none if there is no file."""
    return pd.read_csv(path) if path.is_file() else pd.DataFrame(columns=list(columns))


def add_measured(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Add rows to a table, which is written whole or not at all."""
    table = pd.DataFrame(rows)
    before = read_measured(path, list(table.columns))
    whole = pd.concat([before, table], ignore_index=True) if len(before) else table
    path.parent.mkdir(parents=True, exist_ok=True)
    write_table(path, whole)


def is_measured(table: pd.DataFrame, key: Mapping[str, Any]) -> bool:
    """Return whether a table has a row with these values."""
    found = np.ones(len(table), dtype=bool)
    for name, value in key.items():
        found &= (table[name] == value).to_numpy(dtype=bool)
    return bool(found.any())


def describe_spread(values: Sequence[float], digits: int) -> str:
    """Return the median, and the quartiles in brackets."""
    if not len(values):
        return NOTHING
    low, middle, high = np.quantile(np.asarray(values, dtype=float), [0.25, 0.5, 0.75])
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def write_rows(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table."""
    lines = [f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
    lines += [f"| {' | '.join(str(value) for value in row)} |" for row in rows]
    return "\n".join(lines)


def answer(holds: bool) -> str:
    """Return yes or no."""
    return "yes" if holds else "**no**"
