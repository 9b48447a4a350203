"""HNAG: its eight hyperparameters are what the draws show, and one seed decides each draw."""

import random
from collections import Counter

import networkx as nx
import numpy as np
import pytest
from draws import EVERYTHING, PAPER, SMALL, draw_configuration
from scipy.stats import chisquare

from nago.generators.hnag import draw_cells
from nago.records import UserError

THETA = {
    "merges": {"sum": 0.5, "attention": 0.2, "concat": 0.3},
    "operations": {"conv3x3": 4, "conv1x1": 1, "conv3x1": 2, "avgpool5x5": 1},
}


def with_weights(merges, operations):
    return type(PAPER)(
        stage_ratios=(1, 1, 1), channel_ratios=(1, 2, 4), merges=merges, operations=operations
    )


def all_nodes(cells):
    """Every node of every level."""
    for cell in cells:
        yield cell
        for node in cell.nodes:
            yield node
            yield from node.operations


def wiring(cells):
    return [node.inputs for node in all_nodes(cells)]


def count_edges(nodes):
    return sum(len(node.inputs) for node in nodes)


def is_connected(nodes):
    graph = nx.Graph()
    graph.add_nodes_from(range(len(nodes)))
    graph.add_edges_from((source, place) for place, n in enumerate(nodes) for source in n.inputs)
    return nx.is_connected(graph)


@pytest.mark.parametrize("seed", range(60))
def test_a_draw_has_the_graphs_that_its_configuration_asks_for(seed):
    configuration = draw_configuration(random.Random(seed))
    cells = draw_cells(configuration, PAPER, seed)
    top, bottom = configuration["top_nodes"], configuration["bottom_nodes"]
    assert len(cells) == top
    assert count_edges(cells) == top * (min(configuration["top_k"], top - 1) // 2)
    assert is_connected(cells)
    for cell in cells:
        assert len(cell.nodes) == configuration["middle_nodes"]
        assert is_connected(cell.nodes)
        for node in cell.nodes:
            edges = bottom * (min(configuration["bottom_k"], bottom - 1) // 2)
            assert (len(node.operations), count_edges(node.operations)) == (bottom, edges)
            assert is_connected(node.operations)
    third = len(cells) / 3
    for place, cell in enumerate(cells):
        assert cell.stage == sum(place >= bound - 1e-9 for bound in (third, 2 * third))


def test_the_probabilities_are_those_of_their_levels():
    given = SMALL | {"top_nodes": 8, "middle_nodes": 6, "bottom_nodes": 8}
    given |= {"top_p": 0, "middle_p": 1, "bottom_p": 0}
    cells = draw_cells(given, PAPER, 1)
    ring = [(), (0,), (1,), (2,), (3,), (4,), (5,), (0, 6)]
    assert [cell.inputs for cell in cells] == ring
    for cell in cells:
        assert [node.inputs for node in cell.nodes] == [tuple(range(n)) for n in range(6)]
        for node in cell.nodes:
            assert [operation.inputs for operation in node.operations] == ring
    rewired = draw_cells(given | {"bottom_p": 0.9}, PAPER, 1)
    bottoms = {
        tuple(operation.inputs for operation in node.operations)
        for cell in rewired
        for node in cell.nodes
    }
    assert len(bottoms) > 40  # of 48: each middle node draws its own


def test_every_cell_draws_its_own_middle_graph():
    given = SMALL | {"top_nodes": 10, "middle_nodes": 8, "middle_p": 0.5}
    cells = draw_cells(given, PAPER, 0)
    assert len({tuple(node.inputs for node in cell.nodes) for cell in cells}) == 10


def test_the_seed_alone_decides_a_draw_and_global_state_stays():
    configuration = draw_configuration(random.Random(3))
    first = draw_cells(configuration, EVERYTHING, 5)
    random.seed(11)
    np.random.seed(11)  # noqa: NPY002
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002
    draw_cells(configuration, EVERYTHING, 6)
    assert draw_cells(configuration, EVERYTHING, 5) == first
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002
    assert len({draw_cells(configuration, EVERYTHING, seed) for seed in range(50)}) == 50


@pytest.mark.parametrize("seed", range(20))
def test_the_weights_of_merges_and_operations_leave_the_wiring_as_it_is(seed):
    configuration = draw_configuration(random.Random(seed))
    plain, mixed = (draw_cells(configuration, s, seed) for s in (PAPER, EVERYTHING))
    assert wiring(plain) == wiring(mixed)


@pytest.mark.parametrize("seed", range(20))
def test_a_merge_stands_exactly_where_there_are_several_inputs(seed):
    cells = draw_cells(draw_configuration(random.Random(seed)), EVERYTHING, seed)
    for node in all_nodes(cells):
        assert (node.merge is None) == (len(node.inputs) < 2)


def test_the_papers_default_is_sums_and_3x3_convolutions_only():
    nodes = list(all_nodes(draw_cells(draw_configuration(random.Random(4)), PAPER, 4)))
    assert {node.merge for node in nodes} <= {None, "sum"}
    assert {n.operation for n in nodes if hasattr(n, "operation")} == {"conv3x3"}


def test_merges_and_operations_come_as_often_as_their_weights_say():
    settings, merges, operations = with_weights(**THETA), Counter(), Counter()
    for seed in range(30):
        cells = draw_cells(draw_configuration(random.Random(seed)), settings, seed)
        nodes = list(all_nodes(cells))
        merges.update(node.merge for node in nodes if node.merge)
        operations.update(node.operation for node in nodes if hasattr(node, "operation"))
    for counts, weights in ((merges, THETA["merges"]), (operations, THETA["operations"])):
        assert set(counts) == set(weights)
        total = sum(counts.values()) / sum(weights.values())
        assert total > 100
        observed = [counts[name] for name in weights]
        assert chisquare(observed, [total * w for w in weights.values()]).pvalue > 0.01


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"top_nodes": 2}, "at least 3 nodes, got 2"),
        ({"top_k": 1}, "K must be at least 2 .*, got 1"),
        ({"top_p": 1.5}, r"from 0 to 1, got 1\.5"),
        ({"middle_nodes": 0}, "at least 1 node, got 0"),
        ({"middle_p": 0.0}, r"P must be above 0 .* 2 nodes, got 0"),
        ({"bottom_p": -0.5}, r"from 0 to 1, got -0\.5"),
        ({"bottom_nodes": 3.5}, r"bottom_nodes must be a whole number, got 3\.5"),
        ({"bottom_k": "4"}, "bottom_k must be a whole number, got '4'"),
        ({"bottom_nodes": float("nan")}, "bottom_nodes must be a whole number, got nan"),
        ({"bottom_nodes": float("inf")}, "bottom_nodes must be a whole number, got inf"),
        ({"top_p": "high"}, "top_p must be a number, got 'high'"),
        ({"top_p": float("nan")}, "from 0 to 1, got nan"),
    ],
)
def test_a_hyperparameter_out_of_range_is_named(change, message):
    with pytest.raises(UserError, match=message):
        draw_cells(SMALL | change, PAPER, 0)


