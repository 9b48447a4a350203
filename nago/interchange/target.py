"""What a journal may be written over: nothing, or an older journal of the same searches."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

from nago.records import UserError

WRITER = "nago"
"""Who wrote a record, in every line of a journal."""


def check_target(path: Path, studies: Collection[str]) -> None:
    """Raise UserError unless a journal of `studies` may be written to a path.

    A file that is there must be a whole journal, written by this module alone, of no other
    studies: what somebody else added to it would be lost.
    """
    if path.is_dir():
        raise UserError(f"{path} is a folder: --output must be a file")
    if not path.exists():
        return
    records = _read_records(path)
    if not all(record["worker_id"] == WRITER for record in records):
        raise UserError(
            f"{path} was written to by another program, which would be lost: name another file"
        )
    known = {str(record["study_name"]) for record in records if "study_name" in record}
    if others := sorted(known - set(studies)):
        raise UserError(
            f"{path} holds {', '.join(others)}, which would be lost: give its folder as well, or"
            " name another file"
        )


def _read_records(path: Path) -> list[dict[str, Any]]:
    content = path.read_bytes()
    lines = content.splitlines(keepends=True)
    try:
        records = [json.loads(line) for line in lines]
    except ValueError:
        records = []
    whole = all(
        isinstance(item, dict) and {"op_code", "worker_id"} <= set(item) for item in records
    )
    if not records or not whole or not content.endswith(b"\n"):
        looks = content.startswith(b'{"op_code"')
        what = "is damaged" if looks else "is there and no Optuna journal"
        raise UserError(f"{path} {what}: delete it, or name another file")
    return records
