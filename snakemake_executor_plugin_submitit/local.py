"""This machine in place of a cluster: jobs are processes that submitit starts and watches.

They outlive the driver, and the next one finds them by their process ids.
"""

import os
import signal
from collections.abc import Collection, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from snakemake_executor_plugin_submitit.command import JobCommand
from snakemake_executor_plugin_submitit.ledger import Submission
from snakemake_executor_plugin_submitit.request import Request
from snakemake_executor_plugin_submitit.settings import ExecutorSettings
from snakemake_executor_plugin_submitit.states import JobState


class Local:
    """The jobs of a folder on this machine."""

    name = "local"

    def __init__(self, folder: Path, settings: ExecutorSettings) -> None:
        self.folder, self.settings = folder, settings
        self._jobs: dict[str, Any] = {}
        if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
            # As in a background job of a script; the jobs would inherit it, deaf to `cancel`.
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def submit(
        self, submission: Submission, request: Request, commands: Sequence[JobCommand]
    ) -> list[str]:
        """Start commands as processes; return their ids."""
        from submitit.local.local import LocalExecutor

        executor = LocalExecutor(self.folder, max_num_timeout=1_000_000)
        executor._throttling = 0
        visible = read_visible_gpus()
        executor.update_parameters(
            timeout_min=request.minutes,
            signal_delay_s=self.settings.signal_delay,
            gpus_per_node=request.gpus,
            **({"visible_gpus": visible} if len(visible) >= request.gpus > 0 else {}),
        )
        jobs = executor.submit_array(commands)
        self._jobs |= {job.job_id: job for job in jobs}
        return [job.job_id for job in jobs]

    def look(self) -> dict[str, JobState]:
        """Return the jobs that run; a job that isn't there has ended."""
        states = {}
        for path in self.folder.glob("*_submitted.pkl"):
            job = path.name.removesuffix("_submitted.pkl")
            if self._runs(job):
                states[job] = JobState("RUNNING", node="this machine")
        return states

    def _runs(self, job: str) -> bool:
        if job in self._jobs:
            return self._jobs[job]._process.poll() is None
        with suppress(OSError):
            return b"submitit.local._local" in Path(f"/proc/{job}/cmdline").read_bytes()
        return False

    def recall(self, ids: Collection[str]) -> dict[str, JobState]:
        """Return that the processes that aren't there have ended."""
        return {job: JobState("FAILED", node="this machine") for job in ids}

    def cancel(self, ids: Collection[str]) -> None:
        """Interrupt processes; submitit's controller kills what they started."""
        for job in ids:
            if self._runs(job):
                with suppress(ProcessLookupError):
                    os.kill(int(job), signal.SIGINT)

    def release(self, job: str) -> None:
        """Do nothing: nothing is held here."""


def read_visible_gpus() -> list[int]:
    """Return the GPUs that this process may use, where they are given by number."""
    words = os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")
    return [int(word) for word in words] if all(word.isdigit() for word in words) else []
