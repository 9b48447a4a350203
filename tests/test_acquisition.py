"""Acquisitions against draws from the normal distributions that they integrate over."""

import numpy as np
import pytest

from nago.search.acquisition import (
    ACQUISITIONS,
    bound_below,
    expect_excess,
    expect_hypervolume,
    expect_improvement,
    find_beta,
    rate_improvement,
)
from nago.search.pareto import cut_undominated, measure_hypervolume

MEAN = np.array([[0.3, -1.0], [1.5, 0.2], [-0.7, 0.0]])
DEVIATION = np.array([[0.5, 0.2], [1.0, 0.7], [0.1, 2.0]])
BEST = np.array([0.4, -0.9])
DRAWS = 400_000


def draw():
    rng = np.random.default_rng(0)
    return MEAN + DEVIATION * rng.standard_normal((DRAWS, *MEAN.shape))


def test_beta_grows_as_the_paper_says():
    t, d, delta = 7, 5, 0.2
    expected = 2 * np.log(t ** (d / 2 + 2) * np.pi**2 / (3 * delta))
    assert find_beta(t, d, delta) == pytest.approx(expected)
    assert find_beta(0, d, delta) == find_beta(1, d, delta)


def test_the_lower_bound_holds_as_often_as_a_normal_one():
    below = draw() < bound_below(MEAN, DEVIATION, BEST, beta=1.0)
    assert below.mean(axis=0) == pytest.approx(0.158655, abs=3e-3)


def test_expected_improvement_is_the_mean_of_drawn_improvements():
    drawn = np.maximum(BEST - draw(), 0).mean(axis=0)
    assert -expect_improvement(MEAN, DEVIATION, BEST, 1.0) == pytest.approx(drawn, abs=5e-3)


def test_the_probability_of_improvement_is_the_share_of_draws_that_improve():
    share = (draw() < BEST).mean(axis=0)
    assert -rate_improvement(MEAN, DEVIATION, BEST, 1.0) == pytest.approx(share, abs=3e-3)


@pytest.mark.parametrize("name", ACQUISITIONS)
def test_what_is_known_has_an_acquisition_without_chance(name):
    mean = np.array([[0.0], [2.0]])
    values = ACQUISITIONS[name](mean, np.zeros((2, 1)), np.array([1.0]), 4.0)
    assert values[:, 0].tolist() == {"lcb": [0, 2], "ei": [-1, 0], "pi": [-1, 0]}[name]


def test_nothing_is_expected_below_minus_infinity():
    assert expect_excess(np.array(-np.inf), np.array(0.0), np.array(1.0)) == 0.0


@pytest.mark.parametrize("m", [2, 3])
def test_expected_hypervolume_is_the_mean_of_what_drawn_points_add(m):
    rng = np.random.default_rng(m)
    front, reference = rng.random((6, m)), np.full(m, 1.1)
    mean, deviation = rng.random((4, m)) * 0.8, rng.random((4, m)) * 0.3
    deviation[3, -1] = 0.0  # an objective that is known
    expected = expect_hypervolume(mean, deviation, *cut_undominated(front, reference))
    before = measure_hypervolume(front, reference)
    for about, spread, value in zip(mean, deviation, expected, strict=True):
        drawn = about + spread * rng.standard_normal((4000, m))
        added = [
            measure_hypervolume(np.vstack([front, point]), reference) - before for point in drawn
        ]
        assert value == pytest.approx(np.mean(added), abs=4 * np.std(added) / 4000**0.5 + 1e-9)
