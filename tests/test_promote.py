"""Promotion against HpBandSter's own successive halving and against sorting by hand."""

import random

import pytest

from nago.records import Trial, trial_name
from nago.search.promote import promote, rank


def make_trial(slot, error, *, rung=0, origin="random"):
    return Trial(
        name=trial_name(3, rung, slot),
        configuration={"x": slot / 100, "kind": "a"},
        budget=30,
        seed=1000 + slot,
        origin=origin,
        parent=None,
        status="diverged" if error is None else "ok",
        epochs=30,
        validation_error=error,
        hash=None,
        width=None,
        nodes=None,
        parameters=None,
        multiply_adds=None,
        sample_memory_bytes=None,
        error=None if error is not None else "NaN in epoch 2",
        cost={},
    )


def slots(trials):
    return [int(trial.name.split("-s")[1]) for trial in trials]


def test_trials_are_ranked_by_error_then_slot_and_failed_ones_not_at_all():
    errors = [0.3, None, 0.1, 0.3, 0.1, float("nan"), float("inf"), 0.0]
    trials = [make_trial(slot, error) for slot, error in enumerate(errors)]
    assert slots(rank(trials)) == [7, 2, 4, 0, 3]


def test_the_order_in_which_trials_are_given_decides_nothing():
    trials = [make_trial(slot, 0.5) for slot in range(12)]
    for seed in range(5):
        shuffled = random.Random(seed).sample(trials, len(trials))
        assert slots(rank(shuffled)) == list(range(12))


def test_a_promoted_configuration_draws_a_fresh_architecture():
    trials = [make_trial(0, 0.4), make_trial(1, 0.2, origin="model"), make_trial(2, 0.3)]
    best, second = promote(trials, size=2, budget=60, seeds=[7, 8], keep=False)
    assert (best.parent, second.parent) == ("b3-r0-s1", "b3-r0-s2")
    assert (best.origin, second.origin) == ("model", "random")
    assert best.configuration == trials[1].configuration
    assert (best.budget, second.budget) == (60, 60)
    assert (best.seed, second.seed) == (7, 8)


def test_a_trial_that_continues_keeps_its_seed():
    trials = [make_trial(0, 0.4), make_trial(1, 0.2), make_trial(2, 0.3)]
    promoted = promote(trials, size=2, budget=60, seeds=[7, 8], keep=True)
    assert [proposal.seed for proposal in promoted] == [1001, 1002]


def test_failed_trials_leave_slots_empty():
    trials = [make_trial(0, None), make_trial(1, 0.2), make_trial(2, None)]
    assert len(promote(trials, size=2, budget=60, seeds=[7, 8], keep=False)) == 1
    assert promote(trials[:1], size=2, budget=60, seeds=[7, 8], keep=False) == []


def test_a_seed_too_few_is_refused():
    with pytest.raises(ValueError, match=r"got 1 for size=2"):
        promote([make_trial(0, 0.1)], size=2, budget=60, seeds=[7], keep=False)


def hpbandsters_second_rung(errors, sizes):
    """Return the slots that HpBandSter promotes, and how many new configurations it adds."""
    from hpbandster.core.dispatcher import Job
    from hpbandster.optimizers.iterations import SuccessiveHalving

    iteration = SuccessiveHalving(
        HPB_iter=0,
        num_configs=list(sizes),
        budgets=[30.0, 60.0],
        config_sampler=lambda _: ({}, {}),
    )
    for _ in range(sizes[0]):
        config_id, configuration, budget = iteration.get_next_run()
        job = Job(config_id, config=configuration, budget=budget)
        error = errors[config_id[2]]
        job.result = None if error is None else {"loss": error}
        iteration.register_result(job)
    second = [iteration.get_next_run()[0] for _ in range(sizes[1])]
    promoted = {slot for _, stage, slot in second if stage == 0}
    return promoted, sum(stage == 1 for _, stage, _ in second)


@pytest.mark.parametrize("seed", range(30))
def test_promotions_and_free_slots_are_hpbandsters(seed):
    rng = random.Random(seed)
    sizes = rng.choice([(4, 2), (2, 1), (9, 3), (3, 2)])
    errors = [None if rng.random() < 0.4 else rng.random() for _ in range(sizes[0])]
    trials = [make_trial(slot, error) for slot, error in enumerate(errors)]
    ours = promote(trials, size=sizes[1], budget=60, seeds=range(sizes[1]), keep=False)
    promoted, new = hpbandsters_second_rung(errors, sizes)
    assert {int(proposal.parent.split("-s")[1]) for proposal in ours} == promoted
    assert sizes[1] - len(ours) == new
