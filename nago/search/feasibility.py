"""The probability that a configuration can be trained, learnt from those that could not.

A kernel estimate whose reach is the distance to the nearest trials, so that what these say holds
as far as there is nothing nearer; a prior counts as a share of a success. Where the nearest trial
failed the probability stays below one half, whatever lies around: it is the only one that was
there, and the best networks often lie next to those that fail. Where nothing failed it is 1.
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PRIOR = 0.3
"""Successes that count everywhere, before any trial."""

MOST = 0.49
"""The highest probability where the nearest trial failed: what judges take for doubtful."""


def rate_feasibility(features: Array, seen: Array, failed: NDArray[np.bool_]) -> Array:
    """Return the probability (n,) that points (n, d) do not fail.

    The kernel is normal; its deviation is the distance to the (d + 1)-th nearest trial. Where a
    failed trial is nearer than any other, the probability is MOST or less.

    Args:
        features: of the points.
        seen: features of the trials, (t, d).
        failed: which of the trials failed, (t,).
    """
    if not failed.any():
        return np.ones(len(features))
    trials, d = seen.shape
    squares = ((features[:, None, :] - seen[None, :, :]) ** 2).sum(axis=2)
    nearest = min(d, trials - 1)
    reach = np.partition(squares, nearest, axis=1)[:, nearest]
    nearness = np.exp(-0.5 * squares / np.maximum(reach, 1e-12)[:, None])
    successes = nearness[:, ~failed].sum(axis=1)
    failures = nearness[:, failed].sum(axis=1)
    rates = (successes + PRIOR) / (successes + failures + PRIOR)
    to_failure = squares[:, failed].min(axis=1)
    to_success = squares[:, ~failed].min(axis=1, initial=np.inf)
    return np.asarray(np.where(to_failure < to_success, np.minimum(rates, MOST), rates))