def test_a_missing_hyperparameter_is_named():
    given = {name: value for name, value in SMALL.items() if name != "middle_p"}
    with pytest.raises(UserError, match="the configuration has no middle_p"):
        draw_cells(given, PAPER, 0)


def test_whole_numbers_may_come_as_floats():
    floats = SMALL | {"top_nodes": 4.0, "bottom_k": 2.0}
    assert draw_cells(floats, PAPER, 0) == draw_cells(SMALL, PAPER, 0)


@pytest.mark.parametrize(
    ("merges", "operations", "message"),
    [
        ({"sum": 1, "product": 1}, {"conv3x3": 1}, "merges has no 'product'; it has sum, att"),
        ({"sum": 1}, {"conv7x7": 1}, "operations has no 'conv7x7'; it has conv3x3, "),
        ({"sum": 0}, {"conv3x3": 1}, r"at least 0, not all 0, got \{'sum': 0\}"),
        ({"sum": 1}, {"conv3x3": 2, "conv1x1": -1}, "at least 0, not all 0, got .*'conv1x1': -1"),
        ({}, {"conv3x3": 1}, "not all 0"),
        ({"sum": float("nan")}, {"conv3x3": 1}, "not all 0, got .*nan"),
    ],
)
def test_weights_that_are_none_are_named(merges, operations, message):
    with pytest.raises(UserError, match=message):
        draw_cells(SMALL, with_weights(merges, operations), 0)
