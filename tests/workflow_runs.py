"""Snakemake runs for tests: a copy of the project in a folder of its own, on a tiny search.

A run that several tests start from is made once for all processes of the test run, and copied.
"""

import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
SNAKEMAKE = [sys.executable, "-m", "snakemake"]
PARTS = ("workflow", "rules", "scripts", "config", "profiles")
RESULTS = "results/digits/hnag-bohb"
TABLE = f"{RESULTS}/trials.csv"
TIMEOUT = 300

TINY: dict[str, Any] = {
    # A seed that draws small networks; their errors differ, so that a mix-up would show.
    "seed": 2768,
    "iterations": 2,
    "min_budget": 2,
    "max_budget": 4,
    "lag": 1,
    "test_fraction": 0.6,
    "parameter_limit": 60000,
    "batch_size": 48,
    "learning_rate": 0.1,
    "final_networks": 1,
    "final_epochs": 1,
}
"""A real search on the digits: 2 trials and 1 promoted, then 2; a few seconds each."""

TOY: dict[str, Any] = {
    "seed": 3,
    "iterations": 3,
    "min_budget": 1,
    "max_budget": 18,
    "eta": 18,
    "lag": 2,
}
"""For a toy objective: brackets (18, 1), (2), (18, 1); the third has a model, of the first."""


