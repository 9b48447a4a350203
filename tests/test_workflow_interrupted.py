"""Kills, cores and brackets in flight: whatever happens to a run, its table is the same bytes."""

import csv
import json
import re
import time

import numpy as np
import psutil
import pytest
from workflow_runs import (
    RESULTS,
    TABLE,
    TINY,
    TOY,
    build_once,
    kill_group,
    make_project,
    make_toy_project,
    wait_until,
)

CONTINUED = TINY | {"continue": "true", "iterations": 1}


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A project whose tiny search is finished, by 2 cores; not to be changed."""
    return build_once(tmp_path_factory, "finished", make_project, TINY)


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    """A project whose toy search has its table, by 2 cores; not to be changed."""
    return build_once(tmp_path_factory, "toy", make_toy_project, TOY, TABLE)


@pytest.fixture(scope="session")
def continued(tmp_path_factory):
    """A project whose search continues promoted trials, finished; not to be changed."""
    return build_once(tmp_path_factory, "continued", make_project, CONTINUED)


def rows(project):
    with (project.folder / TABLE).open(newline="") as file:
        return {row["trial"]: row for row in csv.DictReader(file)}


def kill_after(project, clock, steps, pause):
    """Start a driver and kill it with all its jobs once `clock` is `steps` later and a pause.

    Returns:
        The names of the trials whose training was interrupted: those with a checkpoint.
    """
    wanted = clock() + steps
    with project.started(TABLE) as driver:
        assert wait_until(lambda: clock() >= wanted, driver), "it ended before it could be killed"
        time.sleep(pause)
        assert driver.poll() is None, "it ended before it could be killed"
        kill_group(driver)
    assert not (project.folder / TABLE).exists()
    return {
        "b{}-r{}-s{}".format(*re.findall(r"\d+", str(path.relative_to(project.folder / RESULTS))))
        for path in (project.folder / RESULTS).rglob("*.checkpoint")
    }


def test_one_core_gives_the_table_of_two(finished, tmp_path):
    project = make_project(tmp_path / "project", TINY)
    project.finish(TABLE, cores=1)
    assert project.read() == finished.read()


def test_a_driver_killed_at_random_moments_ends_with_the_same_table(finished, tmp_path):
    project = make_project(tmp_path / "project", TINY)
    rng = np.random.default_rng(19)
    for _ in range(3):
        steps, pause = int(rng.integers(2, 5)), float(rng.uniform(0, 0.3))
        interrupted = kill_after(project, project.epochs_done, steps, pause)
        project.finish("--unlock")
    project.finish(TABLE)
    assert project.read() == finished.read()
    assert interrupted
    for name in interrupted:
        assert_continued(project.training_log(name), rows(project)[name]["budget"])
    assert not list((project.folder / RESULTS).rglob("*.checkpoint"))


def assert_continued(log, budget):
    """Check that the last attempt of a training went on where the one before was cut off."""
    done = int(re.search(r"^goes on after epoch (\d+)/", log, re.MULTILINE)[1])
    trained = re.findall(r"^epoch (\d+)/", log, re.MULTILINE)
    assert trained == [str(epoch) for epoch in range(done + 1, int(budget) + 1)]


def begin_again(project):
    """Remove the trial b1-r0-s0 and its log; return what Snakemake is to be asked for."""
    path = project.trial(1, 0, 0)
    path.unlink()
    (project.folder / "logs/digits/hnag-bohb/train/b1-r0-s0.log").unlink()
    return [str(path.relative_to(project.folder)), TABLE]


def find_training(project, driver):
    """Return the process that trains b1-r0-s0, after its first epoch."""
    assert wait_until(lambda: "epoch 1/" in project.training_log("b1-r0-s0"), driver)
    children = psutil.Process(driver.pid).children(recursive=True)
    (training,) = [child for child in children if child.cmdline()[1:2] == ["scripts/train.py"]]
    return training


def test_a_training_that_outlives_its_driver_does_no_harm_to_the_one_that_follows(
    finished, tmp_path
):
    project = finished.copy(tmp_path / "project")
    targets = begin_again(project)
    with project.started(*targets) as driver:
        orphan = find_training(project, driver)
        orphan.suspend()
        driver.kill()
        driver.wait()
        refused = project.run()
        assert refused.code != 0
        assert "--unlock" in refused.text
        project.finish("--unlock")
        with project.started(*targets) as second:
            assert wait_until(lambda: "goes on" in project.training_log("b1-r0-s0"), second)
            orphan.resume()
            assert second.wait(timeout=120) == 0
        orphan.wait(timeout=120)
    assert project.read() == finished.read()
    assert json.loads(project.trial(1, 0, 0).read_text())["status"] == "ok"


def test_a_training_that_is_killed_alone_fails_its_run_and_the_next_one_goes_on(
    finished, tmp_path
):
    project = finished.copy(tmp_path / "project")
    targets = begin_again(project)
    with project.started(*targets) as driver:
        find_training(project, driver).kill()
        assert driver.wait(timeout=120) != 0
    assert "b1-r0-s0" in (project.folder / "driver.log").read_text()
    assert not project.trial(1, 0, 0).exists()
    project.finish(*targets)
    assert project.read() == finished.read()
    log = project.training_log("b1-r0-s0")
    assert "goes on after epoch 0/" not in log
    assert_continued(log, 4)


def test_the_toy_search_asks_the_model(toy):
    origins = {(row["bracket"], row["origin"]) for row in rows(toy).values()}
    assert origins == {("0", "random"), ("1", "random"), ("2", "random"), ("2", "model")}


def test_brackets_in_flight_give_the_same_table_on_one_core(toy, tmp_path):
    project = make_toy_project(tmp_path / "project", TOY)
    project.finish(TABLE, cores=1)
    assert project.read() == toy.read()


def test_kills_between_the_steps_of_a_model_based_search_change_nothing(toy, tmp_path):
    project = make_toy_project(tmp_path / "project", TOY)
    rng = np.random.default_rng(3)

    def files():
        return len(list((project.folder / RESULTS).rglob("*.json")))

    for _ in range(4):
        kill_after(project, files, int(rng.integers(4, 12)), float(rng.uniform(0, 0.5)))
        project.finish("--unlock")
    project.finish(TABLE)
    assert project.read() == toy.read()


def test_a_promoted_trial_continues_its_parent_if_asked(continued):
    trials = rows(continued)
    promoted = trials["b0-r1-s0"]
    parent = trials[promoted["parent"]]
    for name in ("hash", "seed", "parameters"):
        assert promoted[name] == parent[name]
    assert (promoted["budget"], parent["budget"]) == ("4", "2")
    assert (promoted["epochs"], parent["epochs"]) == ("2", "2")
    log = continued.training_log("b0-r1-s0")
    assert "after epoch 2/4" in log
    assert "epoch 3/4" in log
    assert "epoch 1/4" not in log
    assert continued.final(0).exists()


def test_the_states_of_continued_trials_go_away_and_leave_nothing_to_do(continued, tmp_path):
    project = continued.copy(tmp_path / "project")
    assert not list((project.folder / RESULTS).rglob("*.state"))
    assert project.finish().nothing_to_do


def test_a_killed_run_of_continued_trials_ends_with_the_same_table(continued, tmp_path):
    project = make_project(tmp_path / "project", CONTINUED)
    for steps in (1, 4):  # in the first rung, and in the trial that continues it
        kill_after(project, project.epochs_done, steps, 0)
        project.finish("--unlock")
    assert "epoch 3/4" in project.training_log("b0-r1-s0")
    project.finish(TABLE)
    assert project.read() == continued.read()
