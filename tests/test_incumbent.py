import math

import pandas as pd
import pytest

from nago.search.incumbent import select_incumbent

NAN = float("nan")


def make_table(*rows):
    """Rows are (bracket, rung, slot, budget, validation error, status)."""
    names = ["bracket", "rung", "slot", "budget", "validation_error", "status"]
    table = pd.DataFrame(rows, columns=names)
    places = zip(table["bracket"], table["rung"], table["slot"], strict=True)
    table.insert(0, "trial", [f"b{b}-r{r}-s{s}" for b, r, s in places])
    return table


def test_a_lower_error_at_a_lower_budget_does_not_win():
    table = make_table(
        (0, 0, 0, 3, 0.01, "ok"),
        (0, 1, 0, 6, 0.30, "ok"),
        (0, 1, 1, 6, 0.20, "ok"),
    )
    assert select_incumbent(table)["trial"] == "b0-r1-s1"


def test_a_budget_at_which_every_trial_failed_does_not_count():
    table = make_table(
        (0, 0, 0, 3, 0.4, "ok"),
        (0, 0, 1, 3, 0.3, "ok"),
        (0, 1, 0, 6, NAN, "diverged"),
        (0, 2, 0, 12, math.inf, "diverged"),
    )
    assert select_incumbent(table)["trial"] == "b0-r0-s1"


def test_of_equal_errors_the_earliest_in_plan_order_wins_in_any_order_of_the_rows():
    # Slot 10 comes after slot 9 as a number, before it as text.
    rows = [(b, r, s, 6, 0.25, "ok") for b, r, s in [(2, 0, 0), (1, 1, 0), (1, 0, 10), (1, 0, 9)]]
    assert select_incumbent(make_table(*rows))["trial"] == "b1-r0-s9"
    assert select_incumbent(make_table(*rows[::-1]))["trial"] == "b1-r0-s9"


def test_an_error_of_zero_is_a_result():
    table = make_table((0, 0, 0, 3, 0.0, "ok"), (0, 0, 1, 3, 0.1, "ok"))
    assert select_incumbent(table)["trial"] == "b0-r0-s0"


def test_the_row_comes_whole_and_the_table_stays_as_it_was():
    table = make_table((1, 0, 0, 6, 0.2, "ok"), (0, 0, 0, 6, 0.1, "ok"))
    before = table.copy()
    assert select_incumbent(table).to_dict() == table.iloc[1].to_dict()
    pd.testing.assert_frame_equal(table, before)


def test_all_failed_says_how_many_with_which_status():
    table = make_table(
        (0, 0, 0, 3, NAN, "out_of_memory"),
        (0, 0, 1, 3, NAN, "diverged"),
        (0, 0, 2, 3, NAN, "diverged"),
    )
    with pytest.raises(ValueError, match=r"all 3 trials failed \(2 diverged, 1 out_of_memory\)"):
        select_incumbent(table)


def test_an_empty_table_is_named_as_such():
    with pytest.raises(ValueError, match="the table has no trials"):
        select_incumbent(make_table())
