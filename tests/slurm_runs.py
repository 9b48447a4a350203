"""A search on a real Slurm cluster, with trainings that take time but no torch."""

import json
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from slurm_cluster import SlurmCluster
from workflow_runs import (
    SNAKEMAKE,
    TABLE,
    Outcome,
    Project,
    build_once,
    make_project,
    start_driver,
)

TESTS = Path(__file__).parent
TIMEOUT = 240

SLOW: dict[str, Any] = {
    "seed": 3,
    "iterations": 2,
    "min_budget": 2,
    "max_budget": 8,
    "eta": 4,
    "lag": 1,
}
"""Brackets (4 trials of 2 epochs, 1 of 8) and (2 of 8): 7 trainings."""

QUICK = [
    *("--submitit-status-interval", "1", "--submitit-status-interval-max", "2"),
    *("--latency-wait", "3", "--set-threads", "train=1", "prepare=1"),
]
"""Options for a cluster that answers in milliseconds."""

RESOURCES = {"train:mem_mb": "100", "train:runtime": "60", "train:gpu": "1"}


class SlurmProject:
    """A project whose trainings go to a cluster."""

    def __init__(self, project: Project, cluster: SlurmCluster) -> None:
        self.project, self.cluster, self.folder = project, cluster, project.folder

    def set_pace(self, seconds: float) -> None:
        """Set how long an epoch takes from now on."""
        (self.folder / "pace.txt").write_text(str(seconds))

    def break_training(self, name: str, broken: bool = True) -> None:
        """Let a training fail, or no longer."""
        path = self.folder / "break" / name
        path.parent.mkdir(exist_ok=True)
        path.touch() if broken else path.unlink()

    def command(
        self,
        *arguments: str,
        resources: Mapping[str, str] | None = None,
        target: str = TABLE,
        **changes: Any,
    ) -> list[str]:
        """Return the command that a user would type, for the table of the search."""
        asked = RESOURCES | dict(resources or {})
        settings = self.project.settings | changes
        return [
            *(*SNAKEMAKE, target, "--profile", "slurm", *QUICK, *arguments),
            *("--set-resources", *(f"{key}={value}" for key, value in asked.items())),
            *("--config", *(f"{key}={value}" for key, value in settings.items())),
        ]

    def run(self, *arguments: str, **options: Any) -> Outcome:
        """Run the search until Snakemake ends."""
        done = subprocess.run(
            self.command(*arguments, **options),
            cwd=self.folder,
            env=self.cluster.full_environment(),
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def finish(self, *arguments: str, **options: Any) -> Outcome:
        """Run the search to its end and demand success."""
        outcome = self.run(*arguments, **options)
        assert outcome.code == 0, outcome.text
        return outcome

    def started(self, *arguments: str, **options: Any):
        """Give a driver at work, to be used in a `with` statement."""
        command = self.command(*arguments, **options)
        return start_driver(command, self.folder, self.cluster.full_environment())

    def driver_log(self) -> str:
        """Return what drivers that were `started` printed."""
        return (self.folder / "driver.log").read_text()

    def unlock(self) -> None:
        """Remove the lock that a killed driver leaves."""
        subprocess.run([*SNAKEMAKE, "--unlock", "--profile", "slurm"], cwd=self.folder, check=True)

    def notes(self, what: str = "") -> list[dict[str, Any]]:
        """Return what trainings noted: their starts, epochs and ends."""
        path = self.folder / "runs.log"
        lines = path.read_text().splitlines() if path.exists() else []
        return [note for note in map(json.loads, lines) if what in ("", note["what"])]

    def epochs_trained_twice(self) -> int:
        """Return how many epochs were trained more than once."""
        counts = Counter((note["name"], note["epoch"]) for note in self.notes("epoch"))
        return sum(number - 1 for number in counts.values())

    def wait_for(
        self, condition: Callable[[], Any], driver: subprocess.Popen[bytes] | None = None
    ) -> Any:
        """Wait until a condition holds, and return its value."""
        deadline = time.monotonic() + TIMEOUT
        while not (value := condition()):
            assert time.monotonic() < deadline, "nothing happened for too long"
            assert driver is None or driver.poll() is None, self.driver_log()
            time.sleep(0.05)
        return value

    def wait_for_epoch(self, driver: subprocess.Popen[bytes]) -> dict[str, Any]:
        """Wait until some training has an epoch behind it; return its note."""
        return self.wait_for(lambda: self.notes("epoch"), driver)[0]

    def table(self) -> bytes:
        """Return the table of the search."""
        return self.project.read()


def make_slow_project(folder: Path, settings: Mapping[str, Any]) -> Project:
    """Return a project whose trainings take as long as its `pace.txt` says."""
    project = make_project(folder, settings)
    shutil.copy(TESTS / "slow_train.py", folder / "scripts" / "train.py")
    shutil.copy(TESTS / "toy_train.py", folder / "scripts" / "toy_train.py")
    (folder / "pace.txt").write_text("0")
    return project


def make_slurm_project(factory, folder: Path, cluster: SlurmCluster, pace: float = 0.3):
    """Return a project with prepared data but no results, and the table that it should make.

    The table is of a run on this machine, without Slurm.
    """
    base = build_once(factory, "slow", make_slow_project, SLOW, TABLE)
    project = base.copy(folder)
    for name in ("results", "checkpoints", "logs"):
        shutil.rmtree(project.folder / name)
    (project.folder / "runs.log").unlink()
    slurm_project = SlurmProject(project, cluster)
    slurm_project.set_pace(pace)
    return slurm_project, base.read()
