"""The whole forecast: the paper's GPU-days, totals against sums, the cap and its messages."""

import shutil
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from forecast_runs import make_trainings, write_search
from workflow_runs import ROOT

from nago.comparison import load_comparison
from nago.forecast import forecast
from nago.forecast.actual import compare_with_actual, hold
from nago.forecast.basis import Asked, find_basis
from nago.forecast.calibration import Assumed, calibrate, read_trainings
from nago.forecast.cap import check_cap
from nago.forecast.liked import find_liked
from nago.forecast.outlook import look_ahead
from nago.forecast.population import draw_population
from nago.forecast.simulation import Images, fit_batches, simulate_times
from nago.forecast.words import describe_outlook, round_hours
from nago.generators.architecture import Task
from nago.generators.complexity import count_complexity
from nago.generators.draw import draw_architecture
from nago.generators.named import NAMED
from nago.records import UserError
from nago.search.brackets import plan_search
from nago.seeds import derive_seed
from nago.training.batch import fit_batch

PAPER = {
    "cifar10": (54.9, 12.8, (30, 120)),
    "cifar100": (43.0, 10.4, (30, 120)),
    "sport8": (22.8, 17.6, (100, 400)),
    "mit67": (85.4, 20.0, (30, 120)),
    "flowers102": (45.4, 10.6, (30, 120)),
}
"""HNAG: mean minutes of a training (table 7), GPU-days (table 2), and budgets."""

SHORT = {"iterations": 6, "min_budget": 1, "max_budget": 4, "final_networks": 2}


@pytest.fixture
def project(tmp_path):
    """A project without results."""
    for part in ("workflow", "config"):
        shutil.copytree(ROOT / part, tmp_path / part)
    return tmp_path


@pytest.fixture
def plan(project):
    """Return the searches of settings."""

    def plan(**settings):
        return load_comparison({"dataset": "digits", **SHORT, **settings}, project)

    return plan


@pytest.mark.parametrize("dataset", PAPER)
def test_the_papers_minutes_as_those_of_60_epochs_give_its_gpu_days(dataset):
    minutes, days, (lowest, highest) = PAPER[dataset]
    result = forecast(
        plan_search(60, lowest, highest, 2),
        continues=False,
        final_networks=8,
        final_epochs=600,
        seconds_per_epoch=minutes,  # 60 seconds a minute, 60 epochs
    )
    assert result.search_gpu_hours / 24 == pytest.approx(days, rel=0.15)
    assert result.search_gpu_hours / 24 == pytest.approx(days, rel=0.085)


@pytest.mark.parametrize("dataset", PAPER)
def test_the_papers_minutes_as_the_mean_of_260_trainings_do_not(dataset):
    minutes, days, _ = PAPER[dataset]
    ratio = 260 * minutes / 60 / 24 / days
    assert ratio == pytest.approx(0.234 if dataset == "sport8" else 0.765, abs=0.025)


def test_seconds_that_are_given_give_the_mean_total_and_a_range_around_it(plan, project):
    search = plan(seconds_per_epoch=3600, iterations=30).all[0]
    result = look_ahead(search, project, Asked())
    epochs = result.forecast.epochs
    assert result.forecast.search_gpu_hours == epochs == 320
    assert result.search_gpu_hours.low < epochs < result.search_gpu_hours.high
    assert result.search_gpu_hours.median == pytest.approx(epochs, rel=0.1)
    assert result.gpu_hours.median == pytest.approx(epochs + 80, rel=0.1)
    assert result.wall_hours[1].median == pytest.approx(result.gpu_hours.median, rel=0.02)
    assert result.wall_hours[64].median < result.wall_hours[4].median < 400


def test_a_training_on_two_gpus_takes_twice_the_gpu_hours(plan, project):
    one, two = (
        look_ahead(plan(gpus_per_trial=gpus).all[0], project, Asked(gpus=4)) for gpus in (1, 2)
    )
    assert two.gpu_hours.median == pytest.approx(2 * one.gpu_hours.median)
    assert two.forecast.search_gpu_hours == 2 * one.forecast.search_gpu_hours
    assert two.wall_hours == one.wall_hours
    assert two.lag_hours[8] > one.lag_hours[8]


