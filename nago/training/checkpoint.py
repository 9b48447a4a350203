"""Checkpoints: the state of a training on the disk, recognised when cut off or of another run.

A file is one line of JSON with the SHA-256 of what follows and the fingerprint of the run, then
the state as `torch.save` writes it: tensors and plain values, no code.
"""

import hashlib
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from nago.records import RecordError, write_bytes
from nago.training.run import Run

State = dict[str, Any]
"""Tensors and plain values by name."""


def name_run(network: nn.Module, run: Run) -> str:
    """Return a hash of all that a checkpoint depends on, to recognise it by."""
    shapes = {name: list(value.shape) for name, value in network.state_dict().items()}
    text = json.dumps([run.fingerprint, run.budget, run.seed, run.settings.as_dict(), shapes])
    return hashlib.sha256(text.encode()).hexdigest()


def write_checkpoint(path: Path, state: State, fingerprint: str) -> None:
    """Write a state whole or not at all.

    Args:
        path: the file.
        state: what is to be kept.
        fingerprint: names all that the state depends on.
    """
    buffer = io.BytesIO()
    torch.save(state, buffer)
    payload = buffer.getvalue()
    header = {"fingerprint": fingerprint, "sha256": hashlib.sha256(payload).hexdigest()}
    write_bytes(path, json.dumps(header).encode() + b"\n" + payload)


def read_checkpoint(
    path: Path, fingerprint: str, report: Callable[[str], None] = print
) -> State | None:
    """Return the state to continue from, on the CPU, or None when there is none to be used.

    A file that is damaged or of another run is reported in one line.
    """
    if not path.exists():
        return None
    try:
        header, payload = _read(path)
    except RecordError as error:
        report(f"{error}; starting anew")
        return None
    if header["fingerprint"] != fingerprint:
        report(f"{path} is of another training (other settings, data or network); starting anew")
        return None
    return _load(payload)


def read_state(path: Path) -> State:
    """Return the state of a training that another one continues, on the CPU.

    Raises:
        RecordError: the file is missing or damaged.
    """
    return _load(_read(path)[1])


def keep_state(checkpoint: Path, path: Path) -> None:
    """Keep the last checkpoint of a training at `path`, for one that continues it.

    Raises:
        RecordError: the checkpoint is missing or damaged.
    """
    header, payload = _read(checkpoint)
    write_bytes(path, json.dumps(header).encode() + b"\n" + payload)


def _read(path: Path) -> tuple[dict[str, str], bytes]:
    try:
        line, _, payload = path.read_bytes().partition(b"\n")
    except FileNotFoundError:
        raise RecordError(f"there is no file {path}") from None
    try:
        header = json.loads(line)
        whole = header["sha256"] == hashlib.sha256(payload).hexdigest()
        known = isinstance(header["fingerprint"], str)
    except (ValueError, KeyError, TypeError):
        raise RecordError(f"{path} is no checkpoint or its first line is damaged") from None
    if not (whole and known):
        raise RecordError(f"{path} is damaged (cut off or altered)")
    return header, payload


def _load(payload: bytes) -> State:
    state: State = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    return state
