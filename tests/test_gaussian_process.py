"""Gaussian processes against scikit-learn's, finite differences and what is known exactly."""

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern, WhiteKernel

from nago.records import UserError
from nago.search import gaussian_process
from nago.search.models import Fit, fit_model, restore_model


def waves(n, d=3, noise=0.0, seed=0):
    rng = np.random.default_rng(seed)
    features = rng.random((n, d))
    losses = np.stack([np.sin(6 * features[:, 0]) + features[:, 1], features.sum(axis=1)], axis=1)
    return features, 40 + 7 * losses + noise * rng.standard_normal(losses.shape)


def learn(features, losses):
    return restore_model("gp", fit_model("gp", features, losses, {}, 0))


def test_the_posterior_is_that_of_scikit_learn_with_the_same_kernel():
    features, losses = waves(25, noise=1.0)
    fitted = fit_model("gp", features, losses, {}, 0)
    points = np.random.default_rng(1).random((9, 3))
    model = restore_model("gp", fitted)
    found = model.predict(points)
    for i in range(2):
        centre, scale = losses[:, i].mean(), losses[:, i].std()
        kernel = ConstantKernel(fitted.values["amplitudes"][i]) * Matern(
            fitted.values["lengths"][i], nu=2.5
        )
        peer = GaussianProcessRegressor(
            kernel, alpha=fitted.values["noises"][i], optimizer=None
        ).fit(features, (losses[:, i] - centre) / scale)
        mean, deviation = peer.predict(points, return_std=True)
        assert found.mean[:, i] == pytest.approx(centre + scale * mean, rel=1e-5)
        covariance = peer.predict(points, return_cov=True)[1]
        covaried = model.covary(points, points[:4])[:, :, i]
        assert covaried == pytest.approx(scale**2 * covariance[:, :4], rel=1e-3, abs=1e-6)
        variance = found.model_variance[:, i]
        assert variance == pytest.approx((scale * deviation) ** 2, rel=1e-3)
        assert found.noise_variance[:, i] == pytest.approx(fitted.values["noises"][i] * scale**2)


def test_the_evidence_is_that_of_scikit_learn():
    features, losses = waves(15)
    standard = (losses[:, 0] - losses[:, 0].mean()) / losses[:, 0].std()
    squares = (features[:, None] - features[None]).transpose(2, 0, 1) ** 2
    point = np.array([-0.5, 0.3, 1.0, 0.2, -3.0])
    flat = np.stack([point, np.full(5, 1.0)])
    found = -gaussian_process._lose(point, squares, standard, flat)[0]
    kernel = ConstantKernel(np.exp(0.2)) * Matern(np.exp(point[:3]), nu=2.5)
    kernel += WhiteKernel(np.exp(-3.0) + 1e-8)
    peer = GaussianProcessRegressor(kernel, optimizer=None, alpha=0.0).fit(features, standard)
    assert found == pytest.approx(peer.log_marginal_likelihood_value_, rel=1e-5)


def test_features_of_one_hyperparameter_share_a_length():
    features, losses = waves(20)
    fitted = fit_model("gp", features, losses, {}, 0, groups=np.array([0, 1, 1]))
    for lengths in fitted.values["lengths"]:
        assert lengths[1] == lengths[2] != lengths[0]
    # With one of the two columns idle, the length of both is the length of the other alone.
    idle = np.column_stack([features[:, :2], np.full(20, 0.3)])
    both = fit_model("gp", idle, losses, {}, 0, groups=np.array([0, 1, 1]))
    alone = fit_model("gp", features[:, :2], losses, {}, 0)
    for one, other in zip(both.values["lengths"], alone.values["lengths"], strict=True):
        assert one[:2] == pytest.approx(other, rel=1e-4)


def test_the_gradient_of_evidence_and_prior_is_that_of_finite_differences():
    features, losses = waves(12)
    standard = (losses[:, 0] - losses[:, 0].mean()) / losses[:, 0].std()
    squares = (features[:, None] - features[None]).transpose(2, 0, 1) ** 2
    point, priors = np.array([-0.5, 0.3, 1.0, 0.2, -3.0]), np.array([[0.5] * 5, [1.5] * 5])
    expected = approx_fprime(
        point, lambda at: gaussian_process._lose(at, squares, standard, priors)[0], 1e-6
    )
    found = gaussian_process._lose(point, squares, standard, priors)[1]
    assert found == pytest.approx(expected, abs=1e-3)


