"""DARTS-like: random cells of the space of DARTS, stacked as there.

Eight cells, each of four nodes, take the outputs of the two cells before them (of the stem where
there is none). A node adds the results of two operations, each on an earlier node or on one of
the two inputs; a cell gives all four nodes, one after another. There are two kinds of cells: the
third and the sixth halve the resolution. The hyperparameters are the weights with which each
operation is drawn; equal ones draw uniformly from the space of DARTS.

How the levels of an architecture are read here: a cell's inputs are its two sources, STEM for
the stem; a node's inputs are earlier nodes, FIRST or SECOND; its operations stand in their order.
Unlike DARTS, stem and head are those of the other generators, and where a resolution is halved a
skip or an input is a strided 1x1 convolution, in place of two that are shifted by a pixel.
Source: Liu, Simonyan and Yang 2019, sections 2 and A.
"""

import dataclasses
import random
from collections.abc import Sequence

from nago.generators.architecture import ADD, Cell, MiddleNode, Operation
from nago.generators.choices import Choice, smallest_operation
from nago.generators.generator import Generator, Range, Ranges
from nago.generators.operations import write_operation
from nago.generators.program import Channels, Writer
from nago.generators.widths import scale_widths
from nago.records import Configuration, GeneratorSettings

OPERATIONS = (
    *("maxpool3x3", "avgpool3x3", "skip", "doublesepconv3x3", "doublesepconv5x5"),
    *("dilconv3x3", "dilconv5x5"),
)
CELLS, NODES = 8, 4
REDUCTIONS = (CELLS // 3, 2 * CELLS // 3)
"""The cells that halve the resolution."""

STEM, SECOND, FIRST = -1, -1, -2
"""Places before the first cell, and before the first node of a cell."""

BASE: dict[str, Range] = {f"operation_{name}": (0.0, 1.0) for name in OPERATIONS}


def draw_cells(
    configuration: Configuration, settings: GeneratorSettings, seed: int
) -> tuple[Cell, ...]:
    """Return eight cells: six of one kind, two of another that halve the resolution.

    Args:
        configuration: nothing of it; its weights of operations are in the settings by now.
        settings: weights of the operations.
        seed: decides the draw, alone.

    Raises:
        UserError: an operation is unknown, or all weights are 0.
    """
    rng = random.Random(seed)
    choice = Choice("operations", settings.operations, OPERATIONS)
    normal, reduction = (_draw_nodes(choice, rng) for _ in range(2))
    return _stack(normal, reduction)


def write_cells(writer: Writer, cells: tuple[Cell, ...], stem: int, stages: int) -> int:
    """Write the cells one after another."""
    outputs = {STEM: stem}
    for place, cell in enumerate(cells):
        name, channels = f"c{place}", Channels(cell.stage)
        # A cell that halves works at the resolution before it.
        stride = 2 if place in REDUCTIONS else 1
        target = writer.steps[outputs[cell.inputs[1]]].resolution
        writer.at("top", cell.stage)
        places = {}
        for number, source in enumerate(cell.inputs):
            x = outputs[source]
            step = 2 if writer.steps[x].resolution > target else 1
            own = f"{name}-in{number}"
            x = writer.convolve(own, writer.rectify(x), channels, stride=step)
            places[FIRST + number] = writer.normalise(own, x)
        writer.at("bottom", cell.stage)
        for number, node in enumerate(cell.nodes):
            terms = [
                write_operation(
                    writer,
                    f"{name}-n{number}-o{k}",
                    operation.operation,
                    places[source],
                    channels,
                    stride=stride if source < 0 else 1,
                )
                for k, (source, operation) in enumerate(
                    zip(node.inputs, node.operations, strict=True)
                )
            ]
            places[number] = writer.merge(f"{name}-n{number}", terms, node.merge)
        outputs[place] = writer.concatenate([places[number] for number in range(NODES)])
    return outputs[len(cells) - 1]


def smallest_cells(ranges: Ranges, settings: GeneratorSettings) -> tuple[Cell, ...]:
    """Return cells of the smallest operation only: no draw has less."""
    widths = scale_widths(1, settings.channel_ratios)

    def make_nodes(stage: int) -> tuple[MiddleNode, ...]:
        operation = Operation(smallest_operation(settings.operations, widths[stage]), (), None)
        return (MiddleNode((FIRST, SECOND), ADD, (operation,) * 2),) * NODES

    cells = _stack((), ())
    return tuple(dataclasses.replace(cell, nodes=make_nodes(cell.stage)) for cell in cells)


def _draw_nodes(choice: Choice, rng: random.Random) -> tuple[MiddleNode, ...]:
    nodes = []
    for number in range(NODES):
        inputs = sorted(rng.sample(range(FIRST, number), 2))
        operations = tuple(Operation(choice.draw(rng), (), None) for _ in inputs)
        nodes.append(MiddleNode(tuple(inputs), ADD, operations))
    return tuple(nodes)


def _stack(normal: Sequence[MiddleNode], reduction: Sequence[MiddleNode]) -> tuple[Cell, ...]:
    cells = []
    for place in range(CELLS):
        stage = sum(place >= first for first in REDUCTIONS)
        inputs = (max(STEM, place - 2), max(STEM, place - 1))
        nodes = reduction if place in REDUCTIONS else normal
        cells.append(Cell(stage, inputs, None, tuple(nodes)))
    return tuple(cells)


DARTS = Generator(
    draw_cells=draw_cells,
    write_cells=write_cells,
    smallest_cells=smallest_cells,
    spaces={"base": BASE},
    merges={},
    operations=dict.fromkeys(OPERATIONS, 1.0),
    stage_ratios=False,
    known_merges=(),
    known_operations=OPERATIONS,
)
