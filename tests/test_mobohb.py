"""Multi-objective BOHB: its models, its halving and whole searches on cheap functions."""

import json
import math
import random
import statistics
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace

from nago.records import Observation, Proposal, Trial, UserError
from nago.search import bohb, mobo, mobohb
from nago.search.brackets import count_seen, plan_full_budget, plan_rounds, plan_search
from nago.search.contenders import order_by_front
from nago.search.pareto import measure_hypervolume
from nago.search.random_search import draw
from nago.search.simulate import run_search
from nago.search.steps import Search, first_rung, fit_surrogate, next_rung
from nago.search.surrogate_file import read_surrogate, write_surrogate
from nago.seeds import derive_seed
from nago.tables import join_tables, observations, tabulate

OBJECTIVES = ("validation_error", "sample_memory_bytes")
GP = {"model": "surrogate", "surrogate": "gp", "population": 12, "generations": 4}
DENSITY = {"model": "density"}
MODELS = {"density": DENSITY, "surrogate": GP}
MILLION = 1_000_000


def square():
    return ConfigurationSpace({"x": (0.0, 1.0), "y": (0.0, 1.0)})


def branin(x, y, s):
    """MOMF-BraninCurrin's first function, of Irshad et al. 2024; s is the fidelity."""
    b, c, t = 5.1 / (4 * math.pi**2), 5 / math.pi, 1 / (8 * math.pi)
    b, c, t = b - 0.01 * (1 - s), c - 0.1 * (1 - s), t + 0.05 * (1 - s)
    u, v = 15 * x - 5, 15 * y
    return ((v - b * u**2 + c * u - 6) ** 2 + 10 * (1 - t) * math.cos(u) + 10 + 1) / 330


def currin(x, y, s):
    """The second one."""
    share = 1 - 0.1 * (1 - s) * math.exp(-1 / (2 * y)) if y > 0 else 1.0
    over = 2300 * x**3 + 1900 * x**2 + 2092 * x + 60
    return (share * over / (100 * x**3 + 500 * x**2 + 4 * x + 20)) / 15


def evaluate(proposal, most, fails=lambda configuration: False):
    """Return both losses at the fidelity of a proposal; the second in millionths."""
    x, y = proposal.configuration["x"], proposal.configuration["y"]
    if fails(proposal.configuration):
        return None
    s = proposal.budget / most
    return branin(x, y, s), round(MILLION * currin(x, y, s))


def make_train(most=9, fails=lambda configuration: False):
    def train(name, proposal):
        losses = evaluate(proposal, most, fails)
        return make_trial(name, proposal, losses)

    return train


def make_trial(name, proposal, losses):
    return Trial(
        name=name,
        configuration=proposal.configuration,
        budget=proposal.budget,
        seed=proposal.seed,
        origin=proposal.origin,
        parent=proposal.parent,
        status="ok" if losses else "out_of_memory",
        epochs=proposal.budget,
        validation_error=losses[0] if losses else None,
        hash=None,
        width=None,
        nodes=None,
        parameters=1,
        multiply_adds=1,
        sample_memory_bytes=losses[1] if losses else 5,
        error=None if losses else "too large",
        cost={},
    )


def make_search(method, seed=0, options=None, **more):
    return Search(method, square(), seed, options or {}, objectives=OBJECTIVES, **more)


def observe(count, budget, losses, seed=0):
    return [
        Observation(item.configuration, budget, losses(item.configuration))
        for item in draw(square(), count, seed)
    ]


def both(values):
    return values["x"] + values["y"], 1 - values["x"] + values["y"]


def volume(trials, most=9):
    at_largest = [t for t in trials if t.budget == most and t.validation_error is not None]
    losses = [(t.validation_error, t.sample_memory_bytes / MILLION) for t in at_largest]
    return measure_hypervolume(np.array(losses).reshape(-1, 2), np.array([1.0, 1.0]))


# The densities are BOHB's.


