"""Wirings against networkx's own graphs, and their law against all graphs counted one by one."""

import random
from collections import Counter
from itertools import combinations

import networkx as nx
import pytest
from scipy.stats import chisquare

from nago.generators import wiring
from nago.generators.wiring import (
    draw_barabasi_albert,
    draw_erdos_renyi,
    draw_watts_strogatz,
)
from nago.records import UserError


def edges(wired):
    return {(source, place) for place, sources in enumerate(wired) for source in sources}


def connected(nodes, pairs):
    """Whether a graph hangs together, by joining sets."""
    part = list(range(nodes))
    for first, second in pairs:
        part = [part[first] if name == part[second] else name for name in part]
    return len(set(part)) == 1


def first_connected(make, rng):
    """The first connected graph that networkx itself draws from `rng`."""
    while True:
        graph = make(rng)
        if nx.is_connected(graph):
            return {tuple(sorted(edge)) for edge in graph.edges}


CASES = [(seed, random.Random(seed)) for seed in range(100)]


@pytest.mark.parametrize(("seed", "case"), CASES, ids=range(100))
def test_a_watts_strogatz_wiring_is_networkxs_graph(seed, case):
    nodes, k, p = case.randint(3, 10), case.randint(2, 5), case.uniform(0, 1)
    mine, other = random.Random(seed), random.Random(seed)
    wired = draw_watts_strogatz(nodes, k, p, mine)
    clipped = min(k, nodes - 1)
    assert edges(wired) == first_connected(
        lambda rng: nx.watts_strogatz_graph(nodes, clipped, p, seed=rng), other
    )
    assert mine.getstate() == other.getstate()
    assert_is_connected_dag(wired, nodes)


@pytest.mark.parametrize(("seed", "case"), CASES, ids=range(100))
def test_an_erdos_renyi_wiring_is_networkxs_graph(seed, case):
    nodes, p = case.randint(1, 10), case.uniform(0.1, 1)
    mine, other = random.Random(seed), random.Random(seed)
    wired = draw_erdos_renyi(nodes, p, mine)
    assert edges(wired) == first_connected(
        lambda rng: nx.gnp_random_graph(nodes, p, seed=rng), other
    )
    assert mine.getstate() == other.getstate()
    assert_is_connected_dag(wired, nodes)


@pytest.mark.parametrize(("seed", "case"), CASES, ids=range(100))
def test_a_barabasi_albert_wiring_is_networkxs_graph(seed, case):
    nodes = case.randint(2, 12)
    m = case.randint(1, nodes - 1)
    mine, other = random.Random(seed), random.Random(seed)
    wired = draw_barabasi_albert(nodes, m, mine)
    theirs = nx.barabasi_albert_graph(nodes, m, seed=other)
    assert edges(wired) == {tuple(sorted(edge)) for edge in theirs.edges}
    assert len(edges(wired)) == m * (nodes - m)
    assert mine.getstate() == other.getstate()
    assert_is_connected_dag(wired, nodes)


@pytest.mark.parametrize(("nodes", "m"), [(5, 0), (5, 5), (1, 1), (4, 9)])
def test_an_m_that_a_graph_cannot_have_is_an_error(nodes, m):
    with pytest.raises(UserError, match=f"M must be from 1 to the nodes less 1, .* got {m}"):
        draw_barabasi_albert(nodes, m, random.Random(0))


def assert_is_connected_dag(wired, nodes):
    assert len(wired) == nodes
    assert connected(nodes, edges(wired))
    for place, sources in enumerate(wired):
        assert list(sources) == sorted(set(sources))
        assert all(0 <= source < place for source in sources)


