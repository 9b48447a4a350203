"""Warm start: trials of other data sets as ranks, what is left of them, and what they do."""

import re
import statistics
from dataclasses import replace

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace
from test_hpbandster import FAST, FASTEST, count_ones, counting_ones_space, regret
from test_initial import OBJECTIVES, RANGES, ROWS, write_trials

from nago.records import Observation, UserError
from nago.search.brackets import plan_rounds, plan_search
from nago.search.methods import METHODS
from nago.search.prior import add_prior, measure_trust
from nago.search.random_search import draw
from nago.search.simulate import simulate
from nago.search.steps import Search, fit_surrogate
from nago.search.warm import prior_observations, read_warm_start
from nago.tables import read_table, write_table


def read(*paths, budgets=(10, 20), ranges=RANGES):
    return read_warm_start([*paths], ranges=ranges, objectives=OBJECTIVES, budgets=budgets)


def test_results_become_ranks_within_their_budget_and_failures_are_left_out(tmp_path):
    table = read(write_trials(tmp_path, ROWS, dataset="another"))
    assert [*table["trial"]] == ["b0-r1-s1", "b0-r1-s2", "b0-r1-s3", "b0-r0-s0"]
    # Errors 0.3, 0.2, 0.1 of three; 0.4 is alone at its budget; all memories are equal.
    assert [*table["rank_validation_error"]] == pytest.approx([5 / 6, 3 / 6, 1 / 6, 1 / 2])
    assert [*table["rank_sample_memory_bytes"]] == [0.5] * 4
    assert [*table["source_budget"]] == [60, 60, 60, 30]
    assert [*table["budget"]] == [20, 20, 20, 10]


def test_budgets_are_paired_from_the_highest(tmp_path):
    path = write_trials(tmp_path, ROWS)
    assert set(read(path, budgets=(7,))["source_budget"]) == {60}
    assert set(read(path, budgets=(1, 2, 4))["budget"]) == {4, 2}


def test_several_tables_are_ranked_each_for_itself(tmp_path):
    paths = [write_trials(tmp_path / name, ROWS) for name in ("a", "b")]
    table = read(*paths)
    halves = [table[table["source"] == place].drop(columns="source") for place in (0, 1)]
    assert halves[0].reset_index(drop=True).equals(halves[1].reset_index(drop=True))
    assert [item.source for item in prior_observations(table, OBJECTIVES)] == [0] * 4 + [1] * 4


def test_a_table_of_ranks_is_read_back_as_prior_observations(tmp_path):
    write_table(tmp_path / "warm.csv", read(write_trials(tmp_path, ROWS)))
    found = prior_observations(read_table(tmp_path / "warm.csv"), OBJECTIVES)
    assert found[2] == Observation({"top_nodes": 6, "top_p": 0.6}, 20, (1 / 6, 0.5), prior=True)


@pytest.mark.parametrize(
    ("rows", "ranges", "message"),
    [
        (ROWS[1:3], RANGES, "must have 2 results or more, it has 1 of 2 trials"),
        ([], RANGES, "must have 2 results or more, it has 0 of 0 trials"),
        (ROWS, {**RANGES, "top_k": (2, 5)}, "is of another space: it has top_nodes, top_p, this"),
        (ROWS, {**RANGES, "top_p": (0.1, 0.5)}, "top_p goes from 0.1 to 0.5 here, b0-r1-s2 has"),
    ],
)
def test_what_a_search_cannot_learn_from_is_refused_in_one_line(rows, ranges, message, tmp_path):
    with pytest.raises(UserError, match="warm_start: .*" + re.escape(message)) as caught:
        read(write_trials(tmp_path, rows), ranges=ranges)
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"warm_start: there is no file .*none\.csv"):
        read(tmp_path / "none.csv")


LINE = ConfigurationSpace({"x": (0, 999)})


def make_own(*losses, budget=1):
    """Results at 500, 510 and so on."""
    return [
        Observation({"x": 500 + 10 * place}, budget, (loss,)) for place, loss in enumerate(losses)
    ]


def make_prior(count, budget=1):
    """Ranks that grow with x, from 0 on."""
    return [
        Observation({"x": place}, budget, ((place + 0.5) / count,), prior=True)
        for place in range(count)
    ]


@pytest.mark.parametrize(
    ("own", "left"), [(0, 40), (1, 40), (2, 25), (5, 10), (10, 5), (50, 1), (51, 0)]
)
def test_of_the_prior_the_fewer_are_left_the_more_results_there_are(own, left):
    # 40 points, or 2 * 5^2 / n.
    found = add_prior(make_own(*range(own)), make_prior(40), 5, {0: 1.0})
    assert sum(item.prior for item in found) == left
    assert found[:own] == make_own(*range(own))
    if left:
        assert found[own].configuration == {"x": 0}  # the best one


def see(*losses, budget=1):
    """Results at 5, 15 and so on, where a prior of 100 expects a rank each that is greater."""
    return [
        Observation({"x": 5 + 10 * place}, budget, (loss,)) for place, loss in enumerate(losses)
    ]


