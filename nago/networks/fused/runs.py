"""Runs of a fused pass: what its steps have in common, on the way forward and on the way back.

Tensors are batches (N, C, H, W), float32, their channels last in memory. The result of a batch
norm stands as what it was taken of, with an affine (4, C): the norm's mean, scale and shift, and
behind them one over the standard deviation. It is `(x - mean) * scale + shift`, computed where it
is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

Kept = Sequence[Tensor]


@dataclass(slots=True)
class Forward:
    """A forward pass: results by the places of steps, and affines of those that are norms'.

    `notes` has what else a step wants to know in the backward pass.
    """

    values: list[Tensor | None]
    affines: list[Tensor | None]
    threads: int
    notes: dict[int, Any] = field(default_factory=dict)

    def value(self, place: int) -> Tensor:
        """Return the result of a step that has been made."""
        value = self.values[place]
        assert value is not None
        return value


@dataclass(slots=True)
class Backward:
    """A backward pass: gradients by the places of steps, of affines' scale and shift (2, C)."""

    gradients: list[Tensor | None]
    of_affines: list[Tensor | None]
    of_parameters: list[Tensor | None]
    threads: int
    notes: dict[int, Any]

    def take(self, place: int) -> Tensor | None:
        """Return the gradient of a step's result, which is then the taker's own."""
        gradient, self.gradients[place] = self.gradients[place], None
        return gradient

    def take_sums(self, place: int) -> Tensor | None:
        """Return the gradients of a norm's scale and shift, which are then the taker's own."""
        sums, self.of_affines[place] = self.of_affines[place], None
        return sums

    def add(self, place: int, gradient: Tensor) -> None:
        """Add to the gradient of a step's result; the tensor becomes this pass's own."""
        there = self.gradients[place]
        if there is None:
            self.gradients[place] = lay_out(gradient)
        else:
            there.add_(gradient)


class FusedStep(Protocol):
    """A step of the pass; parameters are known by their numbers."""

    @property
    def place(self) -> int:
        """Where the result stands."""

    @property
    def sources(self) -> tuple[int, ...]:
        """Where stands what it takes."""

    def forward(self, run: Forward, parameters: Kept) -> Kept:
        """Compute the result; return the tensors that `backward` needs."""

    def backward(self, run: Backward, parameters: Kept, kept: Kept) -> None:
        """Add to the gradients of the sources and the parameters."""


def lay_out(x: Tensor) -> Tensor:
    """Return a batch with its channels last, itself if it has them so."""
    return x.contiguous(memory_format=torch.channels_last)
