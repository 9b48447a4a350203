"""The executor without Slurm: jobs are processes of this machine, sent and watched likewise."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

SNAKEFILE = """
rule all:
    input: expand("out/{n}", n=range(3))
localrules: all, begin
rule begin:
    output: "begin"
    shell: "touch {output}"
rule one:
    input: "begin"  # not there at first: Snakemake can't tell all resources yet
    output: "out/{n}"
    shell:
        "echo {wildcards.n} >> started; "
        "while test -e hold; do sleep 0.1; done; "
        "test ! -e broken || {{ echo broken on purpose; exit 7; }}; "
        "touch {output}"
"""
COMMAND = [
    *(sys.executable, "-m", "snakemake", "--executor", "submitit", "--jobs", "3"),
    *("--submitit-cluster", "local", "--submitit-status-interval", "1", "--latency-wait", "2"),
]
RUNTIME = ["--default-resources", "runtime=60"]
TIMEOUT = 120


@pytest.fixture
def folder(tmp_path):
    """A working folder with blanks in its long name."""
    folder = tmp_path / ("a folder with a long name " * 4).strip()
    folder.mkdir()
    (folder / "Snakefile").write_text(SNAKEFILE)
    yield folder
    for pid in processes(folder):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def processes(folder):
    """Return the processes at work in a folder; zombies have none."""
    found = []
    for link in Path("/proc").glob("[0-9]*/cwd"):
        with suppress(OSError):
            if link.readlink() == folder:
                found.append(int(link.parent.name))
    return found


def run(folder, *options):
    return subprocess.run(
        [*COMMAND, *options],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


def start(folder, *options):
    """Start a driver, and wait until its jobs run; they go no further while there is `hold`."""
    (folder / "hold").touch()
    with (folder / "log").open("w") as log:
        driver = subprocess.Popen(
            [*COMMAND, *RUNTIME, *options],
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    wait_for(lambda: len(started(folder)) == 3)
    return driver


def started(folder):
    path = folder / "started"
    return sorted(path.read_text().split()) if path.exists() else []


def wait_for(condition):
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def left_behind(folder):
    """Return the names of files that the executor keeps."""
    kept = folder / ".snakemake" / "submitit"
    return sorted(path.name for path in kept.rglob("*") if path.is_file())


def test_jobs_run_and_leave_nothing(folder):
    done = run(folder, *RUNTIME)
    assert done.returncode == 0, done.stdout
    assert started(folder) == ["0", "1", "2"]
    assert left_behind(folder) == ["run.txt"]


def test_a_failed_job_tells_its_exit_code_its_log_and_its_last_lines(folder):
    (folder / "broken").touch()
    done = run(folder, *RUNTIME, "--keep-going")
    assert done.returncode == 1
    assert done.stdout.count("the command failed (exit code 1)") == 3
    assert "log of the job: .snakemake/submitit/logs/one/n=0/" in done.stdout
    assert "broken on purpose" in done.stdout
    assert "Traceback" not in done.stdout
    logs = re.findall(r"log of (?:the job|Slurm): (\S+)", done.stdout)
    assert {Path(log).name for log in logs} == set(left_behind(folder)) - {"run.txt"}
    assert started(folder) == ["0", "1", "2"]


def test_jobs_outlive_a_killed_driver_and_the_next_one_follows_them(folder):
    driver = start(folder)
    driver.kill()
    driver.wait()
    subprocess.run([*COMMAND, "--unlock"], cwd=folder, check=True, timeout=TIMEOUT)
    driver = start(folder, "--rerun-incomplete")
    wait_for(lambda: (folder / "log").read_text().count("of an earlier run goes on") == 3)
    (folder / "hold").unlink()
    assert driver.wait(TIMEOUT) == 0, (folder / "log").read_text()
    assert started(folder) == ["0", "1", "2"]


@pytest.mark.parametrize(
    ("send", "number"),
    [(os.kill, signal.SIGINT), (os.killpg, signal.SIGINT), (os.kill, signal.SIGTERM)],
    ids=["interrupted", "ctrl-c", "terminated"],
)
def test_a_stopped_driver_leaves_no_process(folder, send, number):
    driver = start(folder)
    send(driver.pid, number)  # Ctrl-C in a terminal goes to the whole group
    assert driver.wait(TIMEOUT) != 0
    wait_for(lambda: not processes(folder))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([*RUNTIME, "--submitit-cluster", "pbs"], "--submitit-cluster is 'pbs'"),
        ([*RUNTIME, "--submitit-array-limit", "0"], "--submitit-array-limit is 0"),
        (["--default-resources", "runtime=1"], "rule one: runtime is 1 min"),
        ([], "rule one: runtime isn't given"),
    ],
)
def test_what_can_not_work_is_refused_before_a_job_starts(folder, options, message):
    done = run(folder, *options)
    assert done.returncode == 1
    assert message in done.stdout
    assert "Traceback" not in done.stdout
    assert not (folder / "begin").exists()


def test_a_job_of_which_no_note_can_be_written_is_not_sent(folder):
    # As with a full disk or quota; this one is in the way of root as well.
    in_the_way = folder / ".snakemake" / "submitit" / "submissions"
    in_the_way.parent.mkdir(parents=True)
    in_the_way.touch()
    done = run(folder, *RUNTIME, "--keep-going")
    assert done.returncode == 1
    assert done.stdout.count("not sent, since a file of it can't be written: [Errno") == 3
    assert str(in_the_way) in done.stdout
    assert "Traceback" not in done.stdout
    assert started(folder) == []
    in_the_way.unlink()
    assert run(folder, *RUNTIME).returncode == 0
    assert started(folder) == ["0", "1", "2"]


def test_a_machine_without_slurm_is_told_of_at_the_start(folder, monkeypatch):
    (folder / "bin").mkdir()
    (folder / "bin" / "bash").symlink_to("/bin/bash")
    monkeypatch.setenv("PATH", str(folder / "bin"))
    done = run(folder, *RUNTIME, "--submitit-cluster", "slurm")
    assert done.returncode == 1
    assert "sbatch, squeue, scancel, scontrol, srun not found: start this on" in done.stdout
    assert "Traceback" not in done.stdout
    assert started(folder) == []