def test_more_gpus_want_a_larger_lag(plan, project):
    search = plan(iterations=30).all[0]
    found = [look_ahead(search, project, Asked(gpus=gpus)).recommended_lag for gpus in (1, 4, 16)]
    assert found[0] == 1
    assert found == sorted(found)
    assert found[-1] > 2
    assert look_ahead(plan(method="random").all[0], project, Asked(gpus=4)).lag_hours == {}


def test_the_recommended_lag_comes_with_its_hours_and_the_gpus_it_keeps_busy(plan, project):
    search = plan(iterations=30, seconds_per_epoch=3600).all[0]
    for gpus in (1, 4):
        result = look_ahead(search, project, Asked(workers=(gpus,), gpus=gpus))
        lag, hours = result.recommended_lag, result.lag_hours
        assert hours[search.settings.lag] == pytest.approx(result.wall_hours[gpus].median)
        assert result.busy_gpus == pytest.approx(result.gpu_hours.median / gpus / hours[lag])
        lines = describe_outlook("digits", result, gpus).splitlines()
        (line,) = [line for line in lines if line.startswith("lag")]
        said = f"{lag} for {gpus} GPU{'s' * (gpus > 1)}: {round_hours(hours[lag])} h"
        said += f" instead of {round_hours(hours[1])} h with lag 1" if lag > 1 else ""
        assert line == f"lag             {said}, {result.busy_gpus:.0%} busy"
    assert lag > 1
    assert look_ahead(search, project, Asked()).busy_gpus is None
    random = look_ahead(plan(method="random").all[0], project, Asked(gpus=4))
    assert "lag             any: " in describe_outlook("digits", random, 4)


def test_a_job_takes_its_start_beside_its_training(plan, project):
    search = plan().all[0]
    plain, slow = (
        look_ahead(search, project, Asked(job_seconds=seconds)) for seconds in (0, 3600)
    )
    assert slow.wall_hours[1].median == pytest.approx(plain.wall_hours[1].median + 28, rel=1e-6)
    assert slow.gpu_hours == plain.gpu_hours


def test_equal_settings_give_equal_forecasts(plan, project):
    first, second = (look_ahead(plan().all[0], project, Asked(gpus=8)) for _ in range(2))
    assert first == second


def test_a_population_is_counted_as_its_networks_are(plan):
    settings = plan(generator="rnag", method="default").all[0].settings
    found = draw_population(settings, 10, 5)
    seed = derive_seed(0, "forecast")
    for place in range(5):
        architecture = draw_architecture(
            "rnag",
            NAMED["rnag-d"].configuration,
            settings.generator_settings,
            Task(8, 1, 10, 150_000),
            derive_seed(seed, place),
        )
        cost = count_complexity(architecture)
        assert found.multiply_adds[place] == cost.multiply_adds
        assert found.sample_memory[place] == cost.sample_memory_bytes
        assert found.parameters[place] == cost.parameters <= 150_000
        assert found.nodes[place] == 96


def test_promoted_trials_keep_their_networks(plan):
    settings = plan(iterations=1, random_fraction=1).all[0].settings
    population = draw_population(settings, 10)
    times = simulate_times(settings, population, Assumed(1.0), Images(1, 1))
    # 4 of an epoch, 2 of 2 and 1 of 4: the first in each rung is the same network.
    assert times.search[:, 4] == pytest.approx(2 * times.search[:, 0])
    assert times.search[:, 6] == pytest.approx(4 * times.search[:, 0])
    assert times.final.shape == (200, 2)


def test_a_spread_trains_one_network_cost_per_bracket(plan):
    settings = plan(method="spread", spread_configurations=3, spread_draws=4).all[0].settings
    times = simulate_times(settings, draw_population(settings, 10), Assumed(1.0), Images(1, 1))
    by_bracket = times.search.reshape(200, 3, 4)
    assert np.ptp(by_bracket, axis=2).max() == 0
    assert np.ptp(by_bracket, axis=1).max() > 0
    assert times.final.shape == (200, 0)


