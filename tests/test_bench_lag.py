"""What `lag` costs and saves, as the benchmark measures it, on cases known by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from benchmark_modules import load

from nago.forecast.schedule import Order, list_trainings, simulate_jobs
from nago.records import Proposal
from nago.search.brackets import plan_full_budget, plan_search
from nago.search.simulate import make_trial

functions, lag = load("beyond_functions", "beyond_lag")


def make_trials(budgets, errors):
    return [
        make_trial(f"b0-r0-s{slot}", Proposal({"x": slot}, budget, 0, "random", None), error)
        for slot, (budget, error) in enumerate(zip(budgets, errors, strict=True))
    ]


def test_what_has_ended_by_a_time_counts_at_its_largest_budget():
    trials = make_trials([30, 30, 60, 120, 120], [0.1, 0.2, 0.5, 0.4, 0.3])
    ends = [10.0, 5.0, 20.0, 30.0, 40.0]

    def rate(ended):
        return functions.find_best(ended).validation_error if ended else math.nan

    found = functions.follow(trials, ends, [1, 5, 19, 20, 30, 39, 40, 99], rate)
    assert math.isnan(found[0])
    assert found[1:] == [0.2, 0.1, 0.5, 0.4, 0.4, 0.3, 0.3]


def test_the_best_trial_is_the_first_of_equal_ones_and_never_a_failed_one():
    assert functions.find_best(make_trials([1] * 4, [None, 0.5, 0.2, 0.2])).name == "b0-r0-s2"


def test_hartmann_is_its_published_optimum_where_that_is_said_to_be():
    point = np.array([0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573])
    assert functions.evaluate_hartmann(point, 1.0) == pytest.approx(functions.OPTIMUM, abs=1e-4)
    # At fidelity 0 each of the four bumps is 0.1 lower; here one is full, none more than that.
    centre = functions.CENTRES[3]
    lower, full = (functions.evaluate_hartmann(centre, fidelity) for fidelity in (0.0, 1.0))
    assert 0.1 <= lower - full <= 0.4


def test_counting_ones_counts_and_its_noise_has_the_variance_of_its_draws():
    function = functions.make_counting_ones(2, 3)
    values = {"choice0": 1, "choice1": 0, "chance0": 0.5, "chance1": 0.25, "chance2": 1.0}
    assert function.evaluate(values, 120) == pytest.approx(1 - 2.75 / 5)
    rng = np.random.default_rng(0)
    drawn = np.array([function.observe(values, 30, rng) for _ in range(4000)])
    deviation = math.sqrt((0.25 + 0.1875) / 30) / 5
    assert drawn.mean() == pytest.approx(1 - 2.75 / 5, abs=4 * deviation / math.sqrt(4000))
    assert drawn.std() == pytest.approx(deviation, rel=0.05)
    ones = dict.fromkeys(values, 1)
    assert function.regret(ones) == 0
    assert function.observe(ones, 30, rng) == 0


def test_the_deviation_of_counting_ones_is_that_of_its_sum():
    variance = (4 / 4 + 4 / 12) / 8**2
    found = functions.measure_deviation("counting ones 4+4")
    assert found == pytest.approx(math.sqrt(variance), rel=0.1)


def test_one_gpu_is_looked_at_by_epochs_and_more_before_the_quickest_lag_ends():
    assert lag.list_times(1) == (4800, 9600, 19_200)
    for gpus in (4, 16, 64):
        assert 19_200 / gpus <= lag.list_times(gpus)[-1] < 19_200 / 3


@pytest.fixture
def short(monkeypatch, tmp_path):
    monkeypatch.setattr(lag, "ITERATIONS", 3)
    monkeypatch.setattr(lag, "QUALITY", tmp_path / "quality.csv")
    monkeypatch.setattr(lag, "TIME", tmp_path / "time.csv")
    lag.list_times.cache_clear()
    yield
    lag.list_times.cache_clear()


@pytest.mark.parametrize("problem", ["counting ones 4+4", "Hartmann 6"])
def test_a_search_is_measured_once_and_worth_its_incumbent_at_the_end(short, problem):
    for _ in range(2):
        lag.measure_quality(problem, "random", 1, 7)
    table = pd.read_csv(lag.QUALITY)
    assert len(table) == len(lag.GPUS) * len(lag.PARTS)
    space, train, _ = lag.make_objective(problem, lag.derive_seed(7, "lag", problem))
    plan = plan_full_budget(3, 30, 120, 2)
    search = lag.Search("random", space, 7, {})
    trials = lag.run_search(search, train, plan, 1)
    errors = [trial.validation_error for trial in trials]
    best = trials[int(np.argmin(errors))]
    regret = functions.FUNCTIONS[problem]().regret(best.configuration)
    # On one GPU all 8 trainings have ended in the time of 960 epochs.
    assert table["time"].max() == 960
    at_end = table[(table["gpus"] == 1) & (table["time"] == 960)]["score"]
    assert at_end.tolist() == pytest.approx([regret], abs=1e-6)


def test_a_front_of_momf_grows_with_its_trials_and_never_beyond_the_largest():
    space, train, rate = lag.make_objective(lag.MOMF, 0)
    space.seed(0)
    trials = [
        train(f"b0-r0-s{slot}", Proposal(dict(one), 120, 0, "random", None))
        for slot, one in enumerate(space.sample_configuration(60))
    ]
    shares = [rate(trials[:number]) for number in range(0, 61, 10)]
    assert shares[0] == 0
    assert shares == sorted(shares)
    assert 0 < shares[-1] < 1
    lower = train("b0-r0-s0", Proposal(trials[0].configuration, 30, 0, "random", None))
    assert rate([lower]) == 0


def test_times_are_kept_with_the_work_that_they_are_compared_with(short, monkeypatch):
    monkeypatch.setattr(lag, "draw_uneven", lambda: np.full((2, 13), 7.0))
    lag.measure_times()
    table = pd.read_csv(lag.TIME)
    assert len(table) == 3 * len(lag.GPUS) * len(lag.TIMED)
    even = table[(table["trainings"] == "even") & (table["gpus"] == 64)].set_index("lag")
    assert set(even["work"]) == {960}
    # One cycle: 210, 180 and 120 epochs long, one after the other or side by side.
    assert even["end"][[1, 2, 3]].tolist() == [510, 330, 210]


def test_the_kept_times_are_those_that_the_schedule_gives():
    table = pd.read_csv(lag.TIME)
    plan = plan_search(lag.ITERATIONS, 30, 120, 2)
    epochs = [float(number) for *_, number in list_trainings(plan, continues=False)]
    even = table[table["trainings"] == "even"]
    for row in even[even["lag"].isin([1, 5, 16])].itertuples():
        end = simulate_jobs(Order(plan, row.lag), epochs, row.gpus).end
        assert (row.end, row.work) == (end, 19_200)


def test_lags_are_compared_seed_by_seed_in_the_direction_of_the_problem():
    rows = [
        {"problem": problem, "method": "bohb", "lag": number, "seed": seed, "score": score}
        for problem in ("Hartmann 6", lag.MOMF)
        for number, scores in ((1, [1.0, 2.0, 3.0]), (4, [0.5, 2.0, 2.0]))
        for seed, score in enumerate(scores)
    ]
    table = pd.DataFrame(rows)
    assert lag._compare(table[table["problem"] == "Hartmann 6"], 4) == "2/1/0 at 4"
    assert lag._compare(table[table["problem"] == lag.MOMF], 4) == "0/1/2 at 4"


def test_only_seeds_with_all_lags_and_random_search_are_shown():
    rows = [
        {"problem": "Hartmann 6", "method": "bohb", "lag": number, "seed": seed, "score": 1.0}
        for seed in (0, 1)
        for number in lag.LAGS
        for _ in lag.GPUS
    ]
    rows.append(rows[-1] | {"method": "random", "lag": 1})
    found = lag.keep_whole_seeds(pd.DataFrame(rows))
    assert set(found["seed"]) == {1}
    assert len(found) == len(lag.LAGS) * len(lag.GPUS) + 1
