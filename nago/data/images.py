"""Labelled images as tensors: a part of a data set, on the device that trains on it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from nago.data.datasets import read_info, read_part


@dataclass(frozen=True, slots=True)
class LabelledImages:
    """Images as bytes, so that a small data set fits on any device, with their classes.

    Args:
        pixels: (N, C, H, W), uint8.
        labels: (N,), int64.
        mean: (C,), of the train part, in [0, 1] units.
        std: (C,), likewise.
    """

    pixels: Tensor
    labels: Tensor
    mean: Tensor
    std: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> "LabelledImages":
        """Return the same images on `device`."""
        return LabelledImages(
            self.pixels.to(device),
            self.labels.to(device),
            self.mean.to(device),
            self.std.to(device),
        )


def load_images(directory: Path, part: str) -> LabelledImages:
    """Return one part of a prepared data set, in memory.

    Raises:
        RecordError: a file is missing or damaged.
    """
    info = read_info(directory)
    pixels, labels = read_part(directory, part)
    return LabelledImages(
        torch.from_numpy(np.array(pixels)),
        torch.from_numpy(np.array(labels)),
        torch.tensor(info.mean),
        torch.tensor(info.std),
    )
