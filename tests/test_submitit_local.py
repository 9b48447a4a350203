"""The executor with this machine in place of a cluster: whole runs of a small workflow."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

SNAKEFILE = """
rule all:
    input:
        expand("out/{n}.txt", n=range(4)),


rule work:
    output:
        "out/{n}.txt",
    shell:
        "echo {wildcards.n} >> runs.txt; sh work.sh {wildcards.n} {output}"
"""

AT_ONCE = "echo done > $2"
FAILS = "[ $1 != 2 ] || { echo the reason why; exit 3; }; echo done > $2"
WAITS = "while [ ! -e go ]; do sleep 0.1; done; echo done > $2"


def make_folder(folder, work):
    folder.mkdir(parents=True)
    (folder / "Snakefile").write_text(SNAKEFILE)
    (folder / "work.sh").write_text(work)
    return folder


def make_command(*options, cluster="local", runtime=60):
    return [
        *(sys.executable, "-m", "snakemake", "--executor", "submitit"),
        *("--submitit-cluster", cluster, "--submitit-status-interval", "1", "--jobs", "4"),
        *("--default-resources", f"runtime={runtime}", "--nolock", "--nocolor", *options),
    ]


def environment():
    """The plug-in is found wherever the tests are run from."""
    paths = [str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return os.environ | {"PYTHONPATH": os.pathsep.join(paths)}


def run(folder, *options, **values):
    """Run to the end; the output is a file, since jobs would hold a pipe open."""
    with (folder / "driver.log").open("wb") as log:
        code = subprocess.run(
            make_command(*options, **values),
            cwd=folder,
            env=environment(),
            stdout=log,
            stderr=log,
            timeout=300,
            check=False,
        ).returncode
    return code, (folder / "driver.log").read_text()


@contextmanager
def started(folder, *options):
    """A driver at work, as a terminal starts it: the leader of a process group."""
    with (folder / "driver.log").open("wb") as log:
        driver = subprocess.Popen(
            make_command(*options),
            cwd=folder,
            env=environment(),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        yield driver
    finally:
        for pid in (driver.pid, *processes_in(folder)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        driver.wait()


def processes_in(folder):
    """The processes that work in a folder; a zombie doesn't."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if (path / "cwd").resolve(strict=True) == folder.resolve():
                found.append(int(path.name))
    return found


def wait_for(condition, folder, driver=None):
    deadline = time.monotonic() + 120
    while not condition():
        assert driver is None or driver.poll() is None, (folder / "driver.log").read_text()
        assert time.monotonic() < deadline, (folder / "driver.log").read_text()
        time.sleep(0.05)


def runs(folder):
    """Which commands have started, in order of their numbers."""
    path = folder / "runs.txt"
    return sorted(path.read_text().split()) if path.exists() else []


def outputs(folder):
    return sorted(path.name for path in folder.glob("out/*") if path.read_text() == "done\n")


def left_behind(folder):
    """The files that the executor left, without those that stay for good."""
    top = folder / ".snakemake" / "submitit"
    files = {str(path.relative_to(top)) for path in top.rglob("*") if path.is_file()}
    assert "run.txt" in files
    return files - {"run.txt"}


ALL = ["0.txt", "1.txt", "2.txt", "3.txt"]


def test_jobs_run_in_a_folder_with_blanks_and_a_long_path_and_leave_nothing(tmp_path):
    folder = make_folder(tmp_path / "with 'blanks' & more" / ("x" * 200) / ("y" * 200), AT_ONCE)
    code, text = run(folder)
    assert code == 0, text
    assert outputs(folder) == ALL
    assert runs(folder) == ["0", "1", "2", "3"]
    assert left_behind(folder) == set()
    assert processes_in(folder) == []


def test_a_failure_comes_with_its_cause_its_log_and_its_last_words(tmp_path):
    folder = make_folder(tmp_path / "p", FAILS)
    code, text = run(folder, "--keep-going")
    assert code == 1
    assert outputs(folder) == ["0.txt", "1.txt", "3.txt"]
    assert re.search(r"job \d+ on this machine: the command failed \(exit code [1-9]", text), text
    assert runs(folder) == ["0", "1", "2", "3"]
    [log] = re.findall(r"log of the job: (\S+)", text)
    assert log.startswith(".snakemake/submitit/logs/work/n=2/")
    assert "the reason why" in (folder / log).read_text()
    assert "    the reason why" in text.partition("its last lines:")[2]
    # What the message names is there, and nothing else.
    named = {log, *re.findall(r"log of Slurm: (\S+)", text)}
    assert {path for path in named if not (folder / path).exists()} == set()
    assert "Traceback" not in text
    left = {name for name in left_behind(folder) if not name.endswith((".out", ".err"))}
    assert left == {log.removeprefix(".snakemake/submitit/")}


def test_jobs_outlive_a_killed_driver_and_the_next_one_goes_on_with_them(tmp_path):
    folder = make_folder(tmp_path / "p", WAITS)
    with started(folder) as driver:
        wait_for(lambda: len(runs(folder)) == 4, folder, driver)
        driver.kill()
        driver.wait()
        with started(folder, "--rerun-incomplete") as second:
            log = folder / "driver.log"
            wait_for(
                lambda: log.read_text().count("of an earlier run goes on") == 4, folder, second
            )
            (folder / "go").touch()
            assert second.wait(120) == 0, log.read_text()
    assert outputs(folder) == ALL
    assert runs(folder) == ["0", "1", "2", "3"]
    assert left_behind(folder) == set()


@pytest.mark.parametrize("whole_group", [False, True], ids=["driver", "terminal"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_driver_leaves_no_process_and_the_next_run_does_all(
    tmp_path, number, whole_group
):
    folder = make_folder(tmp_path / "p", WAITS)
    with started(folder) as driver:
        wait_for(lambda: len(runs(folder)) == 4, folder, driver)
        (os.killpg if whole_group else os.kill)(driver.pid, number)
        assert driver.wait(120) != 0
        wait_for(lambda: processes_in(folder) == [], folder)
    assert outputs(folder) == []
    (folder / "go").touch()
    code, text = run(folder, "--rerun-incomplete")
    assert code == 0, text
    assert outputs(folder) == ALL
    assert runs(folder) == ["0", "0", "1", "1", "2", "2", "3", "3"]


@pytest.mark.parametrize(
    ("options", "values", "message"),
    [
        ([], {"cluster": "pbs"}, "--submitit-cluster is 'pbs'; it can be slurm or local"),
        (
            ["--submitit-array-limit", "0"],
            {},
            "--submitit-array-limit is 0; it must be 1 or more",
        ),
        (
            ["--submitit-max-requeues", "-1"],
            {},
            "--submitit-max-requeues is -1; it must be 0 or more",
        ),
        ([], {"runtime": 1}, "rule work: runtime is 1 min"),
    ],
)
def test_a_setting_that_can_not_work_is_refused_in_a_line_before_the_first_job(
    tmp_path, options, values, message
):
    folder = make_folder(tmp_path / "p", AT_ONCE)
    code, text = run(folder, *options, **values)
    assert code == 1
    assert [line for line in text.splitlines() if line.startswith(message)], text
    assert "Traceback" not in text
    assert runs(folder) == []
