"""Augmentation: whole batches changed at random on the device that trains on them.

First the window (a crop with a black border, or one of random area, resized) and its mirror
image, then the colours, then normalisation, then cutout: an erased square is the mean of the data
(value 0 after normalisation). All random numbers come from the CPU, so that a GPU trains on the
same images.
"""

import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from nago.data.colour import change_colours, draw_factors, draw_orders
from nago.data.crops import (
    count_taps,
    crop,
    draw_windows,
    erase,
    mark_square,
    resize,
    weigh_windows,
)
from nago.data.transfer import bring
from nago.records import TrainingSettings

CPU_VALUES, GPU_VALUES = 2**18, 2**24
"""Values of images changed at once: 1 MB, what the fast memory of a CPU holds; 64 MB on a GPU,
which has a few times as much under way then.
"""


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be done to each image of a batch; what the settings don't ask for is ignored.

    Attributes:
        windows: (N, 4), int64: top, left, height and width, counted within the border if any.
        mirror: (N,), bool: whether left and right are swapped.
        centres: (N, 2), int64: row and column of the cutout's centre in the result.
        factors: (N, 4), float32: of brightness, contrast and saturation, and turns of the hue.
        orders: (N, 4), int64: in which order the four are changed.
    """

    windows: Tensor
    mirror: Tensor
    centres: Tensor
    factors: Tensor
    orders: Tensor

    def take(self, places: slice) -> "Changes":
        """Return the changes of some images."""
        return Changes(*(values[places] for values in self._values()))

    def to(self, device: torch.device) -> "Changes":
        """Return the same changes on `device`."""
        return Changes(*(bring(values, device) for values in self._values()))

    def _values(self) -> Iterator[Tensor]:
        return (getattr(self, field.name) for field in dataclasses.fields(self))


def draw_changes(
    number: int, stored_size: int, size: int, settings: TrainingSettings, rng: torch.Generator
) -> Changes:
    """Return random changes for `number` images.

    How many values `rng` gives depends on `number` and the settings alone.

    Args:
        number: of images.
        stored_size: height and width of the images given.
        size: those of the images wanted.
        settings: which changes, and how far they go.
        rng: on the CPU.

    Raises:
        ValueError: a padded window is larger than the image with its border.
    """
    if settings.crop == "resized":
        windows = draw_windows(number, stored_size, settings.crop_scale, rng)
    else:
        places = stored_size + 2 * settings.crop_padding - size + 1
        if places < 1:
            raise ValueError(
                f"a window of {size} pixels needs stored_size {size - 2 * settings.crop_padding}"
                f" or more with crop_padding {settings.crop_padding}, got {stored_size=}"
            )
        starts = torch.randint(places, (number, 2), generator=rng)
        windows = torch.cat([starts, torch.full_like(starts, size)], dim=1)
    mirror = torch.zeros(number, dtype=torch.bool)
    if settings.flip:
        mirror = torch.randint(2, (number,), generator=rng).bool()
    factors, orders = torch.ones(number, 4), torch.arange(4).expand(number, 4)
    if any(settings.colour_jitter):
        factors = draw_factors(number, settings.colour_jitter, rng)
        orders = draw_orders(number, rng)
    centres = torch.zeros(number, 2, dtype=torch.int64)
    if settings.cutout:
        centres = torch.randint(size, (number, 2), generator=rng)
    return Changes(windows, mirror, centres, factors, orders)


def change_images(  # noqa: PLR0917  (images and changes, then how, as everywhere)
    images: Tensor,
    changes: Changes,
    mean: Tensor,
    std: Tensor,
    settings: TrainingSettings,
    size: int,
) -> Tensor:
    """Return a batch as the network is to see it once: changed and normalised.

    Args:
        images: (N, C, S, S), uint8, left as they are.
        changes: of N images, on the CPU.
        mean: (C,), in [0, 1] units, on the device of the images.
        std: (C,), likewise.
        settings: which changes are made.
        size: height and width of the result.

    Returns:
        (N, C, size, size), float32.
    """
    jitter, moved = settings.colour_jitter, changes.to(images.device)
    show = _plan_windows(images, changes, moved, settings, size)
    if settings.cutout:
        across, along = (mark_square(size, settings.cutout, c) for c in moved.centres.unbind(1))
    scale, shift = _find_line(mean, std)
    changed = images.new_empty((*images.shape[:2], size, size), dtype=torch.float32)
    for part in _cut(changed):
        shown = show(part).float()
        if any(jitter):
            shown = change_colours(shown, moved.factors[part], changes.orders[part], jitter)
        result = torch.mul(shown, scale, out=changed[part]).sub_(shift)
        if settings.cutout:
            erase(result, across[part], along[part])
    return changed


def present(images: Tensor, mean: Tensor, std: Tensor, size: int) -> Tensor:
    """Return the centre of each image, normalised, as an evaluation is to see it.

    Args:
        images: (N, C, S, S), uint8.
        mean: (C,), in [0, 1] units.
        std: (C,), likewise.
        size: height and width of the centre, S or less.
    """
    start = round((images.shape[2] - size) / 2)
    end = start + size
    return normalise(images[:, :, start:end, start:end], mean, std)


def normalise(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Return bytes as float32 with the mean 0 and deviation 1 of each channel of the data.

    Args:
        images: (N, C, H, W), uint8.
        mean: (C,), in [0, 1] units.
        std: (C,), likewise.
    """
    scale, shift = _find_line(mean, std)
    return images.float().mul_(scale).sub_(shift)


def _plan_windows(
    images: Tensor, changes: Changes, moved: Changes, settings: TrainingSettings, size: int
) -> Callable[[slice], Tensor]:
    """Return the function that gives the windows of a part of the images.

    Args:
        images: (N, C, S, S), uint8.
        changes: of N images, on the CPU.
        moved: the same on the device of the images.
        settings: which windows they are.
        size: height and width of the windows.
    """
    if settings.crop == "resized":
        taps = count_taps(int(changes.windows[:, 2:].max()), size)
        rows, columns = weigh_windows(moved.windows, moved.mirror, size, taps)
        return lambda part: resize(
            images[part], changes.windows[part], rows.take(part), columns.take(part)
        )
    border = settings.crop_padding
    if border or settings.flip or images.shape[2] != size:
        return lambda part: crop(
            images[part], border, moved.windows[part], moved.mirror[part], size
        )
    return images.__getitem__


def _find_line(mean: Tensor, std: Tensor) -> tuple[Tensor, Tensor]:
    """Return twice (C, 1, 1): what bytes are multiplied with, and what is taken off then."""
    return (1 / (255 * std))[:, None, None], (mean / std)[:, None, None]


def _cut(images: Tensor) -> Iterator[slice]:
    """Give the parts of a batch that are changed one after the other."""
    values = CPU_VALUES if images.device.type == "cpu" else GPU_VALUES
    together = max(1, values // images[0].numel())
    return (slice(start, start + together) for start in range(0, len(images), together))
