"""What fails on a real Slurm while a search runs, and that the search goes on or says why."""

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest
from slurm_cluster import NODES, SlurmCluster, empty_database, needs_accounting, needs_slurm
from slurm_runs import SLOW, TIMEOUT, SlurmProject, make_slow_project, make_slurm_project
from workflow_runs import RESULTS, TABLE, build_once

SLOWLY, AT_ONCE = 1.0, 0.0
"""Seconds of an epoch: to have time for an event, and after it."""

pytestmark = needs_slurm

Driver = subprocess.Popen[bytes]


@pytest.fixture
def make_last(tmp_path, tmp_path_factory):
    """Make a search whose first bracket is done: an array of two trainings of 8 epochs is left."""

    def make(cluster: SlurmCluster) -> tuple[SlurmProject, bytes]:
        project, expected = make_slurm_project(tmp_path_factory, tmp_path / "p", cluster, SLOWLY)
        done = build_once(tmp_path_factory, "slow", make_slow_project, SLOW, TABLE)
        shutil.copytree(done.folder / "results", project.folder / "results")
        results = project.folder / RESULTS
        for path in results.rglob("*"):
            last = path.parent.name == "rung0" and path.parent.parent.name == "bracket1"
            if last or (path.parent == results / "bracket1" and path.suffix == ".csv"):
                path.unlink()
        (project.folder / TABLE).unlink()
        return project, expected

    return make


def first_starts(project: SlurmProject, driver: Driver, number: int = 2) -> list[dict[str, Any]]:
    """Wait until so many trainings have an epoch behind them; return the first note of each."""

    def notes() -> list[dict[str, Any]]:
        found: dict[str, dict[str, Any]] = {}
        for note in project.notes("epoch"):
            found.setdefault(note["name"], note)
        return list(found.values()) if len(found) >= number else []

    return project.wait_for(notes, driver)


def starts(project: SlurmProject, name: str) -> list[dict[str, Any]]:
    return [note for note in project.notes("start") if note["name"] == name]


def submitit_process(cluster: SlurmCluster, job: str) -> int:
    """Return the batch process of a job: the Python of submitit."""
    found = []
    for pid in cluster.job_processes(job):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if b"submitit.core._submit" in words:
            found.append(pid)
    assert len(found) == 1
    return found[0]


def kill_job(cluster: SlurmCluster, job: str) -> None:
    """Kill the batch process of a job, as the kernel does when memory runs out."""
    os.kill(submitit_process(cluster, job), signal.SIGKILL)


def expect_success(project: SlurmProject, driver: Driver, expected: bytes) -> None:
    assert driver.wait(TIMEOUT) == 0, project.driver_log()
    assert project.table() == expected
    assert project.epochs_trained_twice() == 0


def expect_failure(project: SlurmProject, driver: Driver, *words: str) -> None:
    assert driver.wait(TIMEOUT) == 1, project.driver_log()
    for word in words:
        assert word in project.driver_log()


def expect_resumed(project: SlurmProject, *names: str) -> None:
    for name in names:
        first, *others = starts(project, name)
        assert first["epoch"] == 0
        assert others
        assert all(note["epoch"] >= 1 for note in others)


def test_a_job_whose_process_is_killed_is_sent_again_and_goes_on(make_last):
    with SlurmCluster() as cluster:
        project, expected = make_last(cluster)
        with project.started() as driver:
            killed, other = first_starts(project, driver)
            kill_job(cluster, killed["job"])
            # The training that it started ends with it, or two would run at once.
            project.wait_for(lambda: not cluster.job_processes(killed["job"]), driver)
            assert not [note for note in project.notes("end") if note["name"] == killed["name"]]
            project.wait_for(lambda: "sent again" in project.driver_log(), driver)
            project.set_pace(AT_ONCE)
            expect_success(project, driver, expected)
        expect_resumed(project, killed["name"])
        assert starts(project, killed["name"])[1]["job"] != killed["job"]
        assert len(starts(project, other["name"])) == 1
        assert f"job {killed['job']} on {killed['node']}: killed from outside" in (
            project.driver_log()
        )


@pytest.mark.parametrize("comes_back", [True, False])
def test_jobs_of_a_lost_node_run_again_in_the_queue(comes_back, make_last):
    with SlurmCluster(node_timeout=3) as cluster:
        project, expected = make_last(cluster)
        with project.started() as driver:
            notes = first_starts(project, driver)
            node = notes[0]["node"]
            cluster.kill_node(node)
            project.set_pace(AT_ONCE)
            if comes_back:
                cluster.start_node(node)
            expect_success(project, driver, expected)
        lost = [note["name"] for note in notes if note["node"] == node]
        expect_resumed(project, *lost)
        again = [note for name in lost for note in starts(project, name)[1:]]
        assert {note["job"] for note in again} == {n["job"] for n in notes if n["node"] == node}
        if not comes_back:
            assert {note["node"] for note in again} == {*NODES} - {node}


