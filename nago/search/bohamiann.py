"""The Bohamiann of `pybnn`, one per loss: the published baseline of `bnn`.

What it learnt is kept as arrays, so predicting needs neither `pybnn` nor `torch`.
Source: Springenberg et al. 2016, NeurIPS; pybnn 0.0.5.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from typing import Any

import numpy as np

from nago.records import UserError
from nago.search.ensemble import Ensemble, Noise
from nago.search.models import Array, Fit, Groups, complete_options
from nago.search.posterior import standardise
from nago.seeds import derive_seed

OPTIONS: Mapping[str, Any] = {
    "burn_in": 3000,
    "steps": 1000,
    "keep_every": 10,
    "batch": 20,
    "rate": 1e-2,
    "friction": 0.05,
    "hidden": (50, 50),
    "depends": False,
    "priors": "stock",
    "weight_deviation": 1.0,
    "noise_variance": 0.1,
    "noise_deviation": 1.0,
}
"""`hidden` and `depends` (whether the noise is an output of the network) are those of `pybnn`'s
own network. `priors` are `stock`, or `own`: then the last three say what they are, as in `bnn`."""


def fit(
    features: Array, losses: Array, options: Mapping[str, Any], seed: int, groups: Groups
) -> Fit:
    """Return what `pybnn` learns of every loss, one after the other."""
    settings = complete_options("pybnn", options, OPTIONS)
    if settings["priors"] not in ("stock", "own"):
        raise UserError(f"priors of pybnn are stock or own, got {settings['priors']!r}")
    data = standardise(features, losses)
    weights = []
    for column in range(losses.shape[1]):
        with _isolate(settings, derive_seed(seed, "pybnn", column)):
            weights.append(_train(data.features, data.losses[:, column], settings))
    values = {"n": len(features), "options": {**settings, "hidden": list(settings["hidden"])}}
    return Fit(values, {"weights": np.stack(weights), **data.shifts})


def restore(fit: Fit) -> Ensemble:
    """Return the model that a fit describes."""
    arrays, options = dict(fit.arrays), fit.values["options"]
    weights = arrays.pop("weights")
    hidden, noise = tuple(options["hidden"]), Noise(1.0, options["depends"], np.inf)
    return Ensemble(weights, hidden, noise, arrays)


def _train(features: Array, losses: Array, options: Mapping[str, Any]) -> Array:
    """Return the weights of the networks kept: (s, p), in the order of `perceptron`."""
    from pybnn.bohamiann import Bohamiann  # noqa: PLC0415

    machine = Bohamiann(
        get_network=_describe_network(options["hidden"], options["depends"]),
        normalize_input=False,
        normalize_output=False,
    )
    machine.train(
        features,
        losses,
        num_steps=options["burn_in"] + options["steps"] + 1,
        num_burn_in_steps=options["burn_in"],
        keep_every=options["keep_every"],
        lr=options["rate"],
        batch_size=options["batch"],
        mdecay=options["friction"],
    )
    return np.stack([_flatten(one, options["depends"]) for one in machine.sampled_weights])


def _flatten(parameters: tuple[Array, ...], depends: bool) -> Array:
    """Return matrices and biases as one row, and last the noise: as `Ensemble` wants them."""
    pairs = zip(parameters[0::2], parameters[1::2], strict=False)
    layers = [np.column_stack([matrix, bias]) for matrix, bias in pairs]
    # pybnn says the logarithm of the variance.
    if depends:
        layers[-1][1] *= -0.5
        return np.concatenate([layer.ravel() for layer in layers])
    return np.concatenate([*(layer.ravel() for layer in layers), -0.5 * parameters[-1].ravel()])


def _describe_network(hidden: tuple[int, ...], depends: bool) -> Callable[[int], Any]:
    """Return a function from the number of inputs to the network, as `pybnn` wants it."""
    from pybnn.util.layers import AppendLayer  # noqa: PLC0415
    from torch import nn  # noqa: PLC0415

    def build(input_dimensionality: int) -> nn.Module:
        layers: list[nn.Module] = []
        widths = (input_dimensionality, *hidden)
        for a, b in pairwise(widths):
            layers += [nn.Linear(a, b), nn.Tanh()]
        layers.append(nn.Linear(widths[-1], 2 if depends else 1))
        return nn.Sequential(*layers, *([] if depends else [AppendLayer(noise=1e-3)]))

    return build


@contextmanager
def _isolate(options: Mapping[str, Any], seed: int) -> Iterator[None]:
    """Seed what `pybnn` draws from and set its priors and one thread; put all back afterwards."""
    import torch  # noqa: PLC0415
    from pybnn import bohamiann  # noqa: PLC0415

    state, threads = np.random.get_state(), torch.get_num_threads()  # noqa: NPY002
    priors = bohamiann.weight_prior, bohamiann.log_variance_prior
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        # It copies its weights in a way that torch warns of at every sample.
        warnings.simplefilter("ignore")
        try:
            torch.set_num_threads(1)
            torch.manual_seed(seed)
            np.random.seed(seed)  # noqa: NPY002
            if options["priors"] == "own":
                bohamiann.weight_prior, bohamiann.log_variance_prior = _make_priors(options)
            yield
        finally:
            bohamiann.weight_prior, bohamiann.log_variance_prior = priors
            torch.set_num_threads(threads)
            np.random.set_state(state)  # noqa: NPY002


def _make_priors(options: Mapping[str, Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return `bnn`'s log densities, up to constants, in the form of `pybnn`'s."""
    centre = float(np.log(options["noise_variance"]))

    def weight_prior(parameters: Any, dtype: Any) -> Any:
        return -0.5 * sum((p**2).sum() for p in parameters) / options["weight_deviation"] ** 2

    def log_variance_prior(levels: Any) -> Any:
        return -0.5 * (((levels - centre) / options["noise_deviation"]) ** 2).mean()

    return weight_prior, log_variance_prior
