"""A team: the processes that train one network together, each a share of every batch.

Every process draws the random numbers of the whole batch and takes its share of the images, so
that a team trains on what a single process would. Started by `torchrun`, or by `srun` within a
Slurm job; the addresses come from their environment variables.
"""

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from nago.records import UserError

FIRST_PORT, PORTS = 20_000, 10_000
"""Ports on which the processes of a Slurm step meet."""


@dataclass(frozen=True, slots=True)
class Team:
    """The processes of one training and the rank of this one; alone it waits for nobody.

    `place` is its number among those on its machine, which is that of its GPU.
    """

    rank: int = 0
    size: int = 1
    place: int = 0

    @property
    def leads(self) -> bool:
        """Whether this is the one process that writes files and reports."""
        return self.rank == 0

    def share(self, number: int) -> slice:
        """Return this process's part of `number` things; parts differ by one at most."""
        return slice(number * self.rank // self.size, number * (self.rank + 1) // self.size)

    def add(self, *values: Tensor) -> None:
        """Replace each value by its sum over all processes."""
        if self.size > 1:
            for value in values:
                torch.distributed.all_reduce(value)

    def least(self, value: int) -> int:
        """Return the smallest value of all processes."""
        if self.size == 1:
            return value
        values = [value] * self.size
        torch.distributed.all_gather_object(values, value)
        return min(values)

    def await_all(self) -> None:
        """Wait until all processes have come to this place."""
        if self.size > 1:
            torch.distributed.barrier()


SOLO = Team()
"""One process, alone."""


class Poll:
    """A question to all processes, answered a step later so that nobody waits for it.

    The answers go over the CPU: reading them from a GPU would stop it at each step.
    """

    def __init__(self, team: Team) -> None:
        self.team = team
        self.group: Any = None
        if team.size > 1:
            self.group = torch.distributed.new_group(backend="gloo")
        self.pending: tuple[Any, Tensor] | None = None

    def ask(self, answer: int) -> int:
        """Give this process's answer, 0 for nothing; return the largest to the last question.

        Alone it is the answer itself.
        """
        if self.team.size == 1:
            return answer
        earlier = 0
        if self.pending is not None:
            work, votes = self.pending
            work.wait()
            earlier = int(votes.item())
        votes = torch.tensor(answer)
        largest = torch.distributed.ReduceOp.MAX
        work = torch.distributed.all_reduce(votes, largest, group=self.group, async_op=True)
        self.pending = (work, votes)
        return earlier


@contextlib.contextmanager
def join_team(processes: int, environment: Mapping[str, str] = os.environ) -> Iterator[Team]:
    """Give the team that this process belongs to, and leave it at the end.

    Args:
        processes: that the settings ask for.
        environment: of `torchrun`, or of a step of a Slurm job.

    Raises:
        UserError: this was started as another number of processes.
    """
    team, address = read_team(environment)
    if team.size != processes:
        raise UserError(
            f"gpus_per_trial is {processes}, but processes started: {team.size}; start them by"
            f" `torchrun --nproc-per-node {processes}`, or by `srun --ntasks {processes}` within"
            " a Slurm job"
        )
    if team.size == 1:
        yield team
        return
    gpu = torch.cuda.is_available()
    if gpu:
        torch.cuda.set_device(team.place % torch.cuda.device_count())
    torch.distributed.init_process_group(
        # Each kind of tensor has its own way: counts of CPU tensors go by gloo.
        backend="cpu:gloo,cuda:nccl" if gpu else "gloo",
        init_method=address,
        rank=team.rank,
        world_size=team.size,
    )
    try:
        yield team
    finally:
        torch.distributed.destroy_process_group()


def read_team(environment: Mapping[str, str]) -> tuple[Team, str]:
    """Return the team of a process and the address where it meets, from environment variables."""
    if "TORCHELASTIC_RUN_ID" in environment or "WORLD_SIZE" in environment:
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK")
        return Team(*(int(environment[name]) for name in names)), "env://"
    # A batch script has SLURM_NTASKS, too; only a step that srun started has an address.
    if "SLURM_LAUNCH_NODE_IPADDR" in environment and "SLURM_PROCID" in environment:
        names = ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID")
        team = Team(*(int(environment[name]) for name in names))
        number = int(environment["SLURM_JOB_ID"]) + int(environment["SLURM_STEP_ID"])
        port = FIRST_PORT + number % PORTS
        return team, f"tcp://{environment['SLURM_LAUNCH_NODE_IPADDR']}:{port}"
    return SOLO, ""


def share_network(network: nn.Module, team: Team, synchronise_norm: bool) -> nn.Module:
    """Return what trains a network in a team: its gradients become the mean of all processes'.

    Args:
        network: on its device, with equal weights in each process; its norms are changed.
        team: the processes.
        synchronise_norm: whether batch norm takes the statistics of all processes.
    """
    if team.size == 1:
        return network
    from torch.nn.parallel import DistributedDataParallel  # noqa: PLC0415  (slow to import)

    from nago.training.norm import synchronise_norms  # noqa: PLC0415

    if synchronise_norm:
        synchronise_norms(network)
    return DistributedDataParallel(network)
