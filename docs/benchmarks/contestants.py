"""Networks that take turns at a step of training, each in a process of its own.

Whether the C library keeps freed memory holds for a whole process: so each network has what its
own training does. This project's asks for it, the released code's doesn't.
"""

import multiprocessing
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

import torch
from reference import build_reference, load_reference
from steps import Graphs, Subject, draw, make_subject, prepare_step

from nago.networks.build import build_network
from nago.networks.fused.training_pass import fuse
from nago.training.device import keep_memory

OWN, RELEASED, RELEASED_LAST = "own", "released", "released, channels last"


@dataclass(frozen=True)
class Generator:
    """What is drawn and at what size, for either code."""

    graphs: Graphs
    image_size: int
    limit: int
    batch: int


@dataclass
class Record:
    """A contestant's CPU seconds in each round, its multiply-adds and bytes kept, per image."""

    multiply_adds: int
    kept_bytes: int
    seconds: list[float] = field(default_factory=list)


def make_contestant(kind: str, generator: Generator, reference: Path) -> Subject:
    """Return a network of a generator: this project's, or the released code's in a layout."""
    graphs, size, limit = generator.graphs, generator.image_size, generator.limit
    if kind == OWN:
        network = build_network(draw(graphs, size, limit), 0)
        fuse(network)
        return make_subject(network, size, generator.batch, "channels_last")
    network = build_reference(load_reference(reference), graphs, size, limit)
    layout = "contiguous_format" if kind == RELEASED else "channels_last"
    return make_subject(network, size, generator.batch, layout)


def compete(
    kinds: Sequence[str], generator: Generator, reference: Path, rounds: int
) -> dict[str, Record]:
    """Return what each kind took in rounds in which one after the other makes a step."""
    context = multiprocessing.get_context("spawn")
    connections: dict[str, Connection] = {}
    for kind in kinds:
        connections[kind], other = context.Pipe()
        arguments = (other, kind, generator, reference)
        context.Process(target=_serve, args=arguments, daemon=True).start()
    records = {kind: Record(*connection.recv()) for kind, connection in connections.items()}
    for _ in range(rounds):
        for kind, connection in connections.items():
            connection.send(True)
            records[kind].seconds.append(connection.recv())
    for connection in connections.values():
        connection.send(False)
    return records


def _serve(connection: Connection, kind: str, generator: Generator, reference: Path) -> None:
    """Build a network and tell its size; then make a step whenever asked and tell its seconds."""
    torch.set_num_threads(1)
    if kind == OWN:
        keep_memory()
    subject = make_contestant(kind, generator, reference)
    step = prepare_step(subject)
    step()
    connection.send((subject.multiply_adds, subject.kept_bytes))
    while connection.recv():
        start = time.process_time()
        step()
        connection.send(time.process_time() - start)
