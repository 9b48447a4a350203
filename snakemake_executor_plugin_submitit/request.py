"""What a job asks of the cluster: Snakemake's resources as parameters of sbatch, as data."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

MARGIN = 60
"""Slurm may send a signal up to this many seconds early."""


class RequestError(ValueError):
    """Resources that can't be asked for; the message is for the user."""


@dataclass(frozen=True)
class Request:
    """The resources of a job; the names are those of snakemake-executor-plugin-slurm."""

    cpus: int = 1
    minutes: int = 60
    mem_mb: int | None = None
    mem_mb_per_cpu: int | None = None
    gpus: int = 0
    gpu_model: str | None = None
    gres: str | None = None
    partition: str | None = None
    account: str | None = None
    qos: str | None = None
    constraint: str | None = None
    nodes: int | None = None
    tasks: int = 1
    extra: tuple[tuple[str, str | bool], ...] = field(default=())

    def with_memory(self, factor: int) -> "Request":
        """Return the same with `factor` times the memory, where memory is given."""
        return replace(
            self,
            mem_mb=self.mem_mb and self.mem_mb * factor,
            mem_mb_per_cpu=self.mem_mb_per_cpu and self.mem_mb_per_cpu * factor,
        )

    def describe(self) -> str:
        """Return the request in words, for messages."""
        parts = {
            "partition": self.partition,
            "account": self.account,
            "qos": self.qos,
            "constraint": self.constraint,
            "nodes": self.nodes,
            "tasks": self.tasks if self.tasks > 1 else None,
            "cpus": self.cpus,
            "memory": self.mem_mb and f"{self.mem_mb} MB",
            "memory per cpu": self.mem_mb_per_cpu and f"{self.mem_mb_per_cpu} MB",
            "gpu": self.gpus or None,
            "gres": self.gres,
            "runtime": f"{self.minutes} min",
        }
        return ", ".join(f"{name} {value}" for name, value in parts.items() if value)


def make_request(resources: Mapping[str, Any], threads: int, signal_delay: int) -> Request:
    """Return what a job asks for.

    Args:
        resources: Snakemake's resources of the job.
        threads: CPUs if `cpus_per_task` isn't given.
        signal_delay: seconds before the time limit at which the job is told to stop.

    Raises:
        RequestError: a resource has a value that no cluster can give.
    """

    def number(name: str, least: int = 1) -> int | None:
        value = resources.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise RequestError(f"{name} is {value!r}; it must be a whole number from {least} on")
        return value

    def text(name: str) -> str | None:
        value = resources.get(name)
        return None if value in (None, "") else str(value)

    minutes = number("runtime")
    if minutes is None:
        raise RequestError(
            "runtime isn't given; set the minutes that a job may take,"
            " for all jobs by default-resources: runtime=60"
        )
    enough = (signal_delay + MARGIN) // 60 + 1
    if minutes < enough:
        raise RequestError(
            f"runtime is {minutes} min, but a job is told to stop {signal_delay} s before its time"
            f" limit, up to {MARGIN} s early; ask for {max(15, enough)} min or more"
        )
    if number("gpu", least=0) and text("gres"):
        raise RequestError(
            f"gpu={resources['gpu']} and gres={resources['gres']} are both given; one is enough"
        )
    if text("gpu_model") and not number("gpu", least=0):
        raise RequestError(f"gpu_model is {resources['gpu_model']}, but gpu isn't given")
    return Request(
        cpus=number("cpus_per_task") or max(1, threads),
        minutes=minutes,
        mem_mb=None if resources.get("mem_mb_per_cpu") else number("mem_mb"),
        mem_mb_per_cpu=number("mem_mb_per_cpu"),
        gpus=number("gpu", least=0) or 0,
        gpu_model=text("gpu_model"),
        gres=text("gres"),
        partition=text("slurm_partition"),
        account=text("slurm_account"),
        qos=text("qos"),
        constraint=text("constraint"),
        nodes=number("nodes"),
        tasks=number("tasks") or 1,
        extra=read_options(text("slurm_extra") or ""),
    )


def read_options(text: str) -> tuple[tuple[str, str | bool], ...]:
    """Return long options of sbatch as pairs: `--reservation=x --exclusive`.

    Raises:
        RequestError: something isn't a long option.
    """
    options: list[tuple[str, str | bool]] = []
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise RequestError(f"slurm_extra is {text!r}: {error}") from None
    while words:
        word = words.pop(0)
        if not word.startswith("--") or len(word) == 2:
            raise RequestError(
                f"slurm_extra is {text!r}; it takes long options, like '--reservation=name'"
            )
        name, equals, value = word[2:].partition("=")
        if equals:
            options.append((name, value))
        elif words and not words[0].startswith("-"):
            options.append((name, words.pop(0)))
        else:
            options.append((name, True))
    return tuple(options)


def make_parameters(
    request: Request, name: str, signal_delay: int, requeue: bool, array: int
) -> dict[str, Any]:
    """Return the parameters of submitit's Slurm executor for a request.

    The job runs without srun: so its steps are the rule's own, Slurm reports out-of-memory as
    what it is, and the signal goes to the one process that expects it.

    Args:
        request: what the job asks for.
        name: of the job in the queue.
        signal_delay: seconds between the signal and the time limit.
        requeue: whether Slurm may run the job again.
        array: how many jobs go together; all may run at once.
    """
    more: dict[str, str | bool] = {
        "signal": f"B:USR2@{signal_delay}",
        "requeue" if requeue else "no-requeue": True,
        "ntasks": str(request.tasks),
    }
    if request.gpus:
        more["gpus"] = ":".join(filter(None, [request.gpu_model, str(request.gpus)]))
    if request.tasks > 1 and request.nodes is None:
        more["nodes"] = f"1-{request.tasks}"  # submitit would ask for one node
    parameters = {
        "job_name": name,
        "time": request.minutes,
        "mem": request.mem_mb and f"{request.mem_mb}MB",
        "mem_per_cpu": request.mem_mb_per_cpu and f"{request.mem_mb_per_cpu}MB",
        "cpus_per_task": request.cpus,
        "gres": request.gres,
        "partition": request.partition,
        "account": request.account,
        "qos": request.qos,
        "constraint": request.constraint,
        "nodes": request.nodes or 1,
        "array_parallelism": array,
        "additional_parameters": more | dict(request.extra),
    }
    given = {key: value for key, value in parameters.items() if value is not None}
    return given | {"wckey": None, "use_srun": False}
