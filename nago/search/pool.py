"""The pool of a step: what an evolution by NSGA-II meets on its way through the acquisitions.

Objectives that are computed exactly take part with their model first. A second, small evolution
goes by exact values; it starts from the trials' front, that of the first one and Sobol points.
Source: Deb et al. 2002, IEEE Transactions on Evolutionary Computation 6(2); pymoo's NSGA-II.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from nago.search.candidates import draw_sobol, draw_unseen, drop_seen, vary
from nago.search.encoding import Array, Encoding, find_keys
from nago.search.judge import UNWANTED, Judge
from nago.search.pareto import find_front, rank_points
from nago.seeds import derive_seed

SPREAD = 0.1
"""Deviation of the genes that vary in the first population."""

EXACT_POPULATION = 30


def find_pool(judge: Judge, count: int, seed: int) -> Array:
    """Return snapped genes (n, g) of `count` or more distinct candidates that weren't tried.

    All of a space that is no larger than what the evolution would look at.
    """
    encoding = judge.encoding
    evaluations = judge.options["population"] * judge.options["generations"]
    if encoding.size is not None and encoding.size <= evaluations:
        pool = drop_seen(encoding.enumerate(), judge.seen)
    else:
        pool = _evolve_by_models(judge, seed)
    if judge.exact:
        pool = _evolve_exactly(judge, pool, seed)
    if len(pool) < count:
        seen = judge.seen | set(find_keys(pool))
        more = draw_unseen(encoding, seen, count - len(pool), derive_seed(seed, "more"))
        pool = np.concatenate([pool, more])
    return pool


def _evolve_by_models(judge: Judge, seed: int) -> Array:
    encoding, population = judge.encoding, judge.options["population"]
    rng = np.random.default_rng(derive_seed(seed, "start"))
    front = judge.genes[find_front(judge.losses)][: population // 4]
    near = vary(encoding, front, population // 4, SPREAD, rng)
    anywhere = draw_sobol(encoding.genes, population, derive_seed(seed, "sobol"))
    start = np.concatenate([front, near, anywhere])[:population]
    genes, values = evolve(
        lambda rows: judge.acquire(rows, judge.believe(rows)),
        encoding,
        start,
        judge.options["generations"],
        derive_seed(seed, "evolve"),
    )
    return genes[(values < UNWANTED).all(axis=1)]


def _evolve_exactly(judge: Judge, pool: Array, seed: int) -> Array:
    """Return the candidates whose exact objectives are known, half of them at most computed here.

    The other half is for variations of the best ones.
    """
    most = judge.left // 2
    ranks = rank_points(judge.acquire(pool, judge.believe(pool)))
    order = np.argsort(ranks, kind="stable")
    if len(pool) <= most:
        judge.settle(pool, most)
        return pool[judge.is_possible(pool)]
    population = max(min(EXACT_POPULATION, most // 2), 2)
    third = population // 3
    front = judge.genes[find_front(judge.losses)][:third]
    anywhere = draw_sobol(judge.encoding.genes, population, derive_seed(seed, "sobol exactly"))
    start = np.concatenate([front, pool[order[:third]], anywhere])[:population]

    def acquire(rows: Array) -> Array:
        known = judge.settle(rows, most - (limit - judge.left))
        values = judge.acquire(rows, judge.believe(rows))
        return np.where(known[:, None], values, UNWANTED)

    limit = judge.left
    genes, values = evolve(
        acquire,
        judge.encoding,
        start,
        max(most // population, 1),
        derive_seed(seed, "evolve exactly"),
    )
    return genes[(values < UNWANTED).all(axis=1)]


def evolve(
    judge: Callable[[Array], Array],
    encoding: Encoding,
    start: Array,
    generations: int,
    seed: int,
) -> tuple[Array, Array]:
    """Return all that NSGA-II meets on its way, snapped genes (n, genes) and values (n, m).

    Args:
        judge: from snapped genes to m values, minimised.
        encoding: of the space.
        start: genes of the first population; all others have its size.
        generations: with the first one.
        seed: of the draws.
    """
    from pymoo.algorithms.moo.nsga2 import NSGA2  # noqa: PLC0415  # takes half a second
    from pymoo.core.problem import Problem  # noqa: PLC0415
    from pymoo.core.repair import Repair  # noqa: PLC0415
    from pymoo.optimize import minimize  # noqa: PLC0415

    class Snap(Repair):  # type: ignore[misc]
        def _do(self, problem: Any, X: Array, **_: Any) -> Array:  # noqa: N803
            return encoding.snap(X)

    class Judged(Problem):  # type: ignore[misc]
        def _evaluate(self, x: Array, out: dict[str, Array], *_: Any, **__: Any) -> None:
            out["F"] = judge(x)
            met.append((x.copy(), out["F"]))

    met: list[tuple[Array, Array]] = []
    start = encoding.snap(start)
    m = judge(start[:1]).shape[1]
    problem = Judged(n_var=encoding.genes, n_obj=m, xl=0.0, xu=1.0)
    algorithm = NSGA2(pop_size=len(start), sampling=start, repair=Snap())
    minimize(problem, algorithm, ("n_gen", generations), seed=seed, verbose=False)
    genes, values = (np.concatenate(parts) for parts in zip(*met, strict=True))
    _, first = np.unique(find_keys(genes), return_index=True)
    first.sort()
    return genes[first], values[first]
