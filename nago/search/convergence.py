"""How well chains have mixed: R-hat and the effective number of draws, per quantity.

Source: Vehtari et al. 2021, Bayesian Analysis 16(2); split chains, without ranks.
"""

import numpy as np

from nago.search.models import Array


def compare_chains(draws: Array) -> tuple[Array, Array]:
    """Return R-hat and the effective number of draws, (q,) each, NaN where undefined.

    Args:
        draws: (chains, draws, q) of q quantities.
    """
    half = draws.shape[1] // 2
    if half < 2:
        undefined = np.full(draws.shape[2], np.nan)
        return undefined, undefined
    split = np.concatenate([draws[:, :half], draws[:, -half:]]).astype(float)
    means = split.mean(axis=1)
    within = split.var(axis=1, ddof=1).mean(axis=0)
    within = np.where(within > 0, within, np.nan)
    total = within * (half - 1) / half + means.var(axis=0, ddof=1)
    count = len(split) * half
    time = _sum_correlations(split - means[:, None], within, total)
    return np.sqrt(total / within), np.minimum(count / time, count * np.log10(count))


def _sum_correlations(centred: Array, within: Array, total: Array) -> Array:
    """Return 1 + 2 times the sum of all autocorrelations (q,), cut by Geyer's sequence.

    Sums of two neighbours are taken as long as they are positive, and made to fall.
    """
    half = centred.shape[1]

    def correlate(lag: int) -> Array:
        products = centred[:, : half - lag] * centred[:, lag:]
        covariance = products.sum(axis=1).mean(axis=0) / half
        return np.asarray(1 - (within * (half - 1) / half - covariance) / total)

    least = 1 + correlate(1)
    going = least > 0
    time = -1 + 2 * np.where(least <= 0, 1.0, least)
    for lag in range(2, half - 1, 2):
        pair = correlate(lag) + correlate(lag + 1)
        going &= pair > 0
        least = np.minimum(least, pair)
        time += np.where(going, 2 * least, 0.0)
    return time