def test_the_disk_is_parameters_epochs_and_trials(plan, project):
    result = look_ahead(plan(iterations=3, final_epochs=10).all[0], project, Asked())
    assert 2 * 4 * 100_000 < result.disk.weights <= 2 * 4 * 150_000
    assert result.disk.curves == 140 * (32 + 20)
    assert result.disk.checkpoints == result.disk.weights * max(result.arrays)
    kept = result.disk.trials + result.disk.curves + result.disk.weights
    assert result.disk.kept == kept


def test_earlier_runs_are_found_named_or_overruled(plan, project):
    write_search(project / "results/digits/other", make_trainings(40))
    search = plan().all[0]
    assert find_basis(search, project, Asked()).source == "40 earlier trainings on V100"
    given = find_basis(search, project, Asked(epoch_seconds=2.0))
    assert given.source == "2 s an epoch, as given"
    elsewhere = write_search(project / "elsewhere", make_trainings(20))
    named = find_basis(search, project, Asked(folders=(elsewhere,)))
    assert named.source == "20 earlier trainings on V100"
    by_setting = plan(calibration="elsewhere").all[0]
    assert find_basis(by_setting, project, Asked()).source == named.source
    by_list = plan(calibration=["elsewhere", "results/digits/other"]).all[0]
    assert find_basis(by_list, project, Asked()).source == "60 earlier trainings on V100"
    few = write_search(project / "few", make_trainings(3))
    with pytest.raises(UserError, match=r"too few trainings to learn from, 3 in .*few; give"):
        find_basis(search, project, Asked(folders=(few,)))
    with pytest.raises(UserError, match="has no costs"):
        find_basis(plan(calibration="nowhere").all[0], project, Asked())


def test_a_forecast_meets_what_a_run_of_100_trainings_took(plan, project):
    table = make_trainings(120, noise=0.1)
    folder = write_search(project / "results/digits/run", table)
    run = SimpleNamespace(folder=folder, settings=plan().all[0].values)
    held = compare_with_actual(run)
    assert (held.learnt, held.tried) == (20, 100)
    assert held.actual == pytest.approx(table["seconds"][20:].sum())
    assert abs(held.informed_error) < 0.1
    assert held.informed.low < held.actual < held.informed.high
    assert compare_with_actual(run, learnt=120) is None
    assert compare_with_actual(run, learnt=3) is None
    nothing = SimpleNamespace(folder=project, settings=run.settings)
    assert compare_with_actual(nothing) is None


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"max_gpu_hours": 100}, ["is 100", "would take 104", "iterations=5 would fit"]),
        ({"max_gpu_hours": 12}, ["not even iterations=1 would fit", "the least is"]),
        ({"max_gpu_hours": 0.5}, ["at least one training", "got 0.5"]),
        ({"max_gpu_hours": 60, "method": "mobo"}, ["not even mobo_iterations=1 would fit"]),
        ({"max_gpu_hours": 150, "method": "mobo"}, ["mobo_iterations=1 would fit"]),
        ({"max_gpu_hours": 50, "method": "spread"}, ["spread_configurations=1 would fit"]),
    ],
)
def test_a_run_over_the_cap_is_refused_with_what_would_fit(plan, project, settings, said):
    own = {"seconds_per_epoch": 3600, "final_epochs": 20, "finalists": 1} | settings
    with pytest.raises(UserError) as refused:
        check_cap(plan(**own), project)
    message = str(refused.value)
    assert "\n" not in message
    for part in said:
        assert part in message


def test_a_search_comes_back_to_the_lowest_errors_of_each_budget():
    table = make_trainings(30)
    liked = find_liked(table, ["validation_error"])
    rows = []
    for _, own in table.groupby("epochs"):
        ordered = own.sort_values("validation_error")
        rows += [(place / len(own), row) for place, row in enumerate(ordered["nodes"], start=1)]
    assert sorted(liked.nodes) == sorted(nodes for _, nodes in sorted(rows)[:8])


