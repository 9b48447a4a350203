"""Arrays of images on the disk: written one by one, read in place, measured in pieces."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from nago.records import RecordError

CHUNK = 64
"""Images in memory at once."""


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


def measure_channels(images: np.ndarray) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel, in [0, 1] units.

    Counted in integers, so that the order of the images cannot change a digit. A channel of one
    value has the deviation 1, so that dividing by it does no harm.

    Args:
        images: (N, C, H, W), uint8.
    """
    channels = images.shape[1]
    counts = np.zeros((channels, 256), dtype=np.int64)
    for start in range(0, len(images), CHUNK):
        chunk = images[start : start + CHUNK]
        for channel in range(channels):
            counts[channel] += np.bincount(chunk[:, channel].ravel(), minlength=256)
    values = np.arange(256)
    total = int(counts[0].sum())
    means, deviations = [], []
    for row in counts:
        first, second = int(row @ values), int(row @ values**2)
        means.append(first / total / 255)
        deviations.append((total * second - first**2) ** 0.5 / total / 255 or 1.0)
    return tuple(means), tuple(deviations)


def hash_arrays(arrays: Mapping[str, np.ndarray]) -> str:
    """Return the SHA-256 of names, shapes and contents, in the order given."""
    digest = hashlib.sha256()
    for name, array in arrays.items():
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        for start in range(0, len(array), CHUNK):
            digest.update(array[start : start + CHUNK].tobytes())
    return digest.hexdigest()
