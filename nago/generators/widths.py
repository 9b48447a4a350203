"""Widths: as wide a network as the limit of its exact number of parameters allows.

A little narrower where that makes whole vectors of the channels, which take a sixth less time per
multiply-add on a CPU and suit half precision on a GPU.

Parameters are all that training changes; batch-norm statistics are not among them. They are
counted from the program, without building it.
"""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from nago.generators.program import Channels, Program, Step

VECTOR = 8
"""Channels that processors take at once."""

LEAST_SHARE = 0.95
"""The least share of the widest that whole vectors may leave: a tenth of the parameters less."""

FULL_HEAD_WIDTH = 1280
FULL_HEAD_LIMIT = 4_000_000

Term = tuple[int, tuple[Channels, ...]]
"""A whole number times a product of numbers of channels."""


def solve_widths(
    program: Program, channel_ratios: Sequence[float], parameter_limit: int
) -> tuple[int, ...] | None:
    """Return the widths of the stages, as wide as the limit allows; None if none is within it.

    A stage has `base` times its ratio channels. The largest whole number for which all
    parameters of the network together are at most the limit is rounded down to whole vectors,
    unless more than a twentieth of it would be lost.
    """
    terms = collect_terms(program)

    def count(base: int) -> int:
        return terms.count(scale_widths(base, channel_ratios))

    if count(1) > parameter_limit:
        return None
    low, high = 1, 2
    while count(high) <= parameter_limit:
        low, high = high, 2 * high
        if high > parameter_limit:  # some networks have parameters in stem and head only
            break
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) <= parameter_limit else (low, middle)
    return scale_widths(_align(low), channel_ratios)


def _align(base: int) -> int:
    """Return the base rounded down to whole vectors, unless that costs too much of it.

    The bisection has counted the multiple of 8 below its result. So the limit is kept even where
    a narrower network has more parameters, since widths that were equal no longer are.
    """
    aligned = base - base % VECTOR
    return aligned if aligned >= LEAST_SHARE * base else base


def scale_widths(base: int, channel_ratios: Sequence[float]) -> tuple[int, ...]:
    """Return the channels of each stage, at least 1."""
    return tuple(max(1, int(base * ratio)) for ratio in channel_ratios)


def choose_head_width(parameter_limit: int) -> int:
    """Return the channels before the classifier.

    1280 as in the paper's code from its limit of 4 M parameters on; below it the width goes
    with the square root of the limit, as the widths of the stages do.
    """
    share: float = min(1.0, parameter_limit / FULL_HEAD_LIMIT) ** 0.5
    return max(1, int(FULL_HEAD_WIDTH * share))


@dataclass(frozen=True, slots=True)
class ParameterTerms:
    """How the parameters of a network grow with its widths.

    `products` has the coefficient of each product of numbers of channels; `matches` are pairs
    whose product counts where they differ.
    """

    products: Mapping[tuple[Channels, ...], int]
    matches: tuple[tuple[Channels, Channels], ...]

    def count(self, widths: Sequence[int]) -> int:
        """Return the parameters at the given width of each stage."""
        total = sum(
            coefficient * math.prod(item.value(widths) for item in channels)
            for channels, coefficient in self.products.items()
        )
        for pair in self.matches:
            low, high = (item.value(widths) for item in pair)
            total += low * high if low != high else 0
        return total


def collect_terms(program: Program) -> ParameterTerms:
    """Return how the parameters of a program grow with its widths."""
    products: Counter[tuple[Channels, ...]] = Counter()
    matches = []
    for step in program.steps:
        if step.kind == "match":
            matches.append((program.steps[step.inputs[0]].channels, step.channels))
        for coefficient, channels in list_terms(program, step):
            products[channels] += coefficient
    return ParameterTerms(products, tuple(matches))


def list_terms(program: Program, step: Step) -> Iterator[Term]:
    """Yield the terms of a step's parameters; a match has none, as it depends on the widths."""
    own = step.channels
    if step.kind == "convolve":
        area = step.kernel[0] * step.kernel[1]
        given = program.steps[step.inputs[0]].channels
        yield area, (own,) if step.depthwise else (given, own)
    elif step.kind == "normalise":
        yield 2, (own,)
    elif step.kind == "sum":
        yield len(step.inputs), ()
    elif step.kind == "attention":
        yield len(step.inputs), ()
        yield len(step.inputs), (own,)
    elif step.kind == "classify":
        yield 1, (program.steps[step.inputs[0]].channels, own)
        yield 1, (own,)


def count_parameters(program: Program, widths: Sequence[int]) -> int:
    """Return the trainable parameters of the whole network."""
    return collect_terms(program).count(widths)
