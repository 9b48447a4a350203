"""Gaussian processes, one per loss: Matern 5/2, a length per hyperparameter, constant noise.

The logarithms of lengths, amplitude and noise are found by L-BFGS from fixed starting points:
they maximise the evidence times a log-normal prior, which keeps fits of few points sane. The
lengths' prior grows with the square root of the dimension. The features of one hyperparameter,
those of a category's values, share a length: there are too many of them to learn one for each.
Sources: Rasmussen and Williams 2006, chapter 5; Hvarfner, Hellsten and Nardi 2024, ICML; for
functions drawn from the posterior, Wilson et al. 2020, ICML.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.linalg import cho_factor, cho_solve, solve_triangular
from scipy.optimize import minimize

from nago.search.models import Array, Fit, Groups, Prediction, complete_options

OPTIONS: Mapping[str, Any] = {"iterations": 60}
"""Steps of L-BFGS from each starting point, at most."""

STARTS = ((0.0, -6.0), (-1.0, -3.0))
"""Log of the lengths beside their prior's median, and of the noise, where L-BFGS starts."""

BOUNDS = {"length": (-4.0, 5.0), "amplitude": (-4.0, 5.0), "noise": (-14.0, 1.0)}
"""Of the logarithms: lengths in features; amplitude and noise are variances, standardised."""

JITTER = 1e-8
"""Share of the amplitude that every point has as noise, so that factors exist."""

WAVES = 512
"""Random Fourier features of a function drawn from the prior."""

LENGTH_SPREAD = 3**0.5
NOISE_PRIOR = (-6.0, 2.5)
AMPLITUDE_PRIOR = (0.0, 1.5)
"""Mean and standard deviation of a logarithm."""


def fit(
    features: Array, losses: Array, options: Mapping[str, Any], seed: int, groups: Groups
) -> Fit:
    """Return the lengths, amplitudes and noise of one process per loss; nothing is drawn."""
    settings = complete_options("gp", options, OPTIONS)
    means = losses.mean(axis=0)
    scales = losses.std(axis=0)
    scales = np.where(scales > 1e-12 * (1 + np.abs(means)), scales, 1.0)
    standard = (losses - means) / scales
    squares = _sum_squares(features, groups)
    found = [_maximise(squares, column, settings["iterations"]) for column in standard.T]
    d = features.shape[1]
    points = np.array([[*point[groups], *point[-2:]] for point, _ in found]).reshape(-1, d + 2)
    values = {
        "lengths": np.exp(points[:, :d]).tolist(),
        "amplitudes": np.exp(points[:, d]).tolist(),
        "noises": np.exp(points[:, d + 1]).tolist(),
        "log_posteriors": [float(value) for _, value in found],
    }
    arrays = {
        "features": features,
        "standard": standard,
        "logarithms": points,
        "means": means,
        "scales": scales,
    }
    return Fit(values, arrays)


def restore(fit: Fit) -> "GaussianProcesses":
    """Return the model that a fit describes."""
    return GaussianProcesses(**fit.arrays)


