"""The fused pass of a network: its program as fused steps, run forward and backward."""

from collections import Counter
from collections.abc import Sequence
from itertools import islice
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from nago.networks.build import Interpreter, Readout, make_function
from nago.networks.fused.linear import Merge, Shrink
from nago.networks.fused.runs import Backward, Forward, FusedStep, Kept, lay_out
from nago.networks.fused.steps import Convolve, Normalise, Other

MERGES = frozenset(("sum", "add", "mean", "rectify"))
"""Kinds of steps that are weighted sums of their inputs, of one or of several."""


def fuse(network: Interpreter) -> None:
    """Let a network train by its fused pass from now on: the same to rounding, and faster.

    It takes images on the CPU, float32, and wants the network's channels last. Modules of layers
    aren't called, so that their hooks aren't either; layers that are exchanged afterwards aren't
    noticed, so fuse again then. Evaluation stays as it is.
    """
    network.training_pass = TrainingPass(network)


class TrainingPass:
    """A network's forward pass in training as one operation of torch, and its gradient."""

    def __init__(self, network: Interpreter) -> None:
        self.parameters = list(network.parameters())
        planner = _Planner(network)
        self.steps, self.places, self.result = planner.steps, planner.places, planner.result
        last = {source: step.place for step in self.steps for source in step.sources}
        self.done = [
            tuple({source for source in step.sources if last[source] == step.place})
            for step in self.steps
        ]

    def __call__(self, images: Tensor) -> Tensor:
        """Return the logits (N, classes) of images (N, channels, H, W).

        Raises:
            ValueError: the images aren't float32 on the CPU, are to have a gradient themselves,
                or come in mixed precision.
        """
        if images.device.type != "cpu" or images.dtype != torch.float32 or images.requires_grad:
            raise ValueError(
                "a fused pass takes float32 images on the CPU that need no gradient, got"
                f" {images.dtype} on {images.device}, requires_grad {images.requires_grad}"
            )
        if torch.is_autocast_enabled("cpu"):
            raise ValueError("a fused pass computes in float32, and autocast is on")
        logits: Tensor = _Pass.apply(self, images, *self.parameters)
        return logits

    def run_forward(
        self, images: Tensor, parameters: Kept
    ) -> tuple[Tensor, list[Kept], dict[int, Any]]:
        """Return the logits, and for the backward pass what each step keeps and notes."""
        run = Forward(self._blank(), self._blank(), torch.get_num_threads())
        run.values[0] = lay_out(images)
        kept = []
        for step, done in zip(self.steps, self.done, strict=True):
            kept.append(step.forward(run, parameters))
            for place in done:  # what no later step takes need not stay in memory
                run.values[place] = None
        return run.value(self.result), kept, run.notes

    def run_backward(
        self, gradient: Tensor, parameters: Kept, kept: Sequence[Kept], notes: dict[int, Any]
    ) -> list[Tensor | None]:
        """Return the gradient of each parameter from that of the logits."""
        own: list[Tensor | None] = [None] * len(parameters)
        run = Backward(self._blank(), self._blank(), own, torch.get_num_threads(), notes)
        # Steps write into gradients, and this one is the caller's.
        run.gradients[self.result] = lay_out(gradient).clone() if gradient.dim() == 4 else gradient
        for step, tensors in zip(reversed(self.steps), reversed(kept), strict=True):
            step.backward(run, parameters, tensors)
        return run.of_parameters

    def _blank(self) -> list[Tensor | None]:
        return [None] * self.places


class _Pass(torch.autograd.Function):
    """A fused pass as one operation of torch."""

    @staticmethod
    def forward(ctx: Any, training: TrainingPass, images: Tensor, *parameters: Tensor) -> Tensor:
        logits, kept, notes = training.run_forward(images, parameters)
        ctx.save_for_backward(*parameters, *[tensor for own in kept for tensor in own])
        ctx.training, ctx.notes, ctx.counts = training, notes, [len(own) for own in kept]
        return logits

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        training: TrainingPass = ctx.training
        saved = iter(ctx.saved_tensors)
        parameters = list(islice(saved, len(training.parameters)))
        kept = [list(islice(saved, count)) for count in ctx.counts]
        return None, None, *training.run_backward(gradient, parameters, kept, ctx.notes)


