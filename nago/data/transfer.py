"""Bringing images to the device: read ahead, and without making a GPU wait for the CPU."""

import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from nago.records import RecordError

AHEAD = 2
"""Batches that a thread, or each process, has read before they are asked for."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def bring(values: Tensor, device: torch.device) -> Tensor:
    """Return values of the CPU on `device`; a GPU goes on working while they are copied."""
    if device.type != "cuda":
        return values.to(device)
    pinned = values if values.is_pinned() else values.pin_memory()
    return pinned.to(device, non_blocking=True)


def read_in_thread(read: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """Give what `read` returns for each item, read ahead by a thread; its errors are raised."""
    with ThreadPoolExecutor(max_workers=1) as thread:
        waiting: deque[Future[Result]] = deque()
        for item in items:
            waiting.append(thread.submit(read, item))
            if len(waiting) > AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def read_in_processes(
    read: Callable[[Item], Tensor], items: Sequence[Item], processes: int, pinned: bool
) -> Iterator[Tensor]:
    """Give the tensor that `read` returns for each item, in their order, read ahead.

    Args:
        read: runs in other processes.
        items: each is read by one of them.
        processes: how many.
        pinned: whether the tensors are to be in memory that a GPU can copy by itself.

    Raises:
        RecordError: `read` raised it.
    """
    loader = DataLoader(
        _Readings(read, items),
        batch_size=None,
        num_workers=processes,
        prefetch_factor=AHEAD,
        pin_memory=pinned,
        worker_init_fn=_ignore_signals,
        generator=torch.Generator(),  # else it takes a number from those of the training
    )
    for reading in loader:
        if isinstance(reading, str):
            raise RecordError(reading)
        yield reading


class _Readings(Dataset[Tensor | str]):
    """What is read of each item, or the message of the RecordError.

    An error that leaves a process would come with the traceback of that process in its message.
    """

    def __init__(self, read: Callable[[Item], Tensor], items: Sequence[Item]) -> None:
        self.read, self.items = read, items

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, place: int) -> Tensor | str:
        try:
            return self.read(self.items[place])
        except RecordError as error:
            return str(error)


def _ignore_signals(_: int) -> None:
    """Leave signals, which Slurm sends to all processes of a job, to the process that trains."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
