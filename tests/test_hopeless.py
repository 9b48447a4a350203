"""What is never promoted: against all errors that a configuration could have, one by one."""

import itertools

import numpy as np
import pytest

from nago.records import Trial
from nago.search.contenders import drop_hopeless
from nago.search.hopeless import is_hopeless

OBJECTIVES = ("validation_error", "sample_memory_bytes", "parameters")
ERRORS = np.arange(5) / 4
"""All that an error can be in these tests."""


def dominates(a, b):
    return all(x <= y for x, y in zip(a, b, strict=True)) and tuple(a) != tuple(b)


def brute_front(points):
    return [p for p in points if not any(dominates(q, p) for q in points)]


def table_of_costs(rng, configurations, seeds):
    """Return costs by configuration and seed, each of two levels or infinite."""
    return {
        (x, seed): dict(
            zip(
                OBJECTIVES[1:],
                rng.choice([1.0, 2.0, np.inf], 2, p=[0.45, 0.45, 0.1]).tolist(),
                strict=True,
            )
        )
        for x in range(configurations)
        for seed in seeds
    }


@pytest.mark.parametrize("lowest", [0.0, 0.25])
@pytest.mark.parametrize("seed", range(60))
def test_what_is_dropped_is_on_no_front_that_could_come_and_the_rest_on_some(lowest, seed):
    rng = np.random.default_rng(seed)
    seeds = [11, 12]
    table = table_of_costs(rng, 6, seeds)
    possible = [error for error in ERRORS if error >= lowest]
    known = [
        (float(rng.choice(ERRORS[:3])), *rng.choice([1.0, 2.0], 2).tolist())
        for _ in range(rng.integers(0, 4))
    ]
    later = [(float(rng.choice(possible)), *rng.choice([1.0, 2.0], 2).tolist()) for _ in range(3)]
    front = np.array(brute_front(known)).reshape(-1, 3)
    for x in range(6):
        found = is_hopeless(
            {"x": x},
            seeds,
            lambda configuration, s: table[configuration["x"], s],
            objectives=OBJECTIVES,
            front=front,
            lowest=lowest,
        )
        outcomes = []
        for s, error in itertools.product(seeds, possible):
            point = (error, *table[x, s].values())
            if np.isinf(point).any():
                continue  # it has no network: such a trial has no result
            outcomes.append(point in brute_front([*known, point]))
            if found:
                assert point not in brute_front([*known, *later, point])
        assert found == (not any(outcomes))


def make_trial(slot, seed):
    return Trial(
        name=f"b0-r0-s{slot}",
        configuration={"x": slot},
        budget=1,
        seed=seed,
        origin="random",
        parent=None,
        status="ok",
        epochs=1,
        validation_error=0.5,
        hash=None,
        width=None,
        nodes=None,
        parameters=1,
        multiply_adds=1,
        sample_memory_bytes=1,
        error=None,
        cost={},
    )


def test_a_trial_that_keeps_its_network_is_judged_by_that_one():
    # Small with its own seed, large with those of the largest budget.
    def costs(configuration, seed):
        return {"sample_memory_bytes": 5.0 if seed == 7 else 50.0}

    surrogate = {"options": {"lowest_error": 0.0}, "arrays": {"front": np.array([[0.0, 10.0]])}}
    objectives, trials = ("validation_error", "sample_memory_bytes"), [make_trial(0, 7)]
    assert drop_hopeless(trials, surrogate, objectives, costs, None) == trials
    assert drop_hopeless(trials, surrogate, objectives, costs, [1, 2]) == []
    # One slot in which it would be small is hope enough.
    assert drop_hopeless(trials, surrogate, objectives, costs, [1, 7]) == trials


def test_without_a_trial_at_the_largest_budget_there_is_hope_for_all():
    assert not is_hopeless(
        {},
        [1],
        lambda configuration, seed: {"parameters": 9.0},
        objectives=("validation_error", "parameters"),
        front=np.empty((0, 2)),
        lowest=0.0,
    )
