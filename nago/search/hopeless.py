"""Configurations that cannot reach the front, whatever their error will be.

What a network costs is known before it is trained, and no validation error is below 0. So let F
be the front of the trials seen at the largest budget, and c the costs of a configuration there.
If a point of F has an error of `lowest` or less and costs that are at most c, one of them less
or its error below `lowest`, then it dominates (e, c) for each error e that is `lowest` or more.

That is safe. The front at the end of a search is that of all trials at the largest budget. It
contains, for each point of F, that point or one that dominates it, since trials are only added;
dominance is transitive, so that point dominates (e, c) as well, and (e, c) is not on the final
front. Trials at smaller budgets are no part of F: at the largest budget they may be worse.

A promoted configuration draws a new architecture in each rung, so its costs at the largest
budget depend on the slot that it will have. It is hopeless only if it is so in all of them.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from nago.records import Configuration
from nago.search.limits import Costs
from nago.search.pareto import Array

ERROR = "validation_error"
"""The objective that needs training."""


def is_hopeless(
    configuration: Configuration,
    seeds: Sequence[int],
    costs: Costs,
    *,
    objectives: Sequence[str],
    front: Array,
    lowest: float,
) -> bool:
    """Return whether no trial of a configuration at the largest budget can be on the front.

    Args:
        configuration: the one in question.
        seeds: those that a trial of it can have at the largest budget.
        costs: the measures of its networks, infinite if there is none.
        objectives: the columns of the front.
        front: losses (f, m) of trials at the largest budget.
        lowest: an error that none is below.
    """
    best = [_best(costs(configuration, seed), objectives, lowest) for seed in seeds]
    return all(is_dominated(point, front) for point in best)


def is_dominated(point: Array, front: Array) -> bool:
    """Return whether a point (m,) is infinite, or worse than one of (f, m)."""
    if np.isinf(point).any():
        return True
    better = (front <= point).all(axis=1) & (front < point).any(axis=1)
    return bool(better.any())


def _best(measures: Mapping[str, float], objectives: Sequence[str], lowest: float) -> Array:
    return np.array([lowest if name == ERROR else measures[name] for name in objectives])
