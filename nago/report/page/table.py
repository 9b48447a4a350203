"""Tables of the page: text to read beside the number to sort by."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from nago.report.page.numbers import is_number, megabytes, plain


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell, and the number that it is sorted by, if it is one."""

    text: str
    value: float | None = None


@dataclass(frozen=True, slots=True)
class Table:
    """Columns by their headings; `numeric` are those whose cells stand to the right.

    `source` is the file that the numbers are from, `link` where it lies if that is known;
    `caption` is how they are read, as HTML, `note` what is to be known before, and `empty` names
    columns that are left out since they hold nothing.
    """

    name: str
    title: str
    headings: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[Cell, ...], ...]
    source: str = ""
    link: str = ""
    caption: str = ""
    note: str = ""
    empty: str = ""


def cell(value: Any, text: str | None = None) -> Cell:
    """Return the cell of a value; `text` is how it is shown, if not plainly."""
    number = float(value) if is_number(value) else None
    return Cell(plain(value) if text is None else text, number)


def make_table(
    name: str, title: str, headings: Sequence[str], rows: Sequence[Sequence[Cell]], **more: str
) -> Table:
    """Return a table; a column is numeric if one of its cells is a number."""
    numeric = tuple(
        any(row[place].value is not None for row in rows) for place in range(len(headings))
    )
    return Table(
        name=name,
        title=title,
        headings=tuple(headings),
        numeric=numeric,
        rows=tuple(tuple(row) for row in rows),
        **more,
    )


def show_frame(name: str, title: str, frame: pd.DataFrame, **more: str) -> Table:
    """Return any table with its headings in words; bytes are shown in MB.

    A column of numbers has as many digits behind the point everywhere.
    """
    columns = [_show_column(str(column), frame[column]) for column in frame.columns]
    rows = list(zip(*columns, strict=True)) if columns else []
    return make_table(name, title, [_word(str(column)) for column in frame.columns], rows, **more)


def _word(column: str) -> str:
    """Return the name of a column in words, its unit at the end."""
    words = ["data", "set"] if column == "dataset" else column.split("_")
    in_percent = "percent" in words
    words = [word for word in words if word not in ("percent", "bytes")]
    return " ".join([*words, "(%)"] if in_percent else words)


def _show_column(name: str, values: pd.Series) -> list[Cell]:
    if name.endswith("_bytes"):
        return [cell(value, megabytes(value)) for value in values]
    if name == "seed":  # a name more than a number: without marks between thousands
        return [cell(value, str(value)) for value in values]
    numbers = [abs(float(value)) for value in values if is_number(value)]
    if not numbers or all(number.is_integer() for number in numbers):
        return [cell(value) for value in values]
    digits = min(6, max(0, 3 - math.floor(math.log10(max(numbers)))))
    return [
        cell(value, _fix(float(value), digits) if is_number(value) else None) for value in values
    ]


def _fix(value: float, digits: int) -> str:
    """Return a number with some digits behind the point, or one so small as it is."""
    if value and abs(value) < 0.5 * 10**-digits:
        return f"{value:.1e}"
    return f"{value:,.{digits}f}"
