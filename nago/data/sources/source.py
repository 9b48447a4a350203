"""What every source of images says of itself, and the form in which it hands images on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from nago.data.pixels import read_pixels, to_pixels

Report = Callable[[str], None]
"""Takes a line for the log."""


@dataclass(frozen=True, slots=True)
class RawImages:
    """Images before they are prepared: whole as `pixels`, or as `files` below `root`.

    Attributes:
        class_names: in the order of their numbers.
        labels: (n,), int64, the class of each image.
        parts: (n,), the number of each image's part in PARTS where the source gives parts.
        pixels: (n, H, W) or (n, H, W, 3), uint8.
        root: the directory of the files.
        files: their names, relative to it.
    """

    class_names: tuple[str, ...]
    labels: np.ndarray
    parts: np.ndarray | None = None
    pixels: np.ndarray | None = None
    root: Path = Path()
    files: tuple[str, ...] = ()

    def read(self, place: int, size: int, channels: int) -> np.ndarray:
        """Return one image as pixels, (channels, size, size), uint8.

        Raises:
            DataError: its file cannot be read.
        """
        if self.pixels is None:
            return read_pixels(self.root, self.files[place], size, channels)
        return to_pixels(Image.fromarray(self.pixels[place]), size, channels)


@dataclass(frozen=True, slots=True)
class Archive:
    """A published file, an archive or not, and what of a data set comes out of it.

    Attributes:
        url: where it is published.
        md5: its published checksum.
        gives: names in the data set's folder.
        inside: the folder of the archive in which they are.
    """

    url: str
    md5: str
    gives: tuple[str, ...]
    inside: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """A form in which images come.

    Attributes:
        title: what messages call it.
        required: for each split that it has, the names that must be in its folder.
        open: lists or reads the images of a folder for a split; DataError where they don't fit
            together.
        check: looks for what can't be right without opening an image; UserError.
        home: where people get the data, for messages.
        folder: that the published archive makes within data_root; data_root may be it, too.
        checksums: published MD5 sums of files in its folder.
        archives: published files that can be fetched.
    """

    title: str
    required: Mapping[str, tuple[str, ...]]
    open: Callable[[Path, str, Report], RawImages]
    check: Callable[[Path, str], None] | None = None
    home: str = ""
    folder: str = ""
    checksums: Mapping[str, str] = field(default_factory=dict)
    archives: tuple[Archive, ...] = ()

    def locate(self, data_root: Path) -> Path:
        """Return the folder of the files: within `data_root`, or `data_root` itself."""
        inner = data_root / self.folder
        here = any((data_root / name).is_file() for name in self.checksums)
        if inner.is_dir() or not (here or data_root.name == self.folder):
            return inner
        return data_root

    def find_missing(self, folder: Path, split: str) -> list[str]:
        """Return the names that a split needs and the folder lacks."""
        return [name for name in self.required[split] if not (folder / name).exists()]
