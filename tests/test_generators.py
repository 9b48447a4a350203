"""Generators that are tried more than once: which are, what is known of them, which are chosen."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from ConfigSpace import ConfigurationSpace

from nago.records import Observation, UserError
from nago.search import mobo
from nago.search.brackets import plan_rounds
from nago.search.encoding import Encoding
from nago.search.front import choose_generators
from nago.search.generators import tabulate_generators
from nago.search.judge import Scaling
from nago.search.limits import fill_slots
from nago.search.methods import Suggestion
from nago.search.models import fit_model, restore_model
from nago.search.random_search import draw
from nago.search.simulate import make_trial, run_search
from nago.search.steps import Search, fit_surrogate
from nago.search.tried import believe_means, group_trials
from nago.seeds import derive_seed
from nago.tables import hyperparameters, observations, tabulate

OBJECTIVES = ("validation_error", "sample_memory_bytes")
GP = {"surrogate": "gp", "population": 10, "generations": 4, "log_losses": [False, True]}
ADAPTIVE = {**GP, "replicates": "adaptive"}


def square():
    return ConfigurationSpace({"x": (0.0, 1.0), "y": (0.0, 1.0)})


def train(name, proposal, deviation):
    """The lower the error the more memory; a trial's own seed gives its noise."""
    x, y = proposal.configuration["x"], proposal.configuration["y"]
    noise = np.random.default_rng(derive_seed(proposal.seed, "noise")).standard_normal()
    error = 0.3 + 0.2 * (1 - x) + 0.2 * (y - 0.5) ** 2 + deviation * noise
    trial = make_trial(name, proposal, float(error))
    return dataclasses.replace(trial, sample_memory_bytes=round(1000 * (1 + x)))


def exact(configurations):
    return np.array([[np.nan, 1000 * (1 + item["x"])] for item in configurations])


def run(deviation, options=ADAPTIVE, seed=0):
    search = Search("mobo", square(), seed, options, objectives=OBJECTIVES)
    plan = plan_rounds(10, 4, 6, 1)
    trials = run_search(search, lambda *given: train(*given, deviation), plan, 1, lambda _: exact)
    return search, tabulate(trials)


@pytest.fixture(scope="module")
def noisy():
    return run(0.05)


def test_up_to_half_of_a_round_tries_generators_again(noisy):
    _, table = noisy
    again = table[table["origin"] == "replicate"]
    assert len(again)
    assert again["bracket"].min() >= 1
    assert again.groupby("bracket").size().max() <= 3
    assert not again.duplicated(["bracket", "parent"]).any()
    rows = table.set_index("trial")
    names = hyperparameters(table)
    for _, row in again.iterrows():
        parent = rows.loc[row["parent"]]
        assert parent["bracket"] < row["bracket"]
        assert (row[names] == parent[names]).all()
        assert row["seed"] != parent["seed"]
    new = table[table["origin"] != "replicate"]
    assert not new.duplicated(names).any()
    # A generator goes by its first trial.
    assert set(again["parent"]) <= set(new["trial"])


def test_without_noise_nothing_is_tried_again():
    _, table = run(0.0)
    assert set(table["origin"]) == {"random", "model"}


def test_the_same_seeds_give_the_same_trials_and_once_is_the_default(noisy):
    pd.testing.assert_frame_equal(noisy[1], run(0.05)[1])
    _, default = run(0.05, GP)
    pd.testing.assert_frame_equal(default, run(0.05, {**GP, "replicates": "once"})[1])
    assert not default.duplicated(["x", "y"]).any()


def test_what_a_search_that_tries_once_learns_has_nothing_of_it():
    found = [mobo.fit(square(), [], options, 0) for options in (GP, ADAPTIVE)]
    assert "replicates" not in found[0]["options"]
    assert set(found[1]) - set(found[0]) == {"tried"}


def test_a_value_that_there_is_not_is_refused():
    with pytest.raises(UserError, match="replicates could be once, adaptive, got 'twice'"):
        mobo.fit(square(), [], {**GP, "replicates": "twice"}, 0)


