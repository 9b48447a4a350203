"""The driver is interrupted, killed or started twice: nothing is trained twice or left behind."""

import os
import shlex
import signal
from collections import Counter

import pytest
from slurm_cluster import needs_slurm, slurm
from slurm_runs import SLOW, make_slow_project, make_slurm_project
from workflow_runs import TABLE, build_once

__all__ = ["slurm"]

pytestmark = needs_slurm

TRAININGS = 7
TWO_GPUS = {"train:gpu": "2", "prepare:mem_mb": "100"}
"""With this two of the four trainings of a rung run at once, and two wait in the queue."""


class Held:
    """A project whose trainings stop after their first epoch for as long as they are held."""

    def __init__(self, factory, folder, cluster):
        cluster.count_calls()
        self.cluster = cluster
        self.project, self.expected = make_slurm_project(factory, folder, cluster, pace=0)
        self.script = folder / "scripts/train.py"
        self.sign = folder / "hold"
        self.sign.touch()

    def release(self):
        self.sign.unlink()

    def wait_until_two_run(self, driver):
        """Wait until two trainings have an epoch behind them, while two wait in the queue."""
        self.project.wait_for(lambda: len(self.project.notes("epoch")) == 2, driver)
        states = Counter(job["state"] for job in self.cluster.jobs())
        assert states == {"RUNNING": 2, "PENDING": 2}

    def kill_driver_when_two_run(self, number=signal.SIGKILL):
        """Start a driver, end it by a signal to all its processes, and remove its lock."""
        with self.project.started(resources=TWO_GPUS) as driver:
            self.wait_until_two_run(driver)
            os.killpg(driver.pid, number)
            driver.wait(60)
        states = Counter(job["state"] for job in self.cluster.jobs())
        assert states == {"RUNNING": 2, "PENDING": 2}
        self.project.unlock()

    def finish_after(self, sign, **options):
        """Start a driver, release the trainings once it has said something, and let it finish."""
        with self.project.started(resources=TWO_GPUS, **options) as driver:
            self.project.wait_for(lambda: sign(self.project.driver_log()), driver)
            self.release()
            assert driver.wait(240) == 0, self.project.driver_log()

    def check_each_training_ran_once(self):
        """Demand the right table of one job per training, each started once."""
        starts = Counter(note["name"] for note in self.project.notes("start"))
        assert len(starts) == TRAININGS
        assert set(starts.values()) == {1}
        assert len(self.cluster.jobs()) == TRAININGS
        self.check_table()

    def check_table(self):
        assert self.project.table() == self.expected
        assert self.project.epochs_trained_twice() == 0


@pytest.fixture
def held(slurm, tmp_path, tmp_path_factory):
    return Held(tmp_path_factory, tmp_path / "p", slurm)


def four_jobs_go_on(log):
    return log.count("of an earlier run goes on") == 4


def main_number(job):
    """Return the number of the array that a job belongs to."""
    return job["id"].partition("_")[0]


def processes_that_live(pids):
    return [pid for pid in pids if os.path.exists(f"/proc/{pid}/exe")]  # noqa: PTH110


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_driver_cancels_all_jobs_in_one_call(number, held, slurm):
    with held.project.started(resources=TWO_GPUS) as driver:
        held.wait_until_two_run(driver)
        driver.send_signal(number)
        assert driver.wait(60) != 0
    assert slurm.calls("scancel") == 1
    first = [note["pid"] for note in held.project.notes("start")]
    assert len(first) == 2

    # At once, as long as what was cancelled may still be about to end.
    held.release()
    held.project.finish(resources=TWO_GPUS)
    held.check_table()
    assert not processes_that_live(first)
    # Slurm may show tasks that were cancelled in the queue as one.
    states = Counter(job["state"] for job in slurm.jobs())
    assert {*states} == {"CANCELLED", "COMPLETED"}
    assert states["COMPLETED"] == TRAININGS
    held.project.wait_for(lambda: not slurm.job_processes())


def test_jobs_outlive_a_killed_driver_and_the_next_one_follows_them(held, slurm):
    held.kill_driver_when_two_run()
    held.finish_after(four_jobs_go_on)
    held.check_each_training_ran_once()
    assert slurm.calls("scancel") == 0