def test_the_densities_are_those_of_bohb_with_the_front_as_loss():
    observations = observe(24, 3, both) + observe(9, 9, both, seed=1)
    learnt = mobohb.fit(square(), observations, DENSITY | {"promotion": "rank"}, 0)
    # By hand: fronts taken away one by one, in the order of the trials.
    expected = []
    for budget in (3, 9):
        left = [item for item in observations if item.budget == budget]
        place, places = 0, {}
        while left:
            front = [
                a
                for a in left
                if not any(
                    b.losses[0] <= a.losses[0] and b.losses[1] <= a.losses[1] and b != a
                    for b in left
                )
            ]
            for item in front:
                places[id(item)] = place
                place += 1
            left = [item for item in left if item not in front]
        expected += [
            Observation(item.configuration, budget, (float(places[id(item)]),))
            for item in observations
            if item.budget == budget
        ]
    scalar = bohb.fit(square(), expected, {}, 0)
    assert learnt["density"] == scalar
    assert learnt["model_budget"] == 9
    assert mobohb.propose(square(), learnt, 6, 9, 4) == bohb.propose(square(), scalar, 6, 9, 4)


@pytest.mark.parametrize("options", MODELS.values(), ids=MODELS)
def test_without_results_configurations_are_random(options):
    learnt = mobohb.fit(square(), [], options, 0)
    assert learnt["model_budget"] is None
    assert mobohb.propose(square(), learnt, 5, 3, 7) == draw(square(), 5, 7)


@pytest.mark.parametrize("options", MODELS.values(), ids=MODELS)
def test_a_surrogate_survives_its_file(options, tmp_path):
    learnt = mobohb.fit(square(), observe(12, 3, both), options, 0)
    write_surrogate(tmp_path / "surrogate.json", learnt)
    restored = read_surrogate(tmp_path / "surrogate.json")
    found = [mobohb.propose(square(), item, 3, 3, 1) for item in (learnt, restored)]
    assert found[0] == found[1]
    assert "model" in {item.origin for item in found[0]}
    json.dumps({key: value for key, value in learnt.items() if key != "arrays"})


def test_at_one_budget_the_surrogate_is_mobos():
    observations = observe(12, 3, both)
    learnt = mobohb.fit(square(), observations, GP, 5)
    steps = {name: value for name, value in GP.items() if name != "model"}
    expected = mobo.fit(square(), observations, steps, 5)
    for name, array in expected["arrays"].items():
        np.testing.assert_array_equal(learnt["arrays"][name], array)
    assert learnt["surrogate"]["model"] == expected["model"]


def test_the_surrogate_is_for_the_largest_budget_that_has_two_results():
    many = observe(12, 3, both)
    lost = [Observation(o.configuration, 9, (math.inf,) * 2) for o in observe(4, 9, both, seed=3)]
    for results, expected in ((1, 3), (2, 9)):
        found = mobohb.fit(square(), [*many, *observe(results, 9, both, seed=1), *lost], GP, 5)
        assert found["model_budget"] == expected
    # Three results in all are needed for two hyperparameters.
    assert mobohb.fit(square(), observe(2, 9, both), GP, 5)["model_budget"] is None
    assert mobohb.fit(square(), observe(3, 9, both), GP, 5)["model_budget"] == 9


def test_the_surrogates_model_has_the_budget_as_a_feature():
    by_budget = {1: observe(5, 1, both), 3: observe(4, 3, both, seed=1)}
    by_budget[9] = observe(3, 9, both, seed=2)
    learnt = mobohb.fit(square(), [o for items in by_budget.values() for o in items], GP, 5)
    # By hand: those at the largest budget come first, and the budget by its logarithm.
    items = by_budget[9] + by_budget[1] + by_budget[3]
    places = [1.0] * 3 + [0.0] * 5 + [0.5] * 4
    points = [
        [item.configuration["x"], item.configuration["y"], place]
        for item, place in zip(items, places, strict=True)
    ]
    np.testing.assert_allclose(learnt["arrays"]["model_features"], points, atol=1e-6)
    losses = np.array([item.losses for item in items])
    np.testing.assert_allclose(learnt["arrays"]["losses"], losses[:3])
    np.testing.assert_allclose(learnt["arrays"]["other_losses"], losses[3:])