def seen_before_the_first_replicate(table):
    bracket = table.loc[table["origin"] == "replicate", "bracket"].min()
    return observations(table[table["bracket"] < bracket], OBJECTIVES)


def test_a_generator_of_which_a_trial_failed_is_not_tried_again(noisy):
    items = seen_before_the_first_replicate(noisy[1])
    first = replicates(mobo.fit(square(), items, ADAPTIVE, 0))
    failed = Observation(first[0].configuration, 1, (np.inf, np.inf), trial="b9-r0-s0")
    again = replicates(mobo.fit(square(), [*items, failed], ADAPTIVE, 0))
    assert first[0].configuration not in [item.configuration for item in again]


def test_the_configuration_of_a_replicate_is_to_the_bit_the_one_that_was_tried(noisy):
    # Not of the grid that the search proposes on, as in another search's table.
    items = [
        dataclasses.replace(
            item, configuration={name: 0.999 * v + 1e-7 for name, v in item.configuration.items()}
        )
        for item in seen_before_the_first_replicate(noisy[1])
    ]
    values = {item.trial: dict(item.configuration) for item in items}
    encoding = Encoding(square())
    assert encoding.decode(encoding.encode([*values.values()])) != [*values.values()]
    found = replicates(mobo.fit(square(), items, ADAPTIVE, 0))
    assert found
    assert all(values[item.parent] == item.configuration for item in found)


def replicates(surrogate):
    found = mobo.propose(square(), surrogate, 6, 1, 0, exact=exact)
    return [item for item in found if item.origin == "replicate"]


