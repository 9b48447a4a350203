"""Labelled images: a part of a data set, and its batches on the device that trains.

Arrays on the disk are mapped into memory, so that all processes of a machine share them; a GPU
holds them itself if they take a small share of its memory. Images that stay in their files are
decoded by processes of their own. The pixels are the same in all cases.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor

from nago.data.datasets import read_info, read_part
from nago.data.transfer import bring, read_in_processes, read_in_thread

RESIDENT_SHARE = 0.25
"""Of the free memory of a GPU, what the images of a part may take for good."""
CHUNK = 256
"""Images in memory at once while a GPU is being filled."""


class Files(Protocol):
    """Images that are decoded when they are read."""

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(N, C, S, S)."""

    def read_many(self, places: Sequence[int]) -> np.ndarray:
        """Return the pixels of some images, (n, C, S, S), uint8."""


@dataclass(frozen=True, slots=True)
class StoredImages:
    """Images that stay where they are, in one piece after the other.

    Attributes:
        pieces: arrays (n, C, S, S), uint8, or images in files, all of one size.
    """

    pieces: tuple[np.ndarray | Files, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, C, S, S)."""
        return (sum(piece.shape[0] for piece in self.pieces), *self.pieces[0].shape[1:])

    @property
    def in_files(self) -> bool:
        """Whether images have to be decoded."""
        return not all(isinstance(piece, np.ndarray) for piece in self.pieces)

    def read(self, places: Tensor) -> Tensor:
        """Return the pixels of some images, (n, C, S, S), uint8.

        Args:
            places: (n,), int64, on the CPU.

        Raises:
            RecordError: a file is gone or damaged.
        """
        wanted = places.numpy()
        if len(self.pieces) == 1:
            return torch.from_numpy(_read_piece(self.pieces[0], wanted))
        pixels = np.empty((len(wanted), *self.shape[1:]), dtype=np.uint8)
        start = 0
        for piece in self.pieces:
            end = start + piece.shape[0]
            here = (wanted >= start) & (wanted < end)
            if here.any():
                pixels[here] = _read_piece(piece, wanted[here] - start)
            start = end
        return torch.from_numpy(pixels)

    def load(self, device: torch.device) -> Tensor:
        """Return all pixels on a device, (N, C, S, S), uint8."""
        pixels = torch.empty(self.shape, dtype=torch.uint8, device=device)
        for start in range(0, len(pixels), CHUNK):
            end = min(start + CHUNK, len(pixels))
            pixels[start:end] = self.read(torch.arange(start, end)).to(device)
        return pixels


@dataclass(frozen=True, slots=True)
class LabelledImages:
    """Images as bytes with their classes.

    Attributes:
        pixels: (N, C, S, S), uint8: a tensor on the device, or what stays where it is.
        labels: (N,), int64, on the device.
        mean: (C,), of the train part, in [0, 1] units, on the device.
        std: (C,), likewise.
        image_size: height and width that networks see, in pixels; S if None.
        workers: processes that decode images in files; 0 for the one that trains.
    """

    pixels: Tensor | StoredImages
    labels: Tensor
    mean: Tensor
    std: Tensor
    image_size: int | None = None
    workers: int = 1

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def stored_size(self) -> int:
        """Height and width of the pixels."""
        return self.pixels.shape[2]

    @property
    def size(self) -> int:
        """Height and width that networks see."""
        return self.stored_size if self.image_size is None else self.image_size

    def to(self, device: torch.device, workers: int = 1) -> "LabelledImages":
        """Return the same images for a training on `device`; arrays move to a GPU if small.

        Args:
            device: that trains.
            workers: processes that decode images in files; 0 for the one that trains.
        """
        pixels = self.pixels
        if isinstance(pixels, Tensor):
            pixels = pixels.to(device)
        elif not pixels.in_files and fits(pixels.shape, device):
            pixels = pixels.load(device)
        return LabelledImages(
            pixels,
            self.labels.to(device),
            self.mean.to(device),
            self.std.to(device),
            self.image_size,
            workers,
        )

    def batches(self, places: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
        """Give pixels, (n, C, S, S) uint8, and labels, (n,), of each batch, on the device.

        Args:
            places: of the images of each batch, (n,), int64, on the CPU.

        Raises:
            RecordError: a file is gone or damaged.
        """
        device = self.labels.device
        if isinstance(self.pixels, Tensor):
            for chosen in places:
                here = bring(chosen, device)
                yield self.pixels.index_select(0, here), self.labels.index_select(0, here)
            return
        for chosen, pixels in zip(places, self._read(self.pixels, places), strict=True):
            yield bring(pixels, device), self.labels.index_select(0, bring(chosen, device))

    def _read(self, pixels: StoredImages, places: Sequence[Tensor]) -> Iterator[Tensor]:
        """Give the pixels of each batch on the CPU, read ahead where that spares a wait."""
        gpu = self.labels.device.type == "cuda"
        if pixels.in_files and self.workers:
            return read_in_processes(pixels.read, places, self.workers, pinned=gpu)
        if gpu:
            return read_in_thread(lambda chosen: pixels.read(chosen).pin_memory(), places)
        return map(pixels.read, places)


def load_images(directory: Path, part: str) -> LabelledImages:
    """Return one part of a prepared data set; its images stay on the disk.

    Raises:
        RecordError: a file is missing or damaged.
    """
    info = read_info(directory)
    images, labels = read_part(directory, part)
    return LabelledImages(
        StoredImages((images,)),
        torch.from_numpy(np.array(labels)),
        torch.tensor(info.mean),
        torch.tensor(info.std),
        info.image_size,
    )


def join(first: LabelledImages, second: LabelledImages) -> LabelledImages:
    """Return two parts of a data set as one, on the CPU; no images are copied."""
    pieces = tuple(
        piece
        for part in (first, second)
        for piece in (
            (part.pixels.numpy(),) if isinstance(part.pixels, Tensor) else part.pixels.pieces
        )
    )
    labels = torch.cat([first.labels, second.labels])
    return replace(first, pixels=StoredImages(pieces), labels=labels)


def fits(shape: Sequence[int], device: torch.device) -> bool:
    """Return whether images of that many bytes may stay on a device; a CPU needs no copy."""
    if device.type != "cuda":
        return False
    free, _ = torch.cuda.mem_get_info(device)
    return int(np.prod(shape)) <= RESIDENT_SHARE * free


def _read_piece(piece: np.ndarray | Files, places: np.ndarray) -> np.ndarray:
    if isinstance(piece, np.ndarray):
        return np.asarray(piece).take(places, axis=0)
    return piece.read_many(places.tolist())
