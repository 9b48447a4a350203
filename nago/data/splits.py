"""Splits: which images train, which validate a search, and which are kept for the one test.

The test part is cut from all images unless the data come with one, the validation part from
those that remain, class by class, so that every part has the class shares of the whole.
"""

import math
from collections.abc import Mapping

import numpy as np

from nago.records import UserError
from nago.seeds import derive_seed

PARTS = ("train", "validation", "test")
SMALLEST_CLASS = len(PARTS)
"""Images a class needs, one for each part."""
SMALLEST_TRAINED = 2
"""Images a class needs where the test part is given, to train and to validate."""


def split_by_class(
    labels: np.ndarray, validation_fraction: float, test_fraction: float, seed: int
) -> dict[str, np.ndarray]:
    """Return the places of the images of each part, ascending.

    The places drawn within a class depend on its number, its size and the seed only: neither the
    order in which classes alternate nor other classes matter.

    Args:
        labels: (n,), the class of each image, numbered from 0.
        validation_fraction: share of what is left after the test part, rounded per class.
        test_fraction: share of all images, rounded up per class; every part keeps one at least.
        seed: decides which images fall into which part.

    Raises:
        UserError: a fraction is not between 0 and 1, or a class has fewer than 3 images.
    """
    check_fractions(validation_fraction=validation_fraction, test_fraction=test_fraction)
    everything = np.arange(len(labels))
    counts = {
        label: count_parts(size, validation_fraction, test_fraction)[:2]
        for label, size in enumerate(np.bincount(labels).tolist())
        if size
    }
    cuts = {label: (train, train + validation) for label, (train, validation) in counts.items()}
    return dict(zip(PARTS, _cut(labels, everything, cuts, 3, seed), strict=True))


def cut_validation(
    labels: np.ndarray, places: np.ndarray, validation_fraction: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the places that train and those that validate, each ascending, out of `places`.

    Args:
        labels: (n,), the class of each image of the whole, numbered from 0.
        places: (m,), those of the images that don't test.
        validation_fraction: share of them, rounded per class.
        seed: decides which images validate.

    Raises:
        UserError: the fraction is not between 0 and 1, or a class has fewer than 2 images.
    """
    check_fractions(validation_fraction=validation_fraction)
    sizes = np.bincount(labels[places]).tolist()
    cuts = {
        label: (size - count_validation(size, validation_fraction),)
        for label, size in enumerate(sizes)
        if size
    }
    train, validation = _cut(labels, places, cuts, 2, seed)
    return train, validation


def split_as_given(
    labels: np.ndarray, parts: np.ndarray, validation_fraction: float, seed: int
) -> dict[str, np.ndarray]:
    """Return the places of the images of each part, ascending, where the data come with parts.

    Args:
        labels: (n,), the class of each image, numbered from 0.
        parts: (n,), the number of each image's part in PARTS; where none validates, that part is
            cut from those that train.
        validation_fraction: share of each class for that, rounded.
        seed: decides which images that are.

    Raises:
        UserError: the fraction is not between 0 and 1, or a class is too small to be cut.
    """
    places = {part: np.flatnonzero(parts == number) for number, part in enumerate(PARTS)}
    if not places["validation"].size:
        cut = cut_validation(labels, places["train"], validation_fraction, seed)
        places["train"], places["validation"] = cut
    return places


def count_parts(
    size: int, validation_fraction: float, test_fraction: float
) -> tuple[int, int, int]:
    """Return how many of the `size` images of a class train, validate and test.

    Raises:
        UserError: `size` is too small for one image in each part.
    """
    if size < SMALLEST_CLASS:
        raise UserError(f"a class needs {SMALLEST_CLASS} images, one for each part, got {size}")
    # 0.07 * 100 is above 7 in floating point; a share must not grow by such noise.
    test = min(max(1, math.ceil(round(test_fraction * size, 6))), size - 2)
    validation = count_validation(size - test, validation_fraction)
    return size - test - validation, validation, test


def count_validation(size: int, fraction: float) -> int:
    """Return how many of the `size` images of a class that don't test validate.

    Raises:
        UserError: `size` is too small for one image in either part.
    """
    if size < SMALLEST_TRAINED:
        raise UserError(
            f"a class needs {SMALLEST_TRAINED} images that don't test, to train and to validate,"
            f" got {size}"
        )
    return min(max(1, math.floor(fraction * size + 0.5)), size - 1)


def check_fractions(**fractions: float) -> None:
    """Raise UserError if a fraction is not between 0 and 1."""
    for name, fraction in fractions.items():
        if not 0 < fraction < 1:
            raise UserError(
                f"{name} must lie between 0 and 1, both excluded, got {fraction}; it could be 0.2"
            )


def _cut(
    labels: np.ndarray,
    places: np.ndarray,
    cuts: Mapping[int, tuple[int, ...]],
    number: int,
    seed: int,
) -> list[np.ndarray]:
    """Return `number` parts of `places`: each class is shuffled and cut where `cuts` says."""
    parts: list[list[np.ndarray]] = [[] for _ in range(number)]
    for label, own in cuts.items():
        members = places[labels[places] == label]
        rng = np.random.default_rng(derive_seed(seed, "split", label))
        for part, chosen in zip(parts, np.split(rng.permutation(members), own), strict=True):
            part.append(chosen)
    return [np.sort(np.concatenate(part)) for part in parts]
