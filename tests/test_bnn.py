"""Networks of the noise: gradients against autograd, predictions against truth."""

import hashlib
import json
import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from nago.records import UserError
from nago.search.bnn import OPTIONS
from nago.search.models import Fit, fit_model, restore_model
from nago.search.posterior import Member, Posterior, standardise

SHORT = {"burn_in": 300, "steps": 100, "keep_every": 20, "chains": 2, "folds": 2}
KINDS = ["bnn", "homoscedastic"]


def make_points(n=150, seed=0, noise=None):
    """A function of four features whose noise grows sixfold with the first one."""
    rng = np.random.default_rng(seed)
    features = rng.random((n, 4))
    mean = np.sin(4 * features[:, 1]) + features[:, 2]
    deviation = 0.1 + 0.5 * features[:, 0] if noise is None else np.full(n, noise)
    return features, mean, deviation, (mean + deviation * rng.standard_normal(n))[:, None]


@pytest.fixture(scope="module")
def fits():
    features, _, _, losses = make_points()
    return {kind: fit_model(kind, features, losses, {}, 7) for kind in KINDS}


def lose_by_torch(row, points, count, depends, options):
    """Minus the log posterior of one chain's minibatch, from the densities of torch."""
    inputs, targets = points
    widths = (inputs.shape[1], *options["hidden"], 2 if depends else 1)
    normal = torch.distributions.Normal
    units, start, prior = inputs, 0, 0.0
    for depth, (a, b) in enumerate(pairwise(widths)):
        layer = row[start : start + b * (a + 1)].reshape(b, a + 1)
        start += b * (a + 1)
        deviations = torch.full_like(layer, options["weight_deviation"])
        deviations[:, -1] = options["bias_deviation"]
        if depth == len(widths) - 2 and depends:
            deviations[1] *= 0.5
            deviations[1, -1] = options["noise_deviation"] / 2
        prior = prior + normal(0.0, deviations).log_prob(layer).sum()
        units = units @ layer[:, :-1].T + layer[:, -1]
        units = torch.tanh(units) if depth < len(widths) - 2 else units
    q = units[:, 1] if depends else row[-1]
    if not depends:
        prior = prior + normal(0.0, options["noise_deviation"] / 2).log_prob(q)
    variance = options["noise_variance"] * torch.exp(-2 * q)
    likelihood = normal(units[:, 0], variance.sqrt()).log_prob(targets)
    return -(prior + likelihood.mean() * count)


@pytest.mark.parametrize("depends", [True, False])
@pytest.mark.parametrize("hidden", [(10, 10, 10), (3,), (4, 6)])
def test_the_written_gradients_are_those_of_autograd(depends, hidden):
    features, _, _, losses = make_points(30)
    data = standardise(features, losses)
    options = {**OPTIONS, "hidden": hidden, "weight_deviation": 0.7, "noise_variance": 0.3}
    members = [Member(np.arange(30), 0), Member(np.arange(5, 29), 0)]
    target = Posterior(data, members, options, [np.random.default_rng(0)], depends)
    target.parameters += np.random.default_rng(1).normal(0, 0.3, target.parameters.shape)
    target.prepare(3)
    target.differentiate(2)
    for chain, member in enumerate(members):
        row = torch.tensor(target.parameters[chain].astype(float), requires_grad=True)
        inputs = torch.tensor(target.inputs[2, chain, :-1].T.astype(float))
        targets = torch.tensor(target.targets[2, chain].astype(float))
        lost = lose_by_torch(row, (inputs, targets), len(member.rows), depends, options)
        lost.backward()
        scale = row.grad.abs().max().item()
        assert target.gradient[chain] == pytest.approx(row.grad.numpy(), abs=3e-6 * scale)


