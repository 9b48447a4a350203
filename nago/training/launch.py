"""Launch: the command that starts the processes of one training together.

No torch here: the command takes the place of the process that asks for it.
"""

import shutil
import sys
from collections.abc import Mapping, Sequence


def choose_command(
    processes: int, script: Sequence[str], environment: Mapping[str, str]
) -> list[str]:
    """Return the command that runs a script of Python once for each process of a training.

    Within a Slurm job that has as many tasks it is `srun`, which may use several nodes; anywhere
    else `torchrun`, on this machine.

    Args:
        processes: that train together; one needs no launcher.
        script: the path of the script and its arguments.
        environment: the variables of this process.
    """
    if processes == 1:
        return [sys.executable, *script]
    if "SLURM_JOB_ID" in environment and environment.get("SLURM_NTASKS") == str(processes):
        srun = shutil.which("srun") or "srun"
        # A step asks anew for the CPUs of each task; without the last option it would wait for
        # the others for ever when one has failed.
        cpus = environment.get("SLURM_CPUS_PER_TASK", "1")
        options = ["--ntasks", str(processes), "--cpus-per-task", cpus, "--kill-on-bad-exit"]
        return [srun, *options, sys.executable, *script]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    return [*torchrun, "--nproc-per-node", str(processes), *script]
