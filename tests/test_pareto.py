"""Fronts by comparing all pairs, and hypervolumes by counting unit cells."""

import itertools

import numpy as np
import pytest

from nago.search.pareto import (
    cut_undominated,
    find_front,
    measure_contributions,
    measure_hypervolume,
    rank_points,
)

REFERENCE = {2: np.array([12.0, 12.0]), 3: np.array([7.0, 7.0, 7.0])}


def points_of(seed, m, size=9):
    return np.random.default_rng(seed).integers(0, 14 if m == 2 else 8, size=(size, m)) * 1.0


def dominates(one, other):
    return (one <= other).all() and (one < other).any()


def compare_all_pairs(points):
    return [not any(dominates(other, point) for other in points) for point in points]


def count_cells(points, reference):
    """The unit cells below the reference whose upper corner some point dominates."""
    corners = itertools.product(*(range(1, int(limit) + 1) for limit in reference))
    return sum(any((point <= np.array(c) - 1).all() for point in points) for c in corners)


@pytest.mark.parametrize("m", [2, 3])
@pytest.mark.parametrize("seed", range(10))
def test_the_front_is_what_no_other_point_dominates(seed, m):
    points = points_of(seed, m)
    assert find_front(points).tolist() == compare_all_pairs(points)


@pytest.mark.parametrize("seed", range(10))
def test_ranks_are_the_fronts_peeled_off_one_by_one(seed):
    points = points_of(seed, 2, 15)
    ranks, left, rank = {}, list(range(15)), 0
    while left:
        on_front = compare_all_pairs(points[left])
        ranks |= {place: rank for place, is_on in zip(left, on_front, strict=True) if is_on}
        left = [place for place, is_on in zip(left, on_front, strict=True) if not is_on]
        rank += 1
    assert rank_points(points).tolist() == [ranks[place] for place in range(15)]


@pytest.mark.parametrize("m", [2, 3])
@pytest.mark.parametrize("seed", range(10))
def test_the_hypervolume_is_the_cells_counted_one_by_one(seed, m):
    points = points_of(seed, m)
    assert measure_hypervolume(points, REFERENCE[m]) == count_cells(points, REFERENCE[m])


@pytest.mark.parametrize("seed", range(10))
def test_a_contribution_is_the_cells_that_are_lost_without_the_point(seed):
    points = points_of(seed, 2)
    total = count_cells(points, REFERENCE[2])
    without = [count_cells(np.delete(points, i, axis=0), REFERENCE[2]) for i in range(len(points))]
    expected = [total - rest for rest in without]
    assert measure_contributions(points, REFERENCE[2]).tolist() == expected


@pytest.mark.parametrize("m", [2, 3])
@pytest.mark.parametrize("seed", range(10))
def test_boxes_fill_what_is_undominated_and_do_not_overlap(seed, m):
    points, reference = points_of(seed, m), REFERENCE[m]
    lower, upper = cut_undominated(points, reference)
    low = int(reference[0])
    for corner in itertools.product(range(-1, low), repeat=m):
        middle = np.array(corner) + 0.5
        inside = ((lower < middle) & (middle < upper)).all(axis=1).sum()
        dominated = any((point <= middle).all() for point in points)
        assert inside == (0 if dominated else 1)


def test_no_points_dominate_nothing_and_leave_one_box():
    nothing = np.empty((0, 2))
    assert find_front(nothing).tolist() == []
    assert rank_points(nothing).tolist() == []
    assert measure_contributions(nothing, REFERENCE[2]).tolist() == []
    assert measure_hypervolume(nothing, REFERENCE[2]) == 0.0
    lower, upper = cut_undominated(nothing, REFERENCE[2])
    assert lower.tolist() == [[-np.inf, -np.inf]]
    assert upper.tolist() == [[12.0, 12.0]]


def test_equal_points_are_on_the_front_together_and_contribute_nothing_alone():
    points = np.array([[3.0, 4.0], [3.0, 4.0], [5.0, 5.0]])
    assert find_front(points).tolist() == [True, True, False]
    assert measure_contributions(points, REFERENCE[2]).tolist() == [0.0, 0.0, 0.0]
    assert measure_hypervolume(points, REFERENCE[2]) == 9 * 8


def test_points_beyond_the_reference_add_nothing():
    points = np.array([[13.0, 0.0], [12.0, 0.0], [10.0, 10.0], [np.inf, np.inf]])
    assert measure_hypervolume(points, REFERENCE[2]) == 4
    assert measure_contributions(points, REFERENCE[2]).tolist() == [0.0, 0.0, 4.0, 0.0]


@pytest.mark.parametrize("function", [find_front, rank_points])
def test_a_loss_that_is_no_number_is_refused_with_its_row(function):
    with pytest.raises(ValueError, match=r"got \[nan, 1.0\] in row 1"):
        function(np.array([[0.0, 0.0], [np.nan, 1.0]]))


def test_volumes_refuse_what_is_no_number_as_well():
    points = np.array([[np.nan, 1.0]])
    for function in (measure_hypervolume, measure_contributions, cut_undominated):
        with pytest.raises(ValueError, match="row 0"):
            function(points, REFERENCE[2])
