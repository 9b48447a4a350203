"""Failures: each class, what is done about it, and whether the search learns from it.

What a training itself can't do is a result, a trial with the class as its status. What the cluster
does to a job is none: the job runs again, and neither a table of trials nor a model hears of it.
All that records, reports, documents or learns from failures takes the classes from here.
"""

from dataclasses import dataclass

OK = "ok"
"""The status of a trial that has a validation error."""


@dataclass(frozen=True, slots=True)
class FailureClass:
    """A way to fail.

    Attributes:
        name: also the status of the trial, where that is what it becomes.
        what: happened.
        rule: what is done about it.
        is_result: whether it becomes a trial that is never run again.
        is_learnt: whether models take it as what the configuration does: it fails there again.
        causes: names of the Slurm executor's causes that belong to it.
    """

    name: str
    what: str
    rule: str
    is_result: bool
    is_learnt: bool
    causes: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """The name as people write it."""
        return self.name.replace("_", " ")

    @property
    def effect(self) -> str:
        """What the search makes of it, in words."""
        return "counts as failed" if self.is_learnt else "never hears of it"


INFRASTRUCTURE = "infrastructure"
OUT_OF_MEMORY = "out_of_memory"

CLASSES = (
    FailureClass(
        name="invalid",
        what="no network of the configuration meets the parameter limit",
        rule="a result at once",
        is_result=True,
        is_learnt=True,
    ),
    FailureClass(
        name=OUT_OF_MEMORY,
        what="the memory that trains has no room for a batch of two images",
        rule="goes on with half the batch; a result if the smallest doesn't fit",
        is_result=True,
        is_learnt=True,
    ),
    FailureClass(
        name="diverged",
        what="a loss became NaN or infinite",
        rule="a result at once",
        is_result=True,
        is_learnt=True,
    ),
    FailureClass(
        name="timed_out",
        what="the training took longer than max_trial_hours",
        rule="a result after the step",
        is_result=True,
        is_learnt=True,
    ),
    FailureClass(
        name=INFRASTRUCTURE,
        what="the node, the queue or Slurm's time limit ended the job, or it was killed",
        rule="runs again and goes on from its checkpoint, at most max-requeues times",
        is_result=False,
        is_learnt=False,
        causes=("TIMEOUT", "NODE_FAIL", "PREEMPTED", "KILLED", "LOST", "NO_RESULT"),
    ),
    FailureClass(
        name="host_memory",
        what="the job had too little memory of the host",
        rule="runs again with twice the memory, at most out-of-memory-retries times",
        is_result=False,
        is_learnt=False,
        causes=("OUT_OF_MEMORY",),
    ),
    FailureClass(
        name="error",
        what="the code, the data or the request is wrong, or another hand cancelled the job",
        rule="ends the run with its cause; the next start runs what is missing",
        is_result=False,
        is_learnt=False,
        causes=(*("EXIT", "PYTHON", "CANCELLED", "TOO_OFTEN", "REFUSED", "UNWRITABLE"),),
    ),
)
"""All classes; what the training does comes before what is done to it."""

FAILED = tuple(found.name for found in CLASSES if found.is_result)
"""The statuses of trials that failed."""

STATUSES = (OK, *FAILED)
"""The statuses that a trial can have."""

LEARNT = frozenset(found.name for found in CLASSES if found.is_learnt)
"""The classes that models learn from."""


def find_class(name: str) -> FailureClass:
    """Return the class of a name.

    Raises:
        KeyError: there is none.
    """
    return {found.name: found for found in CLASSES}[name]
