"""The adapter of pybnn, against pybnn itself."""

import json
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from pybnn import bohamiann

from nago.records import UserError
from nago.search.bohamiann import _make_priors
from nago.search.models import Fit, fit_model, restore_model
from nago.seeds import derive_seed

SHORT = {"burn_in": 60, "steps": 40, "keep_every": 10}


def make_points(n=40):
    rng = np.random.default_rng(0)
    features = rng.random((n, 3))
    losses = np.sin(3 * features[:, 0]) + 0.2 * features[:, 1] * rng.standard_normal(n)
    return features, losses[:, None]


@pytest.fixture(scope="module")
def fit():
    return fit_model("pybnn", *make_points(), SHORT, 5)


def test_it_predicts_what_pybnn_predicts(fit):
    features, losses = make_points()
    torch.manual_seed(derive_seed(5, "pybnn", 0))
    machine = bohamiann.Bohamiann()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        machine.train(
            features, losses[:, 0], num_steps=101, num_burn_in_steps=60, keep_every=10, lr=1e-2
        )
    points = np.random.default_rng(1).random((30, 3))
    mean, variance = machine.predict(points)
    found = restore_model("pybnn", fit).predict(points)
    assert fit.arrays["weights"].shape == (1, 4, 4 * 50 + 51 * 50 + 51 + 1)
    assert found.mean[:, 0] == pytest.approx(mean, rel=1e-8)
    assert found.variance[:, 0] == pytest.approx(variance, rel=1e-8)
    slopes = [machine.predictive_mean_gradient(point) for point in points[:3]]
    assert restore_model("pybnn", fit).slope(points[:3])[:, 0] == pytest.approx(
        np.array(slopes), rel=1e-8
    )


def test_a_network_whose_noise_depends_on_the_point_is_restored_as_well():
    options = {**SHORT, "hidden": [10, 10, 10], "depends": True, "priors": "own"}
    fit = fit_model("pybnn", *make_points(), options, 5)
    points = np.random.default_rng(1).random((30, 3))
    found = restore_model("pybnn", fit).predict(points)
    arrays = fit.arrays
    standard = torch.tensor((points - arrays["feature_means"]) / arrays["feature_scales"])
    noises = []
    for row in torch.tensor(arrays["weights"][0]):
        units, start = standard, 0
        for a, b in ((3, 10), (10, 10), (10, 10), (10, 2)):
            layer = row[start : start + b * (a + 1)].reshape(b, a + 1)
            start += b * (a + 1)
            units = units @ layer[:, :-1].T + layer[:, -1]
            units = units.tanh() if b == 10 else units
        noises.append(np.exp(-2 * units[:, 1].numpy()))
    expected = np.mean(noises, axis=0) * arrays["loss_scales"][0] ** 2
    assert found.noise_variance[:, 0] == pytest.approx(expected, rel=1e-8)
    assert np.ptp(found.noise_variance) > 0


def test_it_is_reproducible_and_leaves_the_process_as_it_was(fit):
    priors = bohamiann.weight_prior, bohamiann.log_variance_prior
    torch.manual_seed(3)
    state, numbers = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    threads = torch.get_num_threads()
    again = fit_model("pybnn", *make_points(), SHORT, 5)
    fit_model("pybnn", *make_points(), {**SHORT, "priors": "own"}, 5)
    assert (again.arrays["weights"] == fit.arrays["weights"]).all()
    assert (torch.get_rng_state() == state).all()
    assert np.random.get_state()[1].tolist() == numbers  # noqa: NPY002
    assert torch.get_num_threads() == threads
    assert (bohamiann.weight_prior, bohamiann.log_variance_prior) == priors


def test_own_priors_are_normal_densities_up_to_constants():
    options = {"weight_deviation": 0.5, "noise_variance": 0.2, "noise_deviation": 3.0}
    weight_prior, log_variance_prior = _make_priors(options)
    rng = torch.Generator().manual_seed(0)
    draws = [torch.randn(5, 4, generator=rng, requires_grad=True) for _ in range(3)]
    normal = torch.distributions.Normal
    for found, expected, variables in (
        (
            weight_prior(iter(draws[:2]), dtype=np.float64),
            sum(normal(0.0, 0.5).log_prob(draw).sum() for draw in draws[:2]),
            draws[:2],
        ),
        (
            log_variance_prior(draws[2]),
            normal(np.log(0.2), 3.0).log_prob(draws[2]).mean(),
            draws[2:],
        ),
    ):
        slopes = torch.autograd.grad(found, variables), torch.autograd.grad(expected, variables)
        for one, other in zip(*slopes, strict=True):
            assert torch.allclose(one, other)


def test_own_priors_change_what_is_learnt(fit):
    own = fit_model("pybnn", *make_points(), {**SHORT, "priors": "own"}, 5)
    assert not (own.arrays["weights"] == fit.arrays["weights"]).any()


def test_constant_columns_do_not_become_nan():
    features, losses = make_points()
    features[:, 1] = 0.5
    both = np.column_stack([losses, np.full(40, 2.0)])
    model = restore_model("pybnn", fit_model("pybnn", features, both, SHORT, 5))
    found = model.predict(np.random.default_rng(0).random((10, 3)))
    assert np.isfinite(found.mean).all()
    assert np.isfinite(found.variance).all()


def test_predicting_needs_neither_pybnn_nor_torch(fit, tmp_path):
    np.savez(tmp_path / "arrays.npz", **fit.arrays)
    (tmp_path / "values.json").write_text(json.dumps(fit.values, allow_nan=False))
    code = (
        "import json, sys, numpy as np\n"
        "from nago.search.models import Fit, restore_model\n"
        "values = json.load(open('values.json'))\n"
        "fit = Fit(values, dict(np.load('arrays.npz')))\n"
        "print(restore_model('pybnn', fit).predict(np.full((1, 3), .5)).mean[0, 0])\n"
        "print([name for name in ('torch', 'pybnn') if name in sys.modules])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    mean, loaded = done.stdout.split("\n")[:2]
    assert loaded == "[]"
    values = json.loads((tmp_path / "values.json").read_text())
    here = restore_model("pybnn", Fit(values, fit.arrays)).predict(np.full((1, 3), 0.5))
    assert float(mean) == pytest.approx(here.mean[0, 0], rel=1e-12)


def test_unknown_priors_are_refused():
    with pytest.raises(UserError, match="stock or own, got 'flat'"):
        fit_model("pybnn", *make_points(), {"priors": "flat"}, 1)
