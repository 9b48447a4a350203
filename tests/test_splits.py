"""The parts of a data set against counts by hand and against the rules a split must keep."""

import numpy as np
import pytest

from nago.data.splits import PARTS, count_parts, split_as_given, split_by_class
from nago.records import UserError

SIZES = (3, 4, 10, 57, 200)


@pytest.fixture
def labels():
    """Classes that alternate at random."""
    return np.random.default_rng(0).permutation(np.repeat(np.arange(len(SIZES)), SIZES))


@pytest.mark.parametrize(
    ("size", "counts"),
    [(3, (1, 1, 1)), (4, (2, 1, 1)), (10, (6, 2, 2)), (57, (36, 9, 12)), (200, (128, 32, 40))],
)
def test_counts_of_a_class_are_those_worked_out_by_hand(size, counts):
    assert count_parts(size, validation_fraction=0.2, test_fraction=0.2) == counts


SPORT8 = (200, 137, 236, 182, 194, 250, 190, 190)
MIT67 = (
    *(608, 140, 176, 405, 604, 197, 662, 380, 213, 111, 515, 112, 180, 113, 120, 135, 106, 114),
    *(103, 346, 258, 131, 274, 101, 116, 103, 127, 103, 101, 213, 231, 239, 101, 102, 457, 157),
    *(127, 734, 125, 276, 107, 706, 101, 249, 176, 233, 175, 168, 144, 109, 135, 384, 174, 103),
    *(513, 107, 116, 155, 108, 539, 347, 153, 166, 110, 151, 506, 269),
)
FLOWERS102 = (
    *(40, 60, 40, 56, 65, 45, 40, 85, 46, 45, 87, 87, 49, 48, 49, 41, 85, 82, 49, 56, 40, 59, 91),
    *(42, 41, 41, 40, 66, 78, 85, 52, 45, 46, 40, 43, 75, 108, 56, 41, 67, 127, 59, 130, 93, 40),
    *(196, 67, 71, 49, 92, 258, 85, 93, 61, 71, 109, 67, 114, 67, 109, 50, 55, 54, 52, 102, 61),
    *(42, 54, 54, 62, 78, 96, 194, 171, 120, 107, 251, 137, 41, 105, 166, 112, 131, 86, 63, 58),
    *(63, 154, 184, 82, 76, 66, 46, 162, 128, 91, 66, 82, 63, 49, 58, 48),
)


@pytest.mark.parametrize(
    ("sizes", "tested", "others", "validated"),
    [(SPORT8, 318, 1261, 252), (FLOWERS102, 1682, 6507, 1299), (MIT67, 3153, 12467, 2490)],
    ids=["sport8", "flowers102", "mit67"],
)
def test_the_benchmarks_have_their_published_sizes(sizes, tested, others, validated):
    """MIT67's archive has 15,620 images, the benchmark counts one less that trains.

    What validates isn't published: it is a fifth of the others, rounded class by class.
    """
    parts = split_by_class(np.repeat(np.arange(len(sizes)), sizes), 0.2, 0.2, seed=0)
    assert len(parts["test"]) == tested
    assert len(parts["train"]) + len(parts["validation"]) == others
    remaining = [size - -(-size // 5) for size in sizes]
    assert len(parts["validation"]) == sum((2 * size + 5) // 10 for size in remaining) == validated


@pytest.mark.parametrize("hundredths", range(1, 100))
def test_a_share_is_rounded_up_without_the_noise_of_floating_point(hundredths):
    for size in range(100, 1000, 7):
        exact = -(-hundredths * size // 100)
        assert count_parts(size, 0.2, hundredths / 100)[2] == min(exact, size - 2)


@pytest.fixture
def given_parts(labels):
    """Parts as data may come with them: every fourth image tests, the others train."""
    return np.where(np.arange(len(labels)) % 4 == 0, PARTS.index("test"), PARTS.index("train"))


def test_a_given_test_part_is_kept_and_validation_cut_from_training(labels, given_parts):
    labels = labels % 2  # large classes, so that every count by hand is one of round numbers
    parts = split_as_given(labels, given_parts, 0.2, seed=7)
    np.testing.assert_array_equal(parts["test"], np.flatnonzero(given_parts == 2))
    together = np.concatenate([parts["train"], parts["validation"]])
    np.testing.assert_array_equal(np.sort(together), np.flatnonzero(given_parts == 0))
    for label in (0, 1):
        trained = int(np.sum((labels == label) & (given_parts == 0)))
        assert np.sum(labels[parts["validation"]] == label) == round(0.2 * trained)


def test_a_cut_of_validation_depends_on_the_seed_and_not_on_the_test_part(labels, given_parts):
    labels = labels % 2
    one, same, other = (split_as_given(labels, given_parts, 0.2, seed) for seed in (1, 1, 2))
    assert np.array_equal(one["validation"], same["validation"])
    assert not np.array_equal(one["validation"], other["validation"])
    np.testing.assert_array_equal(one["test"], other["test"])
    trained = given_parts == 0
    alone = split_as_given(labels[trained], given_parts[trained], 0.2, seed=1)
    places = np.flatnonzero(trained)
    np.testing.assert_array_equal(places[alone["validation"]], one["validation"])


def test_three_given_parts_are_taken_as_they_are(labels):
    given = np.arange(len(labels)) % 3
    parts = split_as_given(labels, given, 0.2, seed=0)
    for number, part in enumerate(PARTS):
        np.testing.assert_array_equal(parts[part], np.arange(number, len(labels), 3))


def test_a_class_that_trains_one_image_only_cannot_be_cut():
    labels, parts = np.array([0, 0, 1, 1]), np.array([0, 0, 0, 2])
    with pytest.raises(UserError, match=r"2 images that don't test, .* got 1"):
        split_as_given(labels, parts, 0.2, seed=0)


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
