"""Folders of images: a directory with a folder for each class, PNG and JPEG files in it.

Classes and files are taken in the order of their names. Hidden files and folders are passed over
in silence, other files that are no PNG or JPEG by their ending are counted.
"""

import os
import struct
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from nago.data.splits import SMALLEST_CLASS
from nago.records import UserError

ENDINGS = (".png", ".jpg", ".jpeg")


class DataError(UserError):
    """Images of a data set cannot be read; the message names them all."""


@dataclass(frozen=True, slots=True)
class Folder:
    """The images of a directory: `files[i]` shows the class `labels[i]`.

    `ignored` counts the files that are no images, by their ending.
    """

    class_names: tuple[str, ...]
    files: tuple[Path, ...]
    labels: tuple[int, ...]
    ignored: Counter[str]


def list_folder(root: Path) -> Folder:
    """Return the images below `root`, by names only."""
    class_folders = _class_folders(root)
    files: list[Path] = []
    labels: list[int] = []
    ignored: Counter[str] = Counter()
    for label, folder in enumerate(class_folders):
        names = sorted(entry.name for entry in _visible(folder))
        for name in names:
            if _is_image(folder / name):
                files.append(folder / name)
                labels.append(label)
            else:
                ignored[Path(name).suffix.lower() or "no ending"] += 1
    return Folder(
        tuple(folder.name for folder in class_folders), tuple(files), tuple(labels), ignored
    )


def check_folder(root: Path) -> None:
    """Check that a directory has classes of images, without opening an image.

    Raises:
        UserError: it is missing, no directory, or has too few classes or images.
    """
    if not root.is_dir():
        given = f"{root} is a file" if root.exists() else f"there is no folder '{root}'"
        raise UserError(f"data_root must be a directory of class folders, but {given}")
    class_folders = _class_folders(root)
    if len(class_folders) < 2:
        names = ", ".join(repr(folder.name) for folder in class_folders) or "none"
        raise UserError(
            f"data_root must hold two class folders or more, one for the images of each class;"
            f" in {root} there is {names}"
        )
    sizes = {folder.name: _count_images(folder, SMALLEST_CLASS) for folder in class_folders}
    small = [f"{name!r} has {size}" for name, size in sizes.items() if size < SMALLEST_CLASS]
    if small:
        raise UserError(
            f"each class folder of {root} must hold {SMALLEST_CLASS} PNG or JPEG images or more"
            f" (not in folders below it), but {', '.join(small)}"
        )


def read_pixels(file: Path, image_size: int, channels: int) -> np.ndarray:
    """Return an image file as pixels, (channels, image_size, image_size), uint8.

    Raises:
        DataError: it is no PNG or JPEG, cut off, or so large that it may be an attack.
    """
    try:
        with Image.open(file, formats=("PNG", "JPEG")) as image:
            return to_pixels(image, image_size, channels)
    except (
        OSError,  # not an image, cut off, or not readable
        SyntaxError,  # a broken PNG chunk
        ValueError,
        EOFError,
        IndexError,
        struct.error,
        zlib.error,
        Image.DecompressionBombError,
    ) as error:
        reason = "not a PNG or JPEG" if isinstance(error, UnidentifiedImageError) else error
        raise DataError(f"{file.parent.name}/{file.name} ({reason})") from error


def to_pixels(image: Image.Image, image_size: int, channels: int) -> np.ndarray:
    """Return an image as pixels, (channels, image_size, image_size), uint8.

    The largest central square is resized, with averaging when it shrinks. The image is turned as
    its camera says, transparent parts become white as on paper, 16 bits become 8.
    """
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):  # convert("L") would clip 16 bits at 255
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    image = image.convert("L" if channels == 1 else "RGB")
    image = ImageOps.fit(image, (image_size, image_size), Image.Resampling.BILINEAR)
    pixels = np.asarray(image)  # (H, W) or (H, W, 3)
    return pixels[np.newaxis] if channels == 1 else pixels.transpose(2, 0, 1)


def _class_folders(root: Path) -> list[Path]:
    return sorted(Path(entry.path) for entry in _visible(root) if entry.is_dir())


def _count_images(folder: Path, most: int) -> int:
    """Return the number of images, or `most` as soon as it is reached."""
    count = 0
    for entry in _visible(folder):
        count += _is_image(Path(entry.path))
        if count == most:
            break
    return count


def _visible(folder: Path) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        yield from (entry for entry in entries if not entry.name.startswith("."))


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in ENDINGS and file.is_file()
