"""Search spaces: the paper's ranges, and what K means there."""

import networkx as nx
import numpy as np
import pytest
from scipy.stats import chisquare, kstest

from nago.generators.hnag import draw_cells
from nago.generators.spaces import HNAG_RANGES, effective_k, make_space, smallest_cells
from nago.records import GeneratorSettings

PAPER_RANGES = {
    "top_nodes": (3, 10),
    "top_k": (2, 5),
    "top_p": (0.1, 0.9),
    "middle_nodes": (1, 10),
    "middle_p": (0.1, 0.9),
    "bottom_nodes": (3, 10),
    "bottom_k": (2, 5),
    "bottom_p": (0.1, 0.9),
}


def test_the_space_of_hnag_has_the_papers_ranges():
    space = make_space("hnag")
    assert {name: (space[name].lower, space[name].upper) for name in space} == PAPER_RANGES
    assert HNAG_RANGES == PAPER_RANGES
    assert len(space) == 8
    assert not space.conditional_hyperparameters
    assert not space.forbidden_clauses


def test_samples_are_uniform_over_the_ranges():
    space = make_space("hnag")
    space.seed(3)
    samples = [dict(sample) for sample in space.sample_configuration(4000)]
    for name, (low, high) in PAPER_RANGES.items():
        values = np.array([sample[name] for sample in samples])
        if isinstance(low, int):
            counts = [(values == whole).sum() for whole in range(low, high + 1)]
            assert sum(counts) == 4000
            assert chisquare(counts).pvalue > 1e-3
        else:
            assert kstest(values, "uniform", (low, high - low)).pvalue > 1e-3


@pytest.mark.parametrize("nodes", range(3, 11))
@pytest.mark.parametrize("k", range(2, 6))
def test_the_effective_k_is_the_degree_of_networkxs_ring(nodes, k):
    ring = nx.watts_strogatz_graph(nodes, min(k, nodes - 1), 0)
    assert {degree for _, degree in ring.degree} == {effective_k(nodes, k)}


@pytest.mark.parametrize(
    ("merges", "operations", "merge", "operation"),
    [
        ({"sum": 1}, {"conv3x3": 1}, "sum", "conv3x3"),
        ({"sum": 0, "attention": 2}, {"conv3x3": 1, "conv5x5": 1}, "attention", "conv3x3"),
        ({"concat": 1}, {"conv3x1": 0.1, "conv1x1": 1, "conv5x5": 2}, "concat", "conv1x1"),
        ({"concat": 1, "sum": 1}, {"conv1x1": 1, "avgpool5x5": 1}, "sum", "avgpool5x5"),
        ({"sum": 1}, {"conv1x1": 0, "conv5x5": 1}, "sum", "conv5x5"),
    ],
)
def test_the_smallest_cells_are_the_draw_of_the_lowest_numbers_of_nodes(
    merges, operations, merge, operation
):
    lowest = {name: low for name, (low, _) in PAPER_RANGES.items()}
    settings = GeneratorSettings((1, 1, 1), (1, 2, 4), {merge: 1}, {operation: 1})
    smallest = smallest_cells(merges, operations)
    for seed in range(5):
        assert draw_cells(lowest, settings, seed) == smallest
