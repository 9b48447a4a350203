"""BOHB against HpBandSter's own generator living through the same history."""

import json
import os
import subprocess
import sys
import warnings
from types import SimpleNamespace

import numpy as np
import pytest
from ConfigSpace import (
    CategoricalHyperparameter,
    ConfigurationSpace,
    EqualsCondition,
    ForbiddenAndConjunction,
    ForbiddenEqualsClause,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)

from nago.records import Observation, UserError
from nago.search.methods import METHODS, find_method, new_proposals
from nago.search.random_search import plain_values, seeded

BOHB = METHODS["bohb"]
FAST = {"num_samples": 12}


def numeric_space():
    space = ConfigurationSpace()
    space.add(
        UniformIntegerHyperparameter("nodes", 3, 10),
        UniformIntegerHyperparameter("k", 2, 5),
        UniformFloatHyperparameter("p", 0.1, 0.9),
    )
    return space


def mixed_space():
    space = numeric_space()
    space.add(
        CategoricalHyperparameter("merge", ["sum", "attention", "concat"]),
        CategoricalHyperparameter("levels", [1, 2]),
    )
    return space


SPACES = {"numeric": numeric_space, "mixed": mixed_space}


def toy_loss(configuration, budget):
    distance = abs(configuration["nodes"] - 6.3) / 7 + (configuration["p"] - 0.37) ** 2
    category = {"sum": 0.0, "attention": 0.13, "concat": 0.29}[configuration.get("merge", "sum")]
    return distance + category + configuration["k"] / 100 + 0.1 / budget


