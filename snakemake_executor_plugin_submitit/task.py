"""One job of the workflow on its way through the cluster."""

import hashlib
import os
import pickle
import re
from dataclasses import dataclass
from pathlib import Path

from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.jobs import JobExecutorInterface

from snakemake_executor_plugin_submitit.command import JobCommand
from snakemake_executor_plugin_submitit.ledger import Entry, members
from snakemake_executor_plugin_submitit.request import Request
from snakemake_executor_plugin_submitit.states import Cause, JobState, Result

LAST_LINES = 15
"""How many lines of a failed job's log a message shows."""


@dataclass
class Task:
    """A job, what it asks for, and what is known of it."""

    info: SubmittedJobInfo
    request: Request
    command: JobCommand
    entry: Entry
    submission: str = ""
    """The name under which it was sent."""
    id: str | None = None
    """The cluster's id; None while it waits to be sent."""
    after: str | None = None
    """A job of an earlier driver, for the same outputs, that must end first."""
    reported: bool = False
    """Whether Snakemake knows that it was sent."""
    resent: int = 0
    doubled: int = 0
    state: JobState | None = None
    ended_since: float | None = None
    missing_since: float | None = None

    @property
    def job(self) -> JobExecutorInterface:
        """The job of the workflow."""
        return self.info.job

    @property
    def label(self) -> str:
        """The job in words: its rule and wildcards."""
        return f"{self.job.name} {describe_wildcards(self.job)}".strip()

    def send_again(self) -> None:
        """Make it a task that waits to be sent."""
        self.id = self.state = self.ended_since = self.missing_since = None


def describe_wildcards(job: JobExecutorInterface) -> str:
    """Return the wildcards of a job, `name=value` each; of a group, those of its first job."""
    first = members(job)[0]
    return ",".join(f"{name}={value}" for name, value in first.wildcards_dict.items())


def log_folder(job: JobExecutorInterface) -> str:
    """Return the folder of a job's logs: rule and wildcards, short enough for a file system."""
    words = describe_wildcards(job) or "all"
    text = re.sub(r"[^\w.=,+-]", "_", words, flags=re.ASCII)
    if text != words or len(text) > 120:  # others may look the same
        text = f"{text[:100]}-{hashlib.sha256(words.encode()).hexdigest()[:12]}"
    rule = re.sub(r"[^\w.-]", "_", job.name)[:80]
    return f"{rule}/{text}"


def result_path(folder: Path, job: str) -> Path:
    """Return where submitit leaves the result of a job."""
    return folder / f"{job}_0_result.pkl"


def read_result(folder: Path, job: str) -> Result | None:
    """Return what a job left; None if there is nothing, or not all of it yet."""
    try:
        with result_path(folder, job).open("rb") as file:
            result: Result = pickle.load(file)
    except (OSError, EOFError, pickle.UnpicklingError):
        return None
    return result


def job_files(folder: Path, job: str) -> list[Path]:
    """Return the files that submitit and Slurm make for a job."""
    endings = ("submitted.pkl", "0_result.pkl", "0_log.out", "0_log.err")
    return [folder / f"{job}_{ending}" for ending in endings]


def read_messages(folder: Path, job: str) -> str:
    """Return the end of what Slurm itself wrote of a job."""
    return _read_end(folder / f"{job}_0_log.err")


def describe_failure(task: Task, cause: Cause, result: Result | None, folder: Path) -> str:
    """Return what happened to a job, where, and the last that it said."""
    node = (task.state and task.state.node) or ""
    lines = [_explain(task, cause, result, node)]
    log = Path(task.command.log)
    # The rule's own words; else those of the command, or Slurm's if it had none.
    text = "".join(_read_end(Path(path)) for path in task.job.log) if cause is Cause.EXIT else ""
    text = text or _read_end(log) or (read_messages(folder, task.id) if task.id else "")
    if result is not None and result[0] == "error":
        text += f"\n{result[1]}"
    if task.id:
        slurm_log = folder / f"{task.id}_0_log.err"
        lines += [f"log of the job: {_shorten(log)}", f"log of Slurm: {_shorten(slurm_log)}"]
    last = [line for line in text.splitlines() if line.strip()][-LAST_LINES:]
    if last:
        lines += ["its last lines:", *(f"    {line}" for line in last)]
    return "\n".join(lines) + "\n"


def _explain(task: Task, cause: Cause, result: Result | None, node: str) -> str:
    what = cause.value
    if cause is Cause.EXIT and result is not None:
        what += f" (exit code {result[1]['exit_code']})"
        node = node or result[1]["node"]
    where = f" on {node}" if node else ""
    ended = task.state is not None and task.state.ended and cause is not Cause.EXIT
    state = f", state {task.state.state}" if task.state and ended else ""
    asked = ""
    if cause in (Cause.OUT_OF_MEMORY, Cause.TIMEOUT):
        asked = f"; it asked for {task.request.describe()}"
    return f"job {task.id}{where}: {what}{state}{asked}"


def _read_end(path: Path, size: int = 16_000) -> str:
    try:
        with path.open("rb") as file:
            file.seek(0, os.SEEK_END)
            file.seek(max(0, file.tell() - size))
            return file.read().decode(errors="replace")
    except OSError:
        return ""


def _shorten(path: Path) -> str:
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)
