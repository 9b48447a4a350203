"""Augmentation against loops over single images and against the counts that chance allows."""

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from nago.data.augmentation import augment, crop, cutout_mask, normalise
from nago.records import TrainingSettings

MEAN, STD = torch.tensor([0.2, 0.5, 0.7]), torch.tensor([0.1, 0.3, 0.25])
PLAIN = {
    "batch_size": 32,
    "learning_rate": 0.1,
    "momentum": 0.9,
    "weight_decay": 0.0,
    "gradient_clip": 5.0,
    "threads": 1,
    "crop_padding": 0,
    "flip": False,
    "cutout": 0,
}


def settings(**changes):
    return TrainingSettings(**(PLAIN | changes))


def draw_images(number=9, height=6, width=5, channels=3):
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.integers(0, 256, (number, channels, height, width), np.uint8))


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def test_normalise_subtracts_the_mean_and_divides_by_the_deviation():
    images = draw_images()
    expected = (images.numpy() / 255 - MEAN.numpy()[:, None, None]) / STD.numpy()[:, None, None]
    normalised = normalise(images, MEAN, STD)
    assert normalised.dtype == torch.float32
    np.testing.assert_allclose(normalised, expected, rtol=1e-5, atol=1e-5)


def test_crop_equals_slices_of_each_image_with_a_black_border():
    images, padding = draw_images(number=50), 2
    numbers = np.random.default_rng(1)
    top, left = numbers.integers(0, 2 * padding + 1, (2, 50))
    mirror = numbers.random(50) < 0.5
    ours = crop(images, padding, *(torch.from_numpy(x) for x in (top, left, mirror)))
    for i, image in enumerate(images.numpy()):
        border = np.pad(image, ((0, 0), (padding, padding), (padding, padding)))
        window = border[:, top[i] : top[i] + 6, left[i] : left[i] + 5]
        np.testing.assert_array_equal(ours[i], window[:, :, ::-1] if mirror[i] else window)


@pytest.mark.parametrize("side", [1, 2, 3, 4, 20])
def test_cutout_erases_the_square_around_each_centre_and_no_more(side):
    rows, columns = (places.ravel() for places in np.mgrid[:6, :5])
    mask = cutout_mask(6, 5, side, torch.from_numpy(rows), torch.from_numpy(columns))
    for i, (row, column) in enumerate(zip(rows, columns, strict=True)):
        expected = np.ones((6, 5))
        for y in range(row - side // 2, row - side // 2 + side):
            for x in range(column - side // 2, column - side // 2 + side):
                if 0 <= y < 6 and 0 <= x < 5:
                    expected[y, x] = 0
        np.testing.assert_array_equal(mask[i, 0], expected)


def test_without_settings_nothing_is_changed_at_random():
    images = draw_images()
    ours = augment(images, MEAN, STD, settings(), rng())
    assert torch.equal(ours, normalise(images, MEAN, STD))


def test_augmentation_leaves_the_images_it_was_given_alone():
    images = draw_images()
    before = images.clone()
    augment(images, MEAN, STD, settings(crop_padding=1, flip=True, cutout=2), rng())
    assert torch.equal(images, before)


def test_a_border_is_black_before_and_a_cutout_zero_after_normalisation():
    white = torch.full((200, 3, 6, 6), 255, dtype=torch.uint8)
    black = -MEAN / STD
    full = (1 - MEAN) / STD
    cropped = augment(white, MEAN, STD, settings(crop_padding=2), rng())
    erased = augment(white, MEAN, STD, settings(cutout=2), rng())
    for channel in range(3):
        values = cropped[:, channel].unique().tolist()
        assert values == pytest.approx([black[channel].item(), full[channel].item()], rel=1e-5)
        values = erased[:, channel].unique().tolist()
        assert values == pytest.approx(sorted([0, full[channel].item()]), rel=1e-5)


def test_the_generator_alone_decides():
    images, everything = draw_images(), settings(crop_padding=1, flip=True, cutout=2)
    one, same, other = (augment(images, MEAN, STD, everything, rng(s)) for s in (1, 1, 2))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    torch.manual_seed(5)
    assert torch.equal(one, augment(images, MEAN, STD, everything, rng(1)))


def find_marks(images):
    """Return the row and column of the brightest pixel of each image."""
    places = images[:, 0].flatten(1).argmax(dim=1)
    return places // images.shape[3], places % images.shape[3]


def mark(row, column, number=6000, size=7):
    images = torch.zeros(number, 1, size, size, dtype=torch.uint8)
    images[:, 0, row, column] = 255
    return images


def test_all_offsets_of_a_crop_are_equally_likely():
    moved = augment(mark(3, 3), MEAN[:1], STD[:1], settings(crop_padding=2), rng())
    rows, columns = find_marks(moved)
    counts = np.histogram2d(rows, columns, bins=[np.arange(1, 7)] * 2)[0]  # places 1 to 5
    assert counts.sum() == 6000
    assert chisquare(counts.ravel()).pvalue > 0.01


def test_half_of_the_images_are_mirrored_and_none_is_turned_upside_down():
    rows, columns = find_marks(augment(mark(1, 2), MEAN[:1], STD[:1], settings(flip=True), rng()))
    assert set(rows.tolist()) == {1}
    assert set(columns.tolist()) == {2, 4}
    assert chisquare(np.bincount(columns)[[2, 4]]).pvalue > 0.01


def test_all_pixels_are_equally_likely_centres_of_a_cutout():
    white = torch.full((6000, 1, 6, 6), 255, dtype=torch.uint8)
    erased = augment(white, MEAN[:1], STD[:1], settings(cutout=1), rng()) == 0
    assert erased.sum(dim=(1, 2, 3)).unique().tolist() == [1]
    assert chisquare(erased.sum(dim=0).ravel()).pvalue > 0.01


def test_crop_mirror_and_cutout_are_independent():
    everything = settings(crop_padding=1, flip=True)
    rows, columns = find_marks(augment(mark(3, 1), MEAN[:1], STD[:1], everything, rng()))
    # rows 2 to 4; columns 0 to 2, or 4 to 6 when mirrored: 18 equal cells
    cells = torch.stack([rows - 2, columns - columns.ge(4).long()])
    counts = np.histogram2d(*cells, bins=[np.arange(4), np.arange(7)])[0]
    assert counts.sum() == 6000
    assert chisquare(counts.ravel()).pvalue > 0.01
