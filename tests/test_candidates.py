"""Variations of candidates: what moves, how far, and how often."""

import numpy as np
from ConfigSpace import (
    CategoricalHyperparameter,
    ConfigurationSpace,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)

from nago.search.candidates import vary
from nago.search.encoding import Encoding

COUNT = 6000


def make_varied(spread):
    """Variations of one configuration in the middle of a space."""
    space = ConfigurationSpace()
    space.add(
        UniformIntegerHyperparameter("nodes", 1, 9),
        UniformFloatHyperparameter("p", 0.0, 1.0),
        *(CategoricalHyperparameter(name, list("abcd")) for name in ("one", "two", "three")),
    )
    encoding = Encoding(space)
    start = {"nodes": 5, "p": 0.5, "one": "b", "two": "b", "three": "b"}
    varied = vary(encoding, encoding.encode([start]), COUNT, spread, np.random.default_rng(1))
    assert np.array_equal(varied, encoding.snap(varied))
    return encoding.decode(varied)


def test_any_category_is_reached_from_any_other_by_one_in_three_genes():
    varied = make_varied(0.001)
    for name in ("one", "two", "three"):
        found = [item[name] for item in varied]
        for value in "acd":
            # Drawn anew in a third of the cases, to each of four values alike.
            assert abs(found.count(value) / COUNT - 1 / 12) < 0.015


def test_a_whole_number_can_change_however_small_the_steps():
    found = np.array([item["nodes"] for item in make_varied(0.001)])
    # Half of them move, by a normal step whose deviation is one number: it leaves the middle
    # half a number wide on either side with a probability of 0.617.
    assert abs((found != 5).mean() - 0.5 * 0.617) < 0.02
    assert abs((found > 5).mean() - (found < 5).mean()) < 0.02


def test_a_float_moves_by_the_spread():
    moves = np.array([item["p"] - 0.5 for item in make_varied(0.02)])
    moved = moves[moves != 0]
    assert abs(len(moved) / COUNT - 0.5) < 0.02
    assert abs(moved.std() - 0.02) < 0.001