def test_jobs_of_a_node_that_is_set_down_run_again_in_the_queue(make_last):
    with SlurmCluster() as cluster:
        project, expected = make_last(cluster)
        with project.started() as driver:
            first = first_starts(project, driver)[0]
            cluster.set_node(first["node"], "down")
            cluster.run(
                "scontrol", "update", f"NodeName={first['node']}", "State=resume", check=False
            )
            project.set_pace(AT_ONCE)
            expect_success(project, driver, expected)
        expect_resumed(project, first["name"])
        assert {note["job"] for note in starts(project, first["name"])} == {first["job"]}


def test_a_job_that_is_told_of_its_time_limit_goes_on_in_the_same_job(make_last):
    with SlurmCluster() as cluster:
        project, expected = make_last(cluster)
        with project.started() as driver:
            first, other = first_starts(project, driver)
            cluster.run("scancel", "--batch", "--signal=USR2", first["job"])
            project.wait_for(lambda: len(starts(project, first["name"])) == 2, driver)
            project.set_pace(AT_ONCE)
            expect_success(project, driver, expected)
        expect_resumed(project, first["name"])
        assert {note["job"] for note in starts(project, first["name"])} == {first["job"]}
        assert len(starts(project, other["name"])) == 1
        assert "sent again" not in project.driver_log()


def test_a_job_that_slurm_stops_at_its_time_limit_is_sent_again(make_last):
    # A signal that tells the job nothing, so that it runs into the limit.
    resources = {"train:slurm_extra": "'--signal=B:CONT@1'"}
    with SlurmCluster() as cluster:
        project, expected = make_last(cluster)
        with project.started(resources=resources) as driver:
            notes = first_starts(project, driver)
            project.set_pace(TIMEOUT)  # no epoch ends before the limit, which Slurm sees late
            for note in notes:
                cluster.run("scontrol", "update", f"JobId={note['job']}", "EndTime=now+1")
            for note in notes:
                cluster.wait_for_state(note["job"], "TIMEOUT")
            project.set_pace(AT_ONCE)
            expect_success(project, driver, expected)
        expect_resumed(project, *(note["name"] for note in notes))
        for note in notes:
            message = f"job {note['job']} on {note['node']}: stopped at its time limit; sent again"
            assert message in project.driver_log()


def test_preempted_jobs_stop_wait_and_go_on(make_last):
    with SlurmCluster(preemption=True) as cluster:
        project, expected = make_last(cluster)
        with project.started(resources={"train:slurm_partition": "low"}) as driver:
            notes = first_starts(project, driver)
            cluster.run(
                *("sbatch", "--partition=high", "--nodes=2", "--exclusive", "--output=/dev/null"),
                "--wrap=true",
            )
            project.wait_for(
                lambda: all(len(starts(project, note["name"])) == 2 for note in notes), driver
            )
            project.set_pace(AT_ONCE)
            expect_success(project, driver, expected)
        expect_resumed(project, *(note["name"] for note in notes))
        assert {note["job"] for note in project.notes("start")} == {note["job"] for note in notes}
        assert "sent again" not in project.driver_log()


def test_a_job_that_another_hand_cancels_fails_with_that_cause(make_last):
    with SlurmCluster() as cluster:
        project, expected = make_last(cluster)
        with project.started() as driver:
            first, other = first_starts(project, driver)
            cluster.run("scancel", first["job"])
            project.set_pace(AT_ONCE)
            expect_failure(
                project,
                driver,
                f"job {first['job']} on {first['node']}: cancelled by another hand (scancel)",
            )
        assert len(starts(project, first["name"])) == 1
        assert [note["name"] for note in project.notes("end")] == [other["name"]]
        log = re.search(r"log of the job: (\S+)", project.driver_log())
        assert log
        assert (project.folder / log[1]).exists()
        project.finish()
        assert project.table() == expected
        assert project.epochs_trained_twice() == 0
        expect_resumed(project, first["name"])


@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
def test_a_controller_that_is_away_for_a_while_costs_nothing(kill, tmp_path, tmp_path_factory):
    with SlurmCluster() as cluster:
        project, expected = make_slurm_project(tmp_path_factory, tmp_path / "p", cluster, SLOWLY)
        project.set_pace(4)
        cluster.count_calls()
        with project.started() as driver:
            first_starts(project, driver, 4)
            if kill:
                # A killed controller forgets what it hasn't saved, and would run these jobs
                # again; one that is stopped saves all.
                cluster.stop_controller()
                cluster.start_controller()
            sent = cluster.calls("sbatch")
            cluster.stop_controller(kill=kill)
            project.set_pace(AT_ONCE)
            # The first rung comes to its end, and the next is to be sent.
            project.wait_for(lambda: cluster.calls("sbatch") > sent, driver)
            warning = "Slurm: no answer, waiting: "
            project.wait_for(lambda: warning in project.driver_log(), driver)
            cluster.start_controller()
            expect_success(project, driver, expected)
        assert len(project.notes("end")) == 7


