"""Flowers102 as published: numbered JPEG files, their labels and the official parts in .mat files.

Source: Nilsback and Zisserman 2008, Automated Flower Classification over a Large Number of
Classes.
"""

from pathlib import Path

import numpy as np

from nago.data.folders import shorten
from nago.data.pixels import DataError
from nago.data.sources.source import Archive, RawImages, Report, Source

PAGE = "https://www.robots.ox.ac.uk/~vgg/data/flowers/102"
LABELS, SPLITS, IMAGES = "imagelabels.mat", "setid.mat", "jpg"
SPLIT_KEYS = ("trnid", "valid", "tstid")
"""Names of the official parts train, validation and test, in the order of PARTS."""


def open_flowers(folder: Path, split: str, report: Report) -> RawImages:
    """Return the images in the order of their numbers; classes are numbered from 1, as published.

    Raises:
        DataError: images, labels and parts don't fit together.
    """
    labels = _read_numbers(folder / LABELS, "labels") - 1
    files = tuple(f"{IMAGES}/image_{number:05d}.jpg" for number in range(1, len(labels) + 1))
    _compare_files(folder, files)
    if len(labels) == 0 or labels.min() < 0:
        raise DataError(f"{folder / LABELS} must hold labels from 1 on")
    return RawImages(
        tuple(str(number) for number in range(1, int(labels.max()) + 2)),
        labels,
        parts=_read_parts(folder / SPLITS, len(labels)) if split == "official" else None,
        root=folder,
        files=files,
    )


def _compare_files(folder: Path, files: tuple[str, ...]) -> None:
    """Raise DataError if there are fewer or more images than labels."""
    found = {f"{IMAGES}/{path.name}" for path in (folder / IMAGES).glob("image_*.jpg")}
    for names, lack in ((set(files) - found, "images"), (found - set(files), "labels")):
        if names:
            raise DataError(
                f"{LABELS} has {len(files)} labels, but {IMAGES} has {len(found)} images in"
                f" {folder}: {lack} are missing for {shorten(sorted(names))}; if"
                f" {IMAGES} is not whole, remove it and start again with download=true"
            )


def _read_parts(path: Path, number: int) -> np.ndarray:
    """Return (number,) places in PARTS.

    Raises:
        DataError: an image is in no part or in several.
    """
    parts = np.full(number, -1)
    given = [_read_numbers(path, key) - 1 for key in SPLIT_KEYS]
    together = np.concatenate(given)
    if sorted(together.tolist()) != list(range(number)):
        raise DataError(
            f"{path} must name each of {number} images once, but names"
            f" {len(set(together.tolist()))} in {len(together)} entries"
        )
    for part, places in enumerate(given):
        parts[places] = part
    return parts


def _read_numbers(path: Path, key: str) -> np.ndarray:
    """Return (n,), int64, the numbers under `key` of a .mat file.

    Raises:
        DataError: it is damaged or has no such numbers.
    """
    from scipy.io import loadmat  # noqa: PLC0415  (slow, and needed here only)

    try:
        values = loadmat(path)[key]
        if values.ndim != 2 or values.shape[0] != 1 or values.dtype.kind not in "iuf":
            raise ValueError(f"{key} has the shape {values.shape}")
        return np.asarray(values.ravel(), dtype=np.int64)
    except OSError:
        raise
    except Exception as error:  # scipy raises many kinds for a file that is no .mat
        raise DataError(f"{path} must hold a row of numbers named {key} ({error})") from None


FLOWERS102 = Source(
    title="Flowers102",
    required={"seeded": (LABELS, IMAGES), "official": (LABELS, SPLITS, IMAGES)},
    open=open_flowers,
    home=f"{PAGE}/",
    folder="flowers-102",
    checksums={
        LABELS: "e0620be6f572b9609742df49c70aed4d",
        SPLITS: "a5357ecc9cb78c4bef273ce3793fc85c",
    },
    archives=(
        Archive(f"{PAGE}/102flowers.tgz", "52808999861908f626f3c1f4e79d11fa", (IMAGES,)),
        Archive(f"{PAGE}/{LABELS}", "e0620be6f572b9609742df49c70aed4d", (LABELS,)),
        Archive(f"{PAGE}/{SPLITS}", "a5357ecc9cb78c4bef273ce3793fc85c", (SPLITS,)),
    ),
)