def test_every_point_comes_once_before_any_comes_twice_and_none_from_outside():
    features, _, _, losses = make_points(40)
    rows = np.arange(3, 40, 2)
    members = [Member(np.arange(40), 0), Member(rows, 0)]
    options = {**OPTIONS, "batch": 6}
    target = Posterior(
        standardise(features, losses), members, options, [np.random.default_rng(0)], True
    )
    seen = []
    for steps in (5, 25, 8):
        target.prepare(steps)
        seen += target.targets[:, 1].ravel().tolist()
    known = sorted(target.losses[rows, 0].tolist())
    assert sorted(seen[: len(rows)]) == known
    assert sorted(seen[len(rows) : 2 * len(rows)]) == known
    assert len(seen) == 38 * 6


def test_the_noise_that_is_predicted_follows_the_true_one(fits):
    model = restore_model("bnn", fits["bnn"])
    features, mean, deviation, losses = make_points(1000, seed=1)
    found = model.predict(features)
    assert spearmanr(found.noise_variance[:, 0], deviation).statistic > 0.8
    assert np.sqrt(((found.mean[:, 0] - mean) ** 2).mean()) < 0.25
    inside = np.abs(losses - found.mean) < 1.645 * np.sqrt(found.variance)
    assert 0.85 < inside.mean() < 0.95
    for quiet in (deviation < 0.3, deviation > 0.4):
        assert 0.8 < inside[quiet].mean() < 0.97


def test_without_dependence_the_noise_is_one_number(fits):
    model = restore_model("homoscedastic", fits["homoscedastic"])
    found = model.predict(make_points(200, seed=1)[0])
    assert np.ptp(found.noise_variance) < 1e-12
    features, _, _, losses = make_points(noise=0.3)
    constant = restore_model("homoscedastic", fit_model("homoscedastic", features, losses, {}, 1))
    assert constant.predict(features).noise_variance[0, 0] ** 0.5 == pytest.approx(0.3, rel=0.25)


def test_noise_that_depends_on_the_point_makes_new_points_likelier(fits):
    features, _, _, losses = make_points(1000, seed=2)
    scores = {}
    for kind, fit in fits.items():
        found = restore_model(kind, fit).predict(features)
        errors = (losses - found.mean) ** 2 / found.variance
        scores[kind] = (0.5 * (np.log(2 * np.pi * found.variance) + errors)).mean()
        assert fit.values["losses"][0]["held_out_nll"] == pytest.approx(scores[kind], abs=0.3)
    assert scores["bnn"] < scores["homoscedastic"] - 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_the_average_is_that_of_networks_computed_one_by_one(kind, fits):
    fit = fits[kind]
    features = np.random.default_rng(5).random((7, 4))
    found = restore_model(kind, fit).predict(features)
    arrays = fit.arrays
    means, noises = [], []
    for row in torch.tensor(arrays["weights"][0].astype(float)):
        units = torch.tensor((features - arrays["feature_means"]) / arrays["feature_scales"])
        start = 0
        for a, b in pairwise((4, 10, 10, 10, 2 if kind == "bnn" else 1)):
            layer = row[start : start + b * (a + 1)].reshape(b, a + 1)
            start += b * (a + 1)
            units = torch.nn.functional.linear(units, layer[:, :-1], layer[:, -1])
            units = torch.tanh(units) if b == 10 else units
        q = units[:, 1] if kind == "bnn" else row[-1].expand(7)
        means.append(units[:, 0].numpy())
        noises.append(0.1 * np.exp(-2 * q.numpy()))
    scale = arrays["loss_scales"][0]
    assert found.mean[:, 0] == pytest.approx(
        np.mean(means, axis=0) * scale + arrays["loss_means"][0], rel=1e-5
    )
    assert found.model_variance[:, 0] == pytest.approx(np.var(means, axis=0) * scale**2, rel=1e-4)
    assert found.noise_variance[:, 0] == pytest.approx(
        np.mean(noises, axis=0) * scale**2, rel=1e-5
    )
    covariance = np.cov(np.transpose(means), bias=True)[:, :3] * scale**2
    covaried = restore_model(kind, fit).covary(features, features[:3])[:, :, 0]
    assert covaried == pytest.approx(covariance, rel=1e-3, abs=1e-4 * np.abs(covariance).max())


