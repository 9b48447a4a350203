"""The learnt probability that a configuration can be trained."""

import numpy as np
import pytest

from nago.search.feasibility import MOST, PRIOR, rate_feasibility
from nago.search.judge import LEAST


def ring(radius, size):
    angles = np.linspace(0, 2 * np.pi, size, endpoint=False)
    return 0.5 + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_where_nothing_failed_everything_is_feasible():
    points = np.random.default_rng(0).random((7, 3))
    assert rate_feasibility(points, points, np.zeros(7, dtype=bool)).tolist() == [1.0] * 7


def test_the_kernel_reaches_as_far_as_the_nearest_trials():
    # In one dimension: the second nearest. Distances to the trials are 1, 2 and 4.
    seen, failed = np.array([[1.0], [-2.0], [4.0]]), np.array([False, True, False])
    found = rate_feasibility(np.zeros((1, 1)), seen, failed)[0]
    near, middle, far = np.exp(-0.5 * np.array([1, 4, 16]) / 4)
    assert found == pytest.approx((near + far + PRIOR) / (near + middle + far + PRIOR))


def test_where_the_nearest_trial_failed_it_is_doubtful_whatever_lies_around():
    seen, failed = np.array([[1.0], [-1.5], [2.0], [3.0]]), np.array([True, False, False, False])
    places = np.array([[-0.26], [-0.24], [1.4], [1.49], [1.51]])
    found = rate_feasibility(places, seen, failed)
    nearest = np.abs(places - seen.T).argmin(axis=1)
    assert (failed[nearest] == (found <= MOST)).all()
    assert nearest.tolist() == [1, 0, 0, 0, 2]
    assert MOST < LEAST
    # Of a success and a failure at the same distance the kernel alone decides.
    pair = np.array([[-1.0], [1.0]])
    at_half = rate_feasibility(np.zeros((1, 1)), pair, np.array([True, False]))[0]
    near = np.exp(-0.5)
    assert at_half == pytest.approx((near + PRIOR) / (2 * near + PRIOR))
    assert at_half > MOST


def test_it_rises_on_the_way_from_failures_to_successes():
    seen = np.vstack([ring(0.05, 6), ring(0.05, 6) + np.array([1.0, 0.0])])
    failed = np.array([True] * 6 + [False] * 6)
    line = np.stack([np.array([0.5, 0.8, 1.0, 1.2, 1.5]), np.full(5, 0.5)], axis=1)
    found = rate_feasibility(line, seen, failed)
    assert (np.diff(found) > 0).all()
    assert found[0] < 0.15
    assert found[2] == pytest.approx(0.5, abs=0.05)
    assert found[-1] > 0.99


def test_successes_around_a_failure_win_the_place_between_back():
    centre, beside = np.array([[0.5, 0.5]]), np.array([[0.5, 0.57]])
    alone = rate_feasibility(beside, centre, np.ones(1, dtype=bool))[0]
    seen = np.vstack([centre, ring(0.1, 12)])
    failed = np.array([True] + [False] * 12)
    assert alone < 0.35
    assert rate_feasibility(beside, seen, failed)[0] > 0.8
    # The failure itself keeps its own place.
    assert rate_feasibility(centre, seen, failed)[0] == MOST


def test_where_everything_failed_it_stays_above_nothing():
    points = np.random.default_rng(0).random((30, 4))
    found = rate_feasibility(points, points, np.ones(30, dtype=bool))
    assert ((found > 0) & (found < 0.5)).all()