@needs_accounting
def test_a_search_does_without_a_database_that_goes_away(make_last, tmp_path_factory):
    database = empty_database(tmp_path_factory)
    with SlurmCluster(accounting=True, database=database) as cluster:
        project, expected = make_last(cluster)
        with project.started() as driver:
            killed = first_starts(project, driver)[0]
            cluster.stop_accounting()
            kill_job(cluster, killed["job"])
            project.set_pace(AT_ONCE)
            expect_success(project, driver, expected)


def test_what_sbatch_refuses_fails_with_its_words(make_last):
    with SlurmCluster() as cluster:
        project, expected = make_last(cluster)
        project.set_pace(AT_ONCE)
        for asked, words in (
            ({"train:slurm_partition": "nowhere"}, ["invalid partition", "partition nowhere"]),
            ({"train:mem_mb": "100000"}, ["not available", "memory 100000 MB"]),
        ):
            outcome = project.run(resources=asked)
            assert outcome.code == 1
            assert "refused by sbatch: " in outcome.text
            for word in words:
                assert word in outcome.text
        assert not project.notes()
        project.finish()
        assert project.table() == expected


def test_an_error_of_the_code_is_told_and_not_tried_again(make_last):
    with SlurmCluster() as cluster:
        project, expected = make_last(cluster)
        project.set_pace(AT_ONCE)
        broken, other = "b1-r0-s0", "b1-r0-s1"
        project.break_training(broken)
        outcome = project.run()
        assert outcome.code == 1
        (start,) = starts(project, broken)
        assert f"job {start['job']} on {start['node']}: the command failed" in outcome.text
        assert "(exit code 1)" in outcome.text
        assert re.search(rf"its last lines:\s+broken on purpose: {broken}", outcome.text)
        log = re.search(r"log of the job: (\S+)", outcome.text)
        assert log
        assert "Error in rule train" in (project.folder / log[1]).read_text()
        assert [note["name"] for note in project.notes("end")] == [other]
        project.break_training(broken, False)
        project.finish()
        assert project.table() == expected
        assert len(starts(project, broken)) == 2
        assert len(starts(project, other)) == 1


def test_a_job_out_of_memory_is_sent_again_with_twice_the_memory(make_last):
    with SlurmCluster() as cluster:
        project, expected = make_last(cluster)
        cluster.count_calls()
        told = let_squeue_tell_of_memory(cluster)
        with project.started() as driver:
            by_message, by_state = first_starts(project, driver)
            # One Slurm tells of it in the job's error file, another in the job's state.
            log = project.folder / f".snakemake/submitit/jobs/{by_message['job']}_0_log.err"
            with log.open("a") as file:
                file.write("slurmstepd: error: Detected 1 oom_kill event in StepId=1.batch.\n")
            told.write_text(by_state["job"])
            for note in (by_message, by_state):
                kill_job(cluster, note["job"])
            names = [note["name"] for note in (by_message, by_state)]
            project.wait_for(lambda: all(len(starts(project, n)) == 2 for n in names), driver)
            for name in names:
                job = cluster.run("scontrol", "show", "job", starts(project, name)[1]["job"])
                assert "MinMemoryNode=200M" in job
            project.set_pace(AT_ONCE)
            expect_success(project, driver, expected)
        expect_resumed(project, *names)
        assert project.driver_log().count("sent again, with twice the memory") == 2


def let_squeue_tell_of_memory(cluster: SlurmCluster) -> Path:
    """Return a file: squeue will show the job that it names as out of memory, once it failed."""
    told, wrapper = cluster.folder / "log/told.txt", cluster.folder / "bin/squeue"
    told.write_text("none")
    real = wrapper.read_text().rpartition("exec ")[2].strip()
    rule = r"s/^\($(cat FILE)|[^|]*|\)FAILED/\1OUT_OF_MEMORY/".replace("FILE", str(told))
    wrapper.write_text(
        f'#!/bin/sh\n{real} > "$0.$$" || exit 1\nsed "{rule}" "$0.$$"\nrm "$0.$$"\n'
    )
    return told


@needs_accounting
@pytest.mark.parametrize(
    ("accounting", "cause"),
    [(False, "lost"), (True, "killed from outside")],
    ids=["without accounting", "with accounting"],
)
def test_a_job_that_slurm_has_forgotten_is_sent_again(
    accounting, cause, make_last, tmp_path_factory
):
    database = empty_database(tmp_path_factory) if accounting else None
    with SlurmCluster(accounting, min_job_age=2, database=database) as cluster:
        project, expected = make_last(cluster)
        with project.started("--submitit-lost-after", "5") as driver:
            first = first_starts(project, driver)[0]
            os.kill(driver.pid, signal.SIGSTOP)  # so that it doesn't see the job fail
            kill_job(cluster, first["job"])
            project.wait_for(lambda: not cluster.state(first["job"]))
            os.kill(driver.pid, signal.SIGCONT)
            project.set_pace(AT_ONCE)
            expect_success(project, driver, expected)
        expect_resumed(project, first["name"])
        # What squeue has forgotten, sacct remembers.
        assert re.search(f"job {first['job']}( on n[12])?: {cause}", project.driver_log())
