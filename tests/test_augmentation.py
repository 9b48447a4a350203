"""Augmentation against loops over single images, torchvision and the counts chance allows."""

import numpy as np
import pytest
import torch
from scipy.stats import chisquare
from torchvision.transforms.v2 import functional

from nago.data import augmentation
from nago.data.augmentation import change_images, draw_changes, normalise, present
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


LARGE = {
    "crop": "resized",
    "crop_scale": (0.2, 1.0),
    "flip": True,
    "colour_jitter": (0.4, 0.4, 0.4, 0.2),
    "cutout": 6,
}


def draw_images(number=9, size=6, channels=3):
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.integers(0, 256, (number, channels, size, size), np.uint8))


def augment(images, mean, std, settings, rng, *, size=None):
    """Changes are drawn and made."""
    number, _, _, stored_size = images.shape
    size = size or stored_size
    changes = draw_changes(number, stored_size, size, settings, rng)
    return change_images(images, changes, mean, std, settings, size)


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def test_normalise_subtracts_the_mean_and_divides_by_the_deviation():
    images = draw_images()
    expected = (images.numpy() / 255 - MEAN.numpy()[:, None, None]) / STD.numpy()[:, None, None]
    normalised = normalise(images, MEAN, STD)
    assert normalised.dtype == torch.float32
    np.testing.assert_allclose(normalised, expected, rtol=1e-5, atol=1e-5)


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


def test_all_windows_of_a_larger_image_are_equally_likely():
    seen = augment(mark(3, 3), MEAN[:1], STD[:1], settings(), rng(), size=5)  # of 7 x 7
    rows, columns = find_marks(seen)
    counts = np.histogram2d(rows, columns, bins=[np.arange(1, 5)] * 2)[0]  # places 1 to 3
    assert counts.sum() == 6000
    assert chisquare(counts.ravel()).pvalue > 0.01


def test_a_window_larger_than_the_image_is_refused():
    with pytest.raises(ValueError, match="needs stored_size 7 or more with crop_padding 2"):
        draw_changes(3, 6, 11, settings(crop_padding=2), rng())


def test_all_changes_together_equal_those_of_torchvision_one_after_the_other():
    images, everything = draw_images(20, 40), settings(**LARGE)
    changes = draw_changes(20, 40, 24, everything, rng(4))
    ours = change_images(images, changes, MEAN, STD, everything, 24)
    kinds = (
        functional.adjust_brightness,
        functional.adjust_contrast,
        functional.adjust_saturation,
        functional.adjust_hue,
    )
    for i in range(20):
        window = changes.windows[i].tolist()
        image = functional.resized_crop(images[i] / 255, *window, [24, 24], antialias=True)
        image = functional.horizontal_flip(image) if changes.mirror[i] else image
        for kind in changes.orders[i].tolist():
            image = kinds[kind](image, changes.factors[i, kind].item())
        expected = functional.normalize(image, MEAN.tolist(), STD.tolist())
        row, column = changes.centres[i].tolist()
        expected[:, max(row - 3, 0) : row + 3, max(column - 3, 0) : column + 3] = 0
        torch.testing.assert_close(ours[i], expected, rtol=0, atol=0.002)


@pytest.mark.parametrize("changes", [{"crop_padding": 2, "flip": True, "cutout": 3}, LARGE])
def test_a_share_of_a_batch_is_changed_as_within_the_whole(changes):
    images, asked = draw_images(10, 16), settings(**changes)
    drawn = draw_changes(10, 16, 16, asked, rng(1))
    whole = change_images(images, drawn, MEAN, STD, asked, 16)
    parts = [slice(0, 3), slice(3, 4), slice(4, 10)]
    shares = [
        change_images(images[part], drawn.take(part), MEAN, STD, asked, 16) for part in parts
    ]
    torch.testing.assert_close(torch.cat(shares), whole, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("changes", [{"crop_padding": 2, "flip": True, "cutout": 3}, LARGE])
def test_how_many_images_a_cpu_changes_at_once_does_not_matter(changes, monkeypatch):
    images, asked = draw_images(10, 16), settings(**changes)
    results = []
    for values in (1, 3 * 3 * 16**2, 10**9):
        monkeypatch.setattr(augmentation, "CPU_VALUES", values)
        results.append(augment(images, MEAN, STD, asked, rng(2)))
    for result in results[1:]:
        torch.testing.assert_close(result, results[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("changes", [{"crop_padding": 2, "flip": True, "cutout": 3}, LARGE])
def test_the_values_of_a_device_are_never_waited_for(changes, monkeypatch):
    """A meta tensor has a device but no values: to ask for one is an error."""
    monkeypatch.setattr(augmentation, "GPU_VALUES", 4 * 3 * 16**2)
    images, mean, std = (values.to("meta") for values in (draw_images(10, 18), MEAN, STD))
    with pytest.raises(RuntimeError, match="meta"):
        images.max().item()
    ours = augment(images, mean, std, settings(**changes), rng(), size=16)
    assert (ours.shape, ours.device.type) == ((10, 3, 16, 16), "meta")
    assert present(images, mean, std, 16).device.type == "meta"


@pytest.mark.parametrize("changes", [{"crop_padding": 2, "flip": True, "cutout": 3}, LARGE])
def test_how_many_random_numbers_a_batch_takes_depends_on_its_size_and_settings_alone(changes):
    asked, states = settings(**changes), []
    for stored_size, size in ((32, 32), (40, 36), (256, 224)):
        numbers = rng(3)
        draw_changes(11, stored_size, size, asked, numbers)
        states.append(numbers.get_state())
    assert torch.equal(states[0], states[1])
    assert torch.equal(states[0], states[2])


@pytest.mark.parametrize(("stored_size", "size"), [(256, 224), (8, 8), (9, 6), (11, 8)])
def test_an_evaluation_sees_the_centre_as_torchvision_cuts_it(stored_size, size):
    images = draw_images(2, stored_size)
    centre = functional.center_crop(images, [size, size])
    assert torch.equal(present(images, MEAN, STD, size), normalise(centre, MEAN, STD))


def test_grey_images_stay_grey():
    images = draw_images(12, 16, channels=1)
    ours = augment(images, MEAN[:1], STD[:1], settings(**LARGE), rng(), size=12)
    threefold = images.expand(-1, 3, -1, -1)
    coloured = augment(
        threefold, MEAN[:1].expand(3), STD[:1].expand(3), settings(**LARGE), rng(), size=12
    )
    # The three weights of grey have the sum 0.9999.
    torch.testing.assert_close(ours.expand(-1, 3, -1, -1), coloured, rtol=0, atol=0.01)