def test_a_search_for_a_front_comes_back_to_the_front_at_its_largest_budget():
    table = make_trainings(40)
    liked = find_liked(table, ["validation_error", "nodes"])
    largest = table[table["epochs"] == 4]
    pairs = largest[["validation_error", "nodes"]].to_numpy()
    front = [
        nodes
        for error, nodes in pairs
        if not any(
            (other <= (error, nodes)).all() and tuple(other) != (error, nodes) for other in pairs
        )
    ]
    assert sorted(liked.nodes) == sorted(front)
    assert find_liked(table.iloc[:0], ["validation_error"]) is None


def test_a_search_that_likes_small_networks_is_foreseen_by_them(plan, project):
    """The small ones of its first 40 trainings are good, and all that follow are small."""
    table = make_trainings(200, device="cpu")
    small = table["nodes"] < 100
    table["validation_error"] = np.where(small, 0.1, 0.9)
    table = pd.concat([table[:40], table[40:][small[40:]]], ignore_index=True)
    table["bracket"] = np.arange(len(table)) // 4 + 20
    table["trial"] = [f"b{place // 4 + 20}-r0-s{place % 4}" for place in range(len(table))]
    folder = write_search(project / "results/digits/run", table)
    settings = plan(random_fraction=0.0).all[0].settings
    run = SimpleNamespace(folder=folder, settings=settings.values)
    held = compare_with_actual(run, learnt=40)
    rest = read_trainings([folder])[40:]
    without = hold(settings, calibrate(read_trainings([folder])[:40]), rest, 40)
    assert abs(held.error) < 0.5 * abs(without.error)
    assert held.informed == without.informed


def test_what_would_fit_does_and_one_iteration_more_does_not(plan, project):
    own = {"seconds_per_epoch": 3600, "final_epochs": 20, "iterations": 40}
    with pytest.raises(UserError) as refused:
        check_cap(plan(**own, max_gpu_hours=250), project)
    fitting = int(str(refused.value).split("iterations=")[1].split()[0])
    check_cap(plan(**own | {"iterations": fitting}, max_gpu_hours=250), project)
    with pytest.raises(UserError):
        check_cap(plan(**own | {"iterations": fitting + 1}, max_gpu_hours=250), project)


def test_all_searches_of_a_run_share_the_cap(plan, project):
    own = {"seconds_per_epoch": 3600, "final_epochs": 20, "iterations": 3}
    check_cap(plan(**own, max_gpu_hours=150), project)
    with pytest.raises(UserError, match="would take"):
        check_cap(plan(**own, seeds=[0, 1, 2], max_gpu_hours=150), project)


def test_without_a_cap_nothing_is_asked_and_without_seconds_it_says_what_to_give(plan, project):
    check_cap(plan(seconds_per_epoch=None), project)
    with pytest.raises(UserError, match=r"digits, hnag-bohb; give seconds_per_epoch, or calib"):
        check_cap(plan(seconds_per_epoch=None, max_gpu_hours=1), project)


def test_the_cap_is_no_part_of_what_is_recorded_or_decides_a_file(plan):
    one, other = (plan(max_gpu_hours=hours).all[0] for hours in (None, 7))
    assert one.record == other.record
    assert one.settings.search_definition == other.settings.search_definition
    assert one.settings.search_protocol == other.settings.search_protocol
    assert one.settings.final_protocol == other.settings.final_protocol


def test_batches_are_halved_as_trainings_halve_theirs(plan):
    for gpus, memory in ((1, 0.01), (1, 0.0005), (2, 0.0001), (1, None)):
        settings = plan(memory_gb=memory, gpus_per_trial=gpus).all[0].settings
        population = draw_population(settings, 10, 20)
        found = fit_batches(population, 64, settings.values)
        training = settings.search_protocol.training
        for batch, kept in zip(found, population.sample_memory, strict=True):
            assert batch == fit_batch(training, int(kept)).batch_size
