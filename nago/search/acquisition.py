"""Acquisitions: how much a point promises in each objective, all minimised.

They take a mean and a standard deviation of each objective and the best value so far, in
standardised units. An objective that is known exactly has the deviation 0.
Sources: Srinivas et al. 2010, ICML; Jones, Schonlau and Welch 1998; Belakaria et al. 2020, AAAI;
for the expected hypervolume, Emmerich, Deutz and Klinkenberg 2011, CEC.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np
from scipy.special import ndtr

from nago.search.models import Array

SMALLEST = 1e-12
"""Deviation below which a value counts as known."""


def find_beta(evaluations: int, features: int, delta: float) -> float:
    """Return beta of the confidence bound: 2 log(t^(d/2 + 2) pi^2 / (3 delta))."""
    exponent = features / 2 + 2
    return 2 * (exponent * math.log(max(evaluations, 1)) + math.log(math.pi**2 / (3 * delta)))


def bound_below(mean: Array, deviation: Array, best: Array, beta: float) -> Array:
    """Return the lower confidence bound (n, m)."""
    return mean - math.sqrt(beta) * deviation


def expect_improvement(mean: Array, deviation: Array, best: Array, beta: float) -> Array:
    """Return minus the expected improvement (n, m) on `best` (m,)."""
    return -expect_excess(best, mean, deviation)


def rate_improvement(mean: Array, deviation: Array, best: Array, beta: float) -> Array:
    """Return minus the probability (n, m) of being better than `best` (m,)."""
    gap = best - mean
    known = deviation < SMALLEST
    z = gap / np.where(known, 1.0, deviation)
    return -np.where(known, (gap > 0).astype(float), ndtr(z))


ACQUISITIONS: Mapping[str, Callable[[Array, Array, Array, float], Array]] = {
    "lcb": bound_below,
    "ei": expect_improvement,
    "pi": rate_improvement,
}
"""Those that follow from a mean and a deviation; Thompson sampling draws a function instead."""


def expect_excess(limit: Array, mean: Array, deviation: Array) -> Array:
    """Return E[max(limit - Y, 0)] of normal Y, shapes broadcast; limits may be -inf."""
    finite = np.where(np.isfinite(limit), limit, mean)
    gap = finite - mean
    z = gap / np.maximum(deviation, SMALLEST)
    density = np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    excess = np.where(
        deviation < SMALLEST, np.maximum(gap, 0.0), gap * ndtr(z) + deviation * density
    )
    return np.where(np.isfinite(limit), np.maximum(excess, 0.0), 0.0)


def expect_hypervolume(mean: Array, deviation: Array, lower: Array, upper: Array) -> Array:
    """Return the hypervolume (n,) that points are expected to add to a front.

    With independent objectives it is the integral, over the undominated region, of the product
    of the probabilities of being below; over a box, a product of differences.

    Args:
        mean: (n, m).
        deviation: (n, m).
        lower: (boxes, m), of the undominated region, as `pareto.cut_undominated` gives it.
        upper: (boxes, m).
    """
    product = np.ones((len(mean), len(lower)))
    for i in range(mean.shape[1]):
        about, spread = mean[:, i, None], deviation[:, i, None]
        # A front's boxes share their edges.
        edges, places = np.unique(np.stack([lower[:, i], upper[:, i]]), return_inverse=True)
        excess = expect_excess(edges[None, :], about, spread)
        places = places.reshape(2, -1)
        product *= excess[:, places[1]] - excess[:, places[0]]
    return np.asarray(product.sum(axis=1))
