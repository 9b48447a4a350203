"""What K means to Watts-Strogatz graphs: half of it, rounded down, on each side of the ring.

An odd K is the K - 1 below it, in the paper's generators as in networkx.
"""

import random
from collections.abc import Iterator

import numpy as np
import pandas as pd

from nago.generators.spaces import effective_k
from nago.generators.wiring import Wiring, draw_watts_strogatz
from nago.seeds import derive_seed
from nago.studies.draws import check_count

NODES, PROBABILITIES, NEIGHBOURS = 10, (0.1, 0.5, 0.9), range(2, 10)


def compare_neighbours(draws: int, seed: int) -> pd.DataFrame:
    """Return what Watts-Strogatz graphs of 10 nodes are like, by K and P.

    The seed of a draw depends on P and its number and not on K, so graphs of equal law are equal.

    Args:
        draws: of each K and P.
        seed: the root of all seeds.

    Returns:
        A row per P and K: `p`, `k`, `effective_k`, `draws`, the means `edges`, `depth` (nodes on
        the longest path) and `input_nodes` (nodes without a smaller neighbour), and
        `same_as_k_less_1`: how many draws are the very graph of K - 1, missing for the least K.

    Raises:
        UserError: there are no draws.
    """
    check_count(draws)
    rows = []
    for p in PROBABILITIES:
        before: list[Wiring] = []
        for k in NEIGHBOURS:
            wirings = list(_draw_rings(k, p, draws, seed))
            equal = sum(a == b for a, b in zip(wirings, before, strict=True)) if before else pd.NA
            rows.append(
                {
                    "p": p,
                    "k": k,
                    "effective_k": effective_k(NODES, k),
                    "draws": draws,
                    "edges": np.mean([sum(map(len, wiring)) for wiring in wirings]),
                    "depth": np.mean([find_depth(wiring) for wiring in wirings]),
                    "input_nodes": np.mean([wiring.count(()) for wiring in wirings]),
                    "same_as_k_less_1": equal,
                }
            )
            before = wirings
    return pd.DataFrame(rows).astype({"same_as_k_less_1": "Int64"})


def find_depth(wiring: Wiring) -> int:
    """Return the number of nodes on the longest path."""
    depths: list[int] = []
    for inputs in wiring:
        depths.append(1 + max((depths[source] for source in inputs), default=0))
    return max(depths)


def _draw_rings(k: int, p: float, draws: int, seed: int) -> Iterator[Wiring]:
    for draw in range(draws):
        rng = random.Random(derive_seed(seed, "studies", "odd_k", str(p), draw))
        yield draw_watts_strogatz(NODES, k, p, rng)
