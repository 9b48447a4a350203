"""The order of trials for several objectives: which of a rung go on, and which count as good.

Fronts come one after the other: the trials that no other dominates, those without these, and so
on (the paper's footnote 3). Within a front the order is by one of three rules:

* `hypervolume`: the point whose removal costs least hypervolume goes last, then the next one of
  those that are left, as in Emmerich et al. 2005, EMO; so of two points that are nearly equal one
  stays in front.
* `epsilon_net`: first the lowest first loss, then always the point that is farthest from those
  before it; each loss counts as a share of the range of all points. Source: Salinas et al. 2021,
  arXiv 2106.05680; used for halving by MOASHA, Schmucker et al. 2021, arXiv 2106.12639.
* `rank`: as they were given.

Points that are equal in all of this keep the order in which they were given.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from nago.records import UserError
from nago.search.pareto import Array, measure_hypervolume, rank_points

MARGIN = 0.1
"""How far beyond the worst points the reference point lies, as a share of the points' range."""

DIGITS = 12
"""Of hypervolumes that are compared; the points' range counts as 1 in each loss."""


def order_points(losses: Array, rule: str, reference: Sequence[float] | None) -> list[int]:
    """Return the rows of n points (n, m), the best one first.

    Args:
        losses: finite ones, all minimised.
        rule: one of PROMOTIONS.
        reference: the point (m,) that bounds hypervolumes; None for one beyond the worst losses.

    Raises:
        UserError: there is no such rule, or the reference is of another length.
        ValueError: a loss is NaN.
    """
    if rule not in PROMOTIONS:
        raise UserError(f"promotion could be {', '.join(PROMOTIONS)}, got {rule!r}")
    if reference is not None and len(reference) != losses.shape[1]:
        raise UserError(f"reference must have {losses.shape[1]} values, got {len(reference)}")
    if not len(losses):
        return []
    ranks = rank_points(losses)
    extent = np.ptp(losses, axis=0)
    scale = np.where(extent > 0, extent, 1.0)
    bound = losses.max(axis=0) + MARGIN * scale if reference is None else np.array(reference)
    ordered: list[int] = []
    for rank in range(int(ranks.max()) + 1):
        front = np.flatnonzero(ranks == rank)
        # Shares instead of units: hypervolumes keep their order, distances become comparable.
        within = PROMOTIONS[rule](losses[front] / scale, bound / scale)
        ordered += [int(front[place]) for place in within]
    return ordered


def order_failed_last(
    losses: Array, rule: str, reference: Sequence[float] | None
) -> tuple[list[int], list[int]]:
    """Return the rows of points (n, m) by `order_points`, and those of which a loss isn't finite.

    The latter keep their order.
    """
    finite = np.isfinite(losses).all(axis=1)
    rows = np.flatnonzero(finite)
    ordered = order_points(losses[rows], rule, reference)
    return [int(rows[place]) for place in ordered], np.flatnonzero(~finite).tolist()


def _by_hypervolume(front: Array, reference: Array) -> list[int]:
    left, last_first = list(range(len(front))), []
    while left:
        # The loss of hypervolume is least where most remains. Rounded, so that points which are
        # equal but for the last digit are so on every machine; of equal ones the last one goes.
        remains = [
            round(measure_hypervolume(front[[o for o in left if o != place]], reference), DIGITS)
            for place in left
        ]
        place = max(zip(remains, left, strict=True))[1]
        left.remove(place)
        last_first.append(place)
    return last_first[::-1]


def _by_distance(front: Array, reference: Array) -> list[int]:
    ordered = [int(np.argmin(front[:, 0]))]
    nearest = np.linalg.norm(front - front[ordered[0]], axis=1)
    while len(ordered) < len(front):
        nearest[ordered] = -1.0  # taken ones are never the farthest, equal points may be
        ordered.append(int(np.argmax(nearest)))
        nearest = np.minimum(nearest, np.linalg.norm(front - front[ordered[-1]], axis=1))
    return ordered


def _as_given(front: Array, reference: Array) -> list[int]:
    return list(range(len(front)))


PROMOTIONS: Mapping[str, Callable[[Array, Array], list[int]]] = {
    "hypervolume": _by_hypervolume,
    "rank": _as_given,
    "epsilon_net": _by_distance,
}
"""By name: from a front (n, m) and the reference point (m,) to its rows, the best one first."""
