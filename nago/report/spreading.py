"""How errors spread within the configurations of a generator, and between them.

Networks of one configuration differ by the luck of the draw and of the training. The variance of
the means holds a part of that, which is taken off (the one-way analysis of variance).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nago.tables import hyperparameters

RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Spread:
    """Deviations of the validation error, in [0, 1].

    `ratio` is that within configurations over that between them, infinite if the configurations
    are all alike; `low` and `high` bound the central 95% of what configurations drawn again with
    replacement give.
    """

    configurations: int
    within: float
    between: float
    ratio: float
    low: float
    high: float


def measure_spread(tables: Sequence[pd.DataFrame]) -> Spread | None:
    """Return how errors spread in trials of repeated configurations.

    Args:
        tables: the trials of some runs; equal configurations of different runs count apart.

    Returns:
        None if fewer than two configurations have two results each.
    """
    groups: list[np.ndarray] = []
    for table in tables:
        names = hyperparameters(table)
        for _, group in table[table["status"] == "ok"].groupby(names, sort=False):
            if len(group) > 1:
                groups.append(group["validation_error"].to_numpy(dtype=float))
    if len(groups) < 2:
        return None
    means = np.array([group.mean() for group in groups])
    variances = np.array([group.var(ddof=1) for group in groups])
    shares = variances / np.array([len(group) for group in groups])
    places = np.arange(len(groups))
    within, between = _part(means, variances, shares, places)
    rng = np.random.default_rng(0)
    drawn = rng.choice(places, size=(RESAMPLES, len(groups)))
    ratios = [_divide(*_part(means, variances, shares, chosen)) for chosen in drawn]
    low, high = np.quantile(ratios, [0.025, 0.975], method="nearest")
    ratio = _divide(within, between)
    return Spread(len(groups), within, between, ratio, float(low), float(high))


def _part(
    means: np.ndarray, variances: np.ndarray, shares: np.ndarray, places: np.ndarray
) -> tuple[float, float]:
    within = float(variances[places].mean())
    between = float(means[places].var(ddof=1) - shares[places].mean())
    return math.sqrt(within), math.sqrt(max(between, 0.0))


def _divide(within: float, between: float) -> float:
    return within / between if between > 0 else math.inf