@pytest.mark.parametrize(
    ("losses", "trust"),
    [
        ([], 1.0),
        ([2.0, 1.0], 1.0),  # two have an order that may be chance
        ([7.0, 7.0, 7.0], 1.0),  # equal ones have none
        ([1.0, 2.0, 3.0, 9.0], 1.0),
        ([4.0, 3.0, 2.0, 1.0], 0.0),
        ([2.0, 1.0, 4.0, 3.0], (2 + 4 * 0.6) / 6),  # 1 - 6 * 4 / (4 * 15) correlate
        ([2.0, 4.0, float("inf"), 1.0, 3.0], (2 + 4 * 0.0) / 6),
        ([3.0, 1.0, 2.0], (2 - 3 * 0.5) / 5),
    ],
)
def test_a_prior_is_trusted_as_far_as_it_foresaw_the_order_of_the_results(losses, trust):
    assert measure_trust(LINE, see(*losses), make_prior(100)) == {0: pytest.approx(trust)}


@pytest.mark.parametrize(("trust", "left"), [(0.0, 0), (0.24, 4), (0.5, 10), (1 - 1e-12, 20)])
def test_of_a_prior_that_is_trusted_less_less_is_left(trust, left):
    # 2 * 10^2 / 10 of full trust.
    found = add_prior(make_own(*range(10)), make_prior(40), 10, {0: trust})
    assert sum(item.prior for item in found) == left


def test_what_a_search_learns_from_says_how_far_the_prior_is_trusted():
    space = ConfigurationSpace({"x": (0, 999)})
    search = Search("bohb", space, 0, FAST)
    own = see(*(9.0 - place for place in range(9)))
    for prior, trust in ((make_prior(100), [0.0]), ([], None)):
        surrogate = fit_surrogate(search, own, bracket=1, prior=prior)
        assert surrogate.get("prior_trust") == trust
    assert (
        "prior" not in fit_surrogate(search, own, bracket=1, prior=make_prior(100))["budgets"][0]
    )


def test_each_budget_counts_for_the_trust_by_its_results():
    own = [*see(1.0, 2.0, 3.0), *see(5.0, 4.0, 3.0, 2.0, budget=2), *see(1.0, budget=4)]
    prior = [item for budget in (1, 2, 4) for item in make_prior(100, budget)]
    assert measure_trust(LINE, own, prior) == {0: pytest.approx((2 + 3 - 4) / 9)}
    # A prior that says nothing of a budget is not held against the results there.
    assert measure_trust(LINE, own, make_prior(100)) == {0: 1.0}


def test_each_data_set_of_a_warm_start_is_trusted_for_itself_and_they_share_the_room():
    good = make_prior(100)
    bad = [replace(item, losses=(1 - item.loss,), source=1) for item in good]
    own = see(1.0, 2.0, 3.0, 4.0, 5.0)
    trust = measure_trust(LINE, own, [*bad, *good])
    assert trust == {0: 1.0, 1: 0.0}
    found = [item for item in add_prior(own, [*bad, *good], 10, trust) if item.prior]
    # Half of 2 * 10^2 / 5.
    assert [item.source for item in found] == [0] * 20
    both = [item for item in add_prior([], [*bad, *good], 10, {0: 1.0, 1: 1.0}) if item.prior]
    assert len(both) == 200


def test_a_prior_expects_the_mean_rank_of_what_is_nearest():
    # Around 50 the ranks are low and around 70 high: 50 is expected to be the best.
    ranks = {48: 0.1, 49: 0.2, 50: 0.9, 51: 0.1, 52: 0.2, 60: 0.5, 62: 0.5, 70: 0.8, 71: 0.9}
    prior = [Observation({"x": x}, 1, (rank,), prior=True) for x, rank in ranks.items()]
    own = [Observation({"x": x}, 1, (loss,)) for x, loss in ((50, 1.0), (60, 2.0), (70, 3.0))]
    assert measure_trust(LINE, own, prior) == {0: 1.0}


def test_a_prior_stands_among_own_results_by_its_rank():
    own = make_own(3.0, 1.0, float("inf"), 2.0)
    found = add_prior(own, make_prior(6), 3, {0: 1.0})[4:]
    # Three results have the ranks 1/6, 3/6, 5/6; the six of the prior 1/12, 3/12 to 11/12.
    assert [item.loss for item in found] == pytest.approx([1.0, 1.25, 1.75, 2.25, 2.75, 3.0])


def test_a_prior_never_beats_the_best_or_speaks_where_there_is_a_trial():
    own = [Observation({"x": 0}, 1, (7.0,)), *make_own(5.0)]
    found = add_prior(own, make_prior(6), 100, {0: 1.0})[2:]
    assert [item.configuration["x"] for item in found] == [1, 2, 3, 4, 5]
    assert min(item.loss for item in found) >= 5.0


def test_above_the_highest_budget_with_enough_trials_there_is_no_prior():
    own = make_own(*range(5), budget=2)
    prior = [item for budget in (1, 2, 4) for item in make_prior(9, budget)]
    assert {item.budget for item in add_prior(own, prior, 5, {0: 1.0})} == {1, 2}
    assert {item.budget for item in add_prior(own[1:], prior, 5, {0: 1.0})} == {1, 2, 4}


