"""Many sampled networks as one model: their average, its spread, and its slope."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nago.search.models import Array, Prediction
from nago.search.perceptron import average_slopes, count_weights, evaluate


@dataclass(frozen=True, slots=True)
class Noise:
    """How networks say the noise: its variance is `variance` * exp(-2 q), with q cut at +-bound.

    q is the second output if it `depends` on the point, and else the last weight.
    """

    variance: float
    depends: bool
    bound: float


class Ensemble:
    """Networks of m losses: weights (m, s, p), which decide the precision of what is computed.

    `shifts` are what features and losses were standardised by.
    """

    def __init__(
        self,
        weights: NDArray[Any],
        hidden: tuple[int, ...],
        noise: Noise,
        shifts: Mapping[str, Array],
    ) -> None:
        self.weights, self.hidden, self.noise, self.shifts = weights, hidden, noise, shifts
        self.widths = (len(shifts["feature_means"]), *hidden, 2 if noise.depends else 1)

    def predict(self, features: Array) -> Prediction:
        """Return the average of the networks at points (n, d)."""
        standard = self._standardise(features)
        shape = (len(features), len(self.weights))
        found = Prediction(np.empty(shape), np.empty(shape), np.empty(shape))
        for column in range(len(self.weights)):
            means, noises = self.draw(standard, column)
            found.mean[:, column] = means.mean(axis=0)
            found.noise_variance[:, column] = noises.mean(axis=0)
            found.model_variance[:, column] = means.var(axis=0)
        scales = self.shifts["loss_scales"]
        return Prediction(
            self.shifts["loss_means"] + found.mean * scales,
            found.noise_variance * scales**2,
            found.model_variance * scales**2,
        )

    def covary(self, features: Array, others: Array) -> Array:
        """Return the covariance of the means at points (n, d) and (t, d): (n, t, m)."""
        n, points = len(features), self._standardise(np.concatenate([features, others]))
        found = np.empty((n, len(others), len(self.weights)))
        for column in range(len(self.weights)):
            means, _ = self.draw(points, column)
            means -= means.mean(axis=0)
            found[:, :, column] = means[:, :n].T @ means[:, n:] / len(means)
        return np.asarray(found * self.shifts["loss_scales"] ** 2)

    def slope(self, features: Array) -> Array:
        """Return the gradient of the mean at points (n, d): (n, m, d)."""
        standard = self._standardise(features)
        p = count_weights(self.widths)
        slopes = [average_slopes(one[:, :p], self.widths, standard) for one in self.weights]
        scales = self.shifts["loss_scales"][:, None] / self.shifts["feature_scales"]
        return np.asarray(np.stack(slopes, axis=1) * scales)

    def draw_functions(self, seed: int) -> Callable[[Array], Array]:
        """Return a function of points (n, d), (n, m): the mean of one network for each loss."""
        m, networks = self.weights.shape[:2]
        chosen = np.random.default_rng(seed).integers(networks, size=m)
        weights = self.weights[np.arange(m), chosen][:, None]
        one = Ensemble(weights, self.hidden, self.noise, self.shifts)
        return lambda features: one.predict(features).mean

    def _standardise(self, features: Array) -> Array:
        shifted = features - self.shifts["feature_means"]
        return np.asarray(shifted / self.shifts["feature_scales"])

    def draw(self, points: Array, column: int) -> tuple[Array, Array]:
        """Return mean and noise variance of each network at standardised points: (s, n) both."""
        weights = self.weights[column]
        means, levels = np.empty((2, len(weights), len(points)))
        for part, outputs in evaluate(
            weights[:, : count_weights(self.widths)], self.widths, points
        ):
            means[:, part] = outputs[:, 0]
            levels[:, part] = outputs[:, 1] if self.noise.depends else weights[:, -1:]
        levels = np.clip(levels, -self.noise.bound, self.noise.bound)
        return means, self.noise.variance * np.exp(-2 * levels)
