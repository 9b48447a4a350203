"""What runs in a job: to its end, told to stop, and again."""

import os
import pickle
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import cloudpickle
import pytest

from snakemake_executor_plugin_submitit.command import JobCommand, name_node

ROOT = Path(__file__).parents[1]

CHILD = """
import json, pickle, signal, sys
from pathlib import Path

command = pickle.loads(Path(sys.argv[1]).read_bytes())

def stop(number, frame):
    again = command.checkpoint()
    Path(sys.argv[2]).write_text(json.dumps(again and again.function.requeues))
    sys.exit(7)

signal.signal(signal.SIGUSR2, stop)
print(json.dumps(command()))
"""
"""As submitit does it on a node: load the command, catch the signal, run."""

GRANDCHILD = "sh -c 'sleep 1000 & echo $! > grandchild; wait'"


@pytest.fixture(autouse=True)
def outside_of_slurm(monkeypatch):
    for name in list(os.environ):
        if name.startswith(("SLURM", "SUBMITIT")):
            monkeypatch.delenv(name)


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "a folder with 'blanks'"
    path.mkdir()
    return path


def make_command(folder, command, **values):
    values = {"max_requeues": 3} | values
    return JobCommand(command, str(folder), str(folder / "logs" / "x y" / "1.log"), **values)


def read_log(command):
    return Path(command.log).read_text()


def start_child(folder, command):
    """Run a command in a Python of its own, which gets it as a pickle."""
    (folder / "command.pkl").write_bytes(cloudpickle.dumps(command))
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, "command.pkl", "again.json"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )


def wait_for(condition, child=None):
    deadline = time.monotonic() + 60
    while not condition():
        assert child is None or child.poll() is None, "the child ended before"
        assert time.monotonic() < deadline, "nothing happened for too long"
        time.sleep(0.01)


def has_text(path):
    return path.exists() and path.read_text().endswith("\n")


