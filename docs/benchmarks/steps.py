"""Steps of training as things to time: networks with a batch, and their convolutions alone."""

import contextlib
import gc
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from nago.generators.architecture import Architecture, Task
from nago.generators.draw import draw_architecture
from nago.records import GeneratorSettings

CLASSES = 10
PAPER = GeneratorSettings((1, 1, 1), (1, 2, 4), {"sum": 1}, {"conv3x3": 1})
Graphs = tuple[tuple[int, int, float], tuple[int, float], tuple[int, int, float]]
Call = tuple[nn.Module, Tensor, Tensor]
Seconds = dict[str, list[float]]


@dataclass(frozen=True)
class Subject:
    """A network with a batch of images, its multiply-adds and what autograd keeps, per image."""

    network: nn.Module
    images: Tensor
    labels: Tensor
    multiply_adds: int
    kept_bytes: int


def make_subject(network: nn.Module, image_size: int, batch: int, layout: str) -> Subject:
    """Return a network in a layout, `channels_last` or `contiguous_format`, with a batch."""
    rng = torch.Generator().manual_seed(0)
    memory_format = getattr(torch, layout)
    images = torch.randn(batch, 3, image_size, image_size, generator=rng)
    images = images.contiguous(memory_format=memory_format)
    labels = torch.randint(0, CLASSES, (batch,), generator=rng)
    network.to(memory_format=memory_format)
    kept = count_kept(network, images[:3]) - count_kept(network, images[:2])
    return Subject(network, images, labels, count_multiply_adds(network, images[:2]), kept)


def count_kept(network: nn.Module, images: Tensor) -> int:
    """Return the bytes that autograd keeps of a batch, each storage once."""
    kept: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        kept.append(tensor.detach())
        return kept[-1]

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        network(images)
    storages = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage() for tensor in kept}
    return sum(storage.nbytes() for storage in storages.values())


@contextlib.contextmanager
def by_modules(network: nn.Module) -> Iterator[None]:
    """Let a network call its modules within the context; a fused pass doesn't."""
    fused = getattr(network, "training_pass", None)
    network.training_pass = None
    try:
        yield
    finally:
        network.training_pass = fused


def list_convolutions(
    network: nn.Module, images: Tensor
) -> list[tuple[nn.Module, Tensor, Tensor]]:
    """Return convolutions and linear maps, each with what it takes and gives."""
    calls: list[Call] = []

    def note(module: nn.Module, given: tuple[Tensor, ...], result: Tensor) -> None:
        calls.append((module, given[0].detach().clone(), result.detach().clone()))

    learnt = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    hooks = [module.register_forward_hook(note) for module in learnt]
    with by_modules(network):
        network(images)
    for hook in hooks:
        hook.remove()
    return calls


def count_multiply_adds(network: nn.Module, images: Tensor) -> int:
    """Return the multiply-adds of convolutions and linear maps, for one image."""
    return sum(
        result.numel() // len(images) * module.weight[0].numel()
        for module, _, result in list_convolutions(network, images)
    )


def prepare_convolutions(subject: Subject) -> Callable[[], None]:
    """Return a call that runs the convolutions alone, forward and backward.

    On what the network gives them, in its layout; the image alone needs no gradient.
    """
    calls = []
    for module, given, result in list_convolutions(subject.network, subject.images):
        given.requires_grad_(bool(calls))
        calls.append((module, given, result))

    def run() -> None:
        for module, given, gradient in calls:
            module(given).backward(gradient)
            given.grad = None
            for parameter in module.parameters():
                parameter.grad = None

    return run


def prepare_step(subject: Subject) -> Callable[[], None]:
    """Return a call of one step of training, without the optimiser's."""

    def run() -> None:
        subject.network.zero_grad()
        logits = subject.network(subject.images)
        functional.cross_entropy(logits, subject.labels).backward()

    return run


def take_turns(calls: dict[str, Callable[[], None]], rounds: int) -> Seconds:
    """Return the CPU seconds of each call in each round, after one that doesn't count."""
    seconds: Seconds = {name: [] for name in calls}
    gc.collect()
    for number in range(rounds + 1):
        for name, call in calls.items():
            start = time.process_time()
            call()
            if number:
                seconds[name].append(time.process_time() - start)
    return seconds


def draw(graphs: Graphs, image_size: int, limit: int) -> Architecture:
    """Return a draw of a generator."""
    names = ("top_nodes", "top_k", "top_p", "middle_nodes", "middle_p")
    names += ("bottom_nodes", "bottom_k", "bottom_p")
    configuration = dict(zip(names, sum(graphs, ()), strict=True))
    task = Task(image_size, 3, CLASSES, limit)
    return draw_architecture("hnag", configuration, PAPER, task, 0)