@pytest.mark.parametrize(("nodes", "p"), [(3, 0.2), (3, 0.6), (4, 0.3), (4, 0.7)])
def test_erdos_renyi_wirings_have_the_law_of_connected_graphs(nodes, p):
    pairs = list(combinations(range(nodes), 2))
    weights = {
        frozenset(chosen): p**size * (1 - p) ** (len(pairs) - size)
        for size in range(len(pairs) + 1)
        for chosen in combinations(pairs, size)
        if connected(nodes, chosen)
    }
    assert len(weights) == {3: 4, 4: 38}[nodes]  # labelled connected graphs, OEIS A001187
    rng, draws = random.Random(0), 6000
    counts = Counter(frozenset(edges(draw_erdos_renyi(nodes, p, rng))) for _ in range(draws))
    assert set(counts) <= set(weights)
    total = sum(weights.values())
    # Rare graphs share a cell, as chi-square needs some draws in each.
    cells = {}
    for graph, weight in weights.items():
        expected = draws * weight / total
        cell = cells.setdefault(graph if expected >= 10 else None, [0, 0.0])
        cell[0] += counts[graph]
        cell[1] += expected
    observed, expected = zip(*cells.values(), strict=True)
    assert chisquare(observed, expected).pvalue > 0.01


@pytest.mark.parametrize("p", [0.0, 0.3, 0.9])
@pytest.mark.parametrize(("odd", "even"), [(3, 2), (5, 4)])
def test_an_odd_k_is_the_even_one_below(odd, even, p):
    for seed in range(30):
        first = draw_watts_strogatz(8, odd, p, random.Random(seed))
        assert first == draw_watts_strogatz(8, even, p, random.Random(seed))
        assert len(edges(first)) == 8 * even // 2


def test_a_k_above_the_other_nodes_is_all_the_other_nodes():
    assert draw_watts_strogatz(5, 40, 0, random.Random(0)) == (
        (),
        (0,),
        (0, 1),
        (0, 1, 2),
        (0, 1, 2, 3),
    )
    assert draw_watts_strogatz(3, 5, 0.5, random.Random(0)) == ((), (0,), (0, 1))


def test_probabilities_0_and_1_leave_no_choice():
    assert draw_watts_strogatz(5, 2, 0, random.Random(0)) == ((), (0,), (1,), (2,), (0, 3))
    assert draw_erdos_renyi(4, 1, random.Random(0)) == ((), (0,), (0, 1), (0, 1, 2))
    assert draw_erdos_renyi(1, 0, random.Random(0)) == ((),)


def test_global_random_state_neither_decides_nor_changes():
    random.seed(1)
    first = draw_watts_strogatz(9, 4, 0.7, random.Random(3))
    state = random.getstate()
    random.seed(2)
    assert draw_watts_strogatz(9, 4, 0.7, random.Random(3)) == first
    assert random.Random(1).getstate() == state


@pytest.mark.parametrize(
    ("nodes", "k", "p", "message"),
    [
        (2, 2, 0.5, "at least 3 nodes, got 2"),
        (5, 1, 0.5, "K must be at least 2 .*, got 1"),
        (5, 2, -0.1, r"from 0 to 1, got -0\.1"),
        (5, 2, 1.01, r"from 0 to 1, got 1\.01"),
        (5, 2, float("nan"), "from 0 to 1, got nan"),
    ],
)
def test_a_watts_strogatz_value_out_of_range_is_named(nodes, k, p, message):
    with pytest.raises(UserError, match=message):
        draw_watts_strogatz(nodes, k, p, random.Random(0))


@pytest.mark.parametrize(
    ("nodes", "p", "message"),
    [
        (0, 0.5, "at least 1 node, got 0"),
        (3, -1, "from 0 to 1, got -1"),
        (3, 2, "from 0 to 1, got 2"),
        (3, 0, "P must be above 0 for a connected graph of 3 nodes, got 0"),
    ],
)
def test_an_erdos_renyi_value_out_of_range_is_named(nodes, p, message):
    with pytest.raises(UserError, match=message):
        draw_erdos_renyi(nodes, p, random.Random(0))


def test_a_hopeless_probability_ends_in_an_error(monkeypatch):
    monkeypatch.setattr(wiring, "MAX_DRAWS", 100)
    with pytest.raises(UserError, match="among 100 draws: raise P or lower the nodes"):
        draw_erdos_renyi(10, 1e-6, random.Random(0))
