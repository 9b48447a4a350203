"""Candidates for trials: Sobol points that weren't tried, and variations of good ones."""

from collections.abc import Collection

import numpy as np
from scipy.stats import qmc

from nago.records import UserError
from nago.search.encoding import Encoding, find_keys
from nago.search.models import Array

ENUMERABLE = 100_000
"""Configurations that a space may have at most for all of them to be looked at."""


def draw_sobol(genes: int, count: int, seed: int) -> Array:
    """Return the first points (count, genes) of a scrambled Sobol sequence."""
    if not genes:
        return np.empty((count, 0))
    sequence = qmc.Sobol(genes, scramble=True, seed=seed)
    return np.asarray(sequence.random_base2(max(count - 1, 1).bit_length()))[:count]


def draw_unseen(encoding: Encoding, seen: Collection[bytes], count: int, seed: int) -> Array:
    """Return the snapped genes (count, genes) of distinct configurations that aren't `seen`.

    They are the first of a scrambled Sobol sequence; in a space of which little is left, in a
    random order those that are.

    Raises:
        UserError: the space has fewer left.
    """
    left = count_left(encoding, seen, count)
    few = left is not None and left < 2 * count
    if few and encoding.size is not None and encoding.size <= ENUMERABLE:
        everything = drop_seen(encoding.enumerate(), seen)
        return everything[np.random.default_rng(seed).permutation(len(everything))[:count]]
    points = 2 * count
    while True:
        unseen = drop_seen(encoding.snap(draw_sobol(encoding.genes, points, seed)), seen)
        if len(unseen) >= count:
            return unseen[:count]
        points *= 2


def count_left(encoding: Encoding, seen: Collection[bytes], needed: int) -> int | None:
    """Return how many configurations aren't `seen`, None if they are countless.

    Raises:
        UserError: they are fewer than `needed`.
    """
    if encoding.size is None:
        return None
    left = encoding.size - len(seen)
    if left < needed:
        raise UserError(
            f"the space has {encoding.size} configurations, {len(seen)} were tried: {left} are"
            f" left, but {needed} are wanted; take smaller batches or wider ranges"
        )
    return left


def drop_seen(genes: Array, seen: Collection[bytes]) -> Array:
    """Return genes (n, genes) without those `seen` and without repetitions, in their order."""
    met = set(seen)
    kept = []
    for place, key in enumerate(find_keys(genes)):
        if key not in met:
            met.add(key)
            kept.append(place)
    return genes[kept]


def vary(
    encoding: Encoding, parents: Array, count: int, spread: float, rng: np.random.Generator
) -> Array:
    """Return snapped genes (count, genes) near those of parents (p, genes), taken in turn.

    Each gene moves with probability 1/2 or more: numbers by a normal step of deviation `spread`,
    a whole number's of its own share or more, so that it can change; of categories, which have no
    neighbours, one on average is drawn anew.
    """
    chosen = parents[np.arange(count) % len(parents)]
    genes = max(encoding.genes, 1)
    unordered = encoding.unordered
    rates = np.where(unordered, 1 / max(unordered.sum(), 1), max(0.5, 1 / genes))
    moves = rng.random(chosen.shape) < rates
    steps = rng.normal(size=chosen.shape) * np.maximum(spread, encoding.shares)
    moved = np.where(unordered, rng.random(chosen.shape), np.clip(chosen + steps, 0, 1))
    return encoding.snap(np.where(moves, moved, chosen))
