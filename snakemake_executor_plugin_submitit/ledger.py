"""What is known of submitted jobs, as files: so that the next driver finds them again.

A file per submission, written before sbatch is called and again with the id that it gave. The
submission's name, which is unique, is the job's name in the queue.
"""

import hashlib
import json
import os
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from snakemake_interface_executor_plugins.jobs import JobExecutorInterface


@dataclass(frozen=True)
class Entry:
    """One job of a submission."""

    identity: str
    """Which job of the workflow it is."""
    fingerprint: str
    """What it runs; another one is another job, though its outputs are the same."""
    log: str
    """The folder of its logs, within that of all logs."""


@dataclass
class Submission:
    """Jobs that were sent together."""

    name: str
    entries: list[Entry]
    ids: list[str] = field(default_factory=list)
    """The cluster's id of each entry; none before it has given them."""
    cancelled: bool = False
    written: int = 0
    """When it was first written, by the file system's clock, in nanoseconds."""


class Ledger:
    """The submissions of one working folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.submissions = folder / "submissions"
        self.run = self._read_run()

    def _read_run(self) -> str:
        """Return the name of this working folder in the queue, made at its first use."""
        path = self.folder / "run.txt"
        if not path.exists():
            write_atomically(path, uuid.uuid4().hex[:8])
        return path.read_text().strip()

    def name_submission(self, rule: str) -> str:
        """Return a new name for a submission: rule, run and a number of its own."""
        return f"{rule[:40]}.{self.run}.{uuid.uuid4().hex[:8]}"

    def is_ours(self, name: str) -> bool:
        """Return whether a name in the queue is of a submission of this working folder."""
        return f".{self.run}." in name

    def write(self, submission: Submission) -> None:
        """Write a submission; the first time, note when."""
        path = self._path(submission.name)
        if not submission.written:
            write_atomically(path, json.dumps(asdict(submission)))
            submission.written = path.stat().st_mtime_ns
        write_atomically(path, json.dumps(asdict(submission)))

    def read_all(self) -> list[Submission]:
        """Return all submissions that have jobs whose end isn't recorded."""
        found = []
        for path in sorted(self.submissions.glob("*.json")):
            values = json.loads(path.read_text())
            values["entries"] = [Entry(**entry) for entry in values["entries"]]
            submission = Submission(**values)
            submission.written = submission.written or path.stat().st_mtime_ns
            found.append(submission)
        return found

    def forget(self, name: str) -> None:
        """Remove a submission: all its jobs have come to an end that is recorded elsewhere."""
        # A note that can't be removed now is looked at, and removed, by the next driver.
        with suppress(OSError):
            self._path(name).unlink()

    def _path(self, name: str) -> Path:
        return self.submissions / f"{name}.json"


def write_atomically(path: Path, text: str) -> None:
    """Write a file that is never seen half-written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text)
    temporary.replace(path)


def members(job: JobExecutorInterface) -> list[Any]:
    """Return the jobs of a group, or the one job."""
    return sorted(job.jobs, key=lambda one: str(list(one.output))) if job.is_group() else [job]


def identify(job: JobExecutorInterface) -> str:
    """Return the identity of a job: its rules and outputs."""
    return _digest([[one.rule.name, *sorted(map(str, one.output))] for one in members(job)])


def fingerprint(job: JobExecutorInterface) -> str:
    """Return the fingerprint of what a job runs: its inputs, commands and parameters."""
    return _digest(
        [
            [*sorted(map(str, one.input)), one.shellcmd or _describe(one.params)]
            for one in members(job)
        ]
    )


def _describe(params: Any) -> str:
    """Return parameters as text; of values that aren't plain, the type alone."""
    plain = (str, int, float, bool, type(None))
    items = params.items() if hasattr(params, "items") else enumerate(params)
    return str([(k, v if isinstance(v, plain) else type(v).__name__) for k, v in items])


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:20]


def newest(paths: Iterable[str]) -> int:
    """Return when the newest of files was modified, in nanoseconds; 0 if there are none."""
    times = [os.stat(path).st_mtime_ns for path in paths if os.path.exists(path)]  # noqa: PTH110, PTH116
    return max(times, default=0)
