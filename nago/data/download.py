"""Download: published files of a data set that are missing, fetched and checked before use."""

import hashlib
import http.client
import os
import shutil
import tarfile
import urllib.error
import urllib.request
import zlib
from pathlib import Path

from nago.data.checksums import CHECKSUMS_FILE, find_checksums
from nago.data.lock import hold_lock
from nago.data.pixels import DataError
from nago.data.sources.source import Archive, Report, Source
from nago.records import UserError

MIRROR = "NAGO_MIRROR"
"""The environment variable with the URL of a directory that has the published files."""
CHUNK = 1 << 20
PATIENCE = 60
"""Seconds without an answer."""


def fetch_missing(source: Source, data_root: Path, split: str, report: Report) -> None:
    """Fetch what a split needs and the folder lacks; leave alone what is there.

    Files come under a temporary name, are compared with their checksum, unpacked, and moved to
    their places when they are whole.

    Raises:
        UserError: a file cannot be fetched.
        DataError: a file is another one than published.
    """
    if not _find_archives(source, data_root, split):
        return
    with hold_lock(data_root / ".download.lock", report):
        temporary = data_root / ".download"
        shutil.rmtree(temporary, ignore_errors=True)  # of a run that was killed
        try:
            for archive in _find_archives(source, data_root, split):
                temporary.mkdir()
                path = _fetch(archive, source, data_root, temporary, report)
                _move(archive, _unpack(path), source.locate(data_root))
                shutil.rmtree(temporary)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _find_archives(source: Source, data_root: Path, split: str) -> list[Archive]:
    missing = set(source.find_missing(source.locate(data_root), split))
    return [archive for archive in source.archives if missing & set(archive.gives)]


def _fetch(
    archive: Archive, source: Source, data_root: Path, directory: Path, report: Report
) -> Path:
    """Return the published file, with the right checksum, in `directory`."""
    name = archive.url.rpartition("/")[2]
    expected = _find_expected(archive, name, source, data_root)
    mirror = os.environ.get(MIRROR)
    url = f"{mirror.rstrip('/')}/{name}" if mirror else archive.url
    report(f"fetch {url}")
    digest = hashlib.md5(usedforsecurity=False)
    path = directory / name
    try:
        request = urllib.request.Request(url, headers={"User-Agent": "nago"})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer, path.open("wb") as file:
            while chunk := answer.read(CHUNK):
                digest.update(chunk)
                file.write(chunk)
    except (
        urllib.error.URLError,
        http.client.HTTPException,
        TimeoutError,
        ConnectionError,
        ValueError,  # no URL
    ) as error:
        raise UserError(
            f"cannot fetch {url} ({error}); get {source.title} from {source.home} and lay it out"
            f" in {data_root} as docs/data.md says"
        ) from None
    if digest.hexdigest() != expected:
        raise DataError(
            f"{url} has the wrong checksum, {digest.hexdigest()} instead of {expected}: cut off on"
            " the way, or another version; nothing of it is kept, start again"
        )
    return path


def _find_expected(archive: Archive, name: str, source: Source, data_root: Path) -> str:
    own = find_checksums(data_root, source.locate(data_root))
    if own is None:
        return archive.md5
    for path, md5 in own.items():
        if path.name == name:
            return md5
    raise DataError(f"{CHECKSUMS_FILE} must list the sum of {name}, too, to have it fetched")


def _unpack(path: Path) -> Path:
    """Return the directory of what a file holds, itself if it is no archive."""
    if not path.name.endswith((".tar.gz", ".tgz")):
        return path.parent
    unpacked = path.parent / "unpacked"
    try:
        with tarfile.open(path) as archive:
            archive.extractall(unpacked, filter="data")
    except (tarfile.TarError, EOFError, zlib.error) as error:
        raise DataError(f"{path.name} cannot be unpacked ({error})") from None
    return unpacked


def _move(archive: Archive, unpacked: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in archive.gives:
        found = unpacked / archive.inside / name
        if not found.exists():
            raise DataError(
                f"{archive.url.rpartition('/')[2]} lacks {archive.inside or '.'}/{name}"
            )
        if not (folder / name).exists():
            found.rename(folder / name)
