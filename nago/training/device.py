"""The device that trains: which one, how it gives the same result twice, when it is full."""

import contextlib
import ctypes
import os
import shutil
from collections.abc import Iterator

import torch
from torch import nn

from nago.records import TrainingSettings, UserError

OUT_OF_MEMORY = ("can't allocate memory", "out of memory", "CUDNN_STATUS_ALLOC_FAILED")

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""What glibc's mallopt calls them; in bytes."""


def choose_device(name: str, place: int = 0) -> torch.device:
    """Return the device of a name as `cpu` or `cuda`; `auto` is a GPU if there is one.

    Args:
        name: `auto`, `cpu` or `cuda`.
        place: which GPU of the machine, where several processes train together.

    Raises:
        UserError: there is no such device.
    """
    gpu = torch.cuda.is_available()
    if name not in ("auto", "cpu", "cuda"):
        raise UserError(f"device must be auto, cpu or cuda, got {name!r}")
    if name == "cuda" and not gpu:
        raise UserError("device 'cuda' was asked for, but torch finds no GPU; it could be 'cpu'")
    if not gpu or name == "cpu":
        return torch.device("cpu")
    return torch.device("cuda", place % torch.cuda.device_count())


@contextlib.contextmanager
def reproducible(device: torch.device, threads: int) -> Iterator[None]:
    """Make torch give the same digits in every run, and put its switches back afterwards.

    Args:
        device: the device that trains.
        threads: of the CPU; another number may change the last digits of a sum.
    """
    if device.type == "cuda":  # read by cuBLAS when it starts
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    before, mode = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    try:
        torch.set_num_threads(threads)
        # "warn" where there is only a varying way; `use_deterministic_algorithms` would do the
        # same, but takes a second to import the compiler of torch.
        torch.set_deterministic_debug_mode("warn")
        yield
    finally:
        torch.set_num_threads(before)
        torch.set_deterministic_debug_mode(mode)


def keep_memory() -> None:
    """Let the C library, where it is glibc, keep freed memory of the CPU for the next step.

    Else it gives large tensors back to the system each time, and the system clears them anew: up
    to a tenth of a step on small images, by chance of where they lie.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(TRIM_THRESHOLD, 2**30)
        mallopt(MMAP_THRESHOLD, 2**25)  # the most that it takes


@contextlib.contextmanager
def seeded(device: torch.device, seed: int) -> Iterator[None]:
    """Let torch's own random numbers, as of dropout, start from `seed` within the context."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def compute_in(settings: TrainingSettings, device: torch.device) -> torch.autocast:
    """Return the context in which a network computes in the precision of the settings.

    Raises:
        UserError: the GPU has no such numbers; to emulate them would be slower than float32.
    """
    narrow = settings.precision == "bfloat16"
    gpu = device.type == "cuda"
    if narrow and gpu and not torch.cuda.is_bf16_supported(including_emulation=False):
        raise UserError(
            f"precision bfloat16 takes a GPU that has it, {torch.cuda.get_device_name(device)}"
            " has not; it could be float32"
        )
    return torch.autocast(device.type, torch.bfloat16, enabled=narrow)


def compile_network(network: nn.Module) -> nn.Module:
    """Return a network that torch.compile makes one program of when it is first called.

    Raises:
        UserError: there is no compiler for it.
    """
    names = (os.environ.get("CXX", ""), "g++", "clang++")
    if not any(shutil.which(name) for name in names):
        raise UserError(
            "final_compile takes a C++ compiler, g++ or clang++ or the one that CXX names, and"
            " there is none; install one, or set final_compile to false"
        )
    compiled: nn.Module = torch.compile(network)  # type: ignore[assignment]
    return compiled


def is_out_of_memory(error: RuntimeError) -> bool:
    """Return whether an error of torch says that the memory is full."""
    if isinstance(error, torch.OutOfMemoryError):
        return True
    return any(words in str(error) for words in OUT_OF_MEMORY)
