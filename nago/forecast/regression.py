"""Seconds of trainings from what they do: a robust fit with coefficients that aren't negative.

Seconds scatter by a factor, with a long tail to the slow side where others use the machine, so
that shares of the prediction are fitted, not differences, and far ones count less (Huber's
weights). How sure a fit is comes from fits to resampled groups, since trainings of one time are
slow together, each rated on what it hasn't seen.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

Array = NDArray[np.float64]

TURNS = 10
TINY = 1e-9
HUBER = 1.345
"""Standard deviations from which on a residual counts less; 95% as sure as least squares."""

FEWEST_GROUPS = 5
"""With fewer groups, rows are resampled one by one."""


@dataclass(frozen=True, slots=True, eq=False)
class Fits:
    """Coefficients of resampled fits, and what each of them leaves unexplained.

    Attributes:
        coefficients: (fits, columns), none negative.
        ratios: for each fit the seconds over its prediction, of the rows that it hasn't seen.
    """

    coefficients: Array
    ratios: Sequence[Array]


def fit_seconds(columns: Array, seconds: Array) -> Array:
    """Return coefficients, none negative, so that columns @ coefficients are about the seconds.

    Args:
        columns: (rows, columns), none negative.
        seconds: (rows,), above 0.
    """
    scale = columns.max(axis=0)
    scale[scale == 0] = 1.0
    scaled = columns / scale
    expected, weights = seconds, np.ones(len(seconds))
    found = np.zeros(columns.shape[1])
    for _ in range(TURNS):
        # nnls squares its rows, so that a row gets the root of its weight.
        factors = np.sqrt(weights) / expected
        found = nnls(scaled * factors[:, None], seconds * factors)[0]
        expected = np.maximum(scaled @ found, TINY)
        residuals = np.abs(seconds / expected - 1)
        spread = max(1.4826 * float(np.median(residuals)), TINY)
        weights = np.minimum(1.0, HUBER * spread / np.maximum(residuals, TINY))
    coefficients: Array = found / scale
    return coefficients


def resample_fits(
    columns: Array, seconds: Array, groups: Sequence[object], *, number: int, seed: int
) -> Fits:
    """Return fits to groups of rows drawn with replacement.

    Args:
        columns: (rows, columns), none negative.
        seconds: (rows,), above 0.
        groups: for each row the group that it stays with.
        number: of fits.
        seed: of what is drawn.
    """
    rng = np.random.default_rng(seed)
    names = list(dict.fromkeys(groups))
    places = [names.index(group) for group in groups]
    if len(names) < FEWEST_GROUPS:
        places = list(range(len(seconds)))
    members = [np.flatnonzero(np.equal(places, place)) for place in range(max(places) + 1)]
    coefficients, ratios = [], []
    for _ in range(number):
        drawn = rng.integers(0, len(members), len(members))
        rows = np.concatenate([members[place] for place in drawn])
        unseen = np.setdiff1d(np.arange(len(seconds)), rows)
        rated = unseen if len(unseen) else np.arange(len(seconds))
        found = fit_seconds(columns[rows], seconds[rows])
        expected = columns[rated] @ found
        coefficients.append(found)
        ratios.append(seconds[rated] / np.maximum(expected, TINY))
    return Fits(np.array(coefficients), ratios)
