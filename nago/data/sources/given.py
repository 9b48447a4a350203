"""Class folders within folders for the parts: ImageNet, and data of one's own with given parts."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from nago.data.folders import check_folder, list_classes, list_folder, report_ignored, shorten
from nago.data.sources.source import RawImages, Report
from nago.data.splits import PARTS, SMALLEST_TRAINED
from nago.records import UserError


def open_given(root: Path, folders: Mapping[str, str], report: Report) -> RawImages:
    """Return the images of all parts.

    Args:
        root: the directory of the parts' folders.
        folders: the folder of each part that is there.
        report: takes a line for the log.
    """
    labels: list[int] = []
    parts: list[int] = []
    files: list[str] = []
    for part, name in folders.items():
        found = list_folder(root / name)
        report_ignored(root / name, found, report)
        labels += found.labels
        parts += [PARTS.index(part)] * len(found.labels)
        files += [f"{name}/{file}" for file in found.files]
    return RawImages(
        list_classes(root / folders["train"]),
        np.array(labels, dtype=np.int64),
        parts=np.array(parts),
        root=root,
        files=tuple(files),
    )


def check_given(root: Path, folders: Mapping[str, str]) -> None:
    """Check that all parts have the same classes, and images of each.

    Raises:
        UserError: they don't.
    """
    cut = "validation" not in folders
    classes = set(list_classes(root / folders["train"]))
    for part, name in folders.items():
        differing = sorted(classes ^ set(list_classes(root / name)))
        if differing:
            raise UserError(
                f"{folders['train']} and {name} in {root} must have the same class folders, but"
                f" only one of them has {shorten([repr(name) for name in differing])}"
            )
        check_folder(root / name, SMALLEST_TRAINED if cut and part == "train" else 1)
