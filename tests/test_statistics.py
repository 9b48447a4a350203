import itertools
import math

import numpy as np
import pytest
from scipy import stats

from nago.report.tables.statistics import (
    compare_groups,
    compare_pairs,
    compare_splits,
    correct_holm,
    measure_a12,
    measure_rank_biserial,
    rank_contestants,
)


def count_signed_ranks(differences):
    """The share of all sign patterns whose rank sum is as far from the middle, one by one."""
    ranks = stats.rankdata(np.abs(differences))
    seen = sum(r for r, d in zip(ranks, differences, strict=True) if d > 0)
    middle = ranks.sum() / 2
    sums = [
        sum(r for r, up in zip(ranks, signs, strict=True) if up)
        for signs in itertools.product([0, 1], repeat=len(ranks))
    ]
    return np.mean([abs(s - middle) >= abs(seen - middle) - 1e-9 for s in sums])


def count_rank_sums(values, others):
    """Twice the share of all ways to part the values whose rank sum is as far out on a side."""
    ranks = stats.rankdata([*values, *others])
    seen = ranks[: len(values)].sum()
    sums = np.array([sum(chosen) for chosen in itertools.combinations(ranks, len(values))])
    return min(1, 2 * min(np.mean(sums <= seen), np.mean(sums >= seen)))


@pytest.mark.parametrize("seed", range(10))
def test_a12_counts_all_pairs(seed):
    rng = np.random.default_rng(seed)
    values, others = rng.integers(0, 5, 6), rng.integers(0, 5, 4)
    wins = [1.0 if a < b else 0.5 if a == b else 0.0 for a in values for b in others]
    assert measure_a12(values, others) == pytest.approx(np.mean(wins))
    assert measure_a12(others, values) == pytest.approx(1 - np.mean(wins))


def test_a12_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="got 0 and 2"):
        measure_a12([], [1, 2])


def test_rank_biserial_by_hand():
    # Ranks of 1, 2, 3 are 1, 2, 3: below 0 are 1 and 3, above is 2.
    assert measure_rank_biserial([-1, 2, -3]) == pytest.approx((1 + 3 - 2) / 6)
    assert measure_rank_biserial([-1, -2, 0]) == 1
    assert measure_rank_biserial([0, 0]) is None


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("tied", [False, True])
def test_the_test_of_pairs_counts_all_signs(seed, tied):
    rng = np.random.default_rng(seed)
    differences = rng.integers(1, 5, 8) * rng.choice([-1, 1], 8) if tied else rng.normal(1, 1, 8)
    found = compare_pairs(list(differences))
    assert found.p == pytest.approx(count_signed_ranks(differences))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("tied", [False, True])
def test_the_test_of_groups_counts_all_ways_to_part_them(seed, tied):
    rng = np.random.default_rng(seed)
    values, others = rng.normal(0, 1, 5), rng.normal(1, 1, 4)
    if tied:
        values, others = np.round(values), np.round(others)
    found = compare_groups(list(values), list(others))
    assert found.p == pytest.approx(count_rank_sums(values, others))


@pytest.mark.parametrize(
    ("count", "note"),
    [(0, "no pair of seeds"), (1, "one seed: no claim"), (5, "5 seeds: too few for p < 0.05")],
)
def test_too_few_pairs_are_not_tested(count, note):
    found = compare_pairs([-1.0 - place for place in range(count)])
    assert (found.p, found.note) == (None, note)


def test_six_pairs_that_agree_are_the_fewest_that_show_anything():
    assert compare_pairs([-1, -2, -3, -4, -5, -6]).p == pytest.approx(2 / 64)
    assert compare_pairs([0.0] * 6).p == 1


def test_too_few_networks_are_not_tested():
    assert compare_groups([1, 2, 3], [4, 5, 6]).p is None  # 2 of 20 ways at best
    assert compare_groups([1, 2, 3, 4], [5, 6, 7, 8]).p == pytest.approx(2 / 70)
    assert "0 and 3 networks" in compare_groups([], [1, 2, 3]).note


def test_holm_by_hand():
    # Sorted .01, .02, .04 times 3, 2, 1, never falling: .03, .04, .04.
    assert correct_holm([0.04, None, 0.01, 0.02]) == pytest.approx([0.04, None, 0.03, 0.04])
    assert correct_holm([None]) == [None]
    assert correct_holm([0.6, 0.9]) == [1.0, 1.0]


def test_overlapping_splits_by_hand():
    differences = [1.0, 2.0, 3.0]
    t = 2.0 / math.sqrt((1 / 3 + 2) * 1.0)  # a variance of 1
    assert compare_splits(differences, 2) == pytest.approx(2 * (1 - stats.t.cdf(t, 2)))
    assert compare_splits([1.0], 2) is None
    assert compare_splits([1.0, 1.0], 2) is None


def test_mean_ranks_and_the_critical_difference_of_demsar():
    # Demsar 2006, table 5: q of 4 contestants is 2.569, and CD on 14 data sets is 1.25.
    losses = np.random.default_rng(0).normal(size=(14, 4))
    found = rank_contestants(losses)
    assert found.critical_difference == pytest.approx(1.25, abs=0.005)
    assert sum(found.means) == pytest.approx(1 + 2 + 3 + 4)
    assert found.means[0] == np.mean([1 + np.sum(row < row[0]) for row in losses])


def test_friedman_by_hand():
    # Always the same order of 3 on 5 data sets: chi2 = 12*5/(3*4) * (1 + 4 + 9 - 12) = 10.
    found = rank_contestants([[1, 2, 3]] * 5)
    assert found.p == pytest.approx(math.exp(-10 / 2))  # the tail with 2 degrees of freedom
    assert rank_contestants([[1, 1, 1]] * 5).p == 1
