"""Replicates: probabilities to be Pareto-optimal, and what another trial is expected to settle."""

import numpy as np
import pytest
from scipy.stats import norm

from nago.search.pareto import find_front
from nago.search.replicates import (
    WORTH,
    Means,
    choose_replicates,
    draw_means,
    draw_outcomes,
    expect_gain,
    find_optimal,
    rate_optimal,
)


def make_means(mean, variance, noise):
    """Means of n configurations that don't depend on each other; all arguments are (n, m)."""
    mean, variance, noise = (np.array(value, dtype=float) for value in (mean, variance, noise))
    return Means(mean, np.stack([np.diag(column) for column in variance.T]), noise)


def two(gap, variances, noises):
    """Two generators of which the second costs less; so it is optimal, the first is if better."""
    return make_means(
        [[0.0, 2.0], [gap, 1.0]],
        [[variances[0], 0.0], [variances[1], 0.0]],
        [[noises[0], 0.0], [noises[1], 0.0]],
    )


@pytest.mark.parametrize("gap", [-0.5, 0.0, 0.3, 2.0])
def test_the_probability_of_two_generators_is_the_closed_form(gap):
    found = rate_optimal(two(gap, (0.3, 0.1), (1.0, 1.0)), seed=0)
    assert found[1] == 1.0
    assert found[0] == pytest.approx(norm.cdf(gap / np.sqrt(0.4)), abs=0.03)


def test_means_that_go_together_leave_no_doubt_which_is_lower():
    means = two(0.1, (1.0, 1.0), (1.0, 1.0))
    together = means.covariance.copy()
    together[0] = 1.0
    assert rate_optimal(Means(means.mean, together, means.noise), seed=0).tolist() == [1.0, 1.0]
    assert 0.4 < rate_optimal(means, seed=0)[0] < 0.65


@pytest.mark.parametrize("seed", range(5))
def test_the_optimal_are_the_front_of_each_draw(seed):
    losses = np.random.default_rng(seed).integers(0, 5, size=(20, 12, 3)).astype(float)
    expected = [find_front(points) for points in losses]
    assert (find_optimal(losses) == expected).all()


@pytest.mark.parametrize("noise", [0.01, 0.3, 4.0])
@pytest.mark.parametrize("gap", [0.0, 0.5])
def test_the_gain_of_two_generators_is_the_variance_of_the_later_probability(gap, noise):
    means = two(gap, (0.3, 0.1), (noise, 1.0))
    # The mean after another trial of the first is normal; so is what decides between the two.
    moves = np.sqrt(0.3**2 / (0.3 + noise))
    left = 0.3 * noise / (0.3 + noise)
    points = norm.ppf((np.arange(4000) + 0.5) / 4000)
    later = norm.cdf((gap - moves * points) / np.sqrt(left + 0.1))
    drawn = draw_means(means, seed=1, count=20000)
    weights = np.full(len(drawn), 1 / len(drawn))
    outcomes = draw_outcomes(2, seed=0)
    optimal = find_optimal(drawn).astype(float)
    found = expect_gain(drawn[:, 0], means.noise[0], optimal, weights, outcomes)
    assert found == pytest.approx(later.var(), rel=0.08, abs=1e-3)


def test_the_gain_is_that_of_conditioning_means_that_depend_on_each_other():
    rng = np.random.default_rng(0)
    factor = rng.normal(size=(4, 6)) / 3
    mean = np.column_stack([np.linspace(0.4, 0.0, 4), np.arange(4.0)])
    covariance = np.stack([factor @ factor.T, np.zeros((4, 4))])
    means = Means(mean, covariance, np.array([[0.2, 0.0]] * 4))
    probabilities = []
    total = covariance[0][1, 1] + 0.2
    for point in norm.ppf((np.arange(100) + 0.5) / 100):
        told = covariance[0][:, 1] / total
        later = mean.copy()
        later[:, 0] += told * point * np.sqrt(total)
        left = covariance.copy()
        left[0] -= np.outer(told, covariance[0][1])
        probabilities.append(
            find_optimal(draw_means(Means(later, left, means.noise), 5, 4000)).mean(axis=0)
        )
    drawn = draw_means(means, seed=1, count=20000)
    weights = np.full(len(drawn), 1 / len(drawn))
    found = expect_gain(
        drawn[:, 1],
        means.noise[1],
        find_optimal(drawn).astype(float),
        weights,
        draw_outcomes(2, 0),
    )
    assert found == pytest.approx(np.var(probabilities, axis=0).sum(), rel=0.1)


def choose(means, most=2, eligible=None, seed=0):
    eligible = np.ones(len(means.mean), dtype=bool) if eligible is None else eligible
    return choose_replicates(means, eligible, most, seed)


def test_of_two_doubts_the_one_that_a_trial_can_settle_is_chosen():
    # Two pairs that are equally open; the noise of the first pair hides what a trial could tell.
    means = make_means(
        [[0.5, 2.0], [0.5, 1.0], [0.0, 4.0], [0.0, 3.0]],
        [[0.02, 0.0]] * 4,
        [[4.0, 0.0], [4.0, 0.0], [0.01, 0.0], [0.01, 0.0]],
    )
    assert choose(means, most=1) in ([2], [3])
    assert set(choose(means, most=4)) <= {2, 3}


def test_what_leaves_no_doubt_is_not_drawn_again():
    assert choose(two(0.0, (0.0, 0.0), (0.0, 0.0))) == []
    assert choose(two(9.0, (0.3, 0.1), (0.1, 0.1))) == []
    # Open, but no trial says anything.
    assert choose(two(0.0, (0.3, 0.1), (1e4, 1e4))) == []


def test_none_is_chosen_twice_or_against_the_limits_of_number_and_eligibility():
    n = 12
    along = np.linspace(0, 1, n)
    means = make_means(
        np.column_stack([along, 1 - along]), np.full((n, 2), 0.05), np.full((n, 2), 0.01)
    )
    found = choose(means, most=6)
    assert len(set(found)) == len(found) == 6
    assert choose(means, most=3) == found[:3]
    assert choose(means, most=0) == []
    eligible = np.ones(n, dtype=bool)
    eligible[found[0]] = False
    assert found[0] not in choose(means, most=6, eligible=eligible)
    assert choose(means, most=6, seed=0) == found


def test_the_threshold_is_a_share_of_one_open_question():
    # A trial without noise of one of two equals, whose other's mean is known, settles all of it.
    assert choose(two(0.0, (0.3, 0.0), (1e-9, 1.0)), most=1) == [0]
    assert pytest.approx(0.25 / 10) == WORTH