def is_alive(pid):
    """Whether a process runs; a zombie doesn't."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def run_and_stop(folder, command):
    """Run a command until it has written its process id, send the signal, see the process go."""
    child = start_child(folder, command)
    wait_for(lambda: has_text(folder / "pid"), child)
    child.send_signal(signal.SIGUSR2)
    child.communicate(timeout=60)
    pid = int((folder / "pid").read_text())
    wait_for(lambda: not is_alive(pid))


@pytest.mark.parametrize("code", [0, 1, 3, 137])
def test_the_exit_code_is_that_of_the_command(folder, code):
    outcome = make_command(folder, f"exit {code}")()
    assert outcome == {"exit_code": code, "node": name_node(), "requeues": 0}


def test_a_command_killed_by_a_signal_did_not_succeed(folder):
    assert make_command(folder, "kill -9 $$")()["exit_code"] == -signal.SIGKILL


def test_all_that_the_command_says_is_in_the_log_in_order(folder):
    command = make_command(folder, "echo one; echo two >&2; cat; pwd")
    command()
    assert read_log(command) == f"one\ntwo\n{folder}\n"


def test_a_log_is_continued_not_written_anew(folder):
    command = make_command(folder, "echo said")
    command()
    replace(command, requeues=2)()
    assert read_log(command) == "said\nrequeued, 2 times by now\nsaid\n"


def test_the_node_is_called_as_slurm_calls_it(folder, monkeypatch):
    monkeypatch.setenv("SLURMD_NODENAME", "n7")
    assert make_command(folder, "true")()["node"] == "n7"


def test_the_signal_that_announces_the_end_does_not_reach_the_command(folder):
    command = make_command(folder, "kill -USR2 0; sh -c 'kill -USR2 $$'; echo still here")
    assert command()["exit_code"] == 0
    assert read_log(command) == "still here\n"


def test_nothing_of_a_command_that_has_ended_goes_on(folder):
    command = make_command(folder, "sleep 1000 & echo $! > pid; exit 4")
    assert command()["exit_code"] == 4
    pid = int((folder / "pid").read_text())
    wait_for(lambda: not is_alive(pid))


def test_a_command_that_is_interrupted_in_python_is_killed(folder):
    command = make_command(folder, "echo $$ > pid; sleep 1000")
    child = start_child(folder, command)
    wait_for(lambda: has_text(folder / "pid"), child)
    child.send_signal(signal.SIGINT)
    child.communicate(timeout=60)
    pid = int((folder / "pid").read_text())
    wait_for(lambda: not is_alive(pid))


def test_a_requeued_job_counts_by_what_slurm_says_or_by_itself(folder, monkeypatch):
    monkeypatch.setenv("SLURM_RESTART_COUNT", "2")
    assert make_command(folder, "true")()["requeues"] == 2
    assert make_command(folder, "true", requeues=3)()["requeues"] == 3
    monkeypatch.setenv("SLURM_RESTART_COUNT", "")
    assert make_command(folder, "true", requeues=1)()["requeues"] == 1


def test_a_job_that_slurm_requeued_too_often_does_not_run_and_has_no_exit_code(
    folder, monkeypatch
):
    command = make_command(folder, "touch ran")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "4")
    assert command() == {"exit_code": None, "node": name_node(), "requeues": 4}
    assert not (folder / "ran").exists()
    monkeypatch.setenv("SLURM_RESTART_COUNT", "3")
    assert command()["exit_code"] == 0
    assert (folder / "ran").exists()


def test_a_pickle_runs_in_a_fresh_python_and_its_outcome_is_plain(folder):
    command = make_command(folder, "echo hello; exit 5", requeues=1)
    child = start_child(folder, command)
    output, _ = child.communicate(timeout=60)
    assert '"exit_code": 5' in output
    assert '"requeues": 1' in output
    assert read_log(command).endswith("hello\n")


def test_a_pickle_of_what_has_run_is_equal_to_what_was_sent(folder):
    command = make_command(folder, "true")
    again = pickle.loads(cloudpickle.dumps(replace(command, requeues=1)))
    assert again == replace(command, requeues=1)


def test_a_stopped_command_is_gone_with_all_it_started_and_will_be_run_again(folder):
    command = make_command(folder, GRANDCHILD, requeues=1)
    child = start_child(folder, command)
    wait_for(lambda: has_text(folder / "grandchild"), child)
    pid = int((folder / "grandchild").read_text())
    child.send_signal(signal.SIGUSR2)
    child.communicate(timeout=60)
    assert child.returncode == 7
    wait_for(lambda: not is_alive(pid))
    assert (folder / "again.json").read_text() == "2"


def test_a_stopped_command_may_save_its_work_though_its_shell_is_gone_already(folder):
    save = "trap 'sleep 0.5; echo saved > saved; exit' TERM; echo > ready; sleep 1000 & wait"
    (folder / "train.sh").write_text(save)
    command = make_command(folder, "sh train.sh; true")
    child = start_child(folder, command)
    wait_for(lambda: has_text(folder / "ready"), child)
    child.send_signal(signal.SIGUSR2)
    child.communicate(timeout=60)
    assert (folder / "saved").exists()


def test_a_stopped_command_is_not_waited_for_once_it_has_ended(folder):
    # The wait would be longer than the test has time.
    command = make_command(folder, "echo > ready; exec sleep 1000", grace=1000)
    child = start_child(folder, command)
    wait_for(lambda: has_text(folder / "ready"), child)
    child.send_signal(signal.SIGUSR2)
    child.communicate(timeout=60)
    assert (folder / "again.json").read_text() == "1"


def test_a_command_that_does_not_listen_is_killed(folder):
    command = make_command(folder, "trap '' TERM; echo $$ > pid; sleep 1000; sleep 1000", grace=1)
    run_and_stop(folder, command)


def test_a_command_stopped_as_often_as_allowed_is_not_run_again(folder):
    command = make_command(folder, "echo $$ > pid; exec sleep 1000", requeues=3)
    run_and_stop(folder, command)
    assert (folder / "again.json").read_text() == "null"


def test_a_signal_before_the_command_has_started_is_a_requeue_as_well(folder):
    handler = signal.getsignal(signal.SIGTERM)
    try:
        again = make_command(folder, "true").checkpoint()
    finally:
        signal.signal(signal.SIGTERM, handler)
    assert again.function == make_command(folder, "true", requeues=1)


def test_a_requeued_job_removes_what_its_earlier_run_left(folder, monkeypatch):
    for name, value in {
        "SUBMITIT_FOLDER": str(folder),
        "SUBMITIT_EXECUTOR": "slurm",
        "SLURM_JOB_ID": "12",
    }.items():
        monkeypatch.setenv(name, value)
    stale = ["12_0_result.pkl", "12_0_result.pkl.save_tmp", "12_submitted.pkl.save_tmp"]
    others = ["12_submitted.pkl", "13_0_result.pkl", "12_1_result.pkl"]
    for name in (*stale, *others):
        (folder / name).touch()
    command = make_command(folder, "ls *.pkl*")
    command()
    assert read_log(command).split() == sorted(others)


def test_a_job_of_an_array_removes_its_own_result_alone(folder, monkeypatch):
    for name, value in {
        "SUBMITIT_FOLDER": str(folder),
        "SUBMITIT_EXECUTOR": "slurm",
        "SLURM_JOB_ID": "14",
        "SLURM_ARRAY_JOB_ID": "12",
        "SLURM_ARRAY_TASK_ID": "1",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("12_0_0_result.pkl", "12_1_0_result.pkl", "14_0_result.pkl"):
        (folder / name).touch()
    make_command(folder, "true")()
    left = {path.name for path in folder.glob("*_result.pkl")}
    assert left == {"12_0_0_result.pkl", "14_0_result.pkl"}