@pytest.mark.parametrize("kind", KINDS)
def test_the_slope_is_the_difference_of_neighbours(kind):
    features, _, _, losses = make_points(40)
    both = np.column_stack([losses, 100 - 30 * losses**2])
    fit = fit_model(kind, features, both, SHORT, 1)
    precise = Fit(fit.values, {name: array.astype(float) for name, array in fit.arrays.items()})
    model = restore_model(kind, precise)
    points = np.random.default_rng(2).random((6, 4))
    slopes = model.slope(points)
    assert slopes.shape == (6, 2, 4)
    for axis in range(4):
        step = np.eye(4)[axis] * 1e-5
        change = (model.predict(points + step).mean - model.predict(points - step).mean) / 2e-5
        assert slopes[:, :, axis] == pytest.approx(change, rel=1e-5, abs=1e-6)
    assert restore_model(kind, fit).slope(points) == pytest.approx(slopes, rel=1e-3, abs=1e-4)


def test_many_points_are_predicted_as_they_are_alone(fits):
    model = restore_model("bnn", fits["bnn"])
    features = np.random.default_rng(3).random((1500, 4))
    found, slopes = model.predict(features), model.slope(features)
    for row in (0, 700, 1499):
        alone = features[row : row + 1]
        assert found.mean[row] == pytest.approx(model.predict(alone).mean[0], rel=1e-5)
        assert slopes[row] == pytest.approx(model.slope(alone)[0], rel=1e-3, abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_functions_drawn_spread_as_the_mean_is_uncertain(kind, fits):
    model = restore_model(kind, fits[kind])
    points = np.random.default_rng(1).random((20, 4))
    drawn = np.stack([model.draw_functions(seed)(points) for seed in range(2000)])
    found = model.predict(points)
    deviation = np.sqrt(found.model_variance)
    assert np.abs(drawn.mean(axis=0) - found.mean).max() < 4 * deviation.max() / 2000**0.5
    np.testing.assert_allclose(drawn.std(axis=0), deviation, rtol=0.15)
    # One function: the points together are as some one network says, not each as another.
    means, _ = model.draw(model._standardise(points), 0)
    centre, scale = model.shifts["loss_means"][0], model.shifts["loss_scales"][0]
    gaps = np.abs(centre + scale * means - drawn[0][:, 0]).max(axis=1)
    assert gaps.min() < 1e-5 * scale


@pytest.mark.parametrize("kind", KINDS)
def test_a_fit_survives_its_files(kind, tmp_path, fits):
    fit = fits[kind]
    np.savez(tmp_path / "arrays.npz", **fit.arrays)
    with np.load(tmp_path / "arrays.npz") as arrays:
        read = Fit(json.loads(json.dumps(fit.values, allow_nan=False)), dict(arrays))
    points = np.random.default_rng(0).random((50, 4))
    before, after = (restore_model(kind, one).predict(points) for one in (fit, read))
    for name in ("mean", "noise_variance", "model_variance"):
        assert (getattr(before, name) == getattr(after, name)).all()


def test_a_loss_does_not_depend_on_which_others_are_fitted_with_it():
    features, mean, _, losses = make_points(30)
    both = fit_model("bnn", features, np.column_stack([losses, mean]), SHORT, 3)
    alone = fit_model("bnn", features, losses, SHORT, 3)
    assert (both.arrays["weights"][0] == alone.arrays["weights"][0]).all()
    assert both.values["losses"][0] == alone.values["losses"][0]


CODE = """
import hashlib, numpy as np
from nago.search.models import fit_model
features = np.random.default_rng(0).random((40, 3))
fit = fit_model("bnn", features, features[:, :2] ** 2, {options}, 11)
print(hashlib.sha256(fit.arrays["weights"].tobytes()).hexdigest())
"""


def test_equal_arguments_give_equal_bytes_in_any_process_with_any_threads():
    features = np.random.default_rng(0).random((40, 3))
    state = np.random.get_state()[1].tolist()  # noqa: NPY002
    fit = fit_model("bnn", features, features[:, :2] ** 2, SHORT, 11)
    assert np.random.get_state()[1].tolist() == state  # noqa: NPY002
    for threads in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", CODE.format(options=SHORT)],
            env={**os.environ, "OMP_NUM_THREADS": threads, "OPENBLAS_NUM_THREADS": threads},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == hashlib.sha256(fit.arrays["weights"].tobytes()).hexdigest()
    other = fit_model("bnn", features, features[:, :2] ** 2, SHORT, 12)
    assert not (other.arrays["weights"] == fit.arrays["weights"]).any()


def spoil(features, losses, how):
    features, losses = features.copy(), losses.copy()
    if how == "constant feature":
        features[:, 1] = 0.3
    elif how == "constant loss":
        losses[:] = 1 / 3
    elif how == "duplicates":
        features[:] = features[0]
    elif how == "outlier":
        losses[0] = 1e12
    elif how == "huge":
        losses *= 1e100
    elif how == "tiny":
        losses *= 1e-100
    elif how.endswith("points"):
        count = int(how.split()[0])
        features, losses = features[:count], losses[:count]
    return features, losses


CASES = ["constant feature", "constant loss", "duplicates", "outlier", "huge", "tiny"]


@pytest.mark.parametrize("how", [*CASES, "1 points", "2 points", "4 points", "21 points"])
@pytest.mark.parametrize("kind", KINDS)
def test_odd_points_give_finite_predictions_everywhere(how, kind):
    features, losses = spoil(*make_points(60)[::3], how)
    fit = fit_model(kind, features, losses, SHORT, 1)
    json.dumps(fit.values, allow_nan=False)
    model = restore_model(kind, fit)
    points = np.concatenate([features, np.random.default_rng(0).random((20, 4))])
    found = model.predict(points)
    assert np.isfinite(found.mean).all()
    assert np.isfinite(found.variance).all()
    assert (found.noise_variance > 0).all()
    assert np.isfinite(model.slope(points)).all()
    assert (fit.values["losses"][0]["held_out_nll"] is None) == (len(features) < 4)


def test_chains_that_diverge_are_sampled_again_at_half_the_rate():
    features, _, _, losses = make_points(30)
    rate = {"rate": 1.6, "first_rate": 1.6}
    found = fit_model("bnn", features, losses, SHORT | rate, 1)
    used = [loss["rate"] for loss in found.values["losses"]]
    assert used == [0.8] * len(used)
    assert np.isfinite(restore_model("bnn", found).predict(features).variance).all()
    again = fit_model("bnn", features, losses, SHORT | rate, 1)
    np.testing.assert_array_equal(again.arrays["weights"], found.arrays["weights"])


def test_one_point_leaves_a_wide_prediction():
    fit = fit_model("bnn", np.array([[0.2, 0.8]]), np.array([[3.0]]), {"folds": 0}, 1)
    found = restore_model("bnn", fit).predict(np.array([[0.2, 0.8], [0.9, 0.1]]))
    assert found.mean == pytest.approx(3, abs=0.7)
    assert (found.variance > 0.1).all()
    assert found.model_variance[1] > found.model_variance[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"chains": 0}, "chains of 1 or more, got 0"),
        ({"rate": 0.0}, "a positive rate, got 0.0"),
        ({"steps": 10, "keep_every": 20}, "keeps no point of 10 steps"),
        ({"folds": 1}, "0 or 2 folds and more, got 1"),
        ({"burn-in": 1}, "no options"),
        ({"hidden": ()}, "hidden"),
        ({"rate": 50.0, "burn_in": 0, "steps": 500}, "diverged at rates down to 3.125"),
    ],
)
def test_options_that_cannot_work_are_refused(options, message):
    features, _, _, losses = make_points(20)
    with pytest.raises(UserError, match=message):
        fit_model("bnn", features, losses, options, 1)
