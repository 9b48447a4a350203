"""Windows of batches against slices of single images, torchvision and the laws of chance."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import chisquare, kstest
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from nago.data.crops import (
    SHAPES,
    count_taps,
    crop,
    draw_windows,
    erase,
    mark_square,
    resize,
    weigh,
    weigh_windows,
)


def draw_images(number=9, height=6, width=6, channels=3):
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.integers(0, 256, (number, channels, height, width), np.uint8))


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def resize_all(images, windows, mirror, size):
    taps = count_taps(int(windows[:, 2:].max()), size)
    return resize(images, windows, *weigh_windows(windows, mirror, size, taps))


@pytest.mark.parametrize(("padding", "size"), [(2, 6), (0, 4), (3, 5), (2, 9)])
def test_crop_equals_slices_of_each_image_with_a_black_border(padding, size):
    images = draw_images(number=50)
    numbers = np.random.default_rng(1)
    starts = numbers.integers(0, 6 + 2 * padding - size + 1, (50, 2))
    mirror = numbers.random(50) < 0.5
    ours = crop(images, padding, torch.from_numpy(starts), torch.from_numpy(mirror), size)
    for i, image in enumerate(images.numpy()):
        border = np.pad(image, ((0, 0), (padding, padding), (padding, padding)))
        top, left = starts[i]
        window = border[:, top : top + size, left : left + size]
        np.testing.assert_array_equal(ours[i], window[:, :, ::-1] if mirror[i] else window)


@pytest.mark.parametrize("side", [1, 2, 3, 4, 20])
def test_cutout_erases_the_square_around_each_centre_and_no_more(side):
    rows, columns = (places.ravel() for places in np.mgrid[:6, :5])
    ours = torch.full((30, 2, 6, 5), 7.0)
    marks = (mark_square(n, side, torch.from_numpy(c)) for n, c in ((6, rows), (5, columns)))
    erase(ours, *marks)
    for i, (row, column) in enumerate(zip(rows, columns, strict=True)):
        expected = np.full((6, 5), 7.0)
        for y in range(row - side // 2, row - side // 2 + side):
            for x in range(column - side // 2, column - side // 2 + side):
                if 0 <= y < 6 and 0 <= x < 5:
                    expected[y, x] = 0
        np.testing.assert_array_equal(ours[i], [expected] * 2)


@pytest.mark.parametrize(
    ("stored", "size", "channels"), [(64, 56, 3), (40, 56, 1), (90, 24, 3), (17, 5, 3), (9, 9, 1)]
)
def test_resized_windows_equal_those_of_torchvision_image_by_image(stored, size, channels):
    images = draw_images(24, stored, stored, channels)
    windows = draw_windows(20, stored, (0.01, 1.0), rng(3))
    extremes = [(0, 0, stored, stored), (2, 1, 1, stored - 1), (0, stored - 1, stored, 1)]
    windows = torch.cat([windows, torch.tensor([*extremes, (1, 2, 3, 4)])])
    mirror = torch.arange(24) % 3 == 0
    ours = resize_all(images, windows, mirror, size)
    assert ours.shape == (24, channels, size, size)
    for image, window, flipped, result in zip(images, windows.tolist(), mirror, ours, strict=True):
        theirs = functional.resized_crop(image.float(), *window, [size, size], antialias=True)
        bytewise = functional.resized_crop(image, *window, [size, size], antialias=True).float()
        if flipped:
            theirs, bytewise = theirs.flip(2), bytewise.flip(2)
        torch.testing.assert_close(result, theirs, rtol=0, atol=0.01)
        torch.testing.assert_close(result, bytewise, rtol=0, atol=1.01)  # it rounds twice


def test_images_resized_together_are_as_if_each_were_alone():
    images, windows = draw_images(8, 40, 40), draw_windows(8, 40, (0.05, 1.0), rng(1))
    mirror = torch.arange(8) % 2 == 0
    together = resize_all(images, windows, mirror, 16)
    for i in range(8):
        one = slice(i, i + 1)
        alone = resize_all(images[one], windows[one], mirror[one], 16)
        torch.testing.assert_close(together[one], alone, rtol=1e-5, atol=1e-3)


def test_the_whole_image_at_its_own_size_stays_as_it_is():
    images = draw_images(2, 11, 11)
    windows = torch.tensor([[0, 0, 11, 11]] * 2)
    ours = resize_all(images, windows, torch.tensor([False, True]), 11)
    assert torch.equal(ours[0], images[0].float())
    assert torch.equal(ours[1], images[1].float().flip(2))


@pytest.mark.parametrize("size", [1, 7, 32])
def test_no_place_with_weight_is_missing_among_the_taps(size):
    lengths = torch.arange(1, 65)
    none, start = torch.zeros(64, dtype=torch.bool), torch.zeros(64, dtype=torch.int64)
    few = weigh(start, lengths, none, size, count_taps(64, size))
    many = weigh(start, lengths, none, size, count_taps(64, size) + 3)
    for i, length in enumerate(lengths.tolist()):
        spread = torch.zeros(2, 64, size)
        spread[0].scatter_add_(0, few.places[i], few.weights[i])
        spread[1].scatter_add_(0, many.places[i], many.weights[i])
        torch.testing.assert_close(spread[0], spread[1], rtol=0, atol=1e-6)
        assert not spread[:, length:].any()
        if length <= size:
            assert not few.weights[i, 2:].any()


@pytest.fixture(scope="module")
def windows():
    """Many windows of ours and of torchvision's, of 64 x 64 pixels, as (n, 4) arrays."""
    ours = draw_windows(6000, 64, (0.08, 1.0), rng(5)).numpy()
    transform, image = v2.RandomResizedCrop(64), torch.empty(3, 64, 64)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        found = [transform.make_params([image]) for _ in range(6000)]
    theirs = np.array([[p["top"], p["left"], p["height"], p["width"]] for p in found])
    return ours, theirs


