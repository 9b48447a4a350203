"""Checksums: whether files are those that were published, or those that a user vouches for.

A file checksums.md5 takes the place of the published sums, all of them: so a subset or another
version of a data set can be used, and is still checked.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from nago.data.folders import shorten
from nago.data.pixels import DataError
from nago.data.sources.source import Source

CHECKSUMS_FILE = "checksums.md5"
LINE = re.compile(r"([0-9a-fA-F]{32}) [ *](.+)")


def find_checksums(data_root: Path, folder: Path) -> dict[Path, str] | None:
    """Return the MD5 sum of each file that checksums.md5 lists, None if there is no such file.

    It may be in the folder of the files or in data_root; names are relative to where it is.

    Raises:
        DataError: a line is not as md5sum writes it.
    """
    for directory in (folder, data_root):
        path = directory / CHECKSUMS_FILE
        if path.is_file():
            return _read_checksums(path)
    return None


def verify_checksums(source: Source, data_root: Path, folder: Path, split: str) -> None:
    """Compare files with the sums that the user gives, or else with those published.

    Raises:
        DataError: a file is another one, missing, or needed and not listed.
    """
    needed = {folder / name: md5 for name, md5 in source.checksums.items()}
    needed = {path: md5 for path, md5 in needed.items() if path.name in source.required[split]}
    own = find_checksums(data_root, folder)
    if own is not None:
        archives = {archive.url.rpartition("/")[2] for archive in source.archives}
        listed = {path for path in own if path.exists() or path.name not in archives}
        absent = [str(path) for path in sorted(needed.keys() - listed)]
        if absent:
            raise DataError(f"{CHECKSUMS_FILE} must list the sums of {shorten(absent)}, too")
        needed = {path: own[path] for path in listed}
    _compare(needed)


def hash_file(path: Path) -> str:
    """Return the MD5 sum of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "md5").hexdigest()


def _compare(sums: Mapping[Path, str]) -> None:
    missing = [str(path) for path in sorted(sums) if not path.is_file()]
    if missing:
        raise DataError(f"{CHECKSUMS_FILE} lists files that are not there: {shorten(missing)}")
    wrong = [
        f"{path} ({found} instead of {sums[path]})"
        for path in sorted(sums)
        if (found := hash_file(path)) != sums[path]
    ]
    if wrong:
        raise DataError(
            f"wrong checksum: {shorten(wrong)}; get the files again, or list the sums of a copy"
            f" of your own in {CHECKSUMS_FILE} (docs/data.md)"
        )


def _read_checksums(path: Path) -> dict[Path, str]:
    sums = {}
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            parts = LINE.fullmatch(line)
            if parts is None:
                raise DataError(
                    f"line {number} of {path} must be an MD5 sum, two spaces and a name, as md5sum"
                    f" writes it, got {line[:80]!r}"
                )
            sums[path.parent / parts[2]] = parts[1].lower()
    return sums