class GaussianProcesses:
    """One process per loss, given n points (n, d) and their standardised losses (n, m).

    `logarithms` (m, d + 2) are of the lengths, the amplitude and the noise.
    """

    def __init__(
        self, features: Array, standard: Array, logarithms: Array, means: Array, scales: Array
    ) -> None:
        self.features, self.means, self.scales = features, means, scales
        self.standard = standard
        d = features.shape[1]
        self.lengths, self.amplitudes = np.exp(logarithms[:, :d]), np.exp(logarithms[:, d])
        self.noises = np.exp(logarithms[:, d + 1])
        self.roots, self.weights = [], []
        for column, point in zip(standard.T, logarithms, strict=True):
            root = cho_factor(_covariance(features, point), lower=True)
            self.roots.append(root[0])
            self.weights.append(cho_solve(root, column))

    def predict(self, features: Array) -> Prediction:
        """Return the posterior at points (n, d)."""
        shape = (len(features), len(self.scales))
        mean, variance = np.empty(shape), np.empty(shape)
        for i, (lengths, amplitude) in enumerate(zip(self.lengths, self.amplitudes, strict=True)):
            cross = amplitude * _matern(_distances(features, self.features, lengths))
            mean[:, i] = cross @ self.weights[i]
            solved = solve_triangular(self.roots[i], cross.T, lower=True, check_finite=False)
            variance[:, i] = np.maximum(amplitude - (solved**2).sum(axis=0), 1e-12)
        noise = np.broadcast_to(self.noises * self.scales**2, shape)
        return Prediction(self.means + mean * self.scales, noise.copy(), variance * self.scales**2)

    def covary(self, features: Array, others: Array) -> Array:
        """Return the posterior covariance of the means at points (n, d) and (t, d): (n, t, m)."""
        found = np.empty((len(features), len(others), len(self.scales)))
        for i, (lengths, amplitude) in enumerate(zip(self.lengths, self.amplitudes, strict=True)):

            def relate(one: Array, other: Array, lengths: Array = lengths) -> Array:
                return np.asarray(_matern(_distances(one, other, lengths)))

            known = amplitude * relate(self.features, others)
            solved = cho_solve((self.roots[i], True), known, check_finite=False)
            cross = amplitude * relate(features, self.features)
            found[:, :, i] = amplitude * relate(features, others) - cross @ solved
        return np.asarray(found * self.scales**2)

    def slope(self, features: Array) -> Array:
        """Return the gradient of the mean at points (n, d): (n, m, d)."""
        slopes = np.empty((len(features), len(self.scales), features.shape[1]))
        for i, (lengths, amplitude) in enumerate(zip(self.lengths, self.amplitudes, strict=True)):
            r = _distances(features, self.features, lengths)
            # d k / d x = -(5/3) a (1 + sqrt(5) r) exp(-sqrt(5) r) (x - x') / length^2
            pull = -5 / 3 * amplitude * (1 + 5**0.5 * r) * np.exp(-(5**0.5) * r) * self.weights[i]
            total = features * pull.sum(axis=1, keepdims=True) - pull @ self.features
            slopes[:, i] = total / lengths**2 * self.scales[i]
        return slopes

    def draw_functions(self, seed: int) -> Callable[[Array], Array]:
        """Return a function of points (n, d), (n, m), drawn from the posterior.

        A function of the prior, by random Fourier features, plus the posterior mean of what the
        data say beyond it.
        """
        rng = np.random.default_rng(seed)
        m, d = self.lengths.shape
        # A Matern 5/2 covariance has a t distribution of 5 degrees of freedom as its spectrum.
        waves = rng.standard_normal((m, WAVES, d)) / self.lengths[:, None, :]
        waves /= np.sqrt(rng.chisquare(5, size=(m, WAVES, 1)) / 5)
        phases = rng.uniform(0, 2 * np.pi, size=(m, WAVES))
        heights = rng.standard_normal((m, WAVES)) * np.sqrt(2 * self.amplitudes / WAVES)[:, None]
        noise = rng.standard_normal(self.standard.shape) * np.sqrt(
            self.noises + JITTER * self.amplitudes
        )

        def draw_prior(features: Array) -> Array:
            each = zip(waves, phases, heights, strict=True)
            return np.stack([np.cos(features @ w.T + p) @ h for w, p, h in each], axis=1)

        excess = self.standard - draw_prior(self.features) - noise
        each = zip(self.roots, excess.T, strict=True)
        weights = [cho_solve((root, True), column) for root, column in each]

        def draw(features: Array) -> Array:
            drawn = draw_prior(features)
            for i, column in enumerate(weights):
                r = _distances(features, self.features, self.lengths[i])
                drawn[:, i] += self.amplitudes[i] * _matern(r) @ column
            return np.asarray(self.means + drawn * self.scales)

        return draw


