"""Arrays of images on the disk: written one by one, read in place; and what is counted of them."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nago.records import RecordError


def write_images(path: Path, images: Iterator[np.ndarray], shape: tuple[int, ...]) -> None:
    """Write images as one .npy file, uint8, without holding them in memory.

    Plain writing, not a memory map: a full disk is then an error and not a crash of the process.

    Args:
        path: the file.
        images: each of shape[1:], uint8.
        shape: of the whole array, the number of images first.

    Raises:
        ValueError: there are more or fewer images, or pixels, than `shape` says.
    """
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "|u1", "fortran_order": False, "shape": shape}
        )
        written = sum(file.write(image.tobytes()) for image in images)
        if written != np.prod(shape):
            raise ValueError(f"{path.name} must hold {np.prod(shape)} pixels, got {written}")
        file.flush()
        os.fsync(file.fileno())


def read_array(path: Path, dtype: type, shape: tuple[int, ...]) -> np.ndarray:
    """Return an array that stays on the disk and is read where it is used.

    Raises:
        RecordError: the file is missing, cut off, or holds something else.
    """
    try:
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise RecordError(f"there is no file {path}; prepare the data set again") from None
    except (ValueError, EOFError, OSError) as error:
        raise RecordError(f"{path} is damaged ({error}); prepare the data set again") from None
    if array.dtype != dtype or array.shape != shape:
        raise RecordError(
            f"{path} must hold {dtype.__name__} {shape}, but holds {array.dtype} {array.shape};"
            " prepare the data set again"
        )
    return array


class ChannelSums:
    """Mean and deviation of each channel, of images that are added one by one.

    Counted in integers, so that the order of the images cannot change a digit.
    """

    def __init__(self, channels: int) -> None:
        self._number = 0
        self._firsts = [0] * channels
        self._seconds = [0] * channels

    def add(self, pixels: np.ndarray) -> None:
        """Count the pixels of an image, (C, H, W), uint8."""
        rows = pixels.reshape(len(pixels), -1)
        self._number += rows.shape[1]
        for channel, row in enumerate(rows.astype(np.uint32)):
            self._firsts[channel] += int(row.sum(dtype=np.uint64))
            self._seconds[channel] += int(np.square(row).sum(dtype=np.uint64))

    def measure(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return mean and standard deviation of each channel, in [0, 1] units.

        A channel of one value has the deviation 1, so that dividing by it does no harm.
        """
        total = self._number
        means = tuple(first / total / 255 for first in self._firsts)
        deviations = tuple(
            (total * second - first**2) ** 0.5 / total / 255 or 1.0
            for first, second in zip(self._firsts, self._seconds, strict=True)
        )
        return means, deviations
