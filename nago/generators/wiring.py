"""Wirings: random graphs made directed and acyclic, the only place that uses networkx.

An undirected graph becomes a DAG by its node order: an edge i-j with i < j leads from i to j.
Graphs are redrawn from the same rng until they are connected, so the law is that of a connected
graph and every draw is usable.
"""

import random
from collections.abc import Callable
from typing import TYPE_CHECKING

from nago.records import UserError

if TYPE_CHECKING:
    import networkx as nx

# networkx is imported where a graph is drawn: plans and programs need none.
# ruff: noqa: PLC0415

Wiring = tuple[tuple[int, ...], ...]
"""For each node, the smaller nodes whose outputs it takes, in rising order."""

MAX_DRAWS = 1_000_000
"""Redraws before a probability is called hopeless; at P 0.1 and 10 nodes 150 are usual."""


def draw_watts_strogatz(nodes: int, k: int, p: float, rng: random.Random) -> Wiring:
    """Return a connected small-world graph of `nodes` nodes.

    Args:
        nodes: at least 3.
        k: neighbours on the ring, at least 2; more than nodes - 1 counts as nodes - 1.
        p: probability in [0, 1] that an edge is rewired.
        rng: gives the draw.

    Raises:
        UserError: a number is out of its range.

    Source: Watts and Strogatz 1998, Nature 393.
    """
    if nodes < 3:
        raise UserError(f"a Watts-Strogatz graph needs at least 3 nodes, got {nodes}")
    if k < 2:
        raise UserError(f"K must be at least 2 for a connected ring, got {k}")
    _check_probability(p)
    import networkx as nx

    neighbours = min(k, nodes - 1)
    return _draw_connected(lambda: nx.watts_strogatz_graph(nodes, neighbours, p, seed=rng))


def draw_erdos_renyi(nodes: int, p: float, rng: random.Random) -> Wiring:
    """Return a connected graph of `nodes` nodes that has each edge with probability `p`.

    Args:
        nodes: at least 1; a single node has no edges.
        p: probability in (0, 1], 0 only for a single node.
        rng: gives the draw.

    Raises:
        UserError: a number is out of its range, or no connected graph came up.

    Source: Erdos and Renyi 1959; Gilbert's G(n, p).
    """
    if nodes < 1:
        raise UserError(f"an Erdos-Renyi graph needs at least 1 node, got {nodes}")
    _check_probability(p)
    if p == 0 and nodes > 1:
        raise UserError(f"P must be above 0 for a connected graph of {nodes} nodes, got 0")
    import networkx as nx

    return _draw_connected(lambda: nx.gnp_random_graph(nodes, p, seed=rng))


def draw_barabasi_albert(nodes: int, m: int, rng: random.Random) -> Wiring:
    """Return a graph grown node by node, each joined to `m` earlier ones, rather to joined ones.

    Args:
        nodes: at least 2.
        m: edges of each new node, from 1 to nodes - 1.
        rng: gives the draw.

    Raises:
        UserError: a number is out of its range.

    Source: Barabasi and Albert 1999, Science 286.
    """
    if not 1 <= m < nodes:
        raise UserError(f"M must be from 1 to the nodes less 1, {nodes - 1}, got {m}")
    import networkx as nx

    return _draw_connected(lambda: nx.barabasi_albert_graph(nodes, m, seed=rng))


def _check_probability(p: float) -> None:
    if not 0 <= p <= 1:
        raise UserError(f"P must be a probability from 0 to 1, got {p}")


def _draw_connected(draw: Callable[[], "nx.Graph[int]"]) -> Wiring:
    import networkx as nx

    for _ in range(MAX_DRAWS):
        graph = draw()
        # Fewer edges than a tree can't be connected: the cheap test spares the walk.
        if graph.number_of_edges() >= len(graph) - 1 and nx.is_connected(graph):
            return tuple(
                tuple(sorted(other for other in graph[node] if other < node))
                for node in range(len(graph))
            )
    raise UserError(f"no connected graph among {MAX_DRAWS} draws: raise P or lower the nodes")
