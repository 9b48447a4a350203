"""Images of a part that stay in their files, because all of them would take too much space."""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nago.data.pixels import DataError, read_pixels
from nago.records import RecordError, read_json, write_json


def sum_pixels(pixels: np.ndarray) -> int:
    """Return the CRC-32 of the pixels of an image."""
    return zlib.crc32(np.ascontiguousarray(pixels).data)


@dataclass(frozen=True, slots=True)
class ImageFiles:
    """Images that are decoded whenever they are read, to the pixels that were prepared.

    Attributes:
        root: the directory of the files.
        files: (N,) names, relative to it.
        sums: (N,) CRC-32 of the pixels of each image, as it was prepared.
        shape: (N, C, S, S).
    """

    root: Path
    files: tuple[str, ...]
    sums: tuple[int, ...]
    shape: tuple[int, int, int, int]

    def __len__(self) -> int:
        return len(self.files)

    def read(self, place: int) -> np.ndarray:
        """Return an image as pixels, (C, S, S), uint8.

        Raises:
            RecordError: its file is gone, or shows something else than when it was prepared.
        """
        _, channels, size, _ = self.shape
        try:
            pixels = read_pixels(self.root, self.files[place], size, channels)
        except DataError as error:
            raise RecordError(
                f"an image cannot be read any more: {error} in {self.root}; put it back, or"
                " prepare the data set again"
            ) from None
        if sum_pixels(pixels) != self.sums[place]:
            raise RecordError(
                f"{self.root / self.files[place]} has other pixels than when it was prepared; put"
                " it back, or prepare the data set again"
            )
        return pixels

    def read_many(self, places: Sequence[int]) -> np.ndarray:
        """Return several images as pixels, (n, C, S, S), uint8."""
        pixels = np.empty((len(places), *self.shape[1:]), dtype=np.uint8)
        for row, place in enumerate(places):
            pixels[row] = self.read(place)
        return pixels


def write_files(path: Path, root: Path, files: Sequence[str], sums: Sequence[int]) -> None:
    """Write where the images of a part are."""
    write_json(path, {"root": str(root), "files": list(files), "sums": list(sums)})


def read_files(path: Path, shape: tuple[int, int, int, int]) -> ImageFiles:
    """Return the images of a part.

    Raises:
        RecordError: the file is missing, damaged or not of so many images.
    """
    values = read_json(path)
    try:
        root, files, sums = Path(values["root"]), tuple(values["files"]), tuple(values["sums"])
    except (KeyError, TypeError):
        raise RecordError(f"{path} is damaged; prepare the data set again") from None
    if not len(files) == len(sums) == shape[0]:
        raise RecordError(
            f"{path} must name {shape[0]} images, but names {len(files)}; prepare the data set"
            " again"
        )
    return ImageFiles(root, files, sums, shape)