def _distances(one: Array, other: Array, lengths: Array) -> Array:
    a, b = one / lengths, other / lengths
    squares = (a**2).sum(axis=1)[:, None] + (b**2).sum(axis=1) - 2 * a @ b.T
    return np.asarray(np.sqrt(np.maximum(squares, 0.0)))


def _matern(r: Array) -> Array:
    return np.asarray((1 + 5**0.5 * r + 5 / 3 * r**2) * np.exp(-(5**0.5) * r))


def _covariance(features: Array, point: Array) -> Array:
    d = features.shape[1]
    lengths, amplitude, noise = np.exp(point[:d]), np.exp(point[d]), np.exp(point[d + 1])
    covariance = amplitude * _matern(_distances(features, features, lengths))
    covariance[np.diag_indices_from(covariance)] = amplitude + noise + JITTER * amplitude
    return covariance


def _sum_squares(features: Array, groups: Groups) -> Array:
    """Return squares of distances between points (n, d) by groups of features: (groups, n, n)."""
    n = len(features)
    squares = np.zeros((int(groups.max(initial=-1)) + 1, n, n))
    for column, group in zip(features.T, groups, strict=True):
        squares[group] += (column[:, None] - column[None, :]) ** 2
    return squares


def _maximise(squares: Array, standard: Array, iterations: int) -> tuple[Array, float]:
    """Return the best point of all starts, and the log of evidence times prior there.

    Args:
        squares: of distances between n points, by lengths, (d, n, n).
        standard: their standardised losses, (n,).
        iterations: from each start, at most.
    """
    d = len(squares)
    centre = 2**0.5 + 0.5 * np.log(max(d, 1))
    priors = np.array(
        [(centre, LENGTH_SPREAD)] * d + [AMPLITUDE_PRIOR, NOISE_PRIOR], dtype=float
    ).T
    bounds = [BOUNDS["length"]] * d + [BOUNDS["amplitude"], BOUNDS["noise"]]
    best: tuple[Array, float] | None = None
    for shift, noise in STARTS:
        start = np.clip([centre - 1.4 + shift] * d + [0.0, noise], *np.array(bounds).T)
        result = minimize(
            _lose,
            start,
            (squares, standard, priors),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"maxiter": iterations},
        )
        if best is None or -result.fun > best[1]:
            best = np.asarray(result.x), -float(result.fun)
    assert best is not None
    return best


def _lose(point: Array, squares: Array, standard: Array, priors: Array) -> tuple[float, Array]:
    """Return minus the log of evidence times prior, and its gradient, at a point (d + 2,)."""
    d, n = len(squares), len(standard)
    weights = np.exp(-2 * point[:d])
    amplitude, noise = np.exp(point[d]), np.exp(point[d + 1])
    r = np.sqrt(np.tensordot(weights, squares, axes=1))
    decay = amplitude * np.exp(-(5**0.5) * r)
    signal = (1 + 5**0.5 * r + 5 / 3 * r**2) * decay
    covariance = signal + (noise + JITTER * amplitude) * np.eye(n)
    root = cho_factor(covariance, lower=True, check_finite=False)
    alpha = cho_solve(root, standard, check_finite=False)
    inverse = cho_solve(root, np.eye(n), check_finite=False)
    # d log evidence / d K, twice
    pull = np.outer(alpha, alpha) - inverse
    inner = pull * (5 / 3 * (1 + 5**0.5 * r) * decay)
    gradient = np.empty(d + 2)
    gradient[:d] = 0.5 * weights * np.tensordot(squares, inner, axes=2)
    gradient[d] = 0.5 * ((pull * signal).sum() + JITTER * amplitude * np.trace(pull))
    gradient[d + 1] = 0.5 * noise * np.trace(pull)
    evidence = -0.5 * standard @ alpha - np.log(np.diag(root[0])).sum() - n / 2 * np.log(2 * np.pi)
    offset = (point - priors[0]) / priors[1]
    value = float(evidence - 0.5 * (offset**2).sum())
    return -value, -(gradient - offset / priors[1])
