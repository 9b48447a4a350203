"""Damage: files of a search that were cut off or overwritten by something else than its steps.

The steps write whole files only; a failing disk or a full quota elsewhere may still cut them.
"""

import contextlib
from collections.abc import Callable
from pathlib import Path

from nago.records import RecordError, read_json, read_proposals, read_trial

READERS: dict[str, Callable[[Path], object]] = {
    "*.trial.json": read_trial,
    "*.proposals.json": read_proposals,
    "*.json": read_json,
}


def set_aside_damaged(search: Path) -> list[Path]:
    """Rename the damaged JSON files below the folder of a search; return their old names.

    A file that is gone is made again by the workflow, with what depends on it.
    """
    damaged = []
    for path in sorted(search.rglob("*.json")):
        reader = next(reader for pattern, reader in READERS.items() if path.match(pattern))
        try:
            reader(path)
        except RecordError:
            with contextlib.suppress(FileNotFoundError):  # another run has just removed it
                path.replace(path.with_name(f"{path.name}.damaged"))
                damaged.append(path)
    return damaged
