"""Searches in which trainings fail don't go back there more often than chance would."""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "docs" / "benchmarks"))

import failures as bench

from nago.search import judge

REGIONS = ("out_of_memory", "diverged", "timed_out")


def add_up(contestant, seeds):
    """Return what searches did about each way to fail, of all seeds together."""
    found = [bench.run(contestant, seed) for seed in seeds]
    return {
        way: {
            name: sum(getattr(one[way], name) for one in found) for name in bench.Found.__slots__
        }
        for way in bench.WAYS
    }


@pytest.fixture(scope="module")
def mobo():
    return add_up("mobo, gp", range(2))


def check(found):
    assert sum(found[way]["failed"] for way in REGIONS) > 10
    for way in REGIONS:
        assert found[way]["nearest"] < found[way]["chance_nearest"], way
    again, chance = (
        sum(found[way][name] for way in REGIONS) for name in ("again", "chance_again")
    )
    assert again < 0.6 * chance


def test_mobo_keeps_away_from_where_trainings_failed(mobo):
    check(mobo)
    # Single failures are doubtful as far as they are the nearest trial.
    assert mobo["single"]["failed"] > 3
    assert mobo["single"]["nearest"] == 0


def test_without_the_probability_of_feasibility_mobo_goes_back_there(mobo, monkeypatch):
    monkeypatch.setattr(judge, "rate_feasibility", lambda features, *_: np.ones(len(features)))
    blind = add_up("mobo, gp", range(2))
    again, chance = (
        sum(blind[way][name] for way in REGIONS) for name in ("again", "chance_again")
    )
    assert again > chance
    assert again > 3 * sum(mobo[way]["again"] for way in REGIONS)


@pytest.mark.parametrize("contestant", ["mobohb, density", "bohb, failures at all budgets"])
def test_densities_keep_away_from_where_trainings_failed(contestant):
    check(add_up(contestant, range(3)))


def test_the_page_has_the_table_of_what_was_measured():
    measured = bench.describe(bench.summarise(pd.read_csv(bench.TABLE)))
    assert measured in bench.TABLE.with_suffix(".md").read_text()


def test_what_is_near_and_what_chance_would_be_by_hand():
    """On a line of three trials at 0, 0.4 and 1; the middle one failed."""
    seen, failed = np.array([[0.0], [0.4], [1.0]]), np.array([False, True, False])
    places = np.array([[0.1], [0.21], [0.3], [0.5], [0.69], [0.71]])
    assert bench.count_near(places, seen, failed) == (4, 2)
    line = np.linspace(0, 1, 1001)[:, None]
    nearest, within = bench.count_near(line, seen, failed)
    assert nearest / 1001 == pytest.approx(0.5, abs=0.003)
    assert within / 1001 == pytest.approx(2 * bench.RADIUS, abs=0.003)
