"""What a network costs, from its architecture alone: parameters, multiply-adds, sample memory.

Counted over the steps that `nago.networks.build` builds; tests hold the counts equal to the built
module, number for number.

* Parameters: all that training changes; batch-norm statistics are not among them.
* Multiply-adds: of the convolutions and the classifier, for one image.
* Sample memory: the bytes that autograd keeps for the backward pass of one image more in the
  batch, the input image among them. Parameters are not in it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from nago.generators.architecture import Architecture
from nago.generators.draw import write_program
from nago.generators.program import Program, Step
from nago.generators.widths import count_parameters, list_terms

LEVELS = ("stem", "top", "middle", "bottom", "head")
PRECISIONS = ("float32", "bfloat16")
MEGABYTE = 2**20
FLOAT_BYTES, HALF_BYTES, INDEX_BYTES = 4, 2, 8


@dataclass(frozen=True, slots=True)
class Complexity:
    """What a network costs; the memory is for one image, in float32."""

    parameters: int
    multiply_adds: int
    sample_memory_bytes: int


@dataclass(frozen=True, slots=True)
class Part:
    """What the steps of one level in one stage cost, and how many operations they are."""

    level: str
    stage: int
    parameters: int
    multiply_adds: int
    sample_memory_bytes: int


def count_complexity(architecture: Architecture) -> Complexity:
    """Return the costs of an architecture, without building it."""
    program, widths = write_program(architecture), architecture.widths
    return Complexity(
        parameters=count_parameters(program, widths),
        multiply_adds=sum(_count_multiply_adds(program, step, widths) for step in program.steps),
        sample_memory_bytes=sum(kept for _, kept in _keep(program, widths, "float32")),
    )


def count_sample_memory(
    architecture: Architecture, precision: str = "float32", *, stem: bool = True
) -> int:
    """Return the bytes that autograd keeps per image.

    Args:
        architecture: of any generator.
        precision: `float32`, or `bfloat16` for torch's automatic mixed precision on a CPU.
        stem: whether what the stem's own steps keep is in it.
    """
    program = write_program(architecture)
    return sum(
        kept
        for step, kept in _keep(program, architecture.widths, precision)
        if stem or step.level != "stem"
    )


def count_parts(architecture: Architecture) -> list[Part]:
    """Return the costs by level and stage, in the order of the network.

    The levels are the stem, the three of the architecture, and the head. A merge counts where its
    node stands, the way to a later stage at the top, in the stage that it leads to.
    """
    program, widths = write_program(architecture), architecture.widths
    totals: dict[tuple[str, int], list[int]] = {}
    for step, kept in _keep(program, widths, "float32"):
        total = totals.setdefault((step.level, step.stage), [0, 0, 0])
        total[0] += _count_step_parameters(program, step, widths)
        total[1] += _count_multiply_adds(program, step, widths)
        total[2] += kept
    outside = {"stem": -1, "head": len(widths)}
    ordered = sorted(
        totals, key=lambda place: (outside.get(place[0], place[1]), LEVELS.index(place[0]))
    )
    return [Part(level, stage, *totals[level, stage]) for level, stage in ordered]


def _count_step_parameters(program: Program, step: Step, widths: tuple[int, ...]) -> int:
    if step.kind == "match":
        given, own = _ends(program, step, widths)
        return given * own if given != own else 0
    return sum(
        coefficient * math.prod(item.value(widths) for item in channels)
        for coefficient, channels in list_terms(program, step)
    )


def _ends(program: Program, step: Step, widths: tuple[int, ...]) -> tuple[int, int]:
    """Return the channels of a step's first input and of its result."""
    return program.steps[step.inputs[0]].channels.value(widths), step.channels.value(widths)


def _count_multiply_adds(program: Program, step: Step, widths: tuple[int, ...]) -> int:
    if step.kind == "classify":
        given, own = _ends(program, step, widths)
        return given * own
    if step.kind not in ("convolve", "match"):
        return 0
    given, own = _ends(program, step, widths)
    if step.kind == "match" and given == own:
        return 0
    numbers = own * step.resolution**2 * step.kernel[0] * step.kernel[1]
    return numbers if step.depthwise else numbers * given


@dataclass(slots=True, eq=False)
class _Tensor:
    """A tensor of the forward pass: its numbers per image, their bytes, whether it is kept."""

    numbers: int
    size: int
    kept: bool = False

    def keep(self) -> int:
        """Keep it for the backward pass and return the bytes that this costs more."""
        new = 0 if self.kept else self.numbers * self.size
        self.kept = True
        return new


def _keep(program: Program, widths: tuple[int, ...], precision: str) -> Iterator[tuple[Step, int]]:
    """Yield each step and the bytes of one image that are kept from it on."""
    if precision not in PRECISIONS:
        raise ValueError(f"precision must be one of {', '.join(PRECISIONS)}, got {precision!r}")
    half = precision == "bfloat16"
    tensors: list[_Tensor] = []
    for step in program.steps:
        inputs = [tensors[place] for place in step.inputs]
        numbers = step.channels.value(widths) * step.resolution**2
        size = inputs[0].size if inputs else FLOAT_BYTES
        result, kept = _Tensor(numbers, size), 0
        if step.kind == "match" and len({*_ends(program, step, widths)}) == 1:
            result = inputs[0]
        elif step.kind in ("convolve", "match"):
            given = inputs[0]
            if half and given.size == FLOAT_BYTES:  # a copy of its own for each convolution
                given = _Tensor(given.numbers, HALF_BYTES)
            result.size, kept = given.size, given.keep()
        elif step.kind == "rectify":
            kept = result.keep()
        elif step.kind in ("normalise", "avgpool", "shrink"):
            kept = inputs[0].keep()
        elif step.kind == "maxpool":
            kept = inputs[0].keep() + numbers * INDEX_BYTES
        elif step.kind in ("sum", "attention"):
            kept = sum(given.keep() for given in inputs)
            if step.kind == "attention":  # means over the pixels, and shares; also as softmax
                kept += len(inputs) * (step.channels.value(widths) + 1) * size  # gives them
                kept += len(inputs) * FLOAT_BYTES if size == HALF_BYTES else 0
        elif step.kind == "classify":  # the mask of the dropout, and the classifier's input
            kept = 2 * _ends(program, step, widths)[0] * size
        tensors.append(result)
        yield step, kept
