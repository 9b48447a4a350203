"""The hard local penaliser: points of a batch keep their distance from those taken before.

Around a point that is being evaluated, the loss is within its slope times the distance; as long
as the best value could not be reached from there, a point is penalised.
Source: Alvi et al. 2019, ICML.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FLAT = 1e-7
USUAL_SLOPE = 10.0
"""What is taken for the slope of a mean that is flat, in standard deviations over the box."""


def find_steepest(slopes: Array) -> Array:
    """Return the largest norm (m,) of gradients (n, m, d): an estimate of Lipschitz constants."""
    steepest: Array = np.linalg.norm(slopes, axis=2).max(axis=0)
    return np.where(steepest < FLAT, USUAL_SLOPE, steepest)


def penalise(
    features: Array,
    taken: Array,
    *,
    mean: Array,
    deviation: Array,
    best: Array,
    steepest: Array,
) -> Array:
    """Return factors in [0, 1], (n,), for points (n, d) beside a point (d,) that is taken.

    min(1, L |x - x_j| / (|mean - best| + deviation)), multiplied over the objectives.

    Args:
        features: of the points.
        taken: features of the point that is taken.
        mean: of the objectives there, (m,).
        deviation: of the objectives there, (m,).
        best: values of the objectives so far, (m,).
        steepest: Lipschitz constants of the objectives, (m,).
    """
    distances = np.linalg.norm(features - taken, axis=1)[:, None]
    radii = (np.abs(mean - best) + deviation) / steepest
    # Where the radius is nothing, only the point itself is too near.
    factors = np.minimum(distances / np.maximum(radii, 1e-300), 1.0)
    return np.asarray(factors.prod(axis=1))
