"""Opening a source: its name and directory checked, missing files fetched, sums compared."""

from pathlib import Path

from nago.data.checksums import verify_checksums
from nago.data.folders import check_directory
from nago.data.sources import SOURCES
from nago.data.sources.source import RawImages, Report, Source
from nago.records import UserError

BUILT_IN = "digits"


def check_source(
    source: str, data_root: str | Path | None, split: str = "seeded", download: bool = False
) -> None:
    """Check what is given as data, without opening an image or reading a large file.

    Raises:
        UserError: the source is unknown or has no such split, or its directory is missing or not
            as it should be and can't be fetched.
    """
    if source not in SOURCES:
        raise UserError(f"source must be one of {', '.join(SOURCES)}, got {source!r}")
    given = SOURCES[source]
    if split not in given.required:
        raise UserError(
            f"split must be {' or '.join(given.required)} for the source {source}, got {split!r}"
        )
    if source == BUILT_IN:
        if data_root is not None:
            raise UserError(
                f"the digits are built in and take no data_root, got {str(data_root)!r};"
                " for images of your own use the source folder"
            )
        return
    if data_root is None:
        raise UserError(
            f"the source {source} needs data_root, {_tell_need(given, split)}, got none"
        )
    try:
        _check_directory(given, Path(data_root).expanduser(), split, download)
    except OSError as error:
        raise UserError(f"data_root cannot be read: {error.filename}: {error.strerror}") from None


def open_source(
    source: str, data_root: str | Path | None, split: str, download: bool, report: Report
) -> RawImages:
    """Return the images of a source that `check_source` has passed, its files verified.

    Raises:
        UserError: files are missing and cannot be fetched.
        DataError: files are damaged or don't fit together.
    """
    given = SOURCES[source]
    if source == BUILT_IN:
        return given.open(Path(), split, report)
    root = Path(str(data_root)).expanduser().resolve()
    if download:
        from nago.data.download import fetch_missing  # noqa: PLC0415  (slow, and rarely needed)

        fetch_missing(given, root, split, report)
        check_source(source, root, split)
    folder = given.locate(root)
    verify_checksums(given, root, folder, split)
    return given.open(folder, split, report)


def _check_directory(source: Source, root: Path, split: str, download: bool) -> None:
    folder = source.locate(root)
    missing = source.find_missing(folder, split)
    if missing and download and source.archives:
        if root.exists():
            check_directory(root)
        return
    if missing or not root.is_dir():
        check_directory(root)
        raise UserError(
            f"{folder} lacks {', '.join(missing)} of {source.title}; {_tell_origin(source)}"
        )
    if source.check is not None:
        source.check(folder, split)


def _tell_need(source: Source, split: str) -> str:
    names = ", ".join(source.required[split])
    if not names:
        return "a directory with a folder of images for each class"
    return f"the directory of {names} of {source.title} ({_tell_origin(source)})"


def _tell_origin(source: Source) -> str:
    fetch = "download=true fetches it, or " if source.archives else ""
    return f"{fetch}get it from {source.home} and lay it out as docs/data.md says"