class Project:
    """A copy of what the workflow needs, and the settings of its search."""

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self.folder, self.settings = folder, dict(settings)

    def copy(self, folder: Path, **changes: Any) -> "Project":
        """Return a copy with all results, and Snakemake's records of them."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return Project(folder, self.settings | changes)

    def command(self, *arguments: str, cores: int = 2, **changes: Any) -> list[str]:
        """Return the command that a user would type, its options before the settings."""
        settings = [f"{key}={value}" for key, value in (self.settings | changes).items()]
        profile = ["--profile", "profiles/local", "--cores", str(cores)]
        return [*SNAKEMAKE, *arguments, *profile, "--config", *settings]

    def run(self, *arguments: str, cores: int = 2, **changes: Any) -> "Outcome":
        """Run Snakemake to its end."""
        return run(self.command(*arguments, cores=cores, **changes), self.folder)

    def finish(self, *arguments: str, cores: int = 2, **changes: Any) -> "Outcome":
        """Run Snakemake to its end and demand success."""
        outcome = self.run(*arguments, cores=cores, **changes)
        assert outcome.code == 0, outcome.text
        return outcome

    def started(self, *arguments: str, cores: int = 2):
        """Give a driver at work, to be used in a `with` statement."""
        return start_driver(self.command(*arguments, cores=cores), self.folder)

    def pending(self, **changes: Any) -> set[str]:
        """Return the files that the next run would make."""
        outcome = run(self.command("--summary", **changes), self.folder)
        assert outcome.code == 0, outcome.text
        lines = [line.split("\t") for line in outcome.stdout.splitlines()]
        return {line[0] for line in lines[1:] if line[-1] != "no update"}

    def planned_jobs(self, *targets: str, **changes: Any) -> Counter[str]:
        """Return how many jobs of each rule a dry run shows."""
        return count_jobs(self.finish(*targets, "-n", **changes).text)

    def modified(self) -> dict[str, int]:
        """Return when each file of data and results was written, in nanoseconds."""
        files = [path for top in ("data", "results") for path in (self.folder / top).rglob("*")]
        return {
            str(path.relative_to(self.folder)): path.stat().st_mtime_ns
            for path in files
            if path.is_file()
        }

    def read(self, name: str = TABLE) -> bytes:
        """Return the bytes of a file."""
        return (self.folder / name).read_bytes()

    def trial(self, bracket: int, rung: int, slot: int) -> Path:
        """Return the file of a trial."""
        return self.folder / RESULTS / f"bracket{bracket}/rung{rung}/slot{slot}.trial.json"

    def final(self, network: int) -> Path:
        """Return the result of a final network."""
        return self.folder / RESULTS / f"final/{network}.json"

    def training_log(self, trial: str) -> str:
        """Return what the last attempt of a training printed; empty before the first line."""
        return _read_if_there(self.folder / f"logs/digits/hnag-bohb/train/{trial}.log")

    def epochs_done(self) -> int:
        """Return how many epochs all trainings have behind them, as their logs say."""
        logs = (self.folder / "logs").glob("*/*/train/*.log")
        numbers = [
            re.findall(r"^(?:epoch|goes on after epoch) (\d+)/", text, re.MULTILINE)
            for text in map(_read_if_there, logs)
        ]
        return sum(int(found[-1]) for found in numbers if found)


def _read_if_there(path: Path) -> str:
    """Return the text of a file that Snakemake may just be removing."""
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


class Outcome:
    """What a command printed and its exit code."""

    def __init__(self, code: int, stdout: str, stderr: str) -> None:
        self.code, self.stdout, self.stderr = code, stdout, stderr

    @property
    def text(self) -> str:
        return self.stdout + self.stderr

    @property
    def nothing_to_do(self) -> bool:
        return self.code == 0 and "Nothing to be done" in self.text


def run(command: list[str], folder: Path, **environment: str) -> Outcome:
    """Run a command to its end, with `environment` beside the variables of this process."""
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )
    return Outcome(done.returncode, done.stdout, done.stderr)


@contextmanager
def start_driver(command: list[str], folder: Path, environment: Mapping[str, str] | None = None):
    """Give a driver at work, as the leader of a process group; kill what is left of it.

    What it prints is added to `driver.log` in the folder.
    """
    with (folder / "driver.log").open("ab") as log:
        driver = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        yield driver
    finally:
        kill_group(driver)


def make_project(folder: Path, settings: Mapping[str, Any]) -> Project:
    """Return a fresh copy of the project, as after a clone, without results."""
    folder.mkdir(parents=True)
    for part in PARTS:
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "slurm").symlink_to("profiles/slurm")
    return Project(folder, settings)


def make_toy_project(folder: Path, settings: Mapping[str, Any]) -> Project:
    """Return a project whose trainings are a toy objective and take no time."""
    project = make_project(folder, settings)
    shutil.copy(Path(__file__).with_name("toy_train.py"), folder / "scripts" / "train.py")
    return project


def build_once(
    factory: pytest.TempPathFactory,
    name: str,
    make: Callable[[Path, Mapping[str, Any]], Project],
    settings: Mapping[str, Any],
    *targets: str,
) -> Project:
    """Return a project with a finished run, made by the first test process that asks for it.

    It is not to be changed: tests work on copies.
    """
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder = base / name
    with (base / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (base / f"{name}.done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            make(folder, settings).finish(*targets)
            (base / f"{name}.done").touch()
    return Project(folder, settings)


def count_jobs(text: str) -> Counter[str]:
    """Return the numbers of jobs per rule in Snakemake's table, without its total."""
    table = text.rpartition("Job stats:")[2]
    rows = re.findall(r"^(\w+) +(\d+)$", table, re.MULTILINE)
    return Counter({rule: int(number) for rule, number in rows if rule != "total"})


def wait_until(condition: Callable[[], bool], driver: subprocess.Popen[bytes]) -> bool:
    """Wait for a condition; return False if the driver ended before."""
    deadline = time.monotonic() + TIMEOUT
    while not condition():
        if driver.poll() is not None:
            return False
        assert time.monotonic() < deadline, "nothing happened for too long"
        time.sleep(0.01)
    return True


def kill_group(driver: subprocess.Popen[bytes]) -> None:
    """Kill a driver and all its jobs, as a lost machine does."""
    with suppress(ProcessLookupError):
        os.killpg(driver.pid, signal.SIGKILL)
    driver.wait()
