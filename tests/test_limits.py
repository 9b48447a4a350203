"""Limits on what is known before training, on networks whose costs a table gives."""

import pytest

from nago.records import UserError
from nago.search.limits import (
    DRAWS,
    TRIES,
    fill_slots,
    keeps,
    make_check,
    read_limits,
    refuse_unmet,
)
from nago.search.methods import Suggestion

LIMITS = {"parameters": 10.0}


def suggest(*values):
    return [Suggestion({"x": value}, "model") for value in values]


def costs(configuration, seed):
    """What a configuration costs depends on the trial: its value and the seed together."""
    return {"parameters": float(configuration["x"] + seed), "multiply_adds": 1.0}


FITS = make_check(costs, LIMITS)


def nothing(count, seed):
    raise AssertionError("no random draw was needed")


def test_settings_become_limits_in_the_measures_own_units():
    values = {"max_sample_memory_mb": 1.5, "max_parameters": None, "max_multiply_adds": 7}
    assert read_limits(values) == {"sample_memory_bytes": 1.5 * 2**20, "multiply_adds": 7}


def test_a_limit_may_be_reached_and_not_exceeded():
    assert keeps({"parameters": 10.0}, LIMITS)
    assert not keeps({"parameters": 10.5}, LIMITS)
    assert not keeps({"parameters": float("inf")}, LIMITS)


def test_what_fits_is_left_as_the_method_proposed_it():
    found = fill_slots(lambda count, seed: suggest(1, 2, 3)[:count], nothing, FITS, [0, 0, 0], 5)
    assert found == suggest(1, 2, 3)


def test_a_suggestion_goes_to_the_first_free_trial_that_it_fits():
    # 9 fits the seed 1 only, 3 fits both; 9 comes first.
    found = fill_slots(lambda count, seed: suggest(9, 3), nothing, FITS, [5, 1], 0)
    assert found == suggest(3, 9)


def test_the_method_is_asked_again_for_what_is_above_with_other_seeds_and_no_repetitions():
    asked = []

    def propose(count, seed):
        asked.append((count, seed))
        return suggest(*([1, 99] if len(asked) == 1 else [1, 2]))[:2]

    assert fill_slots(propose, nothing, FITS, [0, 0], 5) == suggest(1, 2)
    assert [count for count, _ in asked] == [2, 1]
    assert len({seed for _, seed in asked}) == 2


def test_when_the_method_finds_nothing_a_random_draw_does():
    seen = []

    def draw(count, seed):
        seen.append(seed)
        return suggest(99 if len(seen) < 4 else 7)

    asked = []

    def propose(count, seed):
        asked.append(seed)
        return suggest(99)

    assert fill_slots(propose, draw, FITS, [0], 5) == suggest(7)
    assert len(asked) == len(set(asked)) == TRIES
    assert len(seen) == len(set(seen)) == 4
    first = seen.copy()
    seen.clear()
    fill_slots(propose, draw, FITS, [0], 5)
    assert seen == first


def test_a_search_that_finds_nothing_within_the_limits_says_so():
    with pytest.raises(UserError, match=f"none of {DRAWS} random configurations"):
        fill_slots(lambda c, s: suggest(99), lambda c, s: suggest(99), FITS, [0], 0)


def test_limits_that_nothing_keeps_are_told_with_the_least_that_there_is():
    def heavy(configuration, seed):
        return {"sample_memory_bytes": 2**20 * configuration["x"], "parameters": 1}

    def draw(count, seed):
        return suggest(*range(3, count + 3))

    refuse_unmet(draw, heavy, {"sample_memory_bytes": 2**20 * 200.0}, 0)
    with pytest.raises(UserError, match=r"max_sample_memory_mb is 2.5, the least found 3;"):
        refuse_unmet(draw, heavy, {"sample_memory_bytes": 2**20 * 2.5}, 0)
