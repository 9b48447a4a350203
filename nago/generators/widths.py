"""Widths: the widest network whose exact number of parameters is within the limit.

Parameters are all that training changes; batch-norm statistics are not among them. They are
counted from the architecture, term by term as in `nago.networks.build`, without building it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from nago.generators.architecture import (
    CONVOLUTIONS,
    SMALL_IMAGE,
    Architecture,
    Cell,
    MiddleNode,
    Operation,
    Task,
    list_crossings,
    stage_of,
    stem_resolution,
)
from nago.records import UserError

FULL_HEAD_WIDTH = 1280
FULL_HEAD_LIMIT = 4_000_000


def count_parameters(architecture: Architecture) -> int:
    """Return the trainable parameters of the whole network, without building it."""
    terms = collect_terms(architecture.cells, len(architecture.widths))
    return terms.count(architecture.widths) + _count_ends(
        architecture.widths,
        architecture.head_width,
        architecture.image_size,
        architecture.image_channels,
        architecture.classes,
    )


def solve_widths(
    cells: Sequence[Cell], channel_ratios: Sequence[float], task: Task
) -> tuple[tuple[int, ...], int]:
    """Return the widths of the stages and of the head: the widest network within the limit.

    A stage has `base` times its ratio channels; `base` is the largest whole number for which
    all parameters of the network together are at most the limit.

    Raises:
        UserError: even base 1 is over the limit, or a stage would have no pixel left.
    """
    stages = len(channel_ratios)
    if stem_resolution(task.image_size) < 2 ** (stages - 1):
        raise UserError(
            f"images of {task.image_size} pixels are too small for {stages} stages;"
            f" image_size must be at least {2 ** (stages - 1)}"
        )
    terms = collect_terms(cells, stages)
    head_width = choose_head_width(task.parameter_limit)

    def count(base: int) -> int:
        widths = scale_widths(base, channel_ratios)
        ends = _count_ends(widths, head_width, task.image_size, task.image_channels, task.classes)
        return terms.count(widths) + ends

    if count(1) > task.parameter_limit:
        raise UserError(
            f"the narrowest network has {count(1):,} parameters, over the limit of"
            f" {task.parameter_limit:,}; raise the limit or ask for fewer nodes"
        )
    low, high = 1, 2
    while count(high) <= task.parameter_limit:
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if count(middle) <= task.parameter_limit else (low, middle)
    return scale_widths(low, channel_ratios), head_width


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
    """How the parameters of cells grow with the widths of the stages.

    A stage of width w has `squares`·w² + `lines`·w, the network `constant` beside; and each pair
    of stages in `crossings` has the product of its widths, where these differ.
    """

    squares: tuple[int, ...]
    lines: tuple[int, ...]
    constant: int
    crossings: tuple[tuple[int, int], ...]

    def count(self, widths: Sequence[int]) -> int:
        """Return the parameters at the given width of each stage."""
        within = sum(
            square * width**2 + line * width
            for square, line, width in zip(self.squares, self.lines, widths, strict=True)
        )
        across = sum(
            widths[low] * widths[high]
            for low, high in self.crossings
            if widths[low] != widths[high]
        )
        return within + across + self.constant


def collect_terms(cells: Sequence[Cell], stages: int) -> ParameterTerms:
    """Return how the parameters of `cells` grow with the widths of `stages` stages."""
    squares, lines, constant = [0] * stages, [0] * stages, 0
    for stage, node in _all_nodes(cells):
        inputs = len(node.inputs)
        if node.merge == "sum":
            constant += inputs
        elif node.merge == "attention":
            lines[stage] += inputs
            constant += inputs
        elif node.merge == "concat":
            squares[stage] += inputs
        if isinstance(node, Operation) and node.operation in CONVOLUTIONS:
            height, width = CONVOLUTIONS[node.operation]
            squares[stage] += height * width
            lines[stage] += 2
    crossings = [(stage_of(cells, place), stage) for place, stage in list_crossings(cells)]
    return ParameterTerms(tuple(squares), tuple(lines), constant, tuple(crossings))


def _all_nodes(cells: Sequence[Cell]) -> Iterator[tuple[int, Cell | MiddleNode | Operation]]:
    """Yield every node of every level with its stage."""
    for cell in cells:
        yield cell.stage, cell
        for node in cell.nodes:
            yield cell.stage, node
            for operation in node.operations:
                yield cell.stage, operation


def _count_ends(
    widths: Sequence[int], head_width: int, image_size: int, image_channels: int, classes: int
) -> int:
    """Return the parameters of stem and head."""
    first, last = widths[0], widths[-1]
    if image_size < SMALL_IMAGE:
        stem = 9 * image_channels * first + 9 * first**2 + 4 * first
    else:
        half = max(1, first // 2)
        stem = 9 * image_channels + image_channels * half + 2 * half
        stem += 9 * half + half * first + 2 * first
    head = last * head_width + 2 * head_width + head_width * classes + classes
    return stem + head
