"""What a user can set: `--submitit-…` on the command line, `submitit-…` in a profile."""

from dataclasses import dataclass, field
from pathlib import Path

from snakemake_interface_common.exceptions import WorkflowError
from snakemake_interface_executor_plugins.settings import ExecutorSettingsBase

CLUSTERS = ("slurm", "local")

AT_LEAST = {
    "array_limit": 1,
    "status_interval": 1,
    "status_interval_max": 1,
    "signal_delay": 1,
    "max_requeues": 0,
    "out_of_memory_retries": 0,
    "lost_after": 1,
}
"""The smallest value of each number."""


@dataclass
class ExecutorSettings(ExecutorSettingsBase):
    """Settings with their defaults; Snakemake shows the help texts by `--help`."""

    cluster: str = field(
        default="slurm",
        metadata={
            "help": "Where jobs run: slurm, or local for this machine, through submitit as well"
        },
    )
    folder: Path = field(
        default=Path(".snakemake/submitit"),
        metadata={"help": "Folder for logs and for what is known of jobs; all nodes must see it"},
    )
    array_limit: int = field(
        default=500,
        metadata={"help": "Ready jobs of equal resources go as one array of at most this many"},
    )
    status_interval: int = field(
        default=10,
        metadata={"help": "Seconds between looks for results; the first squeue comes with them"},
    )
    status_interval_max: int = field(
        default=60,
        metadata={"help": "While nothing changes, squeue is asked less often, down to this"},
    )
    signal_delay: int = field(
        default=120,
        metadata={"help": "Seconds before its time limit at which a job is stopped and requeued"},
    )
    max_requeues: int = field(
        default=10,
        metadata={
            "help": "How often a job may go on after its time limit, preemption or a lost node;"
            " Snakemake's retries don't count these"
        },
    )
    out_of_memory_retries: int = field(
        default=2,
        metadata={
            "help": "How often a job that ran out of host memory is sent again, each time with"
            " twice the memory"
        },
    )
    lost_after: int = field(
        default=120,
        metadata={
            "help": "Seconds after which a job that Slurm no longer knows, and that left no"
            " result, counts as lost"
        },
    )
    keep_logs: bool = field(
        default=False,
        metadata={"help": "Keep the logs of successful jobs too"},
    )

    def __post_init__(self) -> None:
        """Refuse values that can't work.

        Raises:
            WorkflowError: what was given and what would be right.
        """
        if self.cluster not in CLUSTERS:
            raise WorkflowError(
                f"--submitit-cluster is {self.cluster!r}; it can be {' or '.join(CLUSTERS)}"
            )
        for name, least in AT_LEAST.items():
            value = getattr(self, name)
            if value < least:
                option = name.replace("_", "-")
                raise WorkflowError(f"--submitit-{option} is {value}; it must be {least} or more")
