"""Build: from an architecture to a network, a torch module that runs its program."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from nago.generators.architecture import Architecture
from nago.generators.draw import write_program
from nago.generators.program import Program, Step
from nago.networks.merges import AttentionSum, WeightedSum

DROPOUT = 0.2
"""Share of the head's features that training leaves out."""

OVERWRITABLE = frozenset(
    ("convolve", "normalise", "sum", "attention", "add", "mean", "concat", "avgpool", "shrink")
)
"""Kinds of steps that make a tensor of their own and don't need it for the backward pass."""

Function = Callable[..., Tensor]


def build_network(architecture: Architecture, seed: int) -> "Network":
    """Return the network of an architecture, its weights drawn with `seed`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Network(architecture)
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network


class Interpreter(nn.Module):
    """Runs a program at given widths: images (N, channels, H, W) to the last step's result.

    `layers` has the module of each step that learns, in the order of the forward pass and by the
    names of the drawing: `c0-n1-o2-conv` is the convolution of operation 2 of node 1 of cell 0.
    `training_pass` computes in training what `forward` would, None to do it step by step.
    """

    def __init__(self, program: Program, widths: Sequence[int]) -> None:
        super().__init__()
        self.program, self.widths = program, tuple(widths)
        self.layers = nn.ModuleDict()
        self.training_pass: Function | None = None
        self._steps: list[tuple[tuple[int, ...], Function | str, tuple[int, ...]]] = []
        last, overwriting = _find_last_uses(program), _find_overwriting(program)
        for place, step in enumerate(program.steps):
            function: Function | str = make_function(step)
            if place in overwriting:
                function = functional.relu_
            layer = _make_layer(program, step, widths)
            if layer is not None:
                self.layers[step.name] = layer
                function = step.name
            done = tuple({source for source in step.inputs if last[source] == place})
            self._steps.append((step.inputs, function, done))
        self._trunk = program.trunk

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (N, classes) of images (N, channels, H, W)."""
        if self.training and self.training_pass is not None:
            return self.training_pass(images)
        return self._run({0: images}, range(1, len(self._steps)))

    def stem(self, images: Tensor) -> Tensor:
        """Return the stem's output of images (N, channels, H, W): (N, widths[0], H', W')."""
        return self._run({0: images}, range(1, self._trunk))

    def trunk(self, x: Tensor) -> Tensor:
        """Return the logits (N, classes) of the stem's output."""
        return self._run({self._trunk - 1: x}, range(self._trunk, len(self._steps)))

    def _run(self, results: dict[int, Tensor], places: Sequence[int]) -> Tensor:
        """Run some steps and return the result of the last."""
        for place in places:
            inputs, function, done = self._steps[place]
            apply = self.layers[function] if isinstance(function, str) else function
            results[place] = apply(*[results[source] for source in inputs])
            for source in done:  # what no later step takes need not stay in memory
                del results[source]
        return results[places[-1]]


class Network(Interpreter):
    """Stem, cells and head of an architecture: images (N, channels, H, W) to logits."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__(write_program(architecture), architecture.widths)
        self.architecture = architecture


class Readout(nn.Module):
    """Mean over the pixels, dropout, linear: (N, C, H, W) to (N, classes)."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.dropout = nn.Dropout(DROPOUT)
        self.linear = nn.Linear(channels, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits."""
        return self.answer(x.mean((2, 3)))

    def answer(self, means: Tensor) -> Tensor:
        """Return the logits from the means, (N, C) or (N, C, 1, 1)."""
        logits: Tensor = self.linear(self.dropout(means.flatten(1)))
        return logits


def _find_last_uses(program: Program) -> dict[int, int]:
    """Return the place of the last step that takes the result of each step."""
    return {source: place for place, step in enumerate(program.steps) for source in step.inputs}


def _find_overwriting(program: Program) -> set[int]:
    """Return the places of the rectifying steps that may write into what they take.

    That is where nobody else takes it, and the steps that made it don't need it either. The
    stem's output may be the caller's own.
    """
    takers = Counter(source for step in program.steps for source in step.inputs)
    return {
        place
        for place, step in enumerate(program.steps)
        if step.kind == "rectify"
        for source in step.inputs
        if program.steps[source].kind in OVERWRITABLE
        and takers[source] == 1
        and source != program.trunk - 1
    }


def _make_layer(program: Program, step: Step, widths: Sequence[int]) -> nn.Module | None:
    """Return what learns in a step, or None."""
    own, count = step.channels.value(widths), len(step.inputs)
    given = program.steps[step.inputs[0]].channels.value(widths) if step.inputs else 0
    makers: dict[str, Callable[[], nn.Module]] = {
        "convolve": lambda: _make_convolution(step, given, own),
        "normalise": lambda: nn.BatchNorm2d(own),
        "sum": lambda: WeightedSum(count),
        "attention": lambda: AttentionSum(count, own),
        "classify": lambda: Readout(given, own),
    }
    if given != own:
        makers["match"] = lambda: nn.Conv2d(given, own, 1, bias=False)
    return makers[step.kind]() if step.kind in makers else None


def _make_convolution(step: Step, given: int, own: int) -> nn.Module:
    height, width = step.kernel
    return nn.Conv2d(
        given,
        own,
        step.kernel,
        stride=step.stride,
        padding=(step.dilation * (height // 2), step.dilation * (width // 2)),
        dilation=step.dilation,
        groups=given if step.depthwise else 1,
        bias=False,
    )


def make_function(step: Step) -> Function:
    """Return what a step computes that learns nothing."""
    kernel, stride = step.kernel[0], step.stride
    window: dict[str, Any] = {
        "kernel_size": kernel,
        "stride": stride,
        "padding": kernel // 2,
    }
    functions: dict[str, Function] = {
        "rectify": functional.relu,
        "avgpool": partial(functional.avg_pool2d, **window, count_include_pad=False),
        "maxpool": partial(functional.max_pool2d, **window),
        "shrink": partial(functional.avg_pool2d, kernel_size=kernel),
        "concat": _concatenate,
        "add": _add,
        "mean": _mean,
    }
    return functions.get(step.kind, _pass_on)


def _pass_on(x: Tensor) -> Tensor:
    return x


def _concatenate(*inputs: Tensor) -> Tensor:
    return torch.cat(inputs, 1)


def _add(*inputs: Tensor) -> Tensor:
    total = inputs[0] + inputs[1]
    for x in inputs[2:]:
        total += x
    return total


def _mean(*inputs: Tensor) -> Tensor:
    return _add(*inputs).div_(len(inputs))
