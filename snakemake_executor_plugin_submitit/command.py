"""What runs in a job: a shell command that can be stopped, requeued and run again.

An object of this module is pickled by the driver and called by submitit on the node.
"""

import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from submitit.core.utils import DelayedSubmission

END_WITH_PARENT = "exec 3<&0 </dev/null; { read -r <&3; kill -KILL -- -$$; } & exec 3<&-"
"""Shell code that kills the whole command once its standard input is closed.

Not every cluster does that when a job's first process is killed; the job runs again elsewhere,
and two runs of one command must not write the same files.
"""


@dataclass
class JobCommand:
    """A command in a folder, its output in a log; what it has done is for itself to remember."""

    command: str
    folder: str
    log: str
    max_requeues: int
    requeues: int = 0
    grace: int = 30
    """Seconds that the command has to end after SIGTERM, before it is killed."""

    def __call__(self) -> dict[str, Any]:
        """Run the command to its end.

        Returns:
            `exit_code` (None if the job was requeued too often), `node` and `requeues`.
        """
        self._forget_earlier_run()
        outcome = {"exit_code": None, "node": name_node(), "requeues": self._count_requeues()}
        if self._count_requeues() > self.max_requeues:
            return outcome
        Path(self.log).parent.mkdir(parents=True, exist_ok=True)
        with Path(self.log).open("ab", buffering=0) as log:
            if self._count_requeues():
                log.write(f"requeued, {self._count_requeues()} times by now\n".encode())
            self._process = subprocess.Popen(
                # The signal is for this process; the command is told by SIGTERM.
                ["/bin/bash", "-c", f"trap '' USR2; {END_WITH_PARENT}; {self.command}"],
                cwd=self.folder,
                stdin=subprocess.PIPE,  # it closes when this process ends, however it does
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            try:
                outcome["exit_code"] = self._process.wait()
            finally:
                self._signal_all(signal.SIGKILL)
        return outcome

    def checkpoint(self) -> "DelayedSubmission | None":
        """Stop the command and return what is to run when the job is back; None ends the job.

        submitit calls this in its handler of the signal that announces the end.
        """
        from submitit.helpers import DelayedSubmission

        # A preempted job gets SIGTERM as well; it must not kill the `scontrol requeue` to come.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        self._signal_all(signal.SIGTERM)
        self._await_end()
        self._signal_all(signal.SIGKILL)
        requeues = self._count_requeues() + 1
        if requeues > self.max_requeues:
            return None
        again = replace(self, requeues=requeues)
        return DelayedSubmission(again)

    def _count_requeues(self) -> int:
        """Return how often this job began anew, by Slurm's count or its own."""
        return max(self.requeues, int(os.environ.get("SLURM_RESTART_COUNT") or 0))

    def _signal_all(self, number: int) -> None:
        """Send a signal to the command and all that it started."""
        with suppress(ProcessLookupError, AttributeError):
            os.killpg(self._process.pid, number)

    def _await_end(self) -> None:
        """Wait until the command and all that it started have ended; no longer than `grace`.

        Not by `Popen.wait`: the handler interrupts one, whose lock another can't get.
        """
        deadline = time.monotonic() + self.grace
        while self._is_alive() and time.monotonic() < deadline:
            time.sleep(0.1)

    def _is_alive(self) -> bool:
        """Return whether a process of the command's group runs; a zombie doesn't."""
        process = getattr(self, "_process", None)
        if process is None:
            return False
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                state, _, group = path.read_text().rpartition(")")[2].split()[:3]
                if state != "Z" and int(group) == process.pid:
                    return True
        return False

    def _forget_earlier_run(self) -> None:
        """Remove a result of an earlier run of a requeued job, and what it was just writing."""
        from submitit.core.job_environment import JobEnvironment

        if "SUBMITIT_FOLDER" in os.environ:
            paths = JobEnvironment().paths
            for path in (paths.result_pickle, paths.submitted_pickle):
                path.with_suffix(f"{path.suffix}.save_tmp").unlink(missing_ok=True)
            paths.result_pickle.unlink(missing_ok=True)


def name_node() -> str:
    """Return the name of this node, as Slurm calls it."""
    return os.environ.get("SLURMD_NODENAME") or socket.gethostname()
