"""Configurations as genes and features, and back."""

import itertools
import math

import numpy as np
import pytest
from ConfigSpace import (
    CategoricalHyperparameter,
    ConfigurationSpace,
    Constant,
    EqualsCondition,
    ForbiddenEqualsClause,
    NormalFloatHyperparameter,
    OrdinalHyperparameter,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)

from nago.records import UserError
from nago.search.encoding import Encoding, find_keys
from nago.search.random_search import plain_values


def mixed_space():
    space = ConfigurationSpace(seed=3)
    space.add(
        UniformIntegerHyperparameter("nodes", 3, 10),
        UniformIntegerHyperparameter("width", 1, 64, log=True),
        UniformFloatHyperparameter("p", 0.1, 0.9),
        UniformFloatHyperparameter("rate", 1e-4, 1e-1, log=True),
        CategoricalHyperparameter("merge", ["sum", "attention", "concat"]),
        CategoricalHyperparameter("levels", [1, 2]),
        OrdinalHyperparameter("size", [8, 16, 64]),
        Constant("stages", 3),
    )
    return space


def whole_space():
    return ConfigurationSpace({"nodes": (3, 6), "k": (2, 3), "merge": ["sum", "mean"]})


def test_a_configuration_comes_back_from_its_genes():
    space = mixed_space()
    encoding = Encoding(space)
    configurations = [plain_values(sample) for sample in space.sample_configuration(200)]
    for before, after in zip(
        configurations, encoding.decode(encoding.encode(configurations)), strict=True
    ):
        assert list(after) == list(space)
        for name, value in before.items():
            assert type(after[name]) is type(value)
            assert after[name] == pytest.approx(value, rel=2e-5) if name == "rate" else True
            assert after[name] == pytest.approx(value, abs=1e-6) if name == "p" else True
            assert after[name] == value or name in ("p", "rate")


def test_any_genes_give_legal_configurations():
    space = mixed_space()
    encoding = Encoding(space)
    genes = np.random.default_rng(0).random((300, encoding.genes))
    genes[0], genes[1] = 0, 1
    for values in encoding.decode(genes):
        for name, value in values.items():
            assert space[name].legal_value(value), (name, value)


def test_the_ends_of_the_genes_are_the_ends_of_the_ranges():
    encoding = Encoding(mixed_space())
    lowest, highest = encoding.decode(np.array([[0.0], [1.0]]) * np.ones(encoding.genes))
    assert [lowest[name] for name in ("nodes", "width", "p", "rate")] == [3, 1, 0.1, 1e-4]
    ends = [highest[name] for name in ("nodes", "width", "p", "rate")]
    assert ends == [10, 64, 0.9, pytest.approx(0.1)]


def test_snapping_twice_is_snapping_once_and_keeps_the_configuration():
    encoding = Encoding(mixed_space())
    genes = np.random.default_rng(1).random((200, encoding.genes))
    once = encoding.snap(genes)
    assert find_keys(encoding.snap(once)) == find_keys(once)
    discrete = ("nodes", "width", "merge", "levels", "size")
    for before, after in zip(encoding.decode(genes), encoding.decode(once), strict=True):
        assert [before[name] for name in discrete] == [after[name] for name in discrete]


def test_whole_numbers_and_categories_own_equal_shares_of_a_gene():
    encoding = Encoding(whole_space())
    line = (np.arange(1200) + 0.5) / 1200
    decoded = encoding.decode(np.stack([line, line, line], axis=1))
    for name, count in {"nodes": 4, "k": 2, "merge": 2}.items():
        values = [values[name] for values in decoded]
        assert {values.count(value) for value in set(values)} == {1200 // count}


def test_features_are_places_on_the_scales_and_a_column_for_each_category():
    space = ConfigurationSpace()
    space.add(
        UniformIntegerHyperparameter("nodes", 3, 7),
        UniformIntegerHyperparameter("width", 1, 16, log=True),
        UniformFloatHyperparameter("rate", 1e-4, 1.0, log=True),
        CategoricalHyperparameter("merge", ["sum", "mean", "max"]),
        OrdinalHyperparameter("size", [8, 16, 64]),
    )
    values = {"nodes": 4, "width": 4, "rate": 1e-3, "merge": "mean", "size": 16}
    encoding = Encoding(space)
    row = encoding.describe(encoding.encode([values]))[0]
    found = {}
    for name in space:
        columns = 3 if name == "merge" else 1
        found[name], row = row[:columns].tolist(), row[columns:]
    assert found["merge"] == [0, 1, 0]
    plain = {name: value[0] for name, value in found.items() if name != "merge"}
    expected = {"nodes": 0.25, "width": math.log(4) / math.log(16), "rate": 0.25, "size": 0.5}
    assert plain == pytest.approx(expected)
    assert len(row) == 0
    assert encoding.features == 7


def test_a_finite_space_is_enumerated_whole():
    encoding = Encoding(whole_space())
    decoded = encoding.decode(encoding.enumerate())
    expected = itertools.product((2, 3), ("sum", "mean"), (3, 4, 5, 6))
    found = [(values["k"], values["merge"], values["nodes"]) for values in decoded]
    assert encoding.size == 16
    assert sorted(found) == sorted(expected)


def test_a_float_makes_a_space_countless():
    assert Encoding(mixed_space()).size is None


def test_keys_are_equal_for_equal_configurations_alone():
    encoding = Encoding(mixed_space())
    space = mixed_space()
    configurations = [plain_values(sample) for sample in space.sample_configuration(50)]
    configurations += configurations[:10]
    keys = find_keys(encoding.encode(configurations))
    assert len(set(keys)) == 50
    assert keys[:10] == keys[50:]


def test_a_space_of_constants_has_one_configuration():
    space = ConfigurationSpace()
    space.add(Constant("stages", 3))
    encoding = Encoding(space)
    assert (encoding.size, encoding.genes, encoding.features) == (1, 0, 0)
    assert encoding.decode(encoding.enumerate()) == [{"stages": 3}]


def test_conditions_forbidden_clauses_and_other_kinds_are_refused():
    space = whole_space()
    space.add(EqualsCondition(space["k"], space["merge"], "sum"))
    with pytest.raises(UserError, match=r"conditions on \['k'\]"):
        Encoding(space)
    space = whole_space()
    space.add(ForbiddenEqualsClause(space["k"], 3))
    with pytest.raises(UserError, match="1 forbidden"):
        Encoding(space)
    space = ConfigurationSpace()
    space.add(NormalFloatHyperparameter("x", mu=0.5, sigma=0.1, lower=0.0, upper=1.0))
    with pytest.raises(UserError, match="x is a NormalFloatHyperparameter"):
        Encoding(space)


def test_it_says_what_each_gene_and_feature_is():
    encoding = Encoding(mixed_space())
    # A space holds them by name: levels, merge, nodes, p, rate, size, width.
    assert encoding.unordered.tolist() == [True, True, False, False, False, False, False]
    assert encoding.shares.tolist() == [1 / 2, 1 / 3, 1 / 8, 0, 0, 1 / 3, 1 / 64]
    assert encoding.groups.tolist() == [0, 0, 1, 1, 1, 2, 3, 4, 5, 6]
