"""Stages: sizes known from the paper and its code, and the same walk in exact fractions."""

import random
from collections import Counter
from fractions import Fraction

import pytest

from nago.generators.stages import assign_stages
from nago.records import UserError


def sizes(stages):
    counts = Counter(stages)
    return "".join(str(counts[stage]) for stage in range(max(counts) + 1))


RELEASED = {3: "111", 4: "211", 5: "221", 6: "222", 7: "322", 8: "332", 9: "333", 10: "433"}


@pytest.mark.parametrize(("nodes", "expected"), RELEASED.items())
@pytest.mark.parametrize("ratios", [(1, 1, 1), (1 / 3, 1 / 3, 1 / 3), (0.1, 0.1, 0.1), (7, 7, 7)])
def test_equal_shares_give_the_sizes_of_the_released_code(nodes, expected, ratios):
    assert sizes(assign_stages(nodes, ratios)) == expected


def test_three_nodes_are_in_three_stages():
    assert assign_stages(3, (1, 1, 1)) == (0, 1, 2)


@pytest.mark.parametrize("ratios", [(0.2, 0.2, 0.6), (1, 1, 3)])
def test_unequal_shares_give_the_sizes_of_the_paper(ratios):
    assert assign_stages(20, ratios) == (0,) * 4 + (1,) * 4 + (2,) * 12


def walk_exactly(nodes, ratios):
    """Whole ratios: a node moves on once its place reaches the share of the stages so far."""
    bounds = [Fraction(sum(ratios[: s + 1]), sum(ratios)) * nodes for s in range(len(ratios) - 1)]
    stages, stage = [], 0
    for place in range(nodes):
        if stage < len(bounds) and place >= bounds[stage]:
            stage += 1  # by one at most
        stages.append(stage)
    return tuple(stages)


@pytest.mark.parametrize("seed", range(300))
def test_stages_are_those_of_the_walk_in_exact_fractions(seed):
    rng = random.Random(seed)
    nodes, ratios = rng.randint(3, 20), [rng.randint(1, 9) for _ in range(rng.randint(1, 4))]
    expected = walk_exactly(nodes, ratios)
    unit = rng.choice([1, 0.1, 1 / 3])  # shares need not add up to anything
    given = [ratio * unit for ratio in ratios]
    empty = sorted(set(range(len(ratios))) - set(expected))
    if empty:
        with pytest.raises(UserError) as error:
            assign_stages(nodes, given)
        message = str(error.value)
        assert f"stage {', '.join(str(s + 1) for s in empty)} of {len(ratios)} empty" in message
        assert str(given) in message
    else:
        stages = assign_stages(nodes, given)
        assert stages == expected
        steps = [after - before for before, after in zip((0, *stages), stages, strict=False)]
        assert set(steps) <= {0, 1}
        assert stages[0] == 0


def test_a_stage_without_nodes_is_named():
    with pytest.raises(UserError, match=r"\[8, 1, 1\] leave stage 2, 3 of 3 empty at 3 top"):
        assign_stages(3, (8, 1, 1))
    with pytest.raises(UserError, match="stage 2, 3 of 3 empty at 1 top"):
        assign_stages(1, (1, 1, 1))


@pytest.mark.parametrize("ratios", [(), (1, 0, 1), (1, -1, 1), (float("nan"), 1, 1)])
def test_ratios_that_are_no_shares_are_refused(ratios):
    with pytest.raises(UserError, match="must all be above 0, got"):
        assign_stages(6, ratios)


@pytest.mark.parametrize("seed", range(200))
def test_filling_gives_every_stage_a_node_and_changes_nothing_where_all_have_one(seed):
    rng = random.Random(seed)
    nodes, ratios = rng.randint(3, 10), [rng.uniform(0.1, 1) for _ in range(3)]
    filled = assign_stages(nodes, ratios, fill=True)
    assert set(filled) == {0, 1, 2}
    assert list(filled) == sorted(filled)
    walked = walk(nodes, ratios)
    moved = [place for place in range(nodes) if walked[place] != filled[place]]
    # None if all have one, else the last nodes only.
    assert set(moved) <= (set() if set(walked) == {0, 1, 2} else {nodes - 2, nodes - 1})


def walk(nodes, ratios):
    """The stages as the walk gives them, empty ones and all."""
    bounds = [sum(ratios[: stage + 1]) / sum(ratios) * nodes for stage in (0, 1)]
    stages = [0]
    for place in range(1, nodes):
        stage = stages[-1]
        stages.append(stage + (stage < 2 and place >= bounds[stage] - 1e-9))
    return stages


def test_of_ratios_drawn_from_their_ranges_a_fifth_leaves_a_stage_empty():
    rng, empty, few = random.Random(0), 0, 0
    for _ in range(20_000):
        nodes, ratios = rng.randint(3, 10), [rng.uniform(0.1, 1) for _ in range(3)]
        lacks = set(walk(nodes, ratios)) != {0, 1, 2}
        empty += lacks
        few += lacks and nodes == 3
    assert empty / 20_000 == pytest.approx(0.2, abs=0.02)
    assert few / 2_500 == pytest.approx(2 / 3, abs=0.05)