def live_generator(space, options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from hpbandster.optimizers.config_generators import bohb

        return bohb.BOHB(space, **options)


def tell(generator, configuration, budget, loss):
    result = None if loss == float("inf") else {"loss": loss}
    kwargs = {"config": configuration, "budget": budget}
    generator.new_result(SimpleNamespace(kwargs=kwargs, result=result, exception=None))


def history(space, sizes, crash_at=()):
    """Return observations of random configurations: `sizes` gives how many at each budget."""
    with seeded(space, 99):
        found = []
        for budget, size in sizes.items():
            for sample in space.sample_configuration(size):
                values = plain_values(sample)
                loss = float("inf") if len(found) in crash_at else toy_loss(values, budget)
                found.append(Observation(values, budget, (loss,)))
    return found


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", SPACES)
def test_proposals_are_exactly_those_of_a_generator_that_lived_through_the_history(kind):
    live_space, our_space = SPACES[kind](), SPACES[kind]()
    live = live_generator(live_space, FAST)
    seen, origins = [], []
    for step in range(14):
        budget = (30, 60, 120)[step % 3]
        with seeded(live_space, step):
            expected = [live.get_config(budget) for _ in range(4)]
        surrogate = json.loads(json.dumps(BOHB.fit(our_space, seen, FAST, 0), allow_nan=False))
        ours = BOHB.propose(our_space, surrogate, 4, budget, step)
        assert [dict(item.configuration) for item in ours] == [dict(c) for c, _ in expected]
        picks = [info["model_based_pick"] for _, info in expected]
        assert [item.origin for item in ours] == ["model" if p else "random" for p in picks]
        for slot, (configuration, _) in enumerate(expected):
            crashed = (step, slot) == (4, 1)
            loss = float("inf") if crashed else toy_loss(configuration, budget)
            tell(live, configuration, budget, loss)
            seen.append(Observation(ours[slot].configuration, budget, (loss,)))
        origins += picks
    assert 8 < sum(origins) < 50


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", SPACES)
def test_the_surrogate_holds_the_densities_of_the_live_generator(kind):
    space = SPACES[kind]()
    seen = history(space, {30: 25, 60: 15}, crash_at=[3])
    live = live_generator(space, {})
    for item in seen:
        tell(live, dict(item.configuration), item.budget, item.loss)
    surrogate = BOHB.fit(space, seen, {}, 0)
    assert [model["budget"] for model in surrogate["models"]] == sorted(live.kde_models)
    for model in surrogate["models"]:
        assert model["var_types"] == live.kde_vartypes
        for side, density in live.kde_models[model["budget"]].items():
            np.testing.assert_array_equal(model[side]["data"], density.data)
            np.testing.assert_array_equal(model[side]["bandwidths"], density.bw)


def test_the_model_is_that_of_the_largest_budget_with_enough_results():
    space = numeric_space()
    surrogate = BOHB.fit(space, history(space, {30: 20, 60: 9, 120: 7}, crash_at=[2, 25]), {}, 0)
    assert surrogate["model_budget"] == 60
    assert surrogate["budgets"] == [
        {"budget": 30, "observations": 20, "failed": 1, "model": True},
        {"budget": 60, "observations": 9, "failed": 1, "model": True},
        {"budget": 120, "observations": 7, "failed": 0, "model": False},
    ]


@pytest.mark.parametrize(("results", "has_model"), [(7, False), (8, True)])
def test_a_budget_has_a_model_from_twice_d_plus_one_results_on(results, has_model):
    space = numeric_space()  # d = 3
    surrogate = BOHB.fit(space, history(space, {30: results}), {}, 0)
    assert bool(surrogate["models"]) is has_model


def test_equal_losses_are_ordered_by_their_place_on_every_machine():
    space = numeric_space()
    seen = history(space, {30: 40}, crash_at=[1, 5, 30])
    coarse = [Observation(item.configuration, 30, (round(item.loss, 1),)) for item in seen]
    (model,) = BOHB.fit(space, coarse, {"top_n_percent": 30}, 0)["models"]
    losses = [item.loss for item in coarse]
    assert len(set(losses)) < 20
    by_hand = sorted(range(40), key=lambda place: (losses[place], place))
    vectors = [scaled(space, coarse[place].configuration) for place in by_hand]
    assert model["good"]["data"] == vectors[:12]
    assert model["bad"]["data"] == vectors[12:]


def scaled(space, configuration):
    from ConfigSpace import Configuration

    return Configuration(space, values=dict(configuration)).get_array().tolist()


def test_values_are_pythons_own():
    space = mixed_space()
    seen = history(space, {30: 30})
    for method, options in (("bohb", FAST), ("random", {})):
        surrogate = METHODS[method].fit(space, seen, options, 0)
        for item in METHODS[method].propose(space, surrogate, 8, 30, 5):
            kinds = {name: type(value) for name, value in item.configuration.items()}
            assert kinds == {"nodes": int, "k": int, "p": float, "merge": str, "levels": int}


def test_a_model_that_fails_is_reported_with_its_reason():
    space = ConfigurationSpace()
    first = UniformIntegerHyperparameter("x", 1, 2, default_value=1)
    second = UniformIntegerHyperparameter("y", 1, 2, default_value=1)
    space.add(first, second)
    seen = [
        Observation({"x": x, "y": y}, 30, ((4 - x - y) / 10,)) for x, y in [(2, 2), (1, 1)] * 12
    ]
    surrogate = BOHB.fit(space, seen, {"num_samples": 3, "random_fraction": 0.3}, 0)
    space.add(
        ForbiddenAndConjunction(ForbiddenEqualsClause(first, 2), ForbiddenEqualsClause(second, 2))
    )
    suggestions = BOHB.propose(space, surrogate, 20, 30, 1)
    assert {item.origin for item in suggestions} == {"random", "fallback"}
    for item in suggestions:
        if item.origin == "fallback":
            assert "failed" in item.reason
            assert "orbidden" in item.reason
            assert "File" not in item.reason
        else:
            assert item.reason is None
    proposals = new_proposals(
        "bohb", space, surrogate, budget=30, seed=1, trial_seeds=list(range(20))
    )
    assert [p.reason for p in proposals] == [item.reason for item in suggestions]


def test_a_random_fraction_of_one_asks_no_model_and_of_none_always():
    space = numeric_space()
    seen = history(space, {30: 30})
    for fraction, origin in ((1.0, "random"), (0.0, "model")):
        surrogate = BOHB.fit(space, seen, FAST | {"random_fraction": fraction}, 0)
        assert {item.origin for item in BOHB.propose(space, surrogate, 10, 30, 0)} == {origin}


@pytest.mark.parametrize("method", METHODS)
def test_global_random_states_are_neither_used_nor_changed(method):
    space = numeric_space()
    seen = history(space, {30: 20})
    options = {"configuration": dict(seen[0].configuration)} if method == "default" else {}
    results, states = [], []
    for outside in (1, 2):
        np.random.seed(outside)  # noqa: NPY002
        space.seed(outside)
        before = np.random.get_state()[1].tolist(), space.random.get_state()[1].tolist()  # noqa: NPY002
        surrogate = METHODS[method].fit(space, seen, options, 0)
        results.append(METHODS[method].propose(space, surrogate, 3, 30, 7))
        after = np.random.get_state()[1].tolist(), space.random.get_state()[1].tolist()  # noqa: NPY002
        states.append(before == after)
    assert results[0] == results[1]
    assert states == [True, True]


def test_another_seed_gives_other_configurations():
    space = numeric_space()
    surrogate = METHODS["random"].fit(space, [], {}, 0)
    first, second = (METHODS["random"].propose(space, surrogate, 3, 30, seed) for seed in (1, 2))
    assert first != second


def test_what_decides_for_random_does_not_decide_the_values():
    """With one seed for both streams, all random values would be below the random fraction."""
    space = ConfigurationSpace({"x": (0.0, 1.0)})
    with seeded(space, 0):
        values = [plain_values(sample) for sample in space.sample_configuration(10)]
    seen = [Observation(value, 30, (value["x"],)) for value in values]
    surrogate = BOHB.fit(space, seen, {"num_samples": 1}, 0)
    items = [BOHB.propose(space, surrogate, 1, 30, seed)[0] for seed in range(200)]
    drawn = [item.configuration["x"] for item in items if item.origin == "random"]
    assert 40 < len(drawn) < 95  # a third of 200, within four standard deviations
    assert 0.3 < sum(value > 0.5 for value in drawn) / len(drawn) < 0.7


IN_A_FRESH_PROCESS = """
import json, warnings
warnings.simplefilter("error")
import test_bohb
space = test_bohb.mixed_space()
surrogate = test_bohb.BOHB.fit(space, test_bohb.history(space, {30: 30}, crash_at=[4]), {}, 0)
items = test_bohb.BOHB.propose(space, surrogate, 6, 30, 11)
print(json.dumps([surrogate, [[dict(i.configuration), i.origin] for i in items]]))
"""


def test_processes_with_other_hash_seeds_give_the_same_surrogate_and_proposals():
    def run(hash_seed):
        environment = os.environ | {
            "PYTHONHASHSEED": hash_seed,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        }
        result = subprocess.run(
            [sys.executable, "-c", IN_A_FRESH_PROCESS],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
        )
        assert result.stderr == ""
        return result.stdout

    first = run("1")
    assert first == run("2")
    assert '"model"' in first


def test_without_a_model_hpbandster_is_not_imported():
    code = """
import sys, test_bohb
space = test_bohb.numeric_space()
surrogate = test_bohb.BOHB.fit(space, test_bohb.history(space, {30: 7}), {}, 0)
test_bohb.BOHB.propose(space, surrogate, 2, 30, 0)
print({"hpbandster", "statsmodels", "torch", "networkx"} & set(sys.modules))
"""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert result.stdout.strip() == "set()"


def test_what_hpbandster_cannot_do_is_refused_in_words():
    space = numeric_space()
    with pytest.raises(ValueError, match=r"no options \['samples'\]"):
        BOHB.fit(space, [], {"samples": 3}, 0)
    with pytest.raises(ValueError, match=r"must be 4 or more for 3 hyperparameters, got 2"):
        BOHB.fit(space, [], {"min_points_in_model": 2}, 0)
    with pytest.raises(ValueError, match=r"fitted on .*got a space of"):
        BOHB.propose(mixed_space(), BOHB.fit(space, [], {}, 0), 1, 30, 0)
    with pytest.raises(ValueError, match="random search has no options"):
        METHODS["random"].fit(space, [], {"num_samples": 3}, 0)
    with pytest.raises(ValueError, match=r"no method 'tpe'; it could be bohb, mobo, "):
        find_method("tpe")
    parent = CategoricalHyperparameter("parent", ["a", "b"])
    space.add(parent)
    child = UniformFloatHyperparameter("child", 0.0, 1.0)
    space.add(child)
    space.add(EqualsCondition(child, parent, "a"))
    with pytest.raises(ValueError, match=r"without conditions.*child"):
        BOHB.fit(space, [], {}, 0)


def test_failures_count_at_all_budgets_if_asked():
    space = next(iter(SPACES.values()))()
    seen = history(space, {30: 24, 60: 20}, crash_at={0, 3, 30})
    failed = [item for item in seen if item.loss == float("inf")]
    by_hand = [
        Observation(item.configuration, budget, item.losses)
        for budget in (30, 60)
        for item in [
            *[one for one in seen if one.budget == budget],
            *[one for one in failed if one.budget != budget],
        ]
    ]
    spread = BOHB.fit(space, seen, FAST | {"failures": "all_budgets"}, 0)
    assert spread["models"] == BOHB.fit(space, by_hand, FAST, 0)["models"]
    own = BOHB.fit(space, seen, FAST | {"failures": "own_budget"}, 0)
    assert own["models"] == BOHB.fit(space, seen, FAST, 0)["models"] != spread["models"]
    # What is counted are the trials that there were.
    assert spread["budgets"] == own["budgets"]
    assert (spread["options"]["failures"], own["options"]["failures"]) == (
        "all_budgets",
        "own_budget",
    )
    assert "failures" not in BOHB.fit(space, seen, FAST, 0)["options"]
    assert len(BOHB.propose(space, spread, 3, 60, 1)) == 3


def test_failures_that_would_be_among_the_good_leave_a_budget_without_a_model():
    space = next(iter(SPACES.values()))()
    d = len(space)
    size = 3 * (d + 1)
    for works, modelled in ((d + 1, True), (d, False)):
        seen = history(space, {30: size}, crash_at=set(range(works, size)))
        found = BOHB.fit(space, seen, FAST | {"failures": "all_budgets"}, 0)
        assert (found["model_budget"] == 30) == modelled


def test_where_failures_count_is_one_of_two():
    space = next(iter(SPACES.values()))()
    with pytest.raises(UserError, match="failures could be own_budget, all_budgets, got 'no'"):
        BOHB.fit(space, [], {"failures": "no"}, 0)
