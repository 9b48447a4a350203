"""The front, its growth and the finalists, against counting by hand and brute force."""

import itertools

import numpy as np
import pandas as pd
import pytest

from nago.records import UserError
from nago.report.figures.search_front import draw_front, draw_hypervolume
from nago.search.front import (
    choose_finalists,
    complete_reference,
    find_front,
    trace_hypervolume,
)

OBJECTIVES = ("validation_error", "sample_memory_bytes")
NAN = float("nan")


def make_table(*rows):
    """Rows are (bracket, slot, budget, epochs, validation error, memory)."""
    names = ["bracket", "slot", "budget", "epochs", *OBJECTIVES]
    table = pd.DataFrame(rows, columns=names).astype({"sample_memory_bytes": "Int64"})
    table.insert(1, "rung", 0)
    places = zip(table["bracket"], table["slot"], strict=True)
    table.insert(0, "trial", [f"b{b}-r0-s{s}" for b, s in places])
    return table


TABLE = make_table(
    (-1, 0, 4, 4, 0.9, 100),
    (-1, 1, 4, 4, NAN, None),
    (0, 0, 4, 4, 0.5, 80),
    (0, 1, 4, 4, 0.6, 90),
    (1, 0, 4, 4, 0.2, 90),
    (1, 1, 4, 4, 0.8, 40),
    (1, 2, 2, 2, 0.01, 1),
)


def random_table(seed, size=40):
    rng = np.random.default_rng(seed)
    return make_table(
        *[
            (n // 8, n % 8, 4, 4, round(rng.random(), 2), int(rng.integers(1, 30)))
            for n in range(size)
        ]
    )


def test_the_front_has_no_failed_dominated_or_cheaper_trial():
    front = find_front(TABLE, OBJECTIVES)
    assert list(front["trial"]) == ["b1-r0-s0", "b0-r0-s0", "b1-r0-s1"]


@pytest.mark.parametrize("seed", range(8))
def test_the_front_is_what_comparing_all_pairs_leaves(seed):
    table = random_table(seed)
    points = table[list(OBJECTIVES)].to_numpy(dtype=float)
    left = {
        name
        for name, point in zip(table["trial"], points, strict=True)
        if not any((other <= point).all() and (other < point).any() for other in points)
    }
    assert set(find_front(table, OBJECTIVES)["trial"]) == left


def test_the_hypervolume_of_each_round_is_a_sum_of_rectangles():
    growth = trace_hypervolume(TABLE, OBJECTIVES, [1.0, 100.0])
    assert list(growth["bracket"]) == [-1, 0, 1]
    assert list(growth["trials"]) == [2, 4, 7]
    assert list(growth["epochs"]) == [8, 16, 26]
    # The first lies on the border; then .5 x .2; then .8 x .1, .5 x .1 and .2 x .4 below another.
    assert growth["hypervolume"].tolist() == pytest.approx(
        [0, 0.10, 0.8 * 0.1 + 0.5 * 0.1 + 0.2 * 0.4]
    )
    assert set(growth["reference_validation_error"]) == {1.0}
    assert set(growth["reference_sample_memory_bytes"]) == {100.0}


def test_the_reference_is_the_largest_that_counts_where_none_is_given():
    assert complete_reference(TABLE, OBJECTIVES, [1.0, None]) == [1.0, 100.0]
    assert complete_reference(TABLE, OBJECTIVES, [0.5, 7.0]) == [0.5, 7.0]
    assert complete_reference(TABLE[:0], OBJECTIVES, [1.0, None]) == [1.0, 1.0]


def test_finalists_begin_with_the_lowest_error_and_cover_the_front():
    names = list(choose_finalists(TABLE, OBJECTIVES, [1.0, 100.0], 3)["trial"])
    # .8 x .1 first; with it .2 x .5 more is the most.
    assert names == ["b1-r0-s0", "b1-r0-s1", "b0-r0-s0"]


def test_beyond_the_front_the_next_one_follows():
    names = list(choose_finalists(TABLE, OBJECTIVES, [1.0, 100.0], 5)["trial"])
    assert names[3:] == ["b0-r0-s1", "b-1-r0-s0"]


@pytest.mark.parametrize("seed", range(4))
def test_two_finalists_are_the_best_pair_that_has_the_lowest_error(seed):
    table = random_table(seed)
    front = find_front(table, OBJECTIVES)
    chosen = choose_finalists(table, OBJECTIVES, [1.0, 30.0], 2)
    if len(front) < 2:
        pytest.fail("the draw has no front")

    def area(pair):
        (e1, m1), (e2, m2) = sorted((r.validation_error, r.sample_memory_bytes) for r in pair)
        return (1 - e1) * (30 - m1) + (1 - e2) * (m1 - m2)

    rows = list(front.itertuples())
    best = max(area(pair) for pair in itertools.product(rows[:1], rows[1:]))
    assert area(list(chosen.itertuples())) == pytest.approx(best)


def test_more_finalists_than_results_are_refused_in_words():
    with pytest.raises(UserError, match=r"there are 5 trials .* fewer than the 6 finalists"):
        choose_finalists(TABLE, OBJECTIVES, [1.0, 100.0], 6)


@pytest.mark.parametrize("table", [TABLE, TABLE[1:2], TABLE[:0]], ids=["some", "failed", "none"])
def test_both_figures_are_drawn_and_repeat_to_the_byte(table, tmp_path):
    growth = trace_hypervolume(table, OBJECTIVES, [1.0, 100.0])
    pictures = []
    for turn in "ab":
        paths = tmp_path / f"front{turn}.svg", tmp_path / f"growth{turn}.svg"
        front = find_front(table, OBJECTIVES)
        draw_front(table, front, paths[0], objectives=OBJECTIVES, name="digits hnag-mobo")
        draw_hypervolume(growth, paths[1], name="digits hnag-mobo")
        pictures.append([path.read_bytes() for path in paths])
    assert pictures[0] == pictures[1]
    text = pictures[0][0].decode()
    assert "sample memory (MB)" in text
    assert f"front ({len(find_front(table, OBJECTIVES))} trial" in text
