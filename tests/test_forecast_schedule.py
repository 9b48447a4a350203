"""The jobs of a search in simulated time, against time ticked off one by one and closed forms."""

import numpy as np
import pytest

from nago.forecast.outlook import recommend_lag, time_lags
from nago.forecast.schedule import Order, list_trainings, simulate_jobs
from nago.forecast.simulation import Times
from nago.search.brackets import Rung, count_seen, plan_rounds, plan_search


def tick(order, durations, workers):
    """Let time pass second by second: the end, how many became ready when, and each one's end."""
    jobs = {}
    place = 0
    for bracket, rungs in enumerate(order.plan):
        for rung, one in enumerate(rungs):
            for slot in range(one.size):
                jobs[bracket, rung, slot] = durations[place]
                place += 1
    finals = len(order.plan)
    for slot in range(order.final_networks):
        jobs[finals, 0, slot] = durations[place]
        place += 1

    def bracket_over(bracket, done):
        return all(job in done for job in jobs if job[0] == bracket)

    def may_begin(job, done):
        bracket, rung, _ = job
        if rung:
            return all(o in done for o in jobs if o[:2] == (bracket, rung - 1))
        if bracket == finals:
            return all(bracket_over(other, done) for other in range(finals))
        seen = 0
        if order.learns:
            seen = count_seen(bracket, order.lag, makes_initial=order.makes_initial)
        return all(bracket_over(other, done) for other in range(seen))

    left, running, done, known, ready, ends = dict(jobs), {}, set(), set(), [], {}
    now = -1
    while left or running:
        now += 1
        for job in [job for job, end in running.items() if end == now]:
            del running[job]
            done.add(job)
            ends[job] = now
        fresh = {job for job in jobs if job not in known and may_begin(job, done)}
        known |= fresh
        if fresh:
            ready.append(len(fresh))
        for job in sorted(known & set(left)):
            if workers is None or len(running) < workers:
                running[job] = now + left.pop(job)
    return now, tuple(ready), tuple(ends[job] for job in jobs)


PLANS = [
    plan_search(4, 1, 4, 2),
    plan_search(5, 2, 4, 2),
    plan_rounds(5, 3, 2, 4),
    ((Rung(3, 1), Rung(1, 2)), (Rung(1, 2),), (Rung(2, 5),)),
]


@pytest.mark.parametrize("workers", [1, 2, 3, None])
@pytest.mark.parametrize("lag", [1, 2, 4])
@pytest.mark.parametrize("plan", PLANS)
def test_the_ends_and_the_arrays_are_those_of_time_ticked_off(plan, lag, workers):
    count = sum(rung.size for rungs in plan for rung in rungs) + 3
    for seed in range(4):
        rng = np.random.default_rng(seed)
        durations = rng.integers(1, 9, count).tolist()
        order = Order(
            plan,
            lag,
            learns=seed != 3,
            makes_initial=bool(seed % 2),
            final_networks=3,
        )
        found = simulate_jobs(order, durations, workers)
        assert (found.end, found.ready, found.ends) == tick(order, durations, workers)


def epochs_of(plan):
    return [epochs for _, _, epochs in list_trainings(plan, continues=False)]


def test_a_plain_cycle_of_bohb_is_960_epochs_of_work_on_a_path_of_510():
    plan = plan_search(3, 30, 120, 2)
    epochs = epochs_of(plan)
    assert sum(epochs) == 960
    assert simulate_jobs(Order(plan, lag=1), epochs, None).end == 510


def test_lag_1_keeps_1_9_gpus_of_the_papers_search_busy():
    plan = plan_search(60, 30, 120, 2)
    epochs = epochs_of(plan)
    end = simulate_jobs(Order(plan, lag=1), epochs, 64).end
    assert end == 20 * 510
    assert sum(epochs) / end == pytest.approx(1.9, abs=0.02)


@pytest.mark.parametrize("learns", [True, False])
def test_one_worker_takes_the_sum_and_any_number_at_least_its_share(learns):
    plan = plan_search(12, 30, 120, 2)
    epochs = epochs_of(plan)
    order = Order(plan, lag=3, learns=learns)
    assert simulate_jobs(order, epochs, 1).end == sum(epochs)
    for workers in (2, 4, 8):
        end = simulate_jobs(order, epochs, workers).end
        assert max(sum(epochs) / workers, 210) <= end <= sum(epochs)


def test_brackets_that_wait_for_none_take_the_longest_of_them():
    plan = plan_search(6, 1, 4, 2)
    order = Order(plan, lag=1, learns=False, final_networks=2)
    epochs = [*epochs_of(plan), 40.0, 30.0]
    found = simulate_jobs(order, epochs, None)
    assert found.end == 7 + 40  # the path through a bracket of 1, 2 and 4 epochs, then the finals
    assert found.ready[0] == 2 * (4 + 2 + 3)


def test_the_arrays_of_the_papers_search_at_lag_1_are_its_rungs():
    plan = plan_search(6, 30, 120, 2)
    found = simulate_jobs(Order(plan, lag=1), epochs_of(plan), None)
    assert found.ready == (4, 2, 1, 2, 1, 3) * 2


def test_a_continued_trial_trains_what_its_parent_has_not():
    plan = plan_search(60, 30, 120, 2)
    assert sum(epochs for *_, epochs in list_trainings(plan, continues=True)) == 15_600
    assert [*list_trainings(plan, continues=True)][:7] == [
        *((0, slot, 30) for slot in range(4)),
        *((0, slot, 30) for slot in range(2)),
        (0, 0, 60),
    ]


def test_the_recommended_lag_is_the_smallest_within_a_tenth_of_the_best():
    assert recommend_lag({1: 3.0, 2: 1.1, 3: 1.0, 4: 1.0}) == 2
    assert recommend_lag({1: 3.0, 2: 1.11, 3: 1.0, 4: 1.0}) == 3
    assert recommend_lag(dict.fromkeys(range(1, 9), 2.0)) == 1


@pytest.mark.parametrize(
    ("hours", "workers", "expected", "recommended"),
    [
        # Four brackets of one training each: one after the other, in pairs, or all at once.
        ((1, 1, 1, 1), 4, (4, 2, 2, 1), 4),
        ((1, 1, 1, 1), 2, (4, 2, 2, 2), 2),
        ((1, 1, 1, 1), 1, (4, 4, 4, 4), 1),
        # The first is long. With lag 2 both later ones wait for it, with lag 3 the last one does.
        ((3, 1, 1, 1), 2, (6, 4, 4, 3), 4),
        # Lag 2 runs the second beside the first, and the others wait 10 hours for that alone.
        ((10, 1, 1, 1), 4, (13, 11, 11, 10), 2),
    ],
)
def test_the_lag_of_a_small_plan_is_the_one_found_by_hand(hours, workers, expected, recommended):
    times = Times(3600 * np.array([hours], dtype=float), np.empty((1, 0)))
    found = time_lags(Order(((Rung(1, 1),),) * 4, lag=1), times, workers, 0.0)
    assert [found[lag] for lag in (1, 2, 3, 4)] == list(expected)
    assert all(found[lag] == expected[-1] for lag in range(5, 9))
    assert recommend_lag(found) == recommended