def test_results_at_small_budgets_teach_what_is_good_at_the_largest():
    def losses(shift):
        def evaluate(values):
            x, y = values["x"] - 0.7, values["y"] - 0.2
            return 5 * (x**2 + y**2) + shift, 5 * ((x + 0.1) ** 2 + y**2) + 2 * shift

        return evaluate

    small, large = observe(30, 3, losses(0.5)), observe(3, 9, losses(0.0), seed=1)
    options = GP | {"reference": [1.0, 1.0]}
    near = {}
    for name, seen in (("both", small + large), ("large only", large)):
        found = mobohb.propose(square(), mobohb.fit(square(), seen, options, 0), 4, 9, 1)
        distances = np.linalg.norm(place_of(found) - [0.65, 0.2], axis=1)
        near[name] = float(np.median(distances))
    assert near["both"] < 0.15 < near["large only"]


@pytest.mark.parametrize("options", MODELS.values(), ids=MODELS)
def test_a_warm_start_is_no_result(options):
    own = observe(12, 3, both)
    best = Observation({"x": 0.0, "y": 0.0}, 9, (0.0, 0.0), prior=True)
    worse = [replace(item, prior=True) for item in observe(5, 9, both, seed=4)]
    learnt = mobohb.fit(square(), [*own, best, *worse], options, 0)
    assert learnt["observations"] == 12
    assert learnt["budgets"] == [{"budget": 3, "observations": 12, "failed": 0}]
    assert learnt["front_budget"] == 3
    np.testing.assert_array_equal(
        learnt["arrays"]["front"], mobohb.fit(square(), own, options, 0)["arrays"]["front"]
    )


def test_a_surrogate_begins_with_the_best_of_a_warm_start():
    prior = [replace(item, prior=True) for item in observe(8, 9, both)]
    learnt = mobohb.fit(square(), prior, GP, 0)
    assert learnt["model_budget"] is None
    found = mobohb.propose(square(), learnt, 4, 3, 1)
    assert [item.origin for item in found] == ["prior"] * 2 + ["random"] * 2


def test_the_surrogate_proposes_nothing_that_was_tried_at_any_budget():
    alone = GP | {"random_fraction": 0.0}
    space = ConfigurationSpace({"x": (1, 4), "y": (1, 4)})
    tried = [
        Observation({"x": x, "y": y}, budget, (float(x), 5.0 - x))
        for (x, y), budget in zip(
            [(x, y) for x in range(1, 5) for y in range(1, 4)], [3] * 6 + [9] * 6, strict=True
        )
    ]
    found = mobohb.propose(space, mobohb.fit(space, tried, alone, 0), 4, 9, 1)
    assert sorted(item.configuration["x"] for item in found) == [1, 2, 3, 4]
    assert {item.configuration["y"] for item in found} == {4}
    # There are no five left.
    found = mobohb.propose(space, mobohb.fit(space, tried, alone, 0), 5, 9, 1)
    assert {item.origin for item in found} == {"fallback"}


def test_a_share_of_a_surrogates_proposals_is_random():
    learnt = {
        share: mobohb.fit(square(), observe(12, 3, both), GP | {"random_fraction": share}, 0)
        for share in (0.0, 0.5, 1.0)
    }
    counts = {}
    for share, surrogate in learnt.items():
        found = [o for seed in range(10) for o in mobohb.propose(square(), surrogate, 4, 3, seed)]
        assert {item.origin for item in found} <= {"model", "random"}
        counts[share] = sum(item.origin == "random" for item in found)
    assert counts[0.0] == 0
    assert 10 <= counts[0.5] <= 30  # of 40; beyond that lies a thousandth
    assert counts[1.0] == 40
    assert mobohb.propose(square(), learnt[1.0], 4, 3, 7) == draw(
        square(), 4, derive_seed(7, "random")
    )


def test_options_that_there_are_not_and_other_spaces_are_refused():
    with pytest.raises(UserError, match=r"mobohb has no options \['lucky'\]"):
        mobohb.fit(square(), [], {"lucky": 1}, 0)
    with pytest.raises(UserError, match="model could be surrogate, density, got 'oracle'"):
        mobohb.fit(square(), [], {"model": "oracle"}, 0)
    with pytest.raises(UserError, match="lowest_error must be 0 or more and below 1, got 1"):
        mobohb.fit(square(), [], {"lowest_error": 1}, 0)
    other = mobohb.fit(ConfigurationSpace({"z": (0.0, 1.0)}), [], {}, 0)
    with pytest.raises(UserError, match=r"fitted on \['z'\], got a space of \['x', 'y'\]"):
        mobohb.propose(square(), other, 1, 1, 0)


