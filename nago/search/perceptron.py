"""Fully connected networks with tanh units, many at once, and their gradients written out.

A network is a row of numbers: layer after layer, each a matrix (outputs, inputs + 1) whose last
column is the bias. Points are columns and end in a one, which the bias multiplies.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nago.search.models import Array

Numbers = NDArray[Any]
"""Of the precision that the caller has chosen."""

CHUNK = 1 << 18
"""Units times points that are computed in one go when many networks predict."""


def count_weights(widths: Sequence[int]) -> int:
    """Return the numbers that describe a network; widths are from the inputs to the outputs."""
    return sum((a + 1) * b for a, b in pairwise(widths))


def describe_weights(widths: Sequence[int]) -> tuple[Array, NDArray[np.bool_]]:
    """Return the inputs of each weight's unit, and which weights are biases: (p,) both."""
    sizes = [(b, a + 1) for a, b in pairwise(widths)]
    inputs = np.concatenate([np.full(b * a, a - 1.0) for b, a in sizes])
    biases = np.concatenate([np.tile(np.arange(a) == a - 1, b) for b, a in sizes])
    return inputs, biases


def split_layers(weights: Numbers, widths: Sequence[int]) -> list[Numbers]:
    """Return the layers of networks (..., p) as views (..., outputs, inputs + 1)."""
    layers, start = [], 0
    for a, b in pairwise(widths):
        stop = start + b * (a + 1)
        layers.append(weights[..., start:stop].reshape(*weights.shape[:-1], b, a + 1))
        start = stop
    return layers


class Perceptrons:
    """One network per chain, each with a batch of its own; buffers are allocated once.

    `weights` and `gradient` (chains, p) are used in place; more columns may follow.
    """

    def __init__(
        self, weights: Numbers, gradient: Numbers, widths: Sequence[int], batch: int
    ) -> None:
        chains = len(weights)
        self.layers = split_layers(weights[:, : count_weights(widths)], widths)
        self.slopes = split_layers(gradient[:, : count_weights(widths)], widths)
        self.turned = [layer[:, :, :-1].swapaxes(1, 2) for layer in self.layers]
        hidden = widths[1:-1]
        self.units = np.ones((chains, sum(hidden) + len(hidden), batch), np.float32)
        self.bends = np.empty_like(self.units)
        self.outputs = np.empty((chains, widths[-1], batch), np.float32)
        starts = np.cumsum([0, *(width + 1 for width in hidden)])
        spans = list(zip(starts, hidden, strict=False))
        self.inner = [self.units[:, start : start + width] for start, width in spans]
        self.whole = [self.units[:, start : start + width + 1] for start, width in spans]
        self.bend = [self.bends[:, start : start + width] for start, width in spans]
        self.deltas = [np.empty((chains, width, batch), np.float32) for width in hidden]

    def predict(self, points: Numbers) -> Numbers:
        """Return the outputs (chains, outputs, batch) at points (chains, inputs + 1, batch)."""
        for layer, inner, whole in zip(self.layers, self.inner, self.whole, strict=False):
            np.matmul(layer, points, out=inner)
            np.tanh(inner, out=inner)
            points = whole
        return np.matmul(self.layers[-1], points, out=self.outputs)

    def differentiate(self, points: Numbers, delta: Numbers) -> None:
        """Write the gradient with respect to the weights, given that to the last outputs."""
        np.square(self.units, out=self.bends)
        np.subtract(1, self.bends, out=self.bends)
        for i in range(len(self.layers) - 1, 0, -1):
            np.matmul(delta, self.whole[i - 1].swapaxes(1, 2), out=self.slopes[i])
            below = self.deltas[i - 1]
            np.matmul(self.turned[i], delta, out=below)
            below *= self.bend[i - 1]
            delta = below
        np.matmul(delta, points.swapaxes(1, 2), out=self.slopes[0])


def evaluate(
    weights: Numbers, widths: Sequence[int], points: Array
) -> Iterator[tuple[slice, Numbers]]:
    """Yield the outputs of s networks (s, p) at points (n, inputs): (s, outputs, part)."""
    layers = split_layers(weights, widths)
    for part in _cut(len(points), len(weights) * max(widths[1:])):
        yield part, _apply(layers[-1], _climb(layers, points[part])[-1])


def average_slopes(weights: Numbers, widths: Sequence[int], points: Array) -> Array:
    """Return the gradient of the first output, averaged over networks: (n, inputs)."""
    layers = split_layers(weights, widths)
    slopes = np.empty(points.shape)
    for part in _cut(len(points), len(weights) * max(widths[1:])):
        units = _climb(layers, points[part])
        top = layers[-1][:, 0, :-1]
        delta = np.broadcast_to(top[:, :, None], units[-1].shape) * _bend(units[-1])
        for layer, below in zip(layers[-2:0:-1], units[-2::-1], strict=True):
            delta = layer[:, :, :-1].swapaxes(1, 2) @ delta
            delta *= _bend(below)
        first = layers[0][:, :, :-1].reshape(-1, widths[0])
        slopes[part] = delta.reshape(-1, delta.shape[-1]).T @ first / len(weights)
    return slopes


def _cut(points: int, units: int) -> Iterator[slice]:
    step = max(1, CHUNK // units)
    for start in range(0, points, step):
        yield slice(start, start + step)


def _bend(units: Numbers) -> Numbers:
    """Return the slope of tanh where it has these values; they are spent."""
    np.square(units, out=units)
    return np.subtract(1, units, out=units)


def _climb(layers: Sequence[Numbers], points: Array) -> list[Numbers]:
    """Return the units of every hidden layer, (s, width, n) each."""
    first = layers[0]
    shape = (*first.shape[:2], len(points))
    found = (
        first[:, :, :-1].reshape(-1, first.shape[2] - 1) @ points.T.astype(first.dtype)
    ).reshape(shape)
    found += first[:, :, -1:]
    units = [np.tanh(found, out=found)]
    for layer in layers[1:-1]:
        found = _apply(layer, units[-1])
        units.append(np.tanh(found, out=found))
    return units


def _apply(layer: Numbers, units: Numbers) -> Numbers:
    found = layer[:, :, :-1] @ units
    found += layer[:, :, -1:]
    return found
