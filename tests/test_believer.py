"""Deviations that are left, against Gaussian conditioning and processes that saw the points."""

import numpy as np
import pytest

from nago.search.believer import believe
from nago.search.gaussian_process import GaussianProcesses
from nago.search.models import fit_model, restore_model


def test_it_is_the_conditional_deviation_of_a_normal_distribution():
    rng = np.random.default_rng(0)
    root = rng.standard_normal((6, 6))
    covariance = root @ root.T
    inverse = np.linalg.inv(covariance)
    # What is left of the first three given the others is the inverse of their precision.
    expected = np.sqrt(np.diag(np.linalg.inv(inverse[:3, :3])))
    found = believe(
        np.sqrt(np.diag(covariance))[:3, None],
        covariance[:3, 3:, None],
        covariance[3:, 3:, None],
    )
    assert found[:, 0] == pytest.approx(expected, rel=1e-3)


def test_it_is_what_a_process_says_that_saw_the_points_without_noise():
    rng = np.random.default_rng(2)
    features, taken, points = rng.random((12, 2)), rng.random((3, 2)), rng.random((20, 2))
    losses = np.column_stack([np.sin(5 * features[:, 0]), features.sum(axis=1)])
    fit = fit_model("gp", features, losses, {}, 0)
    fit.arrays["logarithms"][:, -1] = -14.0
    model = restore_model("gp", fit)
    assert isinstance(model, GaussianProcesses)
    met = (model.predict(taken).mean - model.means) / model.scales
    told = GaussianProcesses(
        np.concatenate([features, taken]),
        np.concatenate([model.standard, met]),
        fit.arrays["logarithms"],
        model.means,
        model.scales,
    )
    before, after = model.predict(points), told.predict(points)
    found = believe(
        np.sqrt(before.model_variance), model.covary(points, taken), model.covary(taken, taken)
    )
    assert found == pytest.approx(np.sqrt(after.model_variance), rel=0.05, abs=1e-3)
    assert (found < 0.9 * np.sqrt(before.model_variance)).any()
    assert after.mean == pytest.approx(before.mean, rel=1e-3, abs=1e-4)


def test_what_is_taken_is_known_and_what_is_unrelated_stays():
    deviation = np.array([[2.0], [3.0]])
    found = believe(deviation, np.array([[[4.0]], [[0.0]]]), np.array([[[4.0]]]))
    assert found[0, 0] < 0.01
    assert found[1, 0] == 3.0
    certain = believe(deviation, np.zeros((2, 1, 1)), np.zeros((1, 1, 1)))
    assert certain.tolist() == deviation.tolist()
