"""Multi-objective search: what its proposals must be, and that it finds fronts."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from ConfigSpace import (
    CategoricalHyperparameter,
    ConfigurationSpace,
    Constant,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)

from nago.records import Observation, UserError
from nago.search import mobo
from nago.search.encoding import Encoding, find_keys
from nago.search.methods import METHODS, find_method
from nago.search.pareto import measure_hypervolume
from nago.search.random_search import draw

GP = {"surrogate": "gp", "population": 20, "generations": 6}


def mixed_space():
    space = ConfigurationSpace()
    space.add(
        UniformIntegerHyperparameter("nodes", 3, 10),
        UniformFloatHyperparameter("p", 0.1, 0.9),
        CategoricalHyperparameter("merge", ["sum", "mean", "max"]),
    )
    return space


def small_space():
    return ConfigurationSpace({"nodes": (1, 4), "k": (1, 3)})


def square():
    return ConfigurationSpace({"x": (0.0, 1.0), "y": (0.0, 1.0)})


def two_losses(values):
    """Two minima, at nodes 3 and nodes 10, on p = 0.3."""
    category = {"sum": 0.0, "mean": 0.2, "max": 0.4}[values["merge"]]
    nodes, p = (values["nodes"] - 3) / 7, (values["p"] - 0.3) ** 2
    return nodes**2 + p + category, (1 - nodes) ** 2 + p + category


def valley(values):
    """A front along y = 0.2, from (0, 1) to (1, 0)."""
    high = 3 * (values["y"] - 0.2) ** 2
    return values["x"] + high, (1 - values["x"]) ** 2 + high


def observe(space, losses, count, seed=0):
    suggestions = draw(space, count, seed)
    return [Observation(s.configuration, 1, tuple(losses(s.configuration))) for s in suggestions]


def suggest(space, observations, count=4, seed=0, *, options=GP, exact=None):
    surrogate = mobo.fit(space, observations, options, seed)
    return mobo.propose(space, surrogate, count, 1, seed, exact=exact)


def keys(space, items):
    return find_keys(Encoding(space).encode([item.configuration for item in items]))


def search(options, rounds, batch, seed=0, exact=None):
    observations = observe(square(), valley, 6, seed)
    for number in range(rounds):
        for found in suggest(square(), observations, batch, number, options=options, exact=exact):
            observations.append(Observation(found.configuration, 1, valley(found.configuration)))
    return observations


def volume(observations):
    losses = np.array([item.losses for item in observations])
    return measure_hypervolume(losses, np.array([1.1, 1.1]))


def test_without_trials_it_proposes_distinct_sobol_points():
    found = suggest(mixed_space(), [], 16)
    assert {item.origin for item in found} == {"random"}
    assert {item.reason for item in found} == {None}
    assert len(set(keys(mixed_space(), found))) == 16
    # Sobol points fill every half of a dimension alike.
    low = [item.configuration["p"] < 0.5 for item in found]
    assert sum(low) == 8
    assert found != suggest(mixed_space(), [], 16, seed=1)


@pytest.mark.parametrize("results", [0, 1])
def test_without_enough_results_it_says_why_it_does_not_ask_the_model(results):
    observations = observe(mixed_space(), lambda _: (np.inf, np.inf), 5)
    observations[0] = Observation(
        observations[0].configuration, 1, (1.0, 1.0 if results else np.inf)
    )
    found = suggest(mixed_space(), observations, 6)
    assert {(item.origin, item.reason) for item in found} == {
        ("fallback", f"a model needs 2 results, {results} of 5 trials have")
    }
    assert not set(keys(mixed_space(), found)) & set(keys(mixed_space(), observations))


@pytest.mark.parametrize("selection", ["uncertainty", "hypervolume"])
@pytest.mark.parametrize("batch", ["believer", "penaliser", "top"])
@pytest.mark.parametrize("acquisition", ["lcb", "ei", "pi", "ts"])
def test_suggestions_are_distinct_legal_and_new(selection, batch, acquisition):
    space = mixed_space()
    options = {**GP, "selection": selection, "batch": batch, "acquisition": acquisition}
    observations = observe(space, two_losses, 12)
    found = suggest(space, observations, 6, options=options)
    assert {item.origin for item in found} == {"model"}
    assert len(set(keys(space, found)) - set(keys(space, observations))) == 6
    for item in found:
        assert all(space[name].legal_value(item.configuration[name]) for name in space)


@pytest.mark.parametrize("surrogate", ["bnn", "homoscedastic"])
def test_networks_give_functions_to_thompson_sampling(surrogate):
    short = {"burn_in": 200, "steps": 100, "keep_every": 20, "folds": 0}
    options = {"surrogate": surrogate, "surrogate_options": short, "acquisition": "ts"}
    space = mixed_space()
    found = suggest(space, observe(space, two_losses, 12), 4, options=options)
    assert {item.origin for item in found} == {"model"}
    assert len(set(keys(space, found))) == 4


@pytest.mark.parametrize("selection", ["uncertainty", "hypervolume"])
def test_the_last_configurations_of_a_space_are_all_found_and_no_more(selection):
    space, options = small_space(), {**GP, "selection": selection}
    every = Encoding(space).decode(Encoding(space).enumerate())
    losses = [(values["nodes"] / values["k"], float(values["k"])) for values in every]
    seen = [Observation(v, 1, pair) for v, pair in zip(every[:7], losses[:7], strict=True)]
    found = suggest(space, seen, 5, options=options)
    assert sorted(map(str, (item.configuration for item in found))) == sorted(map(str, every[7:]))
    with pytest.raises(UserError, match=r"12 configurations, 7 were tried: 5 are left, but 6"):
        suggest(space, seen, 6, options=options)
    with pytest.raises(UserError, match="12 are left, but 13"):
        suggest(space, [], 13)


def test_a_large_space_of_whole_numbers_gives_distinct_configurations():
    space = ConfigurationSpace({"a": (1, 60), "b": (1, 60)})
    observations = observe(space, lambda v: (v["a"] + v["b"], 120 - v["a"]), 30)
    options = {**GP, "population": 4, "generations": 1}
    found = suggest(space, observations, 20, options=options)
    assert len(set(keys(space, found)) - set(keys(space, observations))) == 20


def test_a_space_of_one_configuration_is_soon_exhausted():
    space = ConfigurationSpace()
    space.add(Constant("stages", 3))
    assert suggest(space, [], 1)[0].configuration == {"stages": 3}
    with pytest.raises(UserError, match="0 are left"):
        suggest(space, [Observation({"stages": 3}, 1, (1.0, 2.0))], 1)


@pytest.mark.parametrize("selection", ["uncertainty", "hypervolume"])
def test_it_finds_a_better_front_than_random_search(selection):
    found = search({**GP, "selection": selection}, rounds=3, batch=4)
    peers = [volume(observe(square(), valley, 18, seed)) for seed in range(9)]
    assert volume(found) > np.median(peers)


def test_the_choice_by_hypervolume_nearly_reaches_the_best_front():
    # The curve (x, (1 - x)^2) leaves the integral of 1.1 - (1 - x)^2 over [0, 1], and 0.1 * 1.1.
    best = 1.1 - 1 / 3 + 0.11
    assert 0.95 * best < volume(search(GP, rounds=8, batch=2)) < best


@pytest.mark.parametrize("selection", ["uncertainty", "hypervolume"])
def test_a_batch_spreads_more_than_the_top_ones(selection):
    observations = observe(square(), valley, 10)
    nearest = {}
    for batch in ("believer", "penaliser", "top"):
        options = {**GP, "selection": selection, "batch": batch}
        found = suggest(square(), observations, 5, options=options)
        points = Encoding(square()).encode([item.configuration for item in found])
        gaps = np.linalg.norm(points[:, None] - points[None], axis=2)
        nearest[batch] = gaps[np.triu_indices(5, 1)].min()
    assert min(nearest["penaliser"], nearest["believer"]) > 2 * nearest["top"]


def test_failed_trials_keep_the_search_away_from_them():
    space = square()

    def crash(values):
        return (np.inf, np.inf) if values["x"] < 0.5 else (values["x"], values["x"] + values["y"])

    observations = observe(space, crash, 40)
    found = suggest(space, observations, 5)
    assert min(item.configuration["x"] for item in found) > 0.4
    # Without a word about the failures, the same results draw it below.
    kept = [item for item in observations if np.isfinite(item.loss)]
    assert min(item.configuration["x"] for item in suggest(space, kept, 5)) < 0.4


def test_a_single_objective_is_minimised_as_well():
    space = square()
    observations = observe(space, lambda v: (valley(v)[0],), 15)
    found = suggest(space, observations, 1)[0].configuration
    assert valley(found)[0] < min(item.loss for item in observations)


@pytest.mark.parametrize("selection", ["uncertainty", "hypervolume"])
def test_exact_objectives_are_bounded_in_number_and_asked_once(selection):
    space, asked = mixed_space(), []

    def exact(configurations):
        asked.extend(keys(space, [Observation(c, 1, ()) for c in configurations]))
        return np.array([[np.nan, two_losses(values)[1]] for values in configurations])

    observations = observe(space, two_losses, 12)
    options = {**GP, "exact_evaluations": 60, "selection": selection}
    found = suggest(space, observations, 4, options=options, exact=exact)
    # One more shows which objectives are exact.
    assert 20 < len(asked) <= 61
    assert len(set(asked[1:])) == len(asked[1:])
    assert set(keys(space, found)) <= set(asked)


def test_a_configuration_without_a_network_is_never_proposed():
    space = square()

    def exact(configurations):
        return np.array(
            [[np.inf] * 2 if v["y"] < 0.5 else [np.nan, valley(v)[1]] for v in configurations]
        )

    observations = [o for o in observe(space, valley, 30) if o.configuration["y"] >= 0.5]
    found = suggest(space, observations, 6, exact=exact)
    assert min(item.configuration["y"] for item in found) >= 0.5
    # The front lies below: without that knowledge it goes there.
    assert min(item.configuration["y"] for item in suggest(space, observations, 6)) < 0.5


def test_an_exact_objective_takes_the_place_of_a_misled_model():
    space = square()

    def lies(values):
        return values["x"], values["y"]

    def exact(configurations):
        return np.array([[np.nan, 1 - values["y"]] for values in configurations])

    # The best point is a single one: with it in a batch, there is nothing left to gain.
    options = {**GP, "batch": "top"}
    observations = observe(space, lies, 20)
    found = suggest(space, observations, 4, options=options, exact=exact)
    assert np.mean([item.configuration["y"] for item in found]) > 0.8
    found = suggest(space, observations, 4, options=options)
    assert np.mean([item.configuration["y"] for item in found]) < 0.2


def test_logarithms_are_only_for_what_is_positive_and_counted():
    observations = observe(mixed_space(), two_losses, 12)
    zero = [*observations, Observation({"nodes": 4, "p": 0.5, "merge": "sum"}, 1, (1.0, 0.0))]
    for logs in ([False, True], [True, True]):
        with pytest.raises(UserError, match="above 0, got 0"):
            suggest(mixed_space(), zero, options={**GP, "log_losses": logs})
    with pytest.raises(UserError, match="of 2 objectives"):
        suggest(mixed_space(), observations, options={**GP, "log_losses": [True]})
    assert len(suggest(mixed_space(), zero, options={**GP, "log_losses": [True, False]})) == 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kernel": 3}, r"no options \['kernel'\]"),
        ({"surrogate": "forest"}, "surrogate could be bnn"),
        ({"acquisition": "ucb"}, "acquisition could be lcb, ei, pi, ts, got 'ucb'"),
        ({"selection": "best"}, "selection could be"),
        ({"batch": "all"}, "batch could be"),
        ({"population": 3}, "population must be 4 or more"),
        ({"generations": 0}, "generations must be 1 or more"),
        ({"exact_evaluations": 0}, "exact_evaluations must be"),
        ({"delta": 1.0}, "delta must be between 0 and 1"),
        ({"beta": -1.0}, "beta must be 0 or more"),
        ({"reference": [1.0]}, "reference must have 2 values, got 1"),
        ({"reference": [0, 1], "log_losses": [True, False]}, r"must be above 0 .* got \[0, 1\]"),
        ({"surrogate_options": {"kernel": 3}}, "gp has no options"),
    ],
)
def test_wrong_options_are_refused(options, message):
    observations = observe(mixed_space(), two_losses, 5)
    with pytest.raises(UserError, match=message):
        suggest(mixed_space(), observations, options={**GP, **options})


def test_a_loss_that_is_no_number_and_another_space_are_refused():
    values = {"nodes": 4, "p": 0.5, "merge": "sum"}
    with pytest.raises(UserError, match=r"got \[1.0, nan\] for \{'nodes': 4"):
        mobo.fit(mixed_space(), [Observation(values, 1, (1.0, np.nan))], GP, 0)
    surrogate = mobo.fit(mixed_space(), [], GP, 0)
    with pytest.raises(UserError, match="fitted on"):
        mobo.propose(square(), surrogate, 1, 1, 0)


def test_a_surrogate_is_json_and_arrays_and_proposes_the_same_when_read_again():
    observations = observe(mixed_space(), two_losses, 10)
    observations.append(Observation({"nodes": 4, "p": 0.5, "merge": "sum"}, 1, (np.inf, np.inf)))
    surrogate = mobo.fit(mixed_space(), observations, GP, 0)
    arrays = surrogate.pop("arrays")
    again = json.loads(json.dumps(surrogate, allow_nan=False))
    assert again == surrogate
    assert (again["method"], again["observations"], again["failed"]) == ("mobo", 11, 1)
    again["arrays"] = {name: array.copy() for name, array in arrays.items()}
    one = mobo.propose(mixed_space(), {**surrogate, "arrays": arrays}, 3, 1, 5)
    assert mobo.propose(mixed_space(), again, 3, 1, 5) == one


def test_the_registry_leads_to_it_with_its_exact_objectives():
    method = find_method("mobo")
    assert method is METHODS["mobo"]
    observations = observe(square(), valley, 8)
    surrogate = method.fit(square(), observations, GP, 0)

    def exact(configurations):
        return np.array([[np.nan, valley(values)[1]] for values in configurations])

    found = method.propose(square(), surrogate, 3, 60, 0, exact=exact)
    assert [item.origin for item in found] == ["model"] * 3


PROCESS = """
import sys
sys.path.insert(0, "tests")
import numpy as np
from test_mobo import *
before = np.random.get_state()[1].tolist()
observations = observe(mixed_space(), two_losses, 12)
found = suggest(mixed_space(), observations, 5)
assert np.random.get_state()[1].tolist() == before
assert "torch" not in sys.modules
print([sorted(item.configuration.items()) for item in found])
"""


def test_every_process_proposes_the_same_and_leaves_global_randomness_alone():
    printed = [
        subprocess.run(
            [sys.executable, "-c", PROCESS],
            env={**os.environ, "PYTHONHASHSEED": str(number)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for number in range(2)
    ]
    assert printed[0] == printed[1]
    assert "nodes" in printed[0]


def test_a_first_trial_without_costs_makes_no_objective_certain():
    """Another draw of a trial's configuration may have no network, or be above a limit."""
    space, asked = square(), []
    observations = observe(space, valley, 8)
    first = pytest.approx(dict(observations[0].configuration), abs=1e-6)

    def exact(configurations):
        asked.extend(configurations)
        rows = [
            [np.inf, np.inf] if values == first else [np.nan, valley(values)[1]]
            for values in configurations
        ]
        return np.array(rows)

    encoding = Encoding(space)
    surrogate = mobo.fit(space, observations, GP, 0)
    fit = mobo.restore_fit(surrogate)
    judge = mobo.judging.Judge(encoding, surrogate, fit, exact, 0)
    assert judge.uncertain.tolist() == [True, False]
    assert len(asked) == 2
