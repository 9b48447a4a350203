"""Models of the losses by name: what multi-objective search learns from its trials.

A model is fitted to features and losses, and gives at any point a mean, the variance of the noise
there and its own uncertainty about the mean. What a fit learnt is data: numbers for JSON and
arrays for npz. `restore` makes the model of them again, in another process.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from nago.records import UserError

Array = NDArray[np.float64]
Groups = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model says of n points and m losses: arrays (n, m).

    `mean` is in the units of the losses, the variances in their squares: `noise_variance` of
    one evaluation about its mean, `model_variance` of the mean itself.
    """

    mean: Array
    noise_variance: Array
    model_variance: Array

    @property
    def variance(self) -> Array:
        """The variance of one evaluation."""
        return self.noise_variance + self.model_variance


class Model(Protocol):
    """A fitted model of m losses over d features in [0, 1]."""

    def predict(self, features: Array) -> Prediction:
        """Return what the model says of points (n, d)."""
        ...

    def covary(self, features: Array, others: Array) -> Array:
        """Return the covariance of the means at points (n, d) and (t, d): (n, t, m)."""
        ...

    def slope(self, features: Array) -> Array:
        """Return the gradient of the mean at points (n, d): (n, m, d)."""
        ...

    def draw_functions(self, seed: int) -> Callable[[Array], Array]:
        """Return a function of points (n, d), (n, m), drawn from what the model holds likely."""
        ...


@dataclass(frozen=True, slots=True)
class Fit:
    """What a model learnt: `values` as JSON holds them, `arrays` as npz does."""

    values: dict[str, Any]
    arrays: dict[str, NDArray[Any]]


MODELS: Mapping[str, str] = {
    "bnn": "nago.search.bnn",
    "homoscedastic": "nago.search.homoscedastic",
    "pybnn": "nago.search.bohamiann",
    "gp": "nago.search.gaussian_process",
}
"""The module of each kind, with its `fit` and `restore`; loaded when it is first used."""


def fit_model(
    kind: str,
    features: Array,
    losses: Array,
    options: Mapping[str, Any],
    seed: int,
    *,
    groups: Groups | None = None,
) -> Fit:
    """Return what a kind of model learns from points, a function of the arguments alone.

    Args:
        kind: one of MODELS.
        features: (n, d), in [0, 1].
        losses: (n, m), finite.
        options: the kind's own.
        seed: of all that is drawn.
        groups: the hyperparameter that each feature describes, (d,); each its own if None.

    Raises:
        UserError: there is no such kind or option, or a value isn't finite.
    """
    if features.ndim != 2 or losses.ndim != 2 or len(features) != len(losses):
        raise ValueError(f"got features of {features.shape} for losses of {losses.shape}")
    for name, array in (("features", features), ("losses", losses)):
        if not np.isfinite(array).all():
            raise UserError(f"a model needs finite {name}, got {_find_bad(array)}")
    if groups is None:
        groups = np.arange(features.shape[1])
    fit: Fit = _load(kind).fit(features, losses, options, seed, groups)
    return fit


def restore_model(kind: str, fit: Fit) -> Model:
    """Return the model that a fit describes."""
    model: Model = _load(kind).restore(fit)
    return model


def complete_options(
    kind: str, options: Mapping[str, Any], defaults: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the options with defaults for those that aren't given.

    Raises:
        UserError: an option is unknown.
    """
    unknown = sorted(set(options) - set(defaults))
    if unknown:
        raise UserError(f"{kind} has no options {unknown}; they could be {sorted(defaults)}")
    return {**defaults, **options}


def _find_bad(array: Array) -> str:
    row, column = np.argwhere(~np.isfinite(array))[0]
    return f"{array[row, column]} in row {row}, column {column}"


def _load(kind: str) -> Any:
    if kind not in MODELS:
        raise UserError(f"there is no model {kind!r}; it could be {', '.join(MODELS)}")
    return importlib.import_module(MODELS[kind])