# What failed.


def in_corner(values):
    return values["x"] < 0.5 and values["y"] < 0.5


def share_near(places, failed):
    """Return the share of places (n, 2) that lie within 0.15 of one of (f, 2)."""
    distances = np.linalg.norm(places[:, None] - failed[None], axis=2)
    return float((distances.min(axis=1) < 0.15).mean())


def place_of(items):
    return np.array([[item.configuration[name] for name in "xy"] for item in items])


def share_proposed(options, budget, *, fails):
    """Return how often models go near trials in the corner, which holds half of the front.

    Those trials are all at one budget. Beside it stands how often chance would go there.
    """
    found, chance = [], []
    grid = np.stack(np.meshgrid(*[np.linspace(0, 1, 41)] * 2), axis=-1).reshape(-1, 2)
    for seed in range(6):
        observations = observe(40, 3, both, seed) + observe(20, 9, both, seed + 100)
        corner = [o for o in observations if in_corner(o.configuration) and o.budget == budget]
        others = [o for o in observations if not in_corner(o.configuration)]
        lost = [Observation(o.configuration, budget, (math.inf,) * 2) for o in corner]
        learnt = mobohb.fit(square(), others + (lost if fails else corner), options, seed)
        proposed = mobohb.propose(square(), learnt, 8, 9, seed)
        by_model = [item for item in proposed if item.origin == "model"]
        found.append(share_near(place_of(by_model), place_of(corner)))
        chance.append(share_near(grid, place_of(corner)))
    return statistics.mean(found), statistics.mean(chance)


@pytest.mark.parametrize("budget", [3, 9])
@pytest.mark.parametrize("options", MODELS.values(), ids=MODELS)
def test_the_neighbourhood_of_failures_is_proposed_less_often_than_by_chance(options, budget):
    share, chance = share_proposed(options, budget, fails=True)
    assert share < chance
    # It is the failures that do it: the same trials with their results draw proposals there.
    assert share < share_proposed(options, budget, fails=False)[0]


def test_failures_are_never_among_the_good():
    # Of 12 trials 3 worked, as many as a model calls good; with 2 there is none.
    for works, expected in ((3, True), (2, False)):
        observations = [
            Observation(item.configuration, 3, item.losses if row < works else (math.inf,) * 2)
            for row, item in enumerate(observe(12, 3, both))
        ]
        learnt = mobohb.fit(square(), observations, DENSITY, 0)
        assert (learnt["model_budget"] == 3) == expected
        if expected:
            good = learnt["density"]["models"][0]["good"]["data"]
            want = [[i.configuration["x"], i.configuration["y"]] for i in observations[:3]]
            np.testing.assert_allclose(sorted(good), sorted(want), rtol=1e-12)
    assert learnt["budgets"] == [{"budget": 3, "observations": 12, "failed": 10}]


def test_a_search_goes_on_around_failures_and_promotes_none():
    search = make_search("mobohb", 1, DENSITY)
    fails = in_corner
    trials = run_search(search, make_train(fails=fails), plan_search(6, 1, 9, 3), 1)
    failed = {trial.name for trial in trials if trial.status != "ok"}
    assert failed
    parents = {trial.parent for trial in trials if trial.parent}
    assert parents
    assert not failed & parents
    assert [t.name for t in trials] == [
        f"b{b}-r{r}-s{s}"
        for b, rungs in enumerate(plan_search(6, 1, 9, 3))
        for r, rung in enumerate(rungs)
        for s in range(rung.size)
    ]


# The halving.


def rung_trials(points):
    proposals = draw(square(), len(points), 0)
    return [
        Trial(
            **{
                **make_trial(f"b0-r0-s{slot}", _proposal(item, slot), (0.0, 0)).as_dict(),
                "validation_error": error,
                "sample_memory_bytes": memory,
            }
        )
        for slot, (item, (error, memory)) in enumerate(zip(proposals, points, strict=True))
    ]


