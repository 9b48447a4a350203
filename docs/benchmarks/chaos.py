"""Kill jobs of a search on a real Slurm cluster at random, and compare its table with a calm run.

Prints Markdown; `make chaos` runs it. Which runs are hit, after which epoch and how, is drawn from
the seed and the name of the training, so that the same jobs are hit again. The trainings are those
of tests/slow_train.py: they take time, resume from a checkpoint and note every epoch.
"""

import argparse
import os
import platform
import random
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[2] / "tests"
sys.path.insert(0, str(TESTS))

from slurm_cluster import SlurmCluster  # noqa: E402
from slurm_runs import SLOW, SlurmProject, make_slow_project  # noqa: E402
from workflow_runs import TABLE  # noqa: E402

SEARCH = SLOW | {"iterations": 8, "lag": 3}
"""Four times brackets (4, 1) and (2): 28 trainings, 124 epochs."""

PACE = 0.5
"""Seconds of an epoch."""

HITS = ("kill -9", "requeue", "node down")


class Chaos:
    """Hits runs of trainings until it is told to stop."""

    def __init__(self, project: SlurmProject, rate: float, seed: int) -> None:
        self.project, self.rate, self.seed = project, rate, seed
        self.hits: Counter[str] = Counter()
        self._seen: set[tuple[str, int]] = set()
        self._planned: dict[str, tuple[int, str]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work)

    def __enter__(self) -> "Chaos":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _work(self) -> None:
        while not self._over.wait(0.1):
            starts: Counter[str] = Counter()
            for note in self.project.notes():
                if note["what"] == "start":
                    starts[note["name"]] += 1
                    self._plan(note, starts[note["name"]])
                elif note["what"] == "epoch":
                    self._hit(note, starts[note["name"]])

    def _plan(self, note: dict[str, Any], run: int) -> None:
        """Decide whether this run of a training is hit, after how many epochs more, and how."""
        if (note["name"], run) in self._seen:
            return
        self._seen.add((note["name"], run))
        rng = random.Random(f"{self.seed}-{self.rate}-{note['name']}-{run}")
        if rng.random() < self.rate:
            how = rng.choice(HITS)
            self._planned[note["name"]] = (note["epoch"] + rng.randint(1, 2), how)

    def _hit(self, note: dict[str, Any], run: int) -> None:
        epoch, how = self._planned.get(note["name"], (None, ""))
        if epoch is None or note["epoch"] < epoch:
            return
        del self._planned[note["name"]]
        cluster = self.project.cluster
        if note["job"] not in {job["id"] for job in cluster.jobs() if job["state"] == "RUNNING"}:
            return  # it is just over
        self.hits[how] += 1
        if how == "kill -9":
            with suppress(OSError):
                for pid in cluster.job_processes(find_raw_id(note["pid"])):
                    os.kill(pid, signal.SIGKILL)
        elif how == "requeue":
            cluster.run("scontrol", "requeue", note["job"], check=False)
        else:
            cluster.set_node(note["node"], "down")
            time.sleep(1)
            # With ReturnToService=2 it may have come back by itself.
            cluster.run(
                "scontrol", "update", f"nodename={note['node']}", "state=resume", check=False
            )


def find_raw_id(pid: int) -> str:
    """Return the id of a job, which for one of an array isn't the one in the queue."""
    items = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return next(item for item in items if item.startswith("SLURM_JOB_ID=")).partition("=")[2]


def run_search(folder: Path, rate: float, seed: int, expected: bytes) -> str:
    """Run a search under chaos; return its row of the table."""
    with SlurmCluster() as cluster:
        project = SlurmProject(make_slow_project(folder, SEARCH), cluster)
        project.set_pace(PACE)
        start = time.monotonic()
        drivers = 1
        with Chaos(project, rate, seed) as chaos, project.started() as driver:
            if rate:  # half-way, the driver is killed as well
                project.wait_for(lambda: len(project.notes("end")) >= 14, driver)
                os.killpg(driver.pid, signal.SIGKILL)
                driver.wait()
                project.unlock()
                drivers = 2
                outcome = project.run()
                code = outcome.code
            else:
                code = driver.wait()
        seconds = time.monotonic() - start
        assert code == 0, project.driver_log()
        notes = project.notes()
        starts = Counter(note["name"] for note in notes if note["what"] == "start")
        ends = Counter(note["name"] for note in notes if note["what"] == "end")
        jobs = cluster.jobs()
        requeued = sum(int(job["restarts"]) for job in jobs)
        cells = [
            f"{rate:.0%}",
            sum(starts.values()),
            sum(chaos.hits.values()),
            ", ".join(f"{number} {how}" for how, number in sorted(chaos.hits.items())) or "none",
            requeued,
            drivers - 1,
            project.epochs_trained_twice(),
            sum(starts.values()) - sum(ends.values()),
            sum(number - 1 for number in ends.values()),
            "yes" if project.table() == expected else "NO",
            f"{seconds:.0f}",
        ]
        return "| " + " | ".join(map(str, cells)) + " |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rates", type=float, nargs="+", default=[0, 0.05, 0.1, 0.2])
    args = parser.parse_args()

    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()},")
    with SlurmCluster() as cluster:
        print(f"{cluster.run('sinfo', '--version').strip()}, seed {args.seed}, pace {PACE} s\n")
    print(
        "| killed | runs of trainings | hit | how | requeued by Slurm | drivers killed"
        " | epochs trained twice | epochs cut off | ended again | `trials.csv` identical"
        " | seconds |\n|---|---|---|---|---|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
        local = make_slow_project(Path(temporary) / "local", SEARCH)
        local.finish(TABLE)
        for rate in args.rates:
            folder = Path(temporary) / f"rate{rate}"
            print(run_search(folder, rate, args.seed, local.read()), flush=True)


if __name__ == "__main__":
    main()
