"""Colour jitter of batches against torchvision, image by image, and against its laws of chance."""

import itertools

import numpy as np
import pytest
import torch
from scipy.stats import chisquare, kstest
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from nago.data.colour import change_colours, draw_factors, draw_orders

JITTER = (0.4, 0.4, 0.4, 0.2)
THEIRS = (
    functional.adjust_brightness,
    functional.adjust_contrast,
    functional.adjust_saturation,
    functional.adjust_hue,
)
ORDERS = torch.tensor(list(itertools.permutations(range(4))))


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def draw_images(number, channels=3, size=12):
    """Noise, with grey, black, white and pure colours among its pixels."""
    images = torch.randint(256, (number, channels, size, size), generator=rng(9)).float()
    images[:, :, 0] = images[:, :1, 0]
    images[:, :, 1, :4], images[:, :, 1, 4:] = 0, 255
    for place, colour in enumerate(itertools.product((0, 255), repeat=channels)):
        images[:, :, 2, place] = torch.tensor(colour).float()
    return images


def change_singly(images, factors, orders, jitter, dtype=torch.float32):
    """What torchvision makes of each image."""
    results = []
    for image, own, order in zip(images, factors.tolist(), orders.tolist(), strict=True):
        changed = image.byte() if dtype == torch.uint8 else image / 255
        for kind in order:
            if jitter[kind]:
                changed = THEIRS[kind](changed, own[kind])
        results.append(changed.float() * (1 if dtype == torch.uint8 else 255))
    return torch.stack(results)


@pytest.mark.parametrize("kind", range(4))
@pytest.mark.parametrize("channels", [1, 3])
def test_each_change_equals_that_of_torchvision(kind, channels):
    images = draw_images(9, channels)
    factors = torch.ones(9, 4)
    factors[:, kind] = torch.linspace(-0.5, 0.5, 9) if kind == 3 else torch.linspace(0, 2, 9)
    jitter = [float(place == kind) for place in range(4)]
    orders = ORDERS[:9]
    expected = change_singly(images, factors, orders, jitter)
    ours = change_colours(images.clone(), factors, orders, jitter)
    torch.testing.assert_close(ours, expected, rtol=0, atol=0.02)


@pytest.mark.parametrize("channels", [1, 3])
def test_each_image_takes_the_changes_in_its_own_order(channels):
    orders = ORDERS.repeat(2, 1)
    images = draw_images(48, channels)
    factors = draw_factors(48, JITTER, rng(1))
    ours = change_colours(images.clone(), factors, orders, JITTER)
    expected = change_singly(images, factors, orders, JITTER)
    torch.testing.assert_close(ours, expected, rtol=0, atol=0.02)
    alone = [
        change_colours(images[i : i + 1].clone(), factors[i : i + 1], orders[i : i + 1], JITTER)
        for i in range(48)
    ]
    torch.testing.assert_close(ours, torch.cat(alone), rtol=0, atol=0.001)


def test_changes_of_bytes_differ_by_what_torchvision_cuts_off_each_time():
    images, orders = draw_images(48, size=32), ORDERS.repeat(2, 1)
    factors = draw_factors(48, JITTER, rng(2))
    ours = change_colours(images.clone(), factors, orders, JITTER)
    theirs = change_singly(images, factors, orders, JITTER, torch.uint8)
    # Four times up to one is cut off, and stretched by later changes; the hue of a pixel that is
    # nearly grey may turn with it.
    assert (ours - theirs).abs().mean() < 2
    assert (ours - theirs).abs().flatten().quantile(0.99) < 6


def test_changes_that_are_not_asked_for_are_left_out():
    images = draw_images(24)
    factors = torch.full((24, 4), 0.3)
    ours = change_colours(images.clone(), factors, ORDERS, (0.0, 0.5, 0.0, 0.0))
    expected = change_singly(images, factors, ORDERS, (0, 1, 0, 0))
    torch.testing.assert_close(ours, expected, rtol=0, atol=0.02)
    assert torch.equal(change_colours(images.clone(), factors, ORDERS, (0.0,) * 4), images)


@pytest.mark.parametrize("kind", range(4))
def test_factors_are_distributed_as_those_of_torchvision(kind):
    ours = draw_factors(4000, (0.4, 1.5, 0.2, 0.1), rng(3))[:, kind].numpy()
    transform = v2.ColorJitter(0.4, 1.5, 0.2, 0.1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        drawn = [transform.make_params([]) for _ in range(4000)]
    name = ("brightness", "contrast", "saturation", "hue")[kind]
    theirs = [values[f"{name}_factor"] for values in drawn]
    assert kstest(ours, theirs).pvalue > 0.01
    low, high = ((0.6, 1.4), (0.0, 2.5), (0.8, 1.2), (-0.1, 0.1))[kind]
    assert kstest(ours, "uniform", (low, high - low)).pvalue > 0.01


def test_factors_are_independent_of_each_other():
    drawn = draw_factors(6000, JITTER, rng(4)).numpy()
    between = np.corrcoef(drawn.T)[np.triu_indices(4, 1)]
    assert np.abs(between).max() < 4 / np.sqrt(6000)


def test_all_orders_are_equally_likely():
    places = {tuple(order): place for place, order in enumerate(ORDERS.tolist())}
    drawn = [places[tuple(order)] for order in draw_orders(6000, rng(6)).tolist()]
    assert chisquare(np.bincount(drawn, minlength=24)).pvalue > 0.01