def _proposal(item, slot):
    return Proposal(item.configuration, 3, 1000 + slot, "random")


def slots(trials):
    return [int(trial.name.split("-s")[1]) for trial in trials]


def test_trials_are_ordered_by_front_and_failed_ones_not_at_all():
    points = [(0.9, 9), (None, 1), (0.1, 5), (0.5, 1), (0.6, 6), (0.2, 4)]
    options = {"promotion": "rank", "reference": None}
    trials = rung_trials(points)
    assert slots(order_by_front(trials, OBJECTIVES, options)) == [2, 3, 5, 4, 0]
    shuffled = random.Random(0).sample(trials, len(trials))
    assert slots(order_by_front(shuffled, OBJECTIVES, options)) == [2, 3, 5, 4, 0]


@pytest.mark.parametrize("keep", [False, True])
def test_a_rung_takes_the_front_and_fills_up_with_new_configurations(keep):
    search = make_search("mobohb", keep=keep)
    learnt = mobohb.fit(square(), [], {}, 0)
    below = rung_trials([(0.9, 9), (None, 1), (0.1, 5), (None, 2)])
    plan = plan_search(1, 1, 9, 3)[0]
    found = next_rung(search, learnt, below, bracket=0, number=1, rung=plan[1])
    assert [item.parent for item in found] == ["b0-r0-s2", "b0-r0-s0", None]
    fresh = [derive_seed(0, "trial", 0, 1, slot) for slot in range(3)]
    assert [item.seed for item in found] == ([1002, 1000, fresh[2]] if keep else fresh)


def test_what_cannot_reach_the_front_gives_its_place_to_another():
    search = make_search("mobohb")
    observations = [Observation({"x": 0.5, "y": 0.5}, 9, (0.0, 100.0))]
    learnt = mobohb.fit(square(), observations, {}, 0)
    below = rung_trials([(0.1, 500), (0.2, 50), (0.3, 40)])
    memory = {trial.configuration["x"]: trial.sample_memory_bytes for trial in below}
    plan = plan_search(1, 1, 9, 3)[0]
    found = next_rung(
        search,
        learnt,
        below,
        bracket=0,
        number=1,
        rung=plan[1],
        last=(2, plan[2]),
        exact=lambda configurations: np.full((len(configurations), 2), np.nan),
        costs=lambda values, seed: {"sample_memory_bytes": memory.get(values["x"], 1)},
    )
    assert {item.parent for item in found} == {"b0-r0-s1", "b0-r0-s2", None}
    assert found[2].parent is None


def test_a_promoted_configuration_takes_a_slot_that_its_new_network_fits():
    # With the first slot's seed the best is above the limit, with the second's it isn't.
    search = make_search("mobohb", limits={"sample_memory_bytes": 100})
    learnt = mobohb.fit(square(), [], {}, 0)
    below = rung_trials([(0.1, 50), (0.2, 60), (0.3, 70)])
    best, first = below[0].configuration["x"], derive_seed(0, "trial", 0, 1, 0)

    def costs(values, seed):
        return {"sample_memory_bytes": 500 if values["x"] == best and seed == first else 50}

    plan = plan_search(1, 1, 9, 3)[0]
    found = next_rung(search, learnt, below, bracket=0, number=1, rung=plan[1], costs=costs)
    assert [item.parent for item in found][:2] == ["b0-r0-s1", "b0-r0-s0"]
    with pytest.raises(ValueError, match="limits need the costs"):
        next_rung(search, learnt, below, bracket=0, number=1, rung=plan[1])


# Whole searches.


def heavy(values, seed):
    """Memory is known before: larger to the right, and a little by the draw."""
    return {"sample_memory_bytes": 1000 * values["x"] + seed % 10, "parameters": 1}


