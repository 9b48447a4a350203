"""Search spaces: the paper's ranges, and what K means there."""

import networkx as nx
import numpy as np
import pytest
from draws import PAPER
from scipy.stats import chisquare, kstest

from nago.generators.draw import GENERATORS
from nago.generators.spaces import (
    apply_configuration,
    choose_ranges,
    effective_k,
    effective_neighbours,
    make_space,
)
from nago.records import UserError

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


RNAG_RANGES = {
    f"stage{stage}_{name}": limits
    for stage in (1, 2, 3)
    for name, limits in (("nodes", (10, 40)), ("k", (2, 9)), ("p", (0.1, 0.9)))
}
WEIGHTS = ("merge_sum", "merge_concat", *(f"operation_conv{side}x{side}" for side in (3, 5, 1)))
WEIGHTS += ("operation_avgpool3x3", "operation_avgpool5x5")
RATIOS = {f"stage_ratio_{stage}": (0.1, 1.0) for stage in (1, 2, 3)} | {
    f"channel_ratio_{stage}": (1.0, 8.0) for stage in (1, 2, 3)
}


@pytest.mark.parametrize(
    ("generator", "name", "ranges"),
    [
        ("hnag", "base", PAPER_RANGES),
        ("hnag", "aug_v1", PAPER_RANGES | dict.fromkeys(WEIGHTS, (0.0, 1.0))),
        ("hnag", "aug_v2", PAPER_RANGES | RATIOS),
        ("rnag", "base", RNAG_RANGES),
        ("rnag", "er", {name: at for name, at in RNAG_RANGES.items() if name[-1] != "k"}),
    ],
)
def test_the_spaces_have_the_papers_ranges(generator, name, ranges):
    space = make_space(GENERATORS[generator].spaces[name])
    assert {name: (space[name].lower, space[name].upper) for name in space} == ranges
    assert dict(GENERATORS[generator].spaces[name]) == ranges
    assert not space.conditional_hyperparameters
    assert not space.forbidden_clauses


def test_the_spaces_have_the_papers_numbers_of_dimensions():
    sizes = {(g, s): len(r) for g in GENERATORS for s, r in GENERATORS[g].spaces.items()}
    assert sizes == {
        ("hnag", "base"): 8,
        ("hnag", "aug_v1"): 15,
        ("hnag", "aug_v2"): 14,
        ("rnag", "base"): 9,
        ("rnag", "er"): 6,
        ("rnag", "ba"): 6,
        ("darts", "base"): 7,
    }


def test_samples_are_uniform_over_the_ranges():
    space = make_space(GENERATORS["hnag"].spaces["base"])
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


def test_effective_neighbours_are_those_of_each_graph_with_a_k():
    given = {"top_nodes": 4, "top_k": 5, "middle_nodes": 3, "bottom_nodes": 9, "bottom_k": 5}
    assert effective_neighbours(given) == {"top_k": 2, "bottom_k": 4}
    assert effective_neighbours({"stage2_nodes": 40, "stage2_k": 9}) == {"stage2_k": 8}


def test_a_configuration_without_weights_and_ratios_changes_no_setting():
    assert apply_configuration(PAPER, {"top_nodes": 3, "stage1_k": 4}) == PAPER


def test_weights_and_ratios_of_a_configuration_replace_those_of_the_settings():
    given = {"merge_sum": 0.25, "merge_concat": 0.5, "operation_conv1x1": 1, "top_nodes": 3}
    settings = apply_configuration(PAPER, given)
    assert settings.merges == {"sum": 0.25, "concat": 0.5}
    assert settings.operations == {"conv1x1": 1}
    assert settings.stage_ratios == PAPER.stage_ratios
    ratios = {"stage_ratio_1": 0.2, "stage_ratio_3": 0.9, "stage_ratio_2": 0.4}
    ratios |= {"channel_ratio_1": 4.0, "channel_ratio_2": 2.0, "channel_ratio_3": 7.0}
    settings = apply_configuration(PAPER, ratios)
    assert settings.stage_ratios == (0.2, 0.4, 0.9)
    assert settings.channel_ratios == (2.0, 1.0, 3.5)  # of the narrowest
    assert settings.operations == PAPER.operations


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"merge_sum": 0, "merge_concat": 0.0}, "one at least of merge_sum, merge_concat must be"),
        ({"operation_skip": 0.0}, "one at least of operation_skip must be above 0"),
        ({"stage_ratio_1": 1}, "has stage_ratio_1 to stage_ratio_3, got 1"),
        ({f"channel_ratio_{s}": 0 for s in (1, 2, 3)}, "all channel_ratio_s must be above 0"),
    ],
)
def test_weights_and_ratios_that_mean_nothing_are_an_error(given, said):
    with pytest.raises(UserError, match=said):
        apply_configuration(PAPER, given)


def test_ranges_are_changed_by_name_and_the_others_stay():
    spaces = GENERATORS["hnag"].spaces
    changed = choose_ranges("hnag", spaces, "base", {"top_nodes": [3, 6.0], "top_p": [0, 1]})
    assert changed == PAPER_RANGES | {"top_nodes": (3, 6), "top_p": (0.0, 1.0)}
    assert [type(limit) for limit in (*changed["top_nodes"], *changed["top_p"])] == [
        *(int, int, float, float)
    ]
    assert spaces["base"] == PAPER_RANGES


@pytest.mark.parametrize(
    ("generator", "space", "changes", "said"),
    [
        ("rnag", "aug_v1", {}, "rnag has no space 'aug_v1'; it has base, er, ba"),
        ("hnag", "base", {"top_n": [3, 4]}, "hnag has no 'top_n'; it has top_nodes, "),
        ("hnag", "base", {"top_nodes": [2, 4]}, "whole numbers in rising order from 3 up, got"),
        ("hnag", "base", {"middle_nodes": [1, 4.5]}, r"from 1 up, got \[1, 4.5\]"),
        ("hnag", "base", {"top_p": [0.5, 0.5]}, "numbers in rising order from 0 to 1"),
        ("hnag", "base", {"middle_p": [0.01, 0.5]}, "rising order from 0.05 to 1"),
        ("rnag", "er", {"stage1_p": [0, 0.5]}, "rising order from 0.05 to 1"),
        ("hnag", "base", {"top_k": [1, 4]}, "from 2 up"),
        ("hnag", "aug_v1", {"merge_sum": [0, 2]}, "from 0 to 1"),
        ("hnag", "aug_v2", {"stage_ratio_1": [0, 1]}, "from 0.01 to 100"),
        ("rnag", "ba", {"stage2_nodes": [5, 9]}, "stage2_m must stay below stage2_nodes"),
    ],
)
def test_ranges_that_make_no_sense_are_one_line(generator, space, changes, said):
    with pytest.raises(UserError, match=said) as caught:
        choose_ranges(generator, GENERATORS[generator].spaces, space, changes)
    assert "\n" not in str(caught.value)
