"""Pareto fronts and the hypervolume that they dominate; every objective is minimised.

Hypervolumes are exact, computed by moocore. The region that a front leaves undominated is cut
into boxes, one slab of the last objective after another, so that expectations over it are sums.
"""

import itertools

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def find_front(losses: Array) -> NDArray[np.bool_]:
    """Return which of n points (n, m) no other one dominates; of equal points, all or none.

    Raises:
        ValueError: a loss is NaN.
    """
    _check(losses)
    if not len(losses):
        return np.zeros(0, dtype=bool)
    import moocore  # noqa: PLC0415  # slow to import

    return np.asarray(moocore.is_nondominated(losses, keep_weakly=True), dtype=bool)


def rank_points(losses: Array) -> NDArray[np.int64]:
    """Return the front that each of n points (n, m) is on: 0, or the next one without those.

    Raises:
        ValueError: a loss is NaN.
    """
    _check(losses)
    ranks = np.zeros(len(losses), dtype=np.int64)
    left = np.arange(len(losses))
    while len(left):
        front = find_front(losses[left])
        left = left[~front]
        ranks[left] += 1
    return ranks


def measure_hypervolume(losses: Array, reference: Array) -> float:
    """Return the volume that points (n, m) dominate, bounded by a reference point (m,).

    Points that aren't better than the reference in all objectives add nothing.

    Raises:
        ValueError: a loss is NaN.
    """
    _check(losses)
    inside = losses[(losses < reference).all(axis=1)]
    if not len(inside):
        return 0.0
    import moocore  # noqa: PLC0415  # slow to import

    return float(moocore.hypervolume(inside, ref=reference))


def measure_contributions(losses: Array, reference: Array) -> Array:
    """Return the volume that each point (n, m) alone dominates: (n,); 0 for equal points.

    Raises:
        ValueError: a loss is NaN.
    """
    total = measure_hypervolume(losses, reference)
    contributions = np.zeros(len(losses))
    for place in np.flatnonzero(find_front(losses)):
        others = np.delete(losses, place, axis=0)
        contributions[place] = total - measure_hypervolume(others, reference)
    return np.maximum(contributions, 0.0)


def cut_undominated(front: Array, reference: Array) -> tuple[Array, Array]:
    """Return boxes that fill what points (n, m) leave undominated below a reference point (m,).

    Returns:
        lower corners (some coordinates are -inf) and upper corners, both (boxes, m).

    Raises:
        ValueError: a loss is NaN.
    """
    _check(front)
    inside = front[(front < reference).all(axis=1)]
    inside = np.unique(inside[find_front(inside)], axis=0)
    boxes = _cut(inside, reference)
    corners = np.array(boxes).reshape(len(boxes), 2, len(reference))
    return corners[:, 0], corners[:, 1]


def _cut(front: Array, reference: Array) -> list[tuple[list[float], list[float]]]:
    if len(reference) == 1:
        upper = min([*front[:, 0], reference[0]])
        return [([-np.inf], [float(upper)])] if upper > -np.inf else []
    levels = [-np.inf, *np.unique(front[:, -1]), float(reference[-1])]
    boxes = []
    for low, high in itertools.pairwise(levels):
        below = front[front[:, -1] <= low, :-1]
        below = below[find_front(below)]
        for lower, upper in _cut(below, reference[:-1]):
            boxes.append(([*lower, float(low)], [*upper, float(high)]))
    return boxes


def _check(losses: Array) -> None:
    if losses.ndim != 2:
        raise ValueError(f"losses must be (n, m), got a shape of {losses.shape}")
    if np.isnan(losses).any():
        row = int(np.flatnonzero(np.isnan(losses).any(axis=1))[0])
        raise ValueError(f"losses must be numbers, got {losses[row].tolist()} in row {row}")
