"""RNAG, the flat generator: three random graphs of operations in sequence, one per stage.

The graphs are Watts-Strogatz, or Erdos-Renyi or Barabasi-Albert in the spaces `er` and `ba`. The
input nodes of a graph have stride 2 and bring the width of their stage; a stage gives the mean
over its output nodes.
Source: Xie, Kirillov, Girshick and He 2019, section 3. The ranges are those of numbers of nodes
in Ru, Esperança and Carlucci 2020, appendix E; those of K, P and M are this project's.
"""

import random
from collections.abc import Sequence

from nago.generators.architecture import CONVOLUTIONS, MERGES, Cell, MiddleNode, Operation
from nago.generators.choices import Choice, Values, chain, smallest_operation
from nago.generators.generator import Generator, Range, Ranges
from nago.generators.operations import write_operations
from nago.generators.program import Channels, Writer
from nago.generators.widths import scale_widths
from nago.generators.wiring import (
    Wiring,
    draw_barabasi_albert,
    draw_erdos_renyi,
    draw_watts_strogatz,
)
from nago.records import Configuration, GeneratorSettings

OPERATIONS = ("sepconv3x3", *CONVOLUTIONS)
"""All that a node may be; a pooling can't bring the width of a stage."""

STAGES = (1, 2, 3)
PARAMETERS: dict[str, dict[str, Range]] = {
    "base": {"nodes": (10, 40), "k": (2, 9), "p": (0.1, 0.9)},
    "er": {"nodes": (10, 40), "p": (0.1, 0.9)},
    "ba": {"nodes": (10, 40), "m": (1, 9)},
}
"""The hyperparameters of each stage's graph, by space."""

SPACES: dict[str, Ranges] = {
    space: {
        f"stage{stage}_{name}": limits for stage in STAGES for name, limits in parameters.items()
    }
    for space, parameters in PARAMETERS.items()
}


def draw_cells(
    configuration: Configuration, settings: GeneratorSettings, seed: int
) -> tuple[Cell, ...]:
    """Return one cell per stage, of a single middle node with all operations of the stage.

    Args:
        configuration: stage1_nodes, stage1_k and stage1_p for a Watts-Strogatz graph, without
            the K for an Erdos-Renyi graph, or stage1_nodes and stage1_m for a Barabasi-Albert
            graph; likewise of stages 2 and 3.
        settings: weights of merges and operations.
        seed: decides the draw, alone.

    Raises:
        UserError: a value is out of range.
    """
    rng, values = random.Random(seed), Values(configuration)
    merges = Choice("merges", settings.merges, MERGES)
    operations = Choice("operations", settings.operations, OPERATIONS)

    def draw_node(inputs: Sequence[int]) -> Operation:
        operation, merge = operations.draw(rng), merges.draw(rng)
        return Operation(operation, tuple(inputs), merge if len(inputs) > 1 else None)

    cells = []
    for stage in STAGES:
        wiring = _draw_wiring(f"stage{stage}", configuration, values, rng)
        cells.append(_make_cell(stage - 1, tuple(draw_node(inputs) for inputs in wiring)))
    return tuple(cells)


def write_cells(writer: Writer, cells: tuple[Cell, ...], stem: int, stages: int) -> int:
    """Write the stages one after another."""
    x = stem
    for place, cell in enumerate(cells):
        writer.at("bottom", cell.stage)
        x = write_operations(
            writer, f"c{place}-n0", cell.nodes[0].operations, x, Channels(cell.stage), stride=2
        )
    return x


def smallest_cells(ranges: Ranges, settings: GeneratorSettings) -> tuple[Cell, ...]:
    """Return chains of the fewest nodes, and the smallest operation: no draw has less."""
    widths = scale_widths(1, settings.channel_ratios)
    cells = []
    for stage in STAGES:
        operation = smallest_operation(settings.operations, widths[stage - 1])
        wiring = chain(int(ranges[f"stage{stage}_nodes"][0]))
        nodes = tuple(Operation(operation, inputs, None) for inputs in wiring)
        cells.append(_make_cell(stage - 1, nodes))
    return tuple(cells)


def _draw_wiring(
    name: str, configuration: Configuration, values: Values, rng: random.Random
) -> Wiring:
    nodes = values.whole(f"{name}_nodes")
    if f"{name}_m" in configuration:
        return draw_barabasi_albert(nodes, values.whole(f"{name}_m"), rng)
    if f"{name}_k" in configuration:
        return draw_watts_strogatz(nodes, values.whole(f"{name}_k"), values.real(f"{name}_p"), rng)
    return draw_erdos_renyi(nodes, values.real(f"{name}_p"), rng)


def _make_cell(stage: int, operations: tuple[Operation, ...]) -> Cell:
    inputs = (stage - 1,) if stage else ()
    return Cell(stage, inputs, None, (MiddleNode((), None, operations),))


RNAG = Generator(
    draw_cells=draw_cells,
    write_cells=write_cells,
    smallest_cells=smallest_cells,
    spaces=SPACES,
    merges={"sum": 1},
    operations={"sepconv3x3": 1},
    stage_ratios=False,
    known_merges=MERGES,
    known_operations=OPERATIONS,
)
