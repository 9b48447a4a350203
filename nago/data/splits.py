"""Splits: which images train, which validate a search, and which are kept for the one test.

The test part is cut from all images, the validation part from those that remain, class by class,
so that every part has the class shares of the whole.
"""

import math

import numpy as np

from nago.records import UserError
from nago.seeds import derive_seed

PARTS = ("train", "validation", "test")
SMALLEST_CLASS = len(PARTS)
"""Images a class needs, one for each part."""


def split_by_class(
    labels: np.ndarray, validation_fraction: float, test_fraction: float, seed: int
) -> dict[str, np.ndarray]:
    """Return the places of the images of each part, ascending.

    The places drawn within a class depend on its number, its size and the seed only: neither the
    order in which classes alternate nor other classes matter.

    Args:
        labels: (n,), the class of each image, numbered from 0.
        validation_fraction: share of what is left after the test part, rounded per class.
        test_fraction: share of all images, rounded per class; every part keeps one at least.
        seed: decides which images fall into which part.

    Raises:
        UserError: a fraction is not between 0 and 1, or a class has fewer than 3 images.
    """
    for name, fraction in (("validation", validation_fraction), ("test", test_fraction)):
        if not 0 < fraction < 1:
            raise UserError(
                f"{name}_fraction must lie between 0 and 1, both excluded, got {fraction};"
                " it could be 0.2"
            )
    places: dict[str, list[np.ndarray]] = {part: [] for part in PARTS}
    for label in np.unique(labels).tolist():
        members = np.flatnonzero(labels == label)
        train, validation, _ = count_parts(len(members), validation_fraction, test_fraction)
        rng = np.random.default_rng(derive_seed(seed, "split", label))
        shuffled = rng.permutation(members)
        cuts = np.split(shuffled, [train, train + validation])
        for part, chosen in zip(PARTS, cuts, strict=True):
            places[part].append(chosen)
    return {part: np.sort(np.concatenate(chosen)) for part, chosen in places.items()}


def count_parts(
    size: int, validation_fraction: float, test_fraction: float
) -> tuple[int, int, int]:
    """Return how many of the `size` images of a class train, validate and test.

    Raises:
        UserError: `size` is too small for one image in each part.
    """
    if size < SMALLEST_CLASS:
        raise UserError(f"a class needs {SMALLEST_CLASS} images, one for each part, got {size}")
    test = _share(test_fraction, size, size - 2)
    validation = _share(validation_fraction, size - test, size - test - 1)
    return size - test - validation, validation, test


def _share(fraction: float, size: int, most: int) -> int:
    return min(max(1, math.floor(fraction * size + 0.5)), most)
