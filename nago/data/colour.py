"""Colour jitter of a whole batch: brightness, contrast, saturation and hue of each image.

Each image has factors of its own and its own order of the four changes. All work in place on
float32 in [0, 255]. Source: the grey of ITU-R BT.601; hue as in the HSV hexagon of Smith 1978.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from nago.data.transfer import bring

WHITE = 255.0
GREY = (0.2989, 0.587, 0.114)
HUE = 3
"""Place of the hue among the four changes, the one that is an angle and no factor."""
COLOURED = 2
"""Place of the first change that leaves grey images as they are."""


def draw_factors(number: int, jitter: Sequence[float], rng: torch.Generator) -> Tensor:
    """Return (number, 4): factors around 1, and the turn of the hue around 0.

    Args:
        number: of images.
        jitter: most that brightness, contrast, saturation and hue change; the last in turns.
        rng: on the CPU.
    """
    most = torch.tensor([*jitter[:HUE], 0.0])
    low, high = (1 - most).clamp(min=0), 1 + most
    low[HUE], high[HUE] = -jitter[HUE], jitter[HUE]
    return torch.lerp(low, high, torch.rand(number, 4, generator=rng))


def draw_orders(number: int, rng: torch.Generator) -> Tensor:
    """Return (number, 4): in which order each image takes the four changes, all equally likely."""
    return torch.rand(number, 4, generator=rng, dtype=torch.float64).argsort(dim=1)


def change_colours(
    images: Tensor, factors: Tensor, orders: Tensor, jitter: Sequence[float]
) -> Tensor:
    """Return images with changed colours; those given are overwritten.

    Args:
        images: (N, 1 or 3, H, W), float32 in [0, 255].
        factors: (N, 4), on their device.
        orders: (N, 4), on the CPU.
        jitter: changes of which this is 0 are left out.
    """
    kinds = [kind for kind in range(4) if jitter[kind]]
    if images.shape[1] == 1:
        kinds = [kind for kind in kinds if kind < COLOURED]
    factors = factors[:, :, None, None, None]  # (N, 4, 1, 1, 1)
    now = list(range(len(images)))
    for turn in orders.T.tolist():
        # Images with the same change lie side by side, so that it can be made in their place.
        wanted = sorted(range(len(images)), key=turn.__getitem__)
        images, moved = _arrange((images, factors), now, wanted)
        factors, now = moved, wanted
        start = 0
        for kind in range(4):
            end = start + turn.count(kind)
            if kind in kinds and end > start:
                CHANGES[kind](images[start:end], factors[start:end, kind])
            start = end
    return _arrange((images,), now, sorted(now))[0]


def change_brightness(images: Tensor, factor: Tensor) -> None:
    """Blend images (n, C, H, W) with black; `factor` (n, 1, 1, 1) is their share."""
    images.mul_(factor).clamp_(0, WHITE)


def change_contrast(images: Tensor, factor: Tensor) -> None:
    """Blend images with the mean of their grey."""
    means = images.mean(dim=(2, 3), keepdim=True)
    images.mul_(factor).add_(_turn_grey(means) * (1 - factor)).clamp_(0, WHITE)


def change_saturation(images: Tensor, factor: Tensor) -> None:
    """Blend colour images with their grey."""
    images.lerp_(_turn_grey(images), 1 - factor).clamp_(0, WHITE)


def change_hue(images: Tensor, turns: Tensor) -> None:
    """Turn the hue of colour images by `turns` (n, 1, 1, 1), 1 for all around.

    The hue is counted in sixths of a turn from red, -3 to 3. Its distance from red is
    1 + (green + blue - red - least) / (most - least), on the side of the larger of green and blue.
    """
    red, green, blue = _split(images)
    most, least = images.amax(dim=1, keepdim=True), images.amin(dim=1, keepdim=True)
    chroma = most - least
    # A grey pixel has no hue; as its chroma is 0, any will do.
    hue = (green + blue).sub_(red).sub_(least).div_(chroma.clamp(min=1e-6)).add_(1)
    hue.copysign_(green - blue).add_(6 * turns)
    hue.sub_((hue / 6).round_(), alpha=6)
    torch.addcmul(most + chroma, chroma, hue.abs().clamp_(1, 2), value=-1, out=red)
    dark = most.sub_(chroma, alpha=2)
    torch.addcmul(dark, chroma, (hue + 1).abs_().clamp_(1, 2), out=green)
    torch.addcmul(dark, chroma, hue.sub_(1).abs_().clamp_(1, 2), out=blue)


CHANGES = (change_brightness, change_contrast, change_saturation, change_hue)


def _split(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the channels of colour images, each (n, 1, H, W), as they lie in memory."""
    return images[:, :1], images[:, 1:2], images[:, 2:]


def _turn_grey(images: Tensor) -> Tensor:
    """Return (n, 1, H, W), the grey of images of one or three channels."""
    if images.shape[1] == 1:
        return images
    red, green, blue = _split(images)
    return red.mul(GREY[0]).add_(green, alpha=GREY[1]).add_(blue, alpha=GREY[2])


def _arrange(values: Sequence[Tensor], now: Sequence[int], wanted: Sequence[int]) -> list[Tensor]:
    """Return rows that lie in the order `now`, in the order `wanted`."""
    if now == wanted:
        return list(values)
    found = {image: place for place, image in enumerate(now)}
    places = torch.tensor([found[image] for image in wanted])
    return [value.index_select(0, bring(places, value.device)) for value in values]