class _Planner:
    """Writes the fused steps of a program.

    Places are those of the program's steps; a norm that something takes as it is, beside the
    merges, is applied once, at a place behind them.
    """

    def __init__(self, network: Interpreter) -> None:
        program, parameters = network.program, network.parameters()
        self.program, self.widths = program, network.widths
        self.layers = dict(network.layers.items())
        self.numbers = {id(parameter): number for number, parameter in enumerate(parameters)}
        self.takers = Counter(source for step in program.steps for source in step.inputs)
        self.places = len(program.steps)
        self.steps: list[FusedStep] = []
        self.normed: dict[int, int] = {}
        """The channels of each place whose result is a norm's."""
        self.plain: dict[int, int] = {}
        """Where the applied result of a norm's place stands."""
        self.standing = {0: 0}
        """Where the result of each step of the program stands."""
        for place in range(1, len(program.steps)):
            if place not in self.standing:
                self.standing[place] = self._write(place)
        self.result = self._apply(self.standing[len(program.steps) - 1])

    def _write(self, place: int) -> int:
        """Write a step and return where its result stands."""
        step = self.program.steps[place]
        layer = self.layers.get(step.name)
        sources = tuple(self.standing[source] for source in step.inputs)
        if step.kind in MERGES:
            return self._merge(place, sources, layer)
        if isinstance(layer, nn.Conv2d):
            weight = self.numbers[id(layer.weight)]
            self.steps.append(Convolve(place, self._apply(sources[0]), layer, weight))
        elif isinstance(layer, nn.BatchNorm2d):
            gamma, beta = (self.numbers[id(x)] for x in (layer.weight, layer.bias))
            self.steps.append(Normalise(place, self._apply(sources[0]), layer, gamma, beta))
            self.normed[place] = layer.num_features
        elif layer is None and step.kind == "match":  # of equal widths
            return sources[0]
        elif step.kind == "shrink":
            return self._shrink(place, sources[0], step.stride)
        else:
            return self._other(place, sources, layer)
        return place

    def _other(self, place: int, sources: tuple[int, ...], layer: nn.Module | None) -> int:
        """Write a step that torch's own operations compute."""
        applied = tuple(self._apply(source) for source in sources)
        function = make_function(self.program.steps[place]) if layer is None else layer
        learnt = {} if layer is None else {self.numbers[id(x)]: x for x in layer.parameters()}
        if isinstance(layer, Readout):
            applied = (self._shrink(self._new_place(), applied[0], None),)
            function = layer.answer
        self.steps.append(Other(place, applied, function, learnt))
        return place

    def _shrink(self, place: int, source: int, factor: int | None) -> int:
        """Write a mean over squares or all pixels; that of a norm's result is one as well."""
        self.steps.append(Shrink(place, source, factor))
        if source in self.normed:
            self.normed[place] = self.normed[source]
        return place

    def _merge(self, place: int, sources: tuple[int, ...], layer: nn.Module | None) -> int:
        """Write a merge, with the rectifying step behind it if nobody else takes it."""
        step = self.program.steps[place]
        rectifies = step.kind == "rectify"
        follower = place + 1
        if not rectifies and self.takers[place] == 1:
            after = self.program.steps[follower]
            if after.kind == "rectify" and after.inputs == (place,):
                rectifies, self.standing[follower] = True, follower
                place = follower
        self.steps.append(
            Merge(
                place,
                sources,
                step.channels.value(self.widths),
                normed=tuple(source in self.normed for source in sources),
                gates=None if layer is None else self.numbers[id(layer.gates)],
                constant=1 / len(sources) if step.kind == "mean" else 1.0,
                rectifies=rectifies,
            )
        )
        return place

    def _apply(self, source: int) -> int:
        """Return where the result of a place stands as it is, its norm applied."""
        if source not in self.normed:
            return source
        if source not in self.plain:
            self.plain[source] = place = self._new_place()
            self.steps.append(Merge(place, (source,), self.normed[source], normed=(True,)))
        return self.plain[source]

    def _new_place(self) -> int:
        """Return a place behind those of the program."""
        self.places += 1
        return self.places - 1
