"""MIT67, indoor scenes, as published: class folders in Images, two lists beside it.

Source: Quattoni and Torralba 2009, Recognizing Indoor Scenes.
"""

from pathlib import Path

import numpy as np

from nago.data.folders import Folder, check_folder, list_folder, report_ignored, shorten
from nago.data.pixels import DataError
from nago.data.sources.source import RawImages, Report, Source
from nago.data.splits import PARTS, SMALLEST_CLASS, SMALLEST_TRAINED

IMAGES = "Images"
LISTS = {"train": "TrainImages.txt", "test": "TestImages.txt"}


def open_scenes(folder: Path, split: str, report: Report) -> RawImages:
    """Return all images of the folders, or those of the lists.

    Raises:
        DataError: the lists name an image that isn't there, or one twice.
    """
    found = list_folder(folder / IMAGES)
    report_ignored(folder / IMAGES, found, report)
    files = tuple(f"{IMAGES}/{name}" for name in found.files)
    labels = np.array(found.labels, dtype=np.int64)
    if split == "seeded":
        return RawImages(found.class_names, labels, root=folder, files=files)
    parts = _read_lists(folder, found)
    listed = np.flatnonzero(parts >= 0)
    return RawImages(
        found.class_names,
        labels[listed],
        parts=parts[listed],
        root=folder,
        files=tuple(files[place] for place in listed.tolist()),
    )


def check_scenes(folder: Path, split: str) -> None:
    """Raise UserError if the class folders can't be right."""
    check_folder(folder / IMAGES, SMALLEST_CLASS if split == "seeded" else SMALLEST_TRAINED)


def _read_lists(folder: Path, found: Folder) -> np.ndarray:
    """Return (n,) places in PARTS of the images found, -1 where no list names one.

    Raises:
        DataError: the lists name an image that isn't there, or one twice.
    """
    places = {name: place for place, name in enumerate(found.files)}
    parts = np.full(len(places), -1)
    missing: list[str] = []
    twice: list[str] = []
    for part, list_name in LISTS.items():
        text = (folder / list_name).read_text(encoding="utf-8", errors="replace")
        for name in filter(None, map(str.strip, text.splitlines())):
            if name not in places:
                missing.append(f"{name} of {list_name}")
            elif parts[places[name]] >= 0:
                twice.append(name)
            else:
                parts[places[name]] = PARTS.index(part)
    if missing:
        raise DataError(
            f"the lists name {len(missing)} images that are not in {folder / IMAGES}:"
            f" {shorten(missing)}"
        )
    if twice:
        raise DataError(f"the lists in {folder} name {len(twice)} images twice: {shorten(twice)}")
    return parts


MIT67 = Source(
    title="MIT67",
    required={"seeded": (IMAGES,), "official": (IMAGES, *LISTS.values())},
    open=open_scenes,
    check=check_scenes,
    home="https://web.mit.edu/torralba/www/indoor.html",
)
