"""Points of a batch that are taken count as if their means were observed there.

That leaves all means as they are; what is known where a model relates points to these is less
uncertain. A model's sampled functions say how it relates them, so points far apart in the space
whose losses rise and fall together are not tried twice.
Source: the kriging believer of Ginsbourger, Le Riche and Carraro 2010.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

JITTER = 1e-6
"""Share of the variance at points taken that is left, so that equal ones can be told apart."""


def believe(deviation: Array, cross: Array, within: Array) -> Array:
    """Return the deviations (n, m) that are left of points' means once others' are known.

    Args:
        deviation: before, (n, m).
        cross: covariances of the means with those at t points that are taken, (n, t, m).
        within: covariances among the points that are taken, (t, t, m).
    """
    variance = deviation**2
    for i in range(variance.shape[1]):
        among = within[:, :, i]
        scale = np.diag(among).max(initial=0.0)
        known = among + (JITTER * scale + 1e-300) * np.eye(len(among))
        told = np.linalg.solve(known, cross[:, :, i].T)
        variance[:, i] -= np.einsum("nt,tn->n", cross[:, :, i], told)
    return np.sqrt(np.maximum(variance, 0.0))
