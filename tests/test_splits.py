"""The parts of a data set against counts by hand and against the rules a split must keep."""

import numpy as np
import pytest

from nago.data.splits import PARTS, count_parts, split_by_class
from nago.records import UserError

SIZES = (3, 4, 10, 57, 200)


@pytest.fixture
def labels():
    """Classes that alternate at random."""
    return np.random.default_rng(0).permutation(np.repeat(np.arange(len(SIZES)), SIZES))


@pytest.mark.parametrize(
    ("size", "counts"),
    [(3, (1, 1, 1)), (4, (2, 1, 1)), (10, (6, 2, 2)), (57, (37, 9, 11)), (200, (128, 32, 40))],
)
def test_counts_of_a_class_are_those_worked_out_by_hand(size, counts):
    assert count_parts(size, validation_fraction=0.2, test_fraction=0.2) == counts


def test_every_class_is_in_every_part_however_large_the_fractions_are():
    for fraction in (0.001, 0.5, 0.999):
        for size in range(3, 30):
            counts = count_parts(size, fraction, fraction)
            assert min(counts) >= 1
            assert sum(counts) == size


def test_parts_are_disjoint_complete_and_of_the_right_size_per_class(labels):
    parts = split_by_class(labels, 0.2, 0.2, seed=7)
    assert tuple(parts) == PARTS
    together = np.concatenate(list(parts.values()))
    assert sorted(together) == list(range(len(labels)))
    for part, column in zip(PARTS, range(3), strict=True):
        expected = [count_parts(size, 0.2, 0.2)[column] for size in SIZES]
        assert np.bincount(labels[parts[part]]).tolist() == expected
        assert np.all(np.diff(parts[part]) > 0)


def test_the_same_images_are_chosen_however_the_classes_alternate(labels):
    grouped = np.sort(labels)
    for part in PARTS:
        chosen = [
            {(given[place], np.sum(given[:place] == given[place])) for place in places}
            for given in (labels, grouped)
            for places in (split_by_class(given, 0.2, 0.2, seed=7)[part],)
        ]
        assert chosen[0] == chosen[1]


def test_another_class_leaves_the_parts_of_the_others_alone(labels):
    before = split_by_class(labels, 0.2, 0.2, seed=7)
    after = split_by_class(np.append(labels, [9] * 20), 0.2, 0.2, seed=7)
    for part in PARTS:
        assert set(after[part].tolist()) & set(range(len(labels))) == set(before[part].tolist())


def test_the_seed_alone_decides(labels):
    one, same, other = (split_by_class(labels, 0.2, 0.2, seed=seed) for seed in (1, 1, 2))
    assert all(np.array_equal(one[part], same[part]) for part in PARTS)
    assert not np.array_equal(one["test"], other["test"])


def test_classes_of_one_size_are_not_split_alike():
    parts = split_by_class(np.repeat([0, 1], 40), 0.2, 0.2, seed=0)
    test = parts["test"]
    assert set(test[test < 40]) != set(test[test >= 40] - 40)


def test_each_image_of_a_class_tests_equally_often():
    labels = np.zeros(10, dtype=int)
    counts = np.zeros(10)
    for seed in range(500):
        counts[split_by_class(labels, 0.2, 0.2, seed)["test"]] += 1
    # 100 times each on average, standard deviation 9
    assert np.all(np.abs(counts - 100) < 36)


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 20])
def test_a_fraction_outside_0_and_1_is_refused(labels, fraction):
    with pytest.raises(UserError, match=f"validation_fraction .* got {fraction};"):
        split_by_class(labels, fraction, 0.2, seed=0)
    with pytest.raises(UserError, match=f"test_fraction .* got {fraction};"):
        split_by_class(labels, 0.2, fraction, seed=0)


def test_a_class_of_two_images_is_refused():
    with pytest.raises(UserError, match="needs 3 images, one for each part, got 2"):
        split_by_class(np.array([0, 0, 0, 1, 1]), 0.2, 0.2, seed=0)
