"""The learnt probability that a configuration can be trained."""

import numpy as np
import pytest

from nago.search.feasibility import PRIOR, rate_feasibility


def ring(radius, size):
    angles = np.linspace(0, 2 * np.pi, size, endpoint=False)
    return 0.5 + radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)


def test_where_nothing_failed_everything_is_feasible():
    points = np.random.default_rng(0).random((7, 3))
    assert rate_feasibility(points, points, np.zeros(7, dtype=bool)).tolist() == [1.0] * 7


def test_the_kernel_reaches_as_far_as_the_nearest_trials():
    # In one dimension: the second nearest. Distances to the trials are 1, 2 and 4.
    seen, failed = np.array([[1.0], [-2.0], [4.0]]), np.array([True, False, False])
    found = rate_feasibility(np.zeros((1, 1)), seen, failed)[0]
    near, middle, far = np.exp(-0.5 * np.array([1, 4, 16]) / 4)
    assert found == pytest.approx((middle + far + PRIOR) / (near + middle + far + PRIOR))


def test_it_rises_on_the_way_from_failures_to_successes():
    seen = np.vstack([ring(0.05, 6), ring(0.05, 6) + np.array([1.0, 0.0])])
    failed = np.array([True] * 6 + [False] * 6)
    line = np.stack([np.array([0.5, 0.8, 1.0, 1.2, 1.5]), np.full(5, 0.5)], axis=1)
    found = rate_feasibility(line, seen, failed)
    assert (np.diff(found) > 0).all()
    assert found[0] < 0.15
    assert found[2] == pytest.approx(0.5, abs=0.05)
    assert found[-1] > 0.99


def test_successes_around_a_failure_win_the_place_back():
    centre = np.array([[0.5, 0.5]])
    alone = rate_feasibility(centre, centre, np.ones(1, dtype=bool))[0]
    seen = np.vstack([centre, ring(0.1, 12)])
    surrounded = rate_feasibility(centre, seen, np.array([True] + [False] * 12))[0]
    assert alone < 0.3
    assert surrounded > 0.5


def test_where_everything_failed_it_stays_above_nothing():
    points = np.random.default_rng(0).random((30, 4))
    found = rate_feasibility(points, points, np.ones(30, dtype=bool))
    assert ((found > 0) & (found < 0.5)).all()
