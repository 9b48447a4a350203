"""The order of fronts, against orders found by hand, by counted cells and by brute force."""

import itertools

import numpy as np
import pytest

from nago.records import UserError
from nago.search.preference import PROMOTIONS, order_failed_last, order_points

GRID = 12


def dominates(a, b):
    return all(x <= y for x, y in zip(a, b, strict=True)) and tuple(a) != tuple(b)


def peel(points):
    """Return the number of each point's front, taking fronts away one by one."""
    ranks, left, rank = {}, set(range(len(points))), 0
    while left:
        front = {i for i in left if not any(dominates(points[j], points[i]) for j in left)}
        ranks |= dict.fromkeys(front, rank)
        left, rank = left - front, rank + 1
    return [ranks[place] for place in range(len(points))]


def count_cells(points, reference):
    """Return the dominated volume of points on a grid, cell by cell."""
    cells = itertools.product(*(range(edge) for edge in reference))
    return sum(
        any(all(p <= c for p, c in zip(q, cell, strict=True)) for q in points) for cell in cells
    )


def last_of(front, points, reference):
    """Return which of a front costs the fewest cells; of equal ones the last."""
    total = count_cells([points[i] for i in front], reference)
    costs = {
        i: total - count_cells([points[j] for j in front if j != i], reference) for i in front
    }
    return max(i for i in front if costs[i] == min(costs.values()))


@pytest.mark.parametrize("rule", PROMOTIONS)
@pytest.mark.parametrize("m", [2, 3])
@pytest.mark.parametrize("seed", range(5))
def test_fronts_come_one_after_the_other_and_nothing_is_lost(rule, m, seed):
    points = np.random.default_rng(seed).integers(0, 5, size=(25, m)).astype(float)
    ordered = order_points(points, rule, None)
    assert sorted(ordered) == list(range(25))
    ranks = peel(points.tolist())
    assert [ranks[place] for place in ordered] == sorted(ranks)


@pytest.mark.parametrize("m", [2, 3])
@pytest.mark.parametrize("seed", range(8))
def test_what_goes_last_costs_the_fewest_cells(m, seed):
    rng = np.random.default_rng(seed)
    points = rng.integers(0, GRID, size=(12, m)).tolist()
    reference = [GRID] * m
    expected = []
    ranks = peel(points)
    for rank in sorted(set(ranks)):
        front, last_first = [i for i, r in enumerate(ranks) if r == rank], []
        while front:
            last_first.append(last_of(front, points, reference))
            front.remove(last_first[-1])
        expected += last_first[::-1]
    assert order_points(np.array(points, dtype=float), "hypervolume", reference) == expected


def test_of_twins_one_goes_last_and_the_other_does_not():
    # Without its twin the middle one holds the most; beside it each twin holds nothing.
    points = np.array([[0.5, 0.5], [0.5, 0.5], [0.0, 1.0], [1.0, 0.0]])
    assert order_points(points, "hypervolume", [1.1, 1.1])[0] == 0
    assert order_points(points, "hypervolume", [1.1, 1.1])[-1] == 1


def test_the_net_starts_at_the_lowest_error_and_goes_where_it_is_farthest_from():
    # On a line: from 0 to the other end, then the middle; 6 is 2 from 4 and 4 from 10.
    line = np.array([4.0, 0.0, 10.0, 6.0, 9.0])
    points = np.stack([line, 10 - line], axis=1)
    assert order_points(points, "epsilon_net", None) == [1, 2, 0, 3, 4]


def test_the_units_of_an_objective_decide_nothing():
    points = np.random.default_rng(3).random((20, 2))
    for rule in PROMOTIONS:
        expected = order_points(points, rule, [1.5, 1.5])
        scaled = order_points(points * [1.0, 2.0**20], rule, [1.5, 1.5 * 2**20])
        assert scaled == expected


def test_ranks_alone_keep_the_order_given_within_a_front():
    points = np.array([[2.0, 2.0], [1.0, 0.0], [0.0, 1.0], [3.0, 3.0], [1.0, 0.0]])
    assert order_points(points, "rank", None) == [1, 2, 4, 0, 3]


@pytest.mark.parametrize("rule", PROMOTIONS)
def test_equal_points_and_none_at_all_keep_their_order(rule):
    assert order_points(np.ones((4, 2)), rule, None) == [0, 1, 2, 3]
    assert order_points(np.empty((0, 2)), rule, None) == []


def test_points_beyond_the_reference_are_ordered_as_given():
    points = np.array([[0.0, 9.0], [9.0, 0.0], [4.0, 4.0]])
    assert order_points(points, "hypervolume", [5.0, 5.0]) == [2, 0, 1]


def test_failed_ones_come_after_all_others():
    losses = np.array([[np.inf, np.inf], [2.0, 2.0], [np.nan, 1.0], [1.0, 1.0]])
    assert order_failed_last(losses, "hypervolume", None) == ([3, 1], [0, 2])


def test_unknown_rules_and_references_of_another_length_are_refused():
    with pytest.raises(UserError, match="could be hypervolume, rank, epsilon_net, got 'best'"):
        order_points(np.ones((2, 2)), "best", None)
    with pytest.raises(UserError, match="must have 2 values, got 3"):
        order_points(np.ones((2, 2)), "rank", [1, 2, 3])
