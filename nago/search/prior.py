"""Prior observations: what trials of another data set say, the less the more own ones there are.

Errors on two data sets cannot be compared, but their order can: a prior observation has ranks in
(0, 1) in place of losses. Among n own results it stands for the quantile of its rank in theirs, so
that the best of the prior is never better than the best that was found here.

How much of a prior is taken depends on how far it agrees with what was found, each data set for
itself: of one that is misleading nothing is. The idea is that of Feurer, Letham and Bakshy 2018,
arXiv 1802.02219, who weight models of other data sets by how they rank the results of this one.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from ConfigSpace import ConfigurationSpace
from numpy.typing import NDArray
from scipy.spatial.distance import cdist
from scipy.stats import spearmanr

from nago.records import Observation
from nago.search.encoding import Encoding

NEIGHBOURS = 5
"""Prior observations whose mean rank is what the prior expects of a configuration."""

BELIEVED = 2
"""Results that a prior counts as having foreseen before there are any."""

FEWEST = 3
"""Results at a budget from which their order says something."""


def add_prior(
    own: Sequence[Observation],
    prior: Sequence[Observation],
    needed: int,
    trust: Mapping[int, float],
) -> list[Observation]:
    """Return own observations, and after them what is left of the prior ones.

    Before the first result all are left. With n own results at all budgets together, the P prior
    observations of one of S sources at a budget are thinned to t min(P, 2 `needed`^2 / (n S)),
    rounded down, with t the trust in the source: evenly by the rank of their first loss, the best
    one first. Above the highest budget with `needed` own observations none is left, so that no
    model of a prior alone comes before one that own ones suffice for.

    Args:
        own: of the search so far, failed ones included.
        prior: ranks in place of losses, at budgets of this search.
        needed: observations at a budget from which there is a model of it.
        trust: of `measure_trust`.
    """
    counts = Counter(item.budget for item in own)
    highest = max((b for b, count in counts.items() if count >= needed), default=math.inf)
    results = sum(math.isfinite(item.loss) for item in own)
    found = list(own)
    most = 2 * needed**2 / (results * len(trust)) if results else math.inf
    for budget in sorted({item.budget for item in prior if item.budget <= highest}):
        seen = [item for item in own if item.budget == budget]
        for source, share in trust.items():
            told = [item for item in prior if (item.source, item.budget) == (source, budget)]
            # 0.29 of 100 is 28.999999999999996.
            left = math.floor(round(share * min(len(told), most), 9))
            found += _thin(told, seen, left)
    return found


def measure_trust(
    space: ConfigurationSpace, own: Sequence[Observation], prior: Sequence[Observation]
) -> dict[int, float]:
    """Return how far each source foresaw the order of the first losses, from 0 for not to 1.

    That is the rank correlation, no less than 0, of the results at a budget with what the source
    expects there: the mean rank of the nearest configurations. Budgets count by their results,
    and as if BELIEVED results had been foreseen before.
    """
    encoding = Encoding(space)
    return {
        source: _correlate(encoding, own, [item for item in prior if item.source == source])
        for source in sorted({item.source for item in prior})
    }


def _correlate(
    encoding: Encoding, own: Sequence[Observation], prior: Sequence[Observation]
) -> float:
    """Return how far one source foresaw the order of the first losses."""
    foreseen = seen = float(BELIEVED)
    for budget in sorted({item.budget for item in prior}):
        results = [item for item in own if item.budget == budget and math.isfinite(item.loss)]
        if len(results) < FEWEST:
            continue
        losses = [item.loss for item in results]
        known = [item for item in prior if item.budget == budget]
        expected = _expect(encoding, results, known)
        # Of equal ones there is no order.
        if np.ptp(losses) > 0 and np.ptp(expected) > 0:
            foreseen += len(results) * float(spearmanr(losses, expected).statistic)
            seen += len(results)
    # A correlation of 1 may come out a little less.
    return round(max(0.0, foreseen / seen), 9)


def _expect(
    encoding: Encoding, own: Sequence[Observation], prior: Sequence[Observation]
) -> NDArray[np.float64]:
    """Return the rank (n,) that prior observations let expect of the configurations of own."""
    features = [
        encoding.describe(encoding.encode([item.configuration for item in items]))
        for items in (own, prior)
    ]
    nearest = np.argsort(cdist(*features), axis=1, kind="stable")[:, :NEIGHBOURS]
    ranks = np.array([item.loss for item in prior])
    return np.asarray(ranks[nearest].mean(axis=1), dtype=float)


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
