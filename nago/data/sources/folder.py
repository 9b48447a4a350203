"""Images of one's own: class folders, or folders of the parts with class folders in them."""

from pathlib import Path

import numpy as np

from nago.data.folders import check_folder, list_classes, list_folder, report_ignored
from nago.data.sources.given import check_given, open_given
from nago.data.sources.source import RawImages, Report, Source
from nago.data.splits import SMALLEST_CLASS
from nago.records import UserError

VALIDATION_NAMES = ("val", "validation")


def open_folder(folder: Path, split: str, report: Report) -> RawImages:
    """Return the images of all class folders."""
    if split == "official":
        return open_given(folder, _find_parts(folder), report)
    found = list_folder(folder)
    report_ignored(folder, found, report)
    labels = np.array(found.labels, dtype=np.int64)
    return RawImages(found.class_names, labels, root=folder, files=found.files)


def check_own(folder: Path, split: str) -> None:
    """Raise UserError if the folders can't be right, or are of the other split."""
    parts = _find_parts(folder)
    if split == "official":
        if not {"train", "test"} <= set(parts):
            raise UserError(
                "split official takes the folders train and test (val if there is one), each with"
                f" a folder of images for each class, but {folder} has"
                f" {', '.join(map(repr, list_classes(folder))) or 'no folders'}; split=seeded cuts"
                " the parts itself"
            )
        check_given(folder, parts)
        return
    if {"train", "test"} <= set(parts):
        raise UserError(
            f"{folder} has the folders {', '.join(parts.values())} with class folders in them:"
            " take them as the parts by split=official, or give one directory of class folders"
        )
    check_folder(folder, SMALLEST_CLASS)


def _find_parts(folder: Path) -> dict[str, str]:
    """Return the folder of each part that is there; one with images right in it is a class.

    Raises:
        UserError: there are two folders for validation.
    """
    names = [
        name
        for name in ("train", *VALIDATION_NAMES, "test")
        if (folder / name).is_dir() and list_classes(folder / name)
    ]
    if set(VALIDATION_NAMES) <= set(names):
        raise UserError(f"{folder} has both {' and '.join(VALIDATION_NAMES)}; keep one of them")
    return {"validation" if name in VALIDATION_NAMES else name: name for name in names}


FOLDER = Source(
    title="a folder of images",
    required={"seeded": (), "official": ()},
    open=open_folder,
    check=check_own,
)