def test_windows_lie_within_the_image_and_within_the_bounds(windows):
    top, left, height, width = windows[0].T
    assert (np.minimum(top, left) >= 0).all()
    assert (np.maximum(top + height, left + width) <= 64).all()
    assert (np.minimum(height, width) > 0).all()
    # up to the rounding to whole pixels
    low, high = SHAPES
    assert ((width + 0.5) / (height - 0.5) >= low).all()
    assert ((width - 0.5) / (height + 0.5) <= high).all()
    assert ((width + 0.5) * (height + 0.5) >= 0.08 * 64**2).all()


@pytest.mark.parametrize(
    "value",
    [
        lambda w: w[2] * w[3],
        lambda w: np.log(w[3] / w[2]),
        lambda w: w[2],
        lambda w: w[3],
        lambda w: w[0],
        lambda w: w[1],
        lambda w: w[0] + w[2] / 2 + 2 * w[1] + w[3],
    ],
    ids=["area", "shape", "height", "width", "top", "left", "place"],
)
def test_windows_are_distributed_as_those_of_torchvision(windows, value):
    ours, theirs = (value(w.T) for w in windows)
    assert kstest(ours, theirs).pvalue > 0.01


def test_area_and_shape_of_small_windows_follow_their_laws():
    """No window is too large here, so that the laws are those before any is drawn again."""
    side, (low, high) = 4096, (0.1, 0.5)
    _, _, height, width = draw_windows(6000, side, (low, high), rng(7)).numpy().T
    area = height * width / side**2
    assert kstest(area, "uniform", (low, high - low)).pvalue > 0.01
    least, most = map(math.log, SHAPES)
    assert kstest(np.log(width / height), "uniform", (least, most - least)).pvalue > 0.01


def test_all_places_of_a_window_are_equally_likely():
    """A quarter of the area, nearly: a side of 4 of 8 has the places 0 to 4."""
    drawn = draw_windows(20_000, 8, (0.25, 0.25), rng(2)).numpy()
    square = drawn[(drawn[:, 2] == 4) & (drawn[:, 3] == 4)]
    assert len(square) > 3000
    counts = np.histogram2d(square[:, 0], square[:, 1], bins=[np.arange(6)] * 2)[0]
    assert counts.sum() == len(square)
    assert chisquare(counts.ravel()).pvalue > 0.01


def test_the_window_is_the_whole_image_when_none_of_ten_fits():
    """Of an area of 0.999, a window fits in only where the shape is nearly that of a square."""
    drawn = draw_windows(3000, 1000, (0.999, 0.999), rng()).numpy()
    whole = (drawn == [0, 0, 1000, 1000]).all(axis=1)
    fits = math.log(1000.5**2 / (0.999 * 1000**2)) / math.log(SHAPES[1])
    expected = (1 - fits) ** 10
    deviation = math.sqrt(expected * (1 - expected) / 3000)
    assert abs(whole.mean() - expected) < 3 * deviation
