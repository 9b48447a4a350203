"""Slurm by its commands: sbatch through submitit, squeue, sacct, scancel."""

import os
import re
import shutil
import subprocess
from collections.abc import Collection, Sequence
from pathlib import Path

from snakemake_interface_common.exceptions import WorkflowError

from snakemake_executor_plugin_submitit.command import JobCommand
from snakemake_executor_plugin_submitit.ledger import Submission
from snakemake_executor_plugin_submitit.request import Request, make_parameters
from snakemake_executor_plugin_submitit.settings import ExecutorSettings
from snakemake_executor_plugin_submitit.states import (
    SACCT_FIELDS,
    SQUEUE_FORMAT,
    JobState,
    read_sacct,
    read_squeue,
)

COMMANDS = ("sbatch", "squeue", "scancel", "scontrol", "srun")
"""What must be there; sacct need not, and srun is how submitit knows a cluster."""

TIMEOUT = 60
"""Seconds after which a command of Slurm counts as unanswered."""

UNREACHABLE = re.compile(
    r"unable to contact slurm|connection (?:refused|timed out)|socket timed out"
    r"|zero bytes were transmitted|transport endpoint|slurm backup controller|"
    r"temporarily unable|resource temporarily unavailable|unexpected message|"
    r"job submit limit|submit jobs? (?:per|limit)|maxsubmit|slurm_persist_conn",
    re.IGNORECASE,
)
"""Refusals that pass: the controller is away, or as many jobs are in the queue as are allowed."""


class UnreachableError(Exception):
    """Slurm doesn't answer at the moment."""


class RefusedError(Exception):
    """sbatch refuses the job; the message is what it says."""


def leave_outer_job() -> None:
    """Forget the Slurm job that this process itself may run in, so that it can submit others.

    SLURM_CONF stays: it says where the cluster is.
    """
    if "SLURM_JOB_ID" not in os.environ:
        return
    for name in list(os.environ):
        if name.startswith("SLURM_") and name != "SLURM_CONF":
            del os.environ[name]
    for name in ("CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "GPU_DEVICE_ORDINAL"):
        os.environ.pop(name, None)  # the outer job's; a job that asks for GPUs gets its own


class Slurm:
    """The jobs of this user on a Slurm cluster."""

    name = "slurm"

    def __init__(self, folder: Path, settings: ExecutorSettings) -> None:
        """Find the commands.

        Raises:
            WorkflowError: this machine has no Slurm.
        """
        missing = [name for name in COMMANDS if shutil.which(name) is None]
        if missing:
            raise WorkflowError(
                f"{', '.join(missing)} not found: start this on a login node of a Slurm cluster,"
                " or run on this machine by another profile or --submitit-cluster local"
            )
        leave_outer_job()
        self.folder, self.settings = folder, settings
        self._has_accounting = True

    def submit(
        self, submission: Submission, request: Request, commands: Sequence[JobCommand]
    ) -> list[str]:
        """Send commands of one request as one job or one array; return the id of each.

        Raises:
            UnreachableError: Slurm can't take jobs now; it may or may not have taken these.
            RefusedError: Slurm won't take them.
        """
        from submitit.core.utils import FailedJobError, FailedSubmissionError
        from submitit.slurm.slurm import SlurmExecutor

        # submitit's own count of time-outs is put out of the way: `JobCommand` counts.
        executor = SlurmExecutor(self.folder, max_num_timeout=1_000_000)
        executor.python = f"exec {executor.python}"
        executor.update_parameters(
            **make_parameters(
                request,
                submission.name,
                self.settings.signal_delay,
                self.settings.max_requeues > 0,
                len(commands),
            )
        )
        try:
            jobs = executor.submit_array(commands)
        except (FailedJobError, FailedSubmissionError) as error:
            text = find_message(str(error))
            if UNREACHABLE.search(text):
                raise UnreachableError(text) from error
            raise RefusedError(text) from error
        main = jobs[0].job_id.split("_")[0]
        for path in self.folder.glob(".submission_file_*.sh"):
            path.unlink()
        (self.folder / f"{main}_submission.sh").unlink(missing_ok=True)
        return [job.job_id for job in jobs]

    def look(self) -> dict[str, JobState]:
        """Return all jobs of this user that the controller knows, ended ones too, in one call.

        Raises:
            UnreachableError: no answer.
        """
        return read_squeue(
            run(
                *("squeue", "--noheader", "--array", "--states=all", f"--user={os.getuid()}"),
                f"--format={SQUEUE_FORMAT}",
            )
        )

    def recall(self, ids: Collection[str]) -> dict[str, JobState]:
        """Return what the accounting knows of jobs; nothing where there is none."""
        if not ids or not self._has_accounting:
            return {}
        jobs = ",".join(sorted({job.split("_")[0] for job in ids}))
        try:
            text = run(
                *("sacct", "--noheader", "--parsable2", "--allocations"),
                *(f"--format={SACCT_FIELDS}", f"--jobs={jobs}"),
            )
        except UnreachableError as error:
            if "disabled" in str(error).lower() or "not found" in str(error).lower():
                self._has_accounting = False
            return {}
        return {job: state for job, state in read_sacct(text).items() if job in ids}

    def cancel(self, ids: Collection[str]) -> None:
        """Cancel jobs in one call; those that have ended are no error.

        Raises:
            UnreachableError: no answer.
        """
        if ids:
            run("scancel", "--quiet", *sorted(ids), accept=(0, 1))

    def release(self, job: str) -> None:
        """Let a job go on that Slurm holds since its launch failed.

        Raises:
            UnreachableError: no answer.
        """
        run("scontrol", "release", job, accept=(0, 1))


def run(*command: str, accept: Sequence[int] = (0,)) -> str:
    """Return what a command of Slurm prints.

    Raises:
        UnreachableError: it isn't there, doesn't answer or fails.
    """
    environment = {k: v for k, v in os.environ.items() if k != "SLURM_TIME_FORMAT"}
    environment["SLURM_BITSTR_LEN"] = "0"  # ids of large arrays are not cut short
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT,
            env=environment,
            stdin=subprocess.DEVNULL,
        )
    except FileNotFoundError:
        raise UnreachableError(f"{command[0]}: command not found") from None
    except subprocess.TimeoutExpired:
        raise UnreachableError(f"{command[0]} gave no answer in {TIMEOUT} s") from None
    if done.returncode not in accept or UNREACHABLE.search(done.stderr):
        message = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        raise UnreachableError(f"{command[0]}: {message[-1]}")
    return done.stdout


def find_message(text: str) -> str:
    """Return the lines of sbatch itself from submitit's longer account of a failure."""
    lines = re.findall(r"^(?:sbatch: )+(?:error: )?(.+)$", text, re.MULTILINE)
    return "; ".join(dict.fromkeys(lines)) or text.strip()
