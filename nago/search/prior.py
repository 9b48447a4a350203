"""Prior observations: what trials of another data set say, the less the more own ones there are.

Errors on two data sets cannot be compared, but their order can: a prior observation has ranks in
(0, 1) in place of losses. Among n own results it stands for the quantile of its rank in theirs, so
that the best of the prior is never better than the best that was found here.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from nago.records import Observation


def add_prior(
    own: Sequence[Observation], prior: Sequence[Observation], needed: int
) -> list[Observation]:
    """Return own observations, and after them what is left of the prior ones.

    With n own results at all budgets together, the P prior observations of a budget are thinned to
    min(P, 2 `needed`) (`needed` / (`needed` + n))^2, rounded down: evenly by the rank of their
    first loss, the best one first. Above the highest budget with `needed` own observations none
    is left, so that no model of a prior alone comes before one that own ones suffice for.

    Args:
        own: of the search so far, failed ones included.
        prior: ranks in place of losses, at budgets of this search.
        needed: observations at a budget from which there is a model of it.
    """
    counts = Counter(item.budget for item in own)
    highest = max((b for b, count in counts.items() if count >= needed), default=math.inf)
    results = sum(math.isfinite(item.loss) for item in own)
    found = list(own)
    for budget in sorted({item.budget for item in prior}):
        if budget <= highest:
            of_budget = [item for item in prior if item.budget == budget]
            left = int(min(len(of_budget), 2 * needed) * (needed / (needed + results)) ** 2)
            found += _thin(of_budget, [item for item in own if item.budget == budget], left)
    return found


def _thin(
    prior: Sequence[Observation], own: Sequence[Observation], left: int
) -> list[Observation]:
    """Return `left` of the prior observations of a budget at most, as losses among own ones.

    Where there is an own observation, the prior has no say.
    """
    known = [item.configuration for item in own]
    losses = np.array([item.losses for item in own if math.isfinite(item.loss)], dtype=float)
    new = [item for item in prior if item.configuration not in known]
    new.sort(key=lambda item: item.loss)
    places = np.linspace(0, len(new) - 1, min(len(new), left)).round().astype(int)
    return [
        replace(new[place], losses=_place(new[place].losses, losses), prior=True)
        for place in places
    ]


def _place(ranks: Sequence[float], losses: NDArray[np.float64]) -> tuple[float, ...]:
    """Return the quantiles (m,) of own losses (n, m) at ranks (m,); the ranks if there are none.

    Hazen's quantiles: the i-th of n losses has the rank (i - 1/2) / n, as in the prior.
    """
    if not len(losses):
        return tuple(ranks)
    columns = range(losses.shape[1])
    return tuple(float(np.quantile(losses[:, k], ranks[k], method="hazen")) for k in columns)