@pytest.mark.parametrize("method", ["mobohb", "bohb", "random"])
def test_nothing_above_a_limit_is_ever_trained(method):
    limits = {"sample_memory_bytes": 300.0}
    search = make_search(method, 3, limits=limits)
    plan = plan_search(4, 1, 9, 3)
    trials = run_search(search, make_train(), plan, 1, costs=heavy)
    assert all(heavy(t.configuration, t.seed)["sample_memory_bytes"] <= 300 for t in trials)
    assert len(trials) == sum(rung.size for rungs in plan for rung in rungs)
    again = run_search(search, make_train(), plan, 1, costs=heavy)
    assert again == trials


def test_a_round_of_mobo_keeps_the_limits_too():
    def exact(bracket):
        def compute(configurations):
            memory = [heavy(values, 0)["sample_memory_bytes"] for values in configurations]
            return np.array([[np.nan, m] if m <= 300 else [np.inf] * 2 for m in memory])

        return compute

    options = {name: value for name, value in GP.items() if name != "model"}
    search = make_search("mobo", 3, options, limits={"sample_memory_bytes": 300.0})
    plan = plan_rounds(6, 2, 3, 9)
    trials = run_search(search, make_train(), plan, 1, exact, costs=heavy)
    assert all(heavy(t.configuration, t.seed)["sample_memory_bytes"] <= 300 for t in trials)
    assert len({tuple(t.configuration.values()) for t in trials}) == 12
    assert [t.origin for t in trials] == ["random"] * 6 + ["model"] * 6


@pytest.mark.parametrize("promotion", ["hypervolume", "rank", "epsilon_net"])
def test_the_same_table_comes_from_any_number_of_workers(promotion, tmp_path):
    """Trials of a rung done in any order, as workers end them, are the same trials."""
    search = make_search("mobohb", 4, DENSITY | {"promotion": promotion})
    plan = plan_search(5, 1, 9, 3)
    expected = tabulate(run_search(search, make_train(), plan, 2)).to_csv()
    for workers in (1, 5, 64):
        rng = random.Random(workers)
        tables = []
        for bracket, rungs in enumerate(plan):
            seen = tables[: count_seen(bracket, 2, makes_initial=False)]
            history = [item for table in seen for item in observations(table, OBJECTIVES)]
            learnt = fit_surrogate(search, history, bracket=bracket)
            write_surrogate(tmp_path / "surrogate.json", learnt)
            learnt = read_surrogate(tmp_path / "surrogate.json")
            below, all_trials = [], []
            for number, rung in enumerate(rungs):
                proposals = (
                    next_rung(search, learnt, below, bracket=bracket, number=number, rung=rung)
                    if number
                    else first_rung(search, learnt, bracket=bracket, rung=rung)
                )
                waiting, below = list(enumerate(proposals)), []
                while waiting:  # those at work end in any order
                    at_work = waiting[:workers]
                    slot, proposal = at_work[rng.randrange(len(at_work))]
                    waiting.remove((slot, proposal))
                    below.append(make_train()(f"b{bracket}-r{number}-s{slot}", proposal))
                all_trials += sorted(below, key=lambda t: int(t.name.split("-s")[1]))
            tables.append(tabulate(all_trials))
        assert join_tables(tables).to_csv() == expected


@pytest.mark.parametrize("model", MODELS)
def test_at_equal_cost_its_front_is_better_than_random_searchs(model):
    settings = (12, 1, 9, 3) if model == "density" else (6, 1, 9, 3)
    plan, baseline = plan_search(*settings), plan_full_budget(*settings)
    cost = [sum(r.size * r.budget for rungs in p for r in rungs) for p in (plan, baseline)]
    assert cost[0] == cost[1]
    ours, theirs = [], []
    for seed in range(5):
        search = make_search("mobohb", seed, MODELS[model])
        ours.append(volume(run_search(search, make_train(), plan, 1)))
        theirs.append(volume(run_search(make_search("random", seed), make_train(), baseline, 1)))
    assert statistics.median(ours) > statistics.median(theirs)


def test_most_proposals_come_from_the_model_in_the_end():
    trials = run_search(
        make_search("mobohb", 2, DENSITY), make_train(), plan_search(12, 1, 9, 3), 1
    )
    late = Counter(t.origin for t in trials if int(t.name[1:].split("-")[0]) >= 6)
    assert late["model"] > late["random"]
    assert "fallback" not in late
