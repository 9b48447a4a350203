"""Searches as a benchmark: what a configuration gives, and optimisers that run on it."""

import itertools
import math

import numpy as np
import pandas as pd
import pytest
from report_runs import CONFIGURATION, make_run, make_trial

from nago import cli
from nago.interchange.folders import read_searches
from nago.interchange.replays import replay_searches
from nago.records import UserError
from nago.replay import Replay
from nago.replay.optimisers import OPTIMISERS, Evaluation, run_optimiser
from nago.replay.trace import trace_run
from nago.tables import tabulate

SPACE = {
    **{"top_nodes": (3, 10), "top_k": (2, 5), "top_p": (0.1, 0.9), "middle_nodes": (1, 10)},
    **{"middle_p": (0.1, 0.9), "bottom_nodes": (3, 10), "bottom_k": (2, 5)},
    **{"bottom_p": (0.1, 0.9)},
}
BOTH = ("validation_error", "sample_memory_bytes")


def make_table(*trials):
    return tabulate(
        [
            make_trial(
                (0, 0, slot), error, budget=budget, configuration={**CONFIGURATION, "top_p": p}
            )
            for slot, (p, budget, error) in enumerate(trials)
        ]
    )


def ask(replay, p, budget=4):
    return replay.evaluate({**CONFIGURATION, "top_p": p}, budget)


def test_a_configuration_that_was_trained_gives_its_own_result():
    replay = Replay([make_table((0.2, 4, 0.5), (0.8, 4, 0.25), (0.2, 2, 0.75))], SPACE, BOTH)
    assert replay.budgets == (2, 4)
    assert [values["top_p"] for values in replay.configurations] == [0.2, 0.8]
    assert ask(replay, 0.2).losses == (0.5, 2**20)
    assert ask(replay, 0.2, 2).losses == (0.75, 2**20)
    assert (ask(replay, 0.8).distance, ask(replay, 0.8).epochs) == (0, 4)


def test_another_gives_that_of_the_nearest_and_how_far_it_is():
    replay = Replay([make_table((0.2, 4, 0.5), (0.8, 4, 0.25))], SPACE)
    found = ask(replay, 0.6)
    assert found.losses == (0.25,)
    assert found.configuration["top_p"] == 0.8
    # A quarter of one of eight ranges.
    assert found.distance == pytest.approx(math.sqrt(0.25**2 / 8))


def test_the_farthest_corners_are_one_apart():
    low = {name: limits[0] for name, limits in SPACE.items()}
    high = {name: limits[1] for name, limits in SPACE.items()}
    replay = Replay([tabulate([make_trial((0, 0, 0), 0.5, configuration=low)])], SPACE)
    assert replay.evaluate(high, 4).distance == pytest.approx(1)


def test_of_repeated_trainings_the_mean_without_failures_counts():
    tables = [make_table((0.2, 4, 0.5), (0.2, 4, None)), make_table((0.2, 4, 0.25))]
    replay = Replay(tables, SPACE)
    assert (ask(replay, 0.2).losses, ask(replay, 0.2).trials) == ((0.375,), 3)
    assert ask(Replay([make_table((0.2, 4, None))], SPACE), 0.2).losses == (math.inf,)


def test_what_is_no_question_is_refused():
    replay = Replay([make_table((0.2, 4, 0.5), (0.2, 2, 0.5))], SPACE)
    with pytest.raises(UserError, match=r"trained for 3 epochs; the budgets are 2, 4"):
        ask(replay, 0.2, 3)
    with pytest.raises(UserError, match=r"a configuration has top_nodes, .* got p"):
        replay.evaluate({"p": 0.5}, 4)
    with pytest.raises(UserError, match="needs trials"):
        Replay([], SPACE)


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    make_run(folder, iterations=8)
    make_run(folder, method="mobo", mobo_iterations=6)
    return folder


@pytest.fixture(scope="module")
def replay(results):
    return replay_searches(read_searches([results]))


@pytest.mark.parametrize("name", OPTIMISERS)
def test_an_optimiser_makes_its_evaluations_and_makes_them_again(name, replay):
    run = run_optimiser(name, replay, 26, 5)
    assert len(run) == 26
    assert run == run_optimiser(name, replay, 26, 5)
    assert run != run_optimiser(name, replay, 26, 6)
    for item in run:
        assert item.result == replay.evaluate(item.configuration, item.budget)
    budgets = {item.budget for item in run}
    assert budgets == ({1, 2, 4} if name in ("bohb", "mobohb") else {4})


@pytest.mark.parametrize("name", ["random", "bohb"])
def test_the_curve_is_the_best_of_the_highest_budget_so_far(name, replay):
    run = run_optimiser(name, replay, 30, 1)
    trace = trace_run(replay, run)
    assert [*trace["epochs"]] == [*itertools.accumulate(item.budget for item in run)]
    for place in range(30):
        full = [x.result.losses[0] for x in run[: place + 1] if x.budget == 4]
        best = min(full, default=math.inf)
        found = trace["best"].iloc[place]
        assert pd.isna(found) if math.isinf(best) else found == best
    assert (np.diff(trace["hypervolume"]) >= 0).all()
    assert 0 < trace["hypervolume"].iloc[-1] <= 1


def test_all_that_is_known_dominates_all_there_is_to(replay):
    everything = [
        Evaluation(values, 4, replay.evaluate(values, 4)) for values in replay.configurations
    ]
    assert trace_run(replay, everything)["hypervolume"].iloc[-1] == pytest.approx(1)


def test_bohb_needs_budgets_that_grow_by_a_ratio():
    replay = Replay([make_table((0.2, 4, 0.5))], SPACE)
    with pytest.raises(UserError, match="those of these trials are 4"):
        run_optimiser("bohb", replay, 5, 0)
    uneven = Replay([make_table((0.2, 1, 0.5), (0.2, 2, 0.5), (0.2, 6, 0.5))], SPACE)
    with pytest.raises(UserError, match="are 1, 2, 6"):
        run_optimiser("bohb", uneven, 5, 0)


def test_searches_of_two_spaces_are_no_benchmark(tmp_path):
    for generator in ("hnag", "rnag"):
        make_run(tmp_path, generator=generator)
    with pytest.raises(UserError, match="a replay is of one space"):
        replay_searches(read_searches([tmp_path]))


def test_the_commands_write_their_files(results, tmp_path, monkeypatch, capsys):
    def run(*arguments):
        monkeypatch.setattr("sys.argv", ["nago", *map(str, arguments)])
        cli.main()
        return capsys.readouterr().out

    for kind in ("optuna", "csv"):
        printed = run("convert", results, "--to", kind, "--output", tmp_path / kind)
        assert printed == f"{tmp_path / kind}: 66 trials of 2 searches\n"
    curve = tmp_path / "curve.csv"
    options = ["--optimiser", "tpe", "--evaluations", 7, "--seed", 3, "--output", curve]
    assert "7 evaluations by tpe" in run("replay", results, *options)
    first = curve.read_bytes()
    run("replay", results, *options)
    assert curve.read_bytes() == first
    assert len(pd.read_csv(curve)) == 7
    with pytest.raises(SystemExit):
        run("replay", results, "--evaluations", 0, "--output", curve)
    with pytest.raises(SystemExit) as caught:
        run("convert", tmp_path / "none", "--to", "csv", "--output", curve)
    assert "holds no search" in str(caught.value.code)
