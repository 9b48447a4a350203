"""Jobs that an earlier driver sent: which of them a task can take over, and which must go."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from snakemake_executor_plugin_submitit.ledger import Ledger, Submission, newest
from snakemake_executor_plugin_submitit.states import JobState, succeeded
from snakemake_executor_plugin_submitit.task import Task, read_result, result_path


@dataclass(frozen=True)
class EarlierJob:
    """A job of an earlier driver for the outputs of a task."""

    submission: Submission
    id: str
    stands: bool
    """Whether it does, or did, what the task asks for; else it is live and must end first."""


class EarlierJobs:
    """What the ledger knows of jobs that were sent before this driver began."""

    def __init__(self, ledger: Ledger, folder: Path, started: float) -> None:
        """Read the ledger.

        Args:
            ledger: of the working folder.
            folder: where submitit leaves results.
            started: when this driver began, in seconds, before it looked at any file.
        """
        self.folder, self.started = folder, started
        self._known = {
            entry.identity: (submission, index)
            for submission in sorted(ledger.read_all(), key=lambda one: one.written)
            for index, entry in enumerate(submission.entries)
        }

    def know(self, tasks: Sequence[Task]) -> bool:
        """Return whether there is anything to find out for one of `tasks`."""
        return any(task.entry.identity in self._known for task in tasks)

    def take(self, task: Task, states: Mapping[str, JobState]) -> EarlierJob | None:
        """Return the earlier job that concerns a task, once; None if there is none.

        Args:
            task: not sent yet.
            states: all jobs that the cluster knows.
        """
        submission, index = self._known.pop(task.entry.identity, (None, 0))
        job = find_id(submission, index, states) if submission else None
        if submission is None or job is None:
            return None
        live = is_live(states.get(job), submission.name)
        if self._stands(task, submission, index, job, live):
            return EarlierJob(submission, job, stands=True)
        return EarlierJob(submission, job, stands=False) if live else None

    def _stands(
        self, task: Task, submission: Submission, index: int, job: str, live: bool
    ) -> bool:
        entry = submission.entries[index]
        if submission.cancelled or entry.fingerprint != task.entry.fingerprint:
            return False
        if newest(map(str, task.job.input)) > submission.written:
            return False
        if live:  # a driver that died in between left it nothing to run
            return (self.folder / f"{job}_submitted.pkl").exists()
        # A result from before this driver began was there when Snakemake decided to run the job.
        path = result_path(self.folder, job)
        return succeeded(read_result(self.folder, job)) and path.stat().st_mtime >= self.started


def is_live(state: JobState | None, name: str) -> bool:
    """Return whether a job is in the queue or runs, and is the one of that name."""
    return state is not None and not state.ended and state.name in ("", name)


def find_id(submission: Submission, index: int, states: Mapping[str, JobState]) -> str | None:
    """Return the id of an entry; of a driver that died before it noted it, by its name."""
    if submission.ids:
        return submission.ids[index]
    named = [job for job, state in states.items() if state.name == submission.name]
    if not named:
        return None
    main = named[0].partition("_")[0]
    return f"{main}_{index}" if len(submission.entries) > 1 else main


def find_ids(submission: Submission, states: Mapping[str, JobState]) -> list[str]:
    """Return the ids of all entries that have one."""
    ids = [find_id(submission, index, states) for index in range(len(submission.entries))]
    return [job for job in ids if job is not None]