def test_only_what_was_decided_for_the_whole_batch_is_drawn_again():
    asked = []

    def suggest(count, seed):
        asked.append(count)
        names = [f"{len(asked)}-{place}" for place in range(count)]
        return [
            Suggestion({"x": name}, "replicate" if place < count // 2 else "model", None, parent)
            for place, name in enumerate(names)
            for parent in ["b0-r0-s0" if place < count // 2 else None]
        ]

    # The first asking finds half of them within the limits; then only new ones count.
    found = fill_slots(suggest, draw, lambda c, _: c["x"] not in ("1-2", "1-3"), range(4), seed=0)
    assert [item.configuration["x"] for item in found] == ["1-0", "1-1", "2-1", "3-0"]
    assert asked == [4, 2, 1]


def test_trials_are_grouped_by_configuration_in_order_of_results():
    genes = np.array([[0.5], [0.25], [0.5], [0.75], [0.25], [0.5]])
    losses = np.array([[np.inf], [1.0], [2.0], [np.inf], [3.0], [4.0]])
    tried = group_trials(genes, losses)
    assert tried.first.tolist() == [1, 2]
    assert tried.draws.tolist() == [2, 2]
    assert tried.failed.tolist() == [0, 1]
    assert tried.place.tolist() == [1, 0, 1, -1, 0, 1]
    assert tried.average(losses).tolist() == [[2.0], [3.0]]
    assert tried.pool_variance(losses).tolist() == [2.0]
    assert group_trials(genes[:2], losses[1:3]).pool_variance(losses[1:3]).tolist() == [0.0]


def test_the_means_are_the_models_and_those_of_counted_losses_their_own():
    rng = np.random.default_rng(0)
    features = np.repeat(rng.random((8, 2)), 3, axis=0)
    losses = rng.normal(size=(24, 2))
    tried = group_trials(features, losses)
    model = restore_model("gp", fit_model("gp", features, losses, {}, 0))
    points = features[tried.first]
    found = believe_means(model, points, losses, tried, np.array([False, True]))
    said = model.predict(points)
    assert found.mean[:, 0] == pytest.approx(said.mean[:, 0])
    assert np.diag(found.covariance[0]) == pytest.approx(said.model_variance[:, 0], rel=1e-6)
    groups = losses[:, 1].reshape(8, 3)
    assert found.mean[:, 1] == pytest.approx(groups.mean(axis=1))
    variance = groups.var(axis=1, ddof=1).mean()
    assert np.diag(found.covariance[1]) == pytest.approx(np.full(8, variance / 3))
    assert found.noise[:, 1] == pytest.approx(np.full(8, variance))


def test_scaled_losses_come_back_in_their_units():
    losses = np.column_stack([[0.1, 0.2, 0.25, 0.3, 5.0], [1.0, 10.0, 30.0, 40.0, 900.0]])
    scaling = Scaling(losses, [False, True])
    assert scaling.fences[0] < 5
    assert scaling.restore(scaling.standardise(losses)) == pytest.approx(losses)


def describe(noisy):
    search, table = noisy
    surrogate = fit_surrogate(search, observations(table, OBJECTIVES), bracket=5)
    return tabulate_generators(search.space, surrogate, table, OBJECTIVES, 0)


def test_the_table_has_a_row_for_each_generator_the_likeliest_first(noisy):
    _, table = noisy
    found = describe(noisy)
    assert len(found) == len(table.drop_duplicates(["x", "y"]))
    assert found["draws"].sum() == len(table)
    assert found["probability_pareto_optimal"].is_monotonic_decreasing
    assert found["probability_pareto_optimal"].between(0, 1).all()
    groups = table.groupby(["x", "y"])
    for _, row in found.iterrows():
        own = groups.get_group((row["x"], row["y"]))
        assert row["trial"] == own["trial"].iloc[0]
        assert row["draws"] == len(own)
        assert row["mean_validation_error"] == pytest.approx(own["validation_error"].mean())
        assert row["mean_sample_memory_bytes"] == own["sample_memory_bytes"].mean()
        sd = own["validation_error"].std()
        assert row["sd_validation_error"] == pytest.approx(sd, nan_ok=True)
    assert (found["draws"] > 1).any()
    # The noise of a trial is 0.05 everywhere; what is known of a mean is surer than that.
    assert found["noise_deviation"].median() == pytest.approx(0.05, rel=0.4)
    assert (found["expected_deviation"] < found["noise_deviation"]).all()
    truth = 0.3 + 0.2 * (1 - found["x"]) + 0.2 * (found["y"] - 0.5) ** 2
    gaps = [found[f"{kind}_validation_error"] - truth for kind in ("expected", "mean")]
    assert gaps[0].std() < gaps[1].std()


def test_the_chosen_have_the_best_expected_means_not_the_luckiest_trials():
    rows = [("b0-r0-s0", 0.3, 900), ("b0-r0-s1", 0.1, 500), ("b0-r0-s2", 0.2, 500)]
    table = pd.DataFrame(rows, columns=["trial", *OBJECTIVES]).assign(
        bracket=0, rung=0, slot=range(3), budget=1
    )
    generators = pd.DataFrame(
        {
            "trial": ["b0-r0-s2", "b0-r0-s0", "b0-r0-s1"],
            "expected_validation_error": [0.22, 0.21, 0.4],
            "mean_validation_error": [0.2, 0.3, 0.1],
            "mean_sample_memory_bytes": [500.0, 900.0, 500.0],
        }
    )
    chosen = choose_generators(generators, table, OBJECTIVES, (1.0, 1000.0), 2)
    assert chosen["trial"].tolist() == ["b0-r0-s0", "b0-r0-s2"]
    assert chosen["validation_error"].tolist() == [0.3, 0.2]
    with pytest.raises(UserError, match="fewer than the 4 finalists"):
        choose_generators(generators, table, OBJECTIVES, (1.0, 1000.0), 4)


def test_a_table_without_a_model_or_of_other_trials_is_refused(noisy):
    search, table = noisy
    for rows, given, message in (
        (table, table.iloc[1:], f"of the {len(table) - 1} trials of the table, it is of"),
        (table.iloc[:1], table.iloc[:1], "needs 2 results, 1 of 1 trials have"),
    ):
        surrogate = fit_surrogate(search, observations(rows, OBJECTIVES), bracket=5)
        with pytest.raises(UserError, match=message):
            tabulate_generators(search.space, surrogate, given, OBJECTIVES, 0)
