"""Numbers as text for people, with the digits that mean something."""

import math
from collections.abc import Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import pandas as pd

from nago.generators.complexity import MEGABYTE

MOST_NAMED = 3
"""Files that are named one by one."""

NONE = "\N{EN DASH}"
"""What stands where there is no number."""


def is_number(value: Any) -> bool:
    """Return whether a value is a finite number, of Python, numpy or pandas."""
    return isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)


def percent(share: Any) -> str:
    """Return a share in [0, 1] as per cent."""
    return f"{100 * float(share):.2f}%" if is_number(share) else NONE


def megabytes(count: Any) -> str:
    """Return bytes in MB of 2**20 bytes."""
    return f"{significant(float(count) / MEGABYTE)} MB" if is_number(count) else NONE


def millions(count: Any) -> str:
    """Return a count, from a million on in millions."""
    if not is_number(count):
        return NONE
    return f"{float(count) / 1e6:.2f} M" if count >= 1e6 else f"{round(count):,}"


def duration(seconds: Any) -> str:
    """Return seconds in the unit that suits them."""
    if not is_number(seconds):
        return NONE
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * size:
            return f"{significant(float(seconds) / size)} {unit}"
    return f"{significant(float(seconds))} s"


def significant(value: float) -> str:
    """Return a number with three digits that count, and never with an exponent."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:,.{min(digits, 8)}f}"


def plain(value: Any) -> str:
    """Return any value of a table or of the settings as text."""
    if is_number(value):
        return f"{int(value):,}" if value == int(value) else f"{float(value):.4g}"
    if value is None or value is pd.NA or (isinstance(value, Real) and math.isnan(value)):
        return NONE
    return str(value)


def configure(configuration: Any) -> str:
    """Return a configuration in one line."""
    return ", ".join(f"{name} {plain(value)}" for name, value in configuration.items())


def count(items: int, noun: str) -> str:
    """Return a number of things in words."""
    return f"{items:,} {noun}{'' if items == 1 else 's'}"


def name_sources(folders: Sequence[Path], name: str) -> str:
    """Return the files of this name in folders of runs, in few words where they are many.

    While a search goes on they are those of its brackets.
    """
    if len(folders) > MOST_NAMED:
        parents = dict.fromkeys(show_path(folder).rpartition("/")[0] for folder in folders)
        return ", ".join(f"{parent}/*/{name}" for parent in parents)
    places = ["" if (folder / name).exists() else "bracket*/" for folder in folders]
    found = [f"{show_path(f)}/{place}{name}" for f, place in zip(folders, places, strict=True)]
    return ", ".join(found)


def show_path(folder: Path) -> str:
    """Return a folder as it stands below the project: results/{dataset}/{search}."""
    return "/".join(folder.resolve().parts[-3:])
