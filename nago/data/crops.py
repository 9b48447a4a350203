"""Windows of a whole batch at once: cut out with a border, resized, or erased.

A resized window equals bilinear resizing with antialiasing: an output pixel is a mean of those
around its centre, weighted by a triangle that grows with the window when that shrinks. It is done
for rows, then for columns; for each as a sum of few selected rows, so that each image of a batch
may have a window of its own.
Source: DeVries and Taylor 2017, arXiv:1708.04552, for cutout; Szegedy et al. 2015,
arXiv:1409.4842, for windows of random area and shape.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

SHAPES = (3 / 4, 4 / 3)
"""Least and largest width of a window as a multiple of its height."""
TRIES = 10


@dataclass(frozen=True, slots=True)
class Taps:
    """Which places of an image each output pixel is a mean of, along one side.

    Attributes:
        places: (N, taps, size), int64.
        weights: (N, taps, size), float32, with the sum 1; 0 from the third on in a window no
            longer than `size`.
    """

    places: Tensor
    weights: Tensor

    def take(self, part: slice) -> "Taps":
        """Return those of some images."""
        return Taps(self.places[part], self.weights[part])

    def sum_rows(self, images: Tensor, first: int, longest: int) -> Tensor:
        """Return (N, C, size, W): means of rows.

        Args:
            images: (N, C, H, W), float32.
            first: place of their first row.
            longest: height of the largest window.
        """
        number, channels, height, width = images.shape
        size = self.places.shape[2]
        end = number * channels * height - first
        starts = torch.arange(-first, end, height, device=images.device).view(number, channels, 1)
        total = images
        for tap in range(count_taps(longest, size)):
            places = (starts + self.places[:, tap, None]).flatten()
            rows = (
                images.view(-1, width).index_select(0, places).view(number, channels, size, width)
            )
            weights = self.weights[:, tap, None, :, None]
            total = total.addcmul_(rows, weights) if tap else rows.mul_(weights)
        return total


def draw_windows(number: int, side: int, scale: Sequence[float], rng: torch.Generator) -> Tensor:
    """Return windows of random area and shape: (number, 4), top, left, height and width.

    Area and shape (on a logarithmic scale) are uniform. Those that don't fit into the image are
    drawn again; after the tenth time the window is the whole image.

    Args:
        number: of windows.
        side: height and width of the image, in pixels.
        scale: least and largest share of the image's area.
        rng: gives the same count of values whatever is drawn.
    """
    areas, shapes = torch.rand(2, number, TRIES, generator=rng, dtype=torch.float64)
    areas = side**2 * torch.lerp(*_bounds(scale), areas)
    shapes = torch.lerp(*_bounds([math.log(shape) for shape in SHAPES]), shapes).exp()
    tries = torch.stack([areas / shapes, areas * shapes]).sqrt().round()  # heights, widths
    fit = ((tries > 0) & (tries <= side)).all(dim=0)  # (number, TRIES)
    first = fit.byte().argmax(dim=1, keepdim=True)
    chosen = tries.gather(2, first.expand(2, -1, -1))[:, :, 0]
    sides = torch.where(fit.any(dim=1), chosen, side)  # (2, number)
    starts = (
        torch.rand(2, number, generator=rng, dtype=torch.float64) * (side - sides + 1)
    ).floor()
    return torch.cat([starts, sides]).long().T.contiguous()


def crop(images: Tensor, padding: int, windows: Tensor, mirror: Tensor, size: int) -> Tensor:
    """Return a window of each image with a black border around it, mirrored where asked.

    Args:
        images: (N, C, H, W), uint8.
        padding: width of the border, in pixels.
        windows: (N, 2 or more), first row and column, counted from the border's corner.
        mirror: (N,), whether left and right are swapped.
        size: height and width of the windows.
    """
    number, channels, height, width = images.shape
    if padding:
        wide = (number, channels, height + 2 * padding, width + 2 * padding)
        padded = images.new_zeros(wide)
        padded[:, :, padding:-padding, padding:-padding] = images
        images, width = padded, width + 2 * padding
    steps = torch.arange(size, device=images.device)
    rows = windows[:, :1] + steps  # (N, size)
    columns = windows[:, 1:2] + torch.where(mirror[:, None], steps.flip(0), steps)
    # One gather by place in the flat image is six times as fast as indexing rows and columns.
    places = rows[:, :, None] * width + columns[:, None, :]  # (N, size, size)
    places = places.reshape(number, 1, -1).expand(-1, channels, -1)
    return images.flatten(2).gather(2, places).view(number, channels, size, size)


def resize(images: Tensor, windows: Tensor, rows: Taps, columns: Taps) -> Tensor:
    """Return a window of each image, resized.

    Args:
        images: (N, C, S, S), uint8.
        windows: (N, 4), top, left, height and width, on the CPU.
        rows: what the result's rows are means of, on the device of the images.
        columns: likewise.

    Returns:
        (N, C, size, size), float32.
    """
    # Only what all windows together see; known on the CPU, so that a GPU needn't be asked.
    top, left = windows[:, :2].amin(dim=0).tolist()
    bottom, right = (windows[:, :2] + windows[:, 2:]).amax(dim=0).tolist()
    height, width = windows[:, 2:].amax(dim=0).tolist()
    seen = images[:, :, top:bottom, left:right].transpose(2, 3)
    seen = seen.to(torch.float32, memory_format=torch.contiguous_format)
    narrow = columns.sum_rows(seen, left, width)  # (N, C, size, bottom - top)
    return rows.sum_rows(narrow.transpose(2, 3).contiguous(), top, height)


def count_taps(longest: int, size: int) -> int:
    """Return how many places an output pixel is a mean of, in a window of `longest` places."""
    return math.ceil(2 * max(1.0, longest / size))


def weigh_windows(windows: Tensor, mirror: Tensor, size: int, taps: int) -> tuple[Taps, Taps]:
    """Return what rows and columns of a resized window are means of.

    Args:
        windows: (N, 4), top, left, height and width.
        mirror: (N,), whether left and right are swapped.
        size: height and width of the result.
        taps: as counted for the longest side, or more.
    """
    top, left, height, width = windows.unbind(dim=1)
    upright = torch.zeros_like(mirror)
    return weigh(top, height, upright, size, taps), weigh(left, width, mirror, size, taps)


def weigh(first: Tensor, length: Tensor, mirror: Tensor, size: int, taps: int) -> Taps:
    """Return the places that each output pixel is a mean of, and their weights.

    Args:
        first: (N,), first place of each window.
        length: (N,), places of each window.
        mirror: (N,), whether first and last are swapped.
        size: output pixels.
        taps: as counted for the longest window, or more.
    """
    steps = torch.arange(size, device=first.device) + 0.5
    scale = (length / size)[:, None]
    reach = scale.clamp(min=1)
    centres = steps * scale  # (N, size), in places of the window
    centres = torch.where(mirror[:, None], length[:, None] - centres, centres)
    nearest = (centres - reach + 0.5).floor()
    places = nearest[:, None] + torch.arange(taps, device=first.device)[:, None]
    weights = 1 - (places + 0.5 - centres[:, None]).abs() / reach[:, None]
    last = length[:, None, None] - 1
    weights = weights.clamp(min=0) * ((places >= 0) & (places <= last))
    weights /= weights.sum(dim=1, keepdim=True)
    places = torch.minimum(places.clamp(min=0), last).long()
    return Taps(first[:, None, None] + places, weights)


def mark_square(length: int, side: int, centres: Tensor) -> Tensor:
    """Return (N, length), float32: 1 where a square around each centre reaches, 0 elsewhere.

    The centre is any place, so that the square may lie partly outside.

    Args:
        length: places of the image along one side.
        side: of the square; an even one reaches one further back than on.
        centres: (N,), place of each.
    """
    places = torch.arange(length, device=centres.device)
    distance = places - (centres - side // 2)[:, None]
    return ((distance >= 0) & (distance < side)).float()


def erase(images: Tensor, rows: Tensor, columns: Tensor) -> None:
    """Set images (N, C, H, W) to 0, in place, where both rows (N, H) and columns (N, W) are 1."""
    images *= 1 - rows[:, None, :, None] * columns[:, None, None, :]


def _bounds(pair: Sequence[float]) -> tuple[Tensor, Tensor]:
    low, high = torch.tensor(list(pair), dtype=torch.float64)
    return low, high