def test_what_ended_without_a_driver_is_not_trained_again(held, slurm):
    held.kill_driver_when_two_run()
    held.release()
    held.project.wait_for(lambda: {job["state"] for job in slurm.jobs()} == {"COMPLETED"})
    held.project.finish(resources=TWO_GPUS)
    held.check_each_training_ran_once()


def test_a_driver_killed_before_it_notes_the_job_leaves_no_second_run(held, slurm):
    held.release()
    sbatch = slurm.folder / "bin/sbatch"
    plain = sbatch.read_text()
    pid = slurm.folder / "driver.pid"
    real = plain.splitlines()[-1].removeprefix("exec ")
    sbatch.write_text(
        f"#!/bin/sh\n{real} > /dev/null\n"
        f"while [ ! -s {pid} ]; do sleep 0.05; done\nkill -9 -$(cat {pid})\n"
    )
    with held.project.started() as driver:
        temporary = pid.with_suffix(".new")
        temporary.write_text(str(driver.pid))
        temporary.rename(pid)
        assert driver.wait(120) == -signal.SIGKILL
    assert len(slurm.jobs()) == 4
    sbatch.write_text(plain)
    held.project.unlock()

    held.project.finish()
    held.check_table()
    starts = Counter(note["name"] for note in held.project.notes("start"))
    assert set(starts.values()) == {1}
    assert len(starts) == TRAININGS


def test_jobs_of_other_settings_end_before_new_ones_are_sent(held, slurm, tmp_path_factory):
    other = build_once(
        tmp_path_factory, "slow-4", make_slow_project, SLOW | {"seed": 4}, TABLE
    ).read()
    assert other != held.expected
    held.kill_driver_when_two_run()
    old = main_number(slurm.jobs()[0])
    pids = [note["pid"] for note in held.project.notes("start")]

    with held.project.started(resources=TWO_GPUS, seed=4) as driver:

        def are_sent():
            """Whether all four are; each may be as soon as the old job for its files has ended."""
            jobs = [job for job in slurm.jobs() if job["name"].startswith("train.")]
            return len([job for job in jobs if main_number(job) != old]) == 4

        held.project.wait_for(are_sent, driver)
        assert not processes_that_live(pids)
        held.release()
        assert driver.wait(240) == 0, held.project.driver_log()
    assert {job["state"] for job in slurm.jobs() if main_number(job) == old} == {"CANCELLED"}
    assert slurm.calls("scancel") == 1
    assert held.project.table() == other


def test_a_closed_terminal_and_an_edit_of_code_neither_cancel_nor_repeat_a_job(held, slurm):
    held.kill_driver_when_two_run(signal.SIGHUP)
    with held.script.open("a") as script:
        script.write("\n# a comment\n")
    held.finish_after(four_jobs_go_on)
    held.check_each_training_ran_once()
    assert slurm.calls("scancel") == 0


def test_a_second_driver_is_refused_and_the_first_goes_on(slurm, tmp_path, tmp_path_factory):
    held = Held(tmp_path_factory, tmp_path / "a folder with spaces", slurm)
    with held.project.started(resources=TWO_GPUS) as driver:
        held.wait_until_two_run(driver)
        second = held.project.run(resources=TWO_GPUS)
        assert second.code != 0
        assert "cannot be locked" in second.text
        held.release()
        assert driver.wait(240) == 0, held.project.driver_log()
    held.check_each_training_ran_once()
    assert slurm.calls("scancel") == 0


def test_a_driver_in_a_job_of_slurm_sends_jobs_of_their_own(held, slurm):
    held.release()
    # What the jobs would take over, were it not kept from them: GPUs, and a place in an array.
    command = held.project.command(resources={"train:gpu": "0"})
    outer = slurm.run(
        *("sbatch", "--parsable", "--array=5", "--gpus=2", "--cpus-per-task=2", "--mem=200"),
        *(f"--output={held.project.folder}/driver.log", f"--chdir={held.project.folder}"),
        f"--wrap={shlex.join(command)}",
    ).strip()
    ended = ("COMPLETED", "FAILED", "CANCELLED")
    state = slurm.wait_for_state(f"{outer}_5", *ended, timeout=240)
    assert state == "COMPLETED", held.project.driver_log()
    held.check_table()
    ends = held.project.notes("end")
    assert {note["gpus"] for note in ends} == {None}
    inner = {job["id"] for job in slurm.jobs()} - {f"{outer}_5"}
    assert {note["job"] for note in ends} == inner
    assert len(ends) == len(inner) == TRAININGS
