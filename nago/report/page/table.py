"""Tables of the page: text to read beside the number to sort by."""

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

    `source` is the file that the numbers are from, `caption` how they are read, as HTML.
    """

    name: str
    title: str
    headings: tuple[str, ...]
    numeric: tuple[bool, ...]
    rows: tuple[tuple[Cell, ...], ...]
    source: str = ""
    caption: str = ""
    pdf: str = ""


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
    """Return any table as it is, with headings in words; bytes are shown in MB."""
    headings, columns = [], []
    for column in frame.columns:
        heading = str(column).replace("_", " ").strip()
        in_bytes = heading.endswith(" bytes")
        headings.append(heading.removesuffix(" bytes"))
        columns.append([cell(v, megabytes(v) if in_bytes else None) for v in frame[column]])
    rows = list(zip(*columns, strict=True)) if columns else []
    return make_table(name, title, headings, rows, **more)
