"""What Slurm says of jobs, and what that means: parsing and decisions, without a cluster."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

ENDED = frozenset(
    {
        *("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "OUT_OF_MEMORY", "DEADLINE"),
        *("NODE_FAIL", "BOOT_FAIL", "PREEMPTED", "REVOKED", "LAUNCH_FAILED", "RECONFIG_FAIL"),
    }
)
"""States that a job doesn't leave by itself; all others are of live jobs."""

PASSING = frozenset({"NODE_FAIL", "BOOT_FAIL", "PREEMPTED", "LAUNCH_FAILED"})
"""Ended states that Slurm shows for a moment before it queues the job again."""

PATIENCE = frozenset(
    {None, "", "None", "Priority", "Resources", "BeginTime", "JobArrayTaskLimit", "Prolog"}
)
"""Reasons for waiting in the queue that pass by themselves."""


@dataclass(frozen=True)
class JobState:
    """A job as Slurm sees it."""

    state: str
    """COMPLETED, RUNNING, …, without what may follow the word."""
    name: str = ""
    reason: str = ""
    node: str = ""
    exit_code: str = ""
    """`code:signal`, from sacct alone."""

    @property
    def ended(self) -> bool:
        """Whether the job doesn't go on by itself."""
        return self.state in ENDED


SQUEUE_FORMAT = "%i|%j|%T|%N|%r"
SACCT_FIELDS = "JobID,JobName,State,NodeList,ExitCode"


def read_squeue(text: str) -> dict[str, JobState]:
    """Return the jobs of an answer in SQUEUE_FORMAT, by `id` or `id_index`."""
    jobs = {}
    for line in text.splitlines():
        if line.count("|") < 4:
            continue
        identifier, name, state, node, reason = line.strip().split("|", 4)
        for job in expand_id(identifier):
            jobs[job] = JobState(state.upper(), name, reason, node)
    return jobs


def read_sacct(text: str) -> dict[str, JobState]:
    """Return the jobs of an answer of `sacct --parsable2 --noheader` with SACCT_FIELDS."""
    jobs = {}
    for line in text.splitlines():
        fields = line.strip().split("|")
        if len(fields) != 5 or "." in fields[0]:
            continue  # steps of a job
        identifier, name, state, node, exit_code = fields
        node = "" if node == "None assigned" else node
        word = state.split()[0].rstrip("+").upper() if state else "UNKNOWN"
        for job in expand_id(identifier):
            jobs[job] = JobState(word, name, "", node, exit_code)
    return jobs


def expand_id(text: str) -> Iterator[str]:
    """Give the jobs that an id stands for: `7`, `7_3` or `7_[0-2,5%2]`."""
    found = re.fullmatch(r"(\d+)_\[([\d,:-]+)(?:%\d+)?\]", text)
    if found is None:
        yield text
        return
    main, ranges = found.groups()
    for part in ranges.split(","):
        first, _, last = part.partition("-")
        last, _, step = last.partition(":")
        for index in range(int(first), int(last or first) + 1, int(step or 1)):
            yield f"{main}_{index}"


class Cause(Enum):
    """Why a job failed; the value is what a user reads."""

    EXIT = "the command failed"
    PYTHON = "the job failed in Python before or after the command"
    OUT_OF_MEMORY = "out of host memory"
    TIMEOUT = "stopped at its time limit"
    NODE_FAIL = "its node failed"
    PREEMPTED = "preempted by another job"
    CANCELLED = "cancelled by another hand (scancel)"
    KILLED = "killed from outside: its process ended without a result"
    TOO_OFTEN = "requeued too often"
    LOST = "lost: Slurm no longer knows the job, and it left no result"
    NO_RESULT = "ended as completed, but left no result"
    REFUSED = "refused by sbatch"
    UNWRITABLE = "not sent, since a file of it can't be written"

    @property
    def is_of_cluster(self) -> bool:
        """Whether the cluster is to blame, so that the same job may well succeed elsewhere."""
        return self in {
            *(Cause.TIMEOUT, Cause.NODE_FAIL, Cause.PREEMPTED, Cause.KILLED),
            *(Cause.LOST, Cause.NO_RESULT),
        }


OF_STATE = {
    "OUT_OF_MEMORY": Cause.OUT_OF_MEMORY,
    "TIMEOUT": Cause.TIMEOUT,
    "DEADLINE": Cause.TIMEOUT,
    "NODE_FAIL": Cause.NODE_FAIL,
    "BOOT_FAIL": Cause.NODE_FAIL,
    "LAUNCH_FAILED": Cause.NODE_FAIL,
    "PREEMPTED": Cause.PREEMPTED,
    "CANCELLED": Cause.CANCELLED,
    "REVOKED": Cause.CANCELLED,
}

OUT_OF_MEMORY = re.compile(
    r"oom[-_ ]kill|out of memory|exceeded (?:(?:job|step|virtual) )?memory limit", re.IGNORECASE
)
"""How Slurm's own messages in a job's error file tell of memory, of any version."""

Result = tuple[str, Any]
"""What submitit left of a job: ("success", what `JobCommand` returned) or ("error", a trace)."""


def succeeded(result: Result | None) -> bool:
    """Return whether a job's command ran to its end and well."""
    return result is not None and result[0] == "success" and result[1]["exit_code"] == 0


def find_cause(state: JobState | None, result: Result | None, messages: str) -> Cause:
    """Return why a job that has ended didn't succeed.

    Args:
        state: the last that Slurm said, None if it doesn't know the job.
        result: what the job left.
        messages: what Slurm wrote into the job's error file.
    """
    by_state = OF_STATE.get(state.state) if state else None
    if by_state is not None:
        return by_state
    if OUT_OF_MEMORY.search(messages):
        return Cause.OUT_OF_MEMORY
    if result is not None:
        return find_cause_in_result(result)
    if state is None:
        return Cause.LOST
    return Cause.NO_RESULT if state.state == "COMPLETED" else Cause.KILLED


def find_cause_in_result(result: Result) -> Cause:
    """Return why a job failed that could still say so."""
    kind, value = result
    if kind == "success":
        return Cause.TOO_OFTEN if value["exit_code"] is None else Cause.EXIT
    return Cause.TOO_OFTEN if "Job not requeued because" in value else Cause.PYTHON


def describe_waiting(states: Mapping[str, JobState]) -> dict[str, int]:
    """Return the reasons for which jobs may wait for ever, and how many wait for each."""
    reasons: dict[str, int] = {}
    for state in states.values():
        if state.state == "PENDING" and state.reason not in PATIENCE:
            reasons[state.reason] = reasons.get(state.reason, 0) + 1
    return reasons