def test_the_slope_is_that_of_finite_differences():
    model = learn(*waves(20, noise=0.5))
    points = np.random.default_rng(2).random((4, 3))
    found = model.slope(points)
    for k, step in enumerate(1e-5 * np.eye(3)):
        change = model.predict(points + step).mean - model.predict(points - step).mean
        assert found[:, :, k] == pytest.approx(change / 2e-5, abs=1e-3)


def test_drawn_functions_have_the_posterior_mean_and_variance():
    model = learn(*waves(12, noise=1.0))
    points = np.random.default_rng(3).random((5, 3))
    drawn = np.array([model.draw_functions(seed)(points) for seed in range(600)])
    said = model.predict(points)
    deviation = np.sqrt(said.model_variance)
    assert (np.abs(drawn.mean(axis=0) - said.mean) < 0.2 * deviation + 0.02).all()
    assert np.sqrt(drawn.var(axis=0)) == pytest.approx(deviation, rel=0.15, abs=0.02)


def test_a_drawn_function_is_one_function():
    model = learn(*waves(12))
    points = np.random.default_rng(3).random((6, 3))
    draw = model.draw_functions(5)
    together = draw(points)
    assert np.vstack([draw(points[[row]]) for row in range(6)]) == pytest.approx(together)


def test_it_goes_through_smooth_data_and_learns_the_noise_of_others():
    features, losses = waves(40)
    said = learn(features, losses).predict(features)
    assert said.mean == pytest.approx(losses, abs=0.05)
    features, losses = waves(150, noise=2.0)
    said = learn(features, losses).predict(features)
    assert np.sqrt(said.noise_variance[0]) == pytest.approx([2.0, 2.0], rel=0.25)


def test_units_of_the_losses_do_not_matter():
    features, losses = waves(20, noise=1.0)
    points = np.random.default_rng(4).random((5, 3))
    one, other = learn(features, losses), learn(features, 1e6 * losses - 3)
    assert other.predict(points).mean == pytest.approx(
        1e6 * one.predict(points).mean - 3, rel=1e-4
    )
    assert other.predict(points).variance == pytest.approx(
        1e12 * one.predict(points).variance, rel=1e-2
    )


@pytest.mark.parametrize("n", [1, 2, 4])
def test_few_points_give_finite_numbers_that_widen_away_from_them(n):
    features, losses = waves(n)
    model = learn(features, losses)
    near, far = model.predict(features), model.predict(features + 5)
    for said in (near, far):
        assert np.isfinite(said.mean).all()
        assert (said.variance > 0).all()
    assert (far.model_variance.min(axis=0) > near.model_variance.max(axis=0)).all()
    assert np.isfinite(model.slope(features)).all()


def test_constant_columns_and_duplicates_are_no_obstacle():
    features, losses = waves(10)
    features[:, 1], losses[:, 1] = 0.5, 3.0
    features, losses = np.vstack([features] * 3), np.vstack([losses] * 3)
    losses[:10, 0] += 1
    said = learn(features, losses).predict(features)
    assert said.mean[:, 1] == pytest.approx(3.0)
    assert said.mean[:10, 0] == pytest.approx(losses[10:20, 0] + 1 / 3, abs=0.7)
    assert (said.variance > 0).all()


def test_a_huge_outlier_leaves_everything_finite():
    features, losses = waves(20)
    losses[3, 0] = 1e12
    model = learn(features, losses)
    assert np.isfinite(model.predict(features).mean).all()
    assert np.isfinite(model.slope(features)).all()


def test_what_it_learnt_survives_as_numbers_and_arrays():
    features, losses = waves(15)
    fitted = fit_model("gp", features, losses, {}, 0)
    again = Fit({}, {name: array.copy() for name, array in fitted.arrays.items()})
    points = np.random.default_rng(5).random((4, 3))
    one, other = restore_model("gp", fitted), restore_model("gp", again)
    assert one.predict(points).mean.tolist() == other.predict(points).mean.tolist()


def test_an_unknown_option_is_refused():
    with pytest.raises(UserError, match="gp has no options"):
        fit_model("gp", *waves(5), {"kernel": "rbf"}, 0)
