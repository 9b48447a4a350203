"""Augmentation: random crop, mirror image and cutout of a whole batch of small images at once.

In the order of the usual CIFAR protocol: the border of a crop is black (value 0 before
normalisation), the square of a cutout is the mean of the data (value 0 after it). The random
numbers come from the CPU, so that a GPU trains on the same images.
Source: DeVries and Taylor 2017, arXiv:1708.04552, for cutout.
"""

import torch
from torch import Tensor
from torch.nn import functional

from nago.records import TrainingSettings


def normalise(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Return bytes as float32 with the mean 0 and deviation 1 of each channel of the data.

    Args:
        images: (N, C, H, W), uint8.
        mean: (C,), in [0, 1] units.
        std: (C,), likewise.
    """
    scale = 1 / (255 * std)
    return images.float().mul_(scale[:, None, None]).sub_((mean / std)[:, None, None])


def augment(
    images: Tensor, mean: Tensor, std: Tensor, settings: TrainingSettings, rng: torch.Generator
) -> Tensor:
    """Return a batch as the network is to see it once: changed at random and normalised.

    Args:
        images: (N, C, H, W), uint8.
        mean: (C,), in [0, 1] units.
        std: (C,), likewise.
        settings: `crop_padding`, `flip` and `cutout` decide what is done; 0 and False do nothing.
        rng: on the CPU, whatever the device of the images.

    Returns:
        (N, C, H, W), float32.
    """
    number, _, height, width = images.shape
    if settings.crop_padding or settings.flip:
        top = _draw(number, 2 * settings.crop_padding + 1, rng)
        left = _draw(number, 2 * settings.crop_padding + 1, rng)
        mirror = _draw(number, 2, rng) * settings.flip
        images = crop(images, settings.crop_padding, top, left, mirror.bool())
    normalised = normalise(images, mean, std)
    if settings.cutout:
        rows, columns = _draw(number, height, rng), _draw(number, width, rng)
        normalised *= cutout_mask(height, width, settings.cutout, rows, columns).to(images.device)
    return normalised


def crop(images: Tensor, padding: int, top: Tensor, left: Tensor, mirror: Tensor) -> Tensor:
    """Return a window of each image with a black border around it, mirrored where asked.

    Args:
        images: (N, C, H, W).
        padding: width of the border, in pixels.
        top: (N,), first row of the window, 0 to 2 * padding.
        left: (N,), first column, likewise.
        mirror: (N,), whether left and right are swapped.
    """
    number, channels, height, width = images.shape
    padded = functional.pad(images, (padding, padding, padding, padding))
    rows = top[:, None] + torch.arange(height)  # (N, H)
    columns = left[:, None] + torch.arange(width)  # (N, W)
    columns = torch.where(mirror[:, None], columns.flip(1), columns)
    # One gather by place in the flat image is six times as fast as indexing rows and columns.
    places = rows[:, :, None] * (width + 2 * padding) + columns[:, None, :]  # (N, H, W)
    places = places.reshape(number, 1, -1).expand(-1, channels, -1).to(images.device)
    return padded.flatten(2).gather(2, places).view_as(images)


def cutout_mask(height: int, width: int, side: int, rows: Tensor, columns: Tensor) -> Tensor:
    """Return (N, 1, H, W): 0 in a square around each centre, 1 elsewhere.

    The centre is any pixel, so the square may lie partly outside and erase less.

    Args:
        height: of the image, in pixels.
        width: of the image, in pixels.
        side: of the square, in pixels; an even one reaches one further up and left than down.
        rows: (N,), of the centres.
        columns: (N,), of the centres.
    """
    erased = _within(height, side, rows)[:, :, None] & _within(width, side, columns)[:, None, :]
    return (~erased).float()[:, None]


def _within(length: int, side: int, centres: Tensor) -> Tensor:
    """Return (N, length): whether a place is within `side` places around the centre."""
    distance = torch.arange(length) - (centres - side // 2)[:, None]
    return (distance >= 0) & (distance < side)


def _draw(number: int, below: int, rng: torch.Generator) -> Tensor:
    return torch.randint(below, (number,), generator=rng)
