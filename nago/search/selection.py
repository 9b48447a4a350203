"""Which candidates of a step become trials, one after another.

* `uncertainty`, as in USeMO: of the front of acquisitions, the point with the largest product of
  confidence intervals, 2 sqrt(beta) times the deviation of each objective.
* `hypervolume`: the point that is expected to add most hypervolume to the front, improved by
  small variations of the best ones.

In a batch, each point that is taken counts as if its mean were observed there (`believer`), or
penalises its neighbours (`penaliser`), or changes nothing (`top`). In the choice by hypervolume
the means of the first two join the front.
"""

import numpy as np

from nago.search.acquisition import expect_hypervolume
from nago.search.believer import believe
from nago.search.candidates import drop_seen, vary
from nago.search.encoding import Array, find_keys
from nago.search.judge import Belief, Judge
from nago.search.pareto import cut_undominated, find_front, rank_points
from nago.search.penalty import find_steepest, penalise
from nago.seeds import derive_seed

SELECTIONS = ("uncertainty", "hypervolume")
BATCHES = ("believer", "penaliser", "top")
LEADERS, CHILDREN, ROUNDS = 10, 20, 8
"""How many candidates are varied, how many variations each has, and how often this is done."""

SPREAD, SHRINKAGE = 0.1, 0.6
"""Deviation of the first variation of a gene, and what it is multiplied with each time."""

MARGIN = 0.1
"""How far beyond the front the reference point lies if none is given: a share of the front's
extent, which counts as one standard deviation of the losses or more."""

EXCHANGE = 0.05
"""Of a gain in one objective, the loss in all others that makes it no trade at all."""


def choose(judge: Judge, pool: Array, count: int, seed: int) -> Array:
    """Return genes (count, g) of distinct configurations that weren't tried, the best ones first.

    Args:
        judge: of candidates.
        pool: genes (n, g) of distinct candidates that weren't tried, `count` or more.
        count: of those to choose.
        seed: of the variations.
    """
    if judge.options["selection"] == "uncertainty":
        return choose_by_uncertainty(judge, pool, count)
    return choose_by_hypervolume(judge, pool, count, seed)


def choose_by_uncertainty(judge: Judge, pool: Array, count: int) -> Array:
    """Return those of a front of acquisitions that are most uncertain; then of the next front."""
    belief = judge.believe(pool)
    ranks = rank_points(judge.acquire(pool, belief))
    batch = _Batch(judge, pool)
    places: list[int] = []
    for _ in range(count):
        deviation, factors = batch.weigh(pool, belief)
        intervals = 2 * judge.beta**0.5 * deviation[:, judge.uncertain]
        values = intervals.prod(axis=1) * belief.feasible * factors
        place = int(np.lexsort((-values, ranks))[0])
        places.append(place)
        ranks[place] = len(pool) + 1
        batch.take(pool[[place]], belief.take([place]))
    return pool[places]


def choose_by_hypervolume(judge: Judge, pool: Array, count: int, seed: int) -> Array:
    """Return those that promise most hypervolume, each beside the ones before."""
    rng = np.random.default_rng(derive_seed(seed, "vary"))
    front = judge.losses[find_front(judge.losses)]
    reference = find_reference(judge, front, pool)
    batch = _Batch(judge, pool)
    seen = set(judge.seen)
    for left in range(count, 0, -1):
        share = judge.left // left // ROUNDS
        boxes = cut_undominated(front, reference)

        def rate(genes: Array, boxes: tuple[Array, Array] = boxes) -> Array:
            belief = judge.believe(genes)
            deviation, factors = batch.weigh(genes, belief)
            gain = expect_hypervolume(belief.mean, deviation, *boxes)
            values = gain * belief.feasible * factors
            return np.where(belief.doubtful, belief.feasible - 1, values)

        candidates = drop_seen(pool, seen)
        values = rate(candidates)
        for number in range(ROUNDS):
            leaders = np.argsort(-values, kind="stable")[:LEADERS]
            candidates, values = candidates[leaders], values[leaders]
            spread = SPREAD * SHRINKAGE**number
            varied = vary(judge.encoding, candidates, LEADERS * CHILDREN, spread, rng)
            varied = drop_seen(varied, seen | set(find_keys(candidates)))
            varied = varied[judge.settle(varied, share)]
            candidates = np.concatenate([candidates, varied])
            values = np.concatenate([values, rate(varied)])
        best = candidates[[int(np.argmax(values))]]
        belief = judge.believe(best)
        batch.take(best, belief)
        if judge.options["batch"] != "top":
            front = np.concatenate([front, belief.mean])
        seen |= set(find_keys(best))
    return batch.genes


def find_reference(judge: Judge, front: Array, pool: Array) -> Array:
    """Return the point (m,), standardised, that bounds hypervolumes.

    Without one in the options it lies beyond the front (f, m) that was found and the one that the
    model expects of the pool: an early front may be a single point. Ends of these that give up
    much for next to nothing don't count, or most hypervolume would lie beside them.
    """
    given = judge.standardise_reference()
    if given is not None:
        return given
    expected = np.concatenate([front, judge.believe(pool).mean])
    front = _drop_bad_trades(expected[find_front(expected)])
    return np.asarray(front.max(axis=0) + MARGIN * np.maximum(np.ptp(front, axis=0), 1.0))


def _drop_bad_trades(front: Array) -> Array:
    gaps = front[:, None, :] - front[None, :, :]
    gain, loss = gaps.max(axis=2), -gaps.min(axis=2)
    bad = ((gain > 0) & (loss <= EXCHANGE * gain)).any(axis=1)
    return np.asarray(front[~bad])


class _Batch:
    """The points of a batch that are taken, and what they change for candidates.

    Attributes:
        genes: of the points, (t, g).
    """

    def __init__(self, judge: Judge, pool: Array) -> None:
        self._judge, self._kind = judge, judge.options["batch"]
        self.genes = np.empty((0, pool.shape[1]))
        self._taken: list[Belief] = []
        if self._kind == "penaliser":
            slopes = judge.model.slope(judge.encoding.describe(pool))
            self._steepest = find_steepest(slopes[:, judge.uncertain])

    def take(self, genes: Array, belief: Belief) -> None:
        """Add a point, genes (1, g) and what was believed of it."""
        self.genes = np.concatenate([self.genes, genes])
        self._taken.append(belief)

    def weigh(self, genes: Array, belief: Belief) -> tuple[Array, Array]:
        """Return deviations (n, m) and factors of the worth (n,) of candidates (n, g)."""
        deviation, factors = belief.deviation, np.ones(len(genes))
        if self._taken and self._kind == "believer":
            deviation = self._believe(genes, deviation)
        if self._taken and self._kind == "penaliser":
            factors = self._penalise(genes)
        return deviation, factors

    def _believe(self, genes: Array, deviation: Array) -> Array:
        describe, model = self._judge.encoding.describe, self._judge.model
        features, taken = describe(genes), describe(self.genes)
        left = believe(deviation, model.covary(features, taken), model.covary(taken, taken))
        return np.where(self._judge.uncertain, left, deviation)

    def _penalise(self, genes: Array) -> Array:
        factors = np.ones(len(genes))
        describe, which = self._judge.encoding.describe, self._judge.uncertain
        features = describe(genes)
        for point, belief in zip(describe(self.genes), self._taken, strict=True):
            factors *= penalise(
                features,
                point,
                mean=belief.mean[0, which],
                deviation=belief.deviation[0, which],
                best=self._judge.best[which],
                steepest=self._steepest,
            )
        return factors