def test_without_a_prior_a_fit_is_what_it_was():
    space = counting_ones_space()
    own = [
        Observation(item.configuration, 9, (float(place),))
        for place, item in enumerate(draw(space, 30, 1))
    ]
    search = Search("bohb", space, 0, FAST)
    assert fit_surrogate(search, own, bracket=1) == METHODS["bohb"].fit(space, own, FAST, 0)


def test_bohb_tells_results_from_the_prior():
    prior = [
        Observation(item.configuration, 9, ((place + 0.5) / 40,), prior=True)
        for place, item in enumerate(draw(counting_ones_space(), 40, 1))
    ]
    search = Search("bohb", counting_ones_space(), 0, FAST)
    surrogate = fit_surrogate(search, [], bracket=0, prior=prior)
    assert surrogate["model_budget"] == 9
    assert [(b["observations"], b["prior"]) for b in surrogate["budgets"]] == [(0, 40)]


def imagine_prior(sign):
    """Return what 60 trials at each budget say that are as good as here, or as bad."""
    found = []
    for budget in (9, 27, 81):
        drawn = [item.configuration for item in draw(counting_ones_space(), 60, 123 + budget)]
        losses = [sign * count_ones(values, budget, seed) for seed, values in enumerate(drawn)]
        ranks = (np.argsort(np.argsort(losses)) + 0.5) / 60
        found += [
            Observation(values, budget, (float(rank),), prior=True)
            for values, rank in zip(drawn, ranks, strict=True)
        ]
    return found


def measure_regret(prior, iterations):
    """Return the median regret of bohb on counting ones after some brackets, of 10 seeds."""
    plan = plan_search(iterations, 9, 81, 3)
    found = []
    for seed in range(10):
        search = Search("bohb", counting_ones_space(), seed, FASTEST)
        trials = simulate(
            search,
            lambda p: count_ones(p.configuration, p.budget, p.seed),
            plan,
            lag=1,
            prior=prior,
        )
        found.append(regret([(t.configuration, t.budget, t.validation_error) for t in trials]))
    return statistics.median(found)


def test_a_helpful_prior_speeds_up_and_a_misleading_one_costs_little():
    without = measure_regret([], 4)
    assert measure_regret(imagine_prior(1), 4) < 0.8 * without
    # Ranks reversed: a little is lost, and less than twice the brackets make up for it.
    misleading = imagine_prior(-1)
    assert measure_regret(misleading, 4) < 1.3 * without
    assert measure_regret(misleading, 8) < without


def square():
    return ConfigurationSpace({"x": (0.0, 1.0), "y": (0.0, 1.0)})


def two_losses(values):
    x, y = values["x"], values["y"]
    return ((x - 0.3) ** 2 + y / 2, (x - 0.8) ** 2 + y / 2)


def observe(count, seed, *, prior=False):
    drawn = [item.configuration for item in draw(square(), count, seed)]
    losses = np.array([two_losses(values) for values in drawn])
    if prior:
        losses = (losses.argsort(axis=0).argsort(axis=0) + 0.5) / count
    return [
        Observation(values, 1, tuple(map(float, row)), prior=prior)
        for values, row in zip(drawn, losses, strict=True)
    ]


MOBO = Search("mobo", square(), 0, {"surrogate": "gp"}, objectives=("a", "b"))


def test_mobo_begins_with_the_best_of_the_prior_in_half_of_its_trials():
    prior = observe(40, 5, prior=True)
    surrogate = fit_surrogate(MOBO, [], bracket=0, prior=prior)
    found = METHODS["mobo"].propose(square(), surrogate, 6, 1, 0)
    assert [item.origin for item in found] == ["prior"] * 3 + ["random"] * 3
    # All that is good has a low y.
    assert max(item.configuration["y"] for item in found[:3]) < 0.3
    assert plan_rounds(6, 1, 2, 1)[0][0].size == 6


def test_the_prior_is_in_the_models_of_mobo_and_nowhere_else():
    own, prior = observe(4, 1), observe(40, 5, prior=True)
    with_prior = fit_surrogate(MOBO, own, bracket=1, prior=prior)
    without = fit_surrogate(MOBO, own, bracket=1)
    for name in ("genes", "losses"):
        assert np.array_equal(with_prior["arrays"][name], without["arrays"][name])
    assert (with_prior["observations"], with_prior["failed"]) == (4, 0)
    assert "prior" not in without
    assert without["model"] != with_prior["model"] or any(
        not np.array_equal(with_prior["arrays"][name], array)
        for name, array in without["arrays"].items()
    )


def test_what_the_prior_has_may_be_proposed():
    best = Observation({"x": 0.5, "y": 0.0}, 1, (0.01, 0.01), prior=True)
    surrogate = fit_surrogate(MOBO, [], bracket=0, prior=[best, *observe(9, 5, prior=True)])
    found = METHODS["mobo"].propose(square(), surrogate, 2, 1, 0)
    assert found[0].configuration == {"x": 0.5, "y": 0.0}
