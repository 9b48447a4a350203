"""The local penaliser against its formula, worked out by hand."""

import numpy as np
import pytest

from nago.search.penalty import USUAL_SLOPE, find_steepest, penalise


def test_the_steepest_slope_is_the_largest_norm_of_each_objective():
    slopes = np.array([[[3.0, 4.0], [0.0, 1.0]], [[1.0, 0.0], [0.0, -2.0]]])
    assert find_steepest(slopes).tolist() == [5.0, 2.0]


def test_a_flat_objective_gets_the_usual_slope():
    assert find_steepest(np.zeros((3, 1, 2))).tolist() == [USUAL_SLOPE]


def test_factors_are_distance_by_radius_multiplied_over_the_objectives():
    features = np.array([[0.0, 0.0], [0.3, 0.4], [3.0, 4.0]])
    factors = penalise(
        features,
        np.zeros(2),
        mean=np.array([2.0, 1.0]),
        deviation=np.array([0.5, 1.0]),
        best=np.array([0.5, -2.0]),
        steepest=np.array([1.0, 2.0]),
    )
    # Radii (1.5 + 0.5) / 1 = 2 and (3 + 1) / 2 = 2; distances 0, 0.5 and 5.
    assert factors.tolist() == [0.0, pytest.approx(0.25 * 0.25), 1.0]


def test_where_the_best_value_is_reached_for_sure_only_the_point_itself_is_too_near():
    known = {"mean": np.ones(1), "deviation": np.zeros(1), "best": np.ones(1)}
    features = np.array([[0.5], [0.5 + 1e-9]])
    factors = penalise(features, np.array([0.5]), steepest=np.ones(1), **known)
    assert factors.tolist() == [0.0, 1.0]


def test_without_uncertain_objectives_nothing_is_penalised():
    none = np.empty(0)
    factors = penalise(
        np.ones((2, 3)), np.zeros(3), mean=none, deviation=none, best=none, steepest=none
    )
    assert factors.tolist() == [1.0, 1.0]
