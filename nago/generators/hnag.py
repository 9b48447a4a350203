"""HNAG, the hierarchical generator: a graph of cells of graphs of operations, 8 hyperparameters.

Watts-Strogatz at the top, Erdos-Renyi in the middle, Watts-Strogatz at the bottom. Every cell
draws its own middle graph and every middle node its own bottom graph, all from one seed.
Source: Ru, Esperança and Carlucci 2020, section 2.1; ranges in appendix E, expanded spaces in
appendix H.
"""

import random
from collections.abc import Sequence

from nago.generators.architecture import (
    CONVOLUTIONS,
    MERGES,
    Cell,
    MiddleNode,
    Operation,
    output_nodes,
)
from nago.generators.choices import Choice, Values, chain, smallest_operation
from nago.generators.generator import Generator, Range, Ranges
from nago.generators.operations import write_operations
from nago.generators.program import Channels, Writer
from nago.generators.stages import assign_stages
from nago.generators.widths import scale_widths
from nago.generators.wiring import draw_erdos_renyi, draw_watts_strogatz
from nago.records import Configuration, GeneratorSettings

OPERATIONS = (*CONVOLUTIONS, "avgpool3x3", "avgpool5x5", "sepconv3x3")
"""All that a bottom node may be."""

BASE: dict[str, Range] = {
    "top_nodes": (3, 10),
    "top_k": (2, 5),
    "top_p": (0.1, 0.9),
    "middle_nodes": (1, 10),
    "middle_p": (0.1, 0.9),
    "bottom_nodes": (3, 10),
    "bottom_k": (2, 5),
    "bottom_p": (0.1, 0.9),
}
AUGMENTED_OPERATIONS = ("conv3x3", "conv5x5", "conv1x1", "avgpool3x3", "avgpool5x5")
AUGMENTED_1: dict[str, Range] = {
    **BASE,
    "merge_sum": (0.0, 1.0),
    "merge_concat": (0.0, 1.0),
    **{f"operation_{name}": (0.0, 1.0) for name in AUGMENTED_OPERATIONS},
}
AUGMENTED_2: dict[str, Range] = {
    **BASE,
    **{f"stage_ratio_{stage}": (0.1, 1.0) for stage in (1, 2, 3)},
    **{f"channel_ratio_{stage}": (1.0, 8.0) for stage in (1, 2, 3)},
}


def draw_cells(
    configuration: Configuration, settings: GeneratorSettings, seed: int
) -> tuple[Cell, ...]:
    """Return the cells of one draw.

    Args:
        configuration: top_nodes, top_k, top_p, middle_nodes, middle_p, bottom_nodes, bottom_k
            and bottom_p.
        settings: ratios of the stages, weights of merges and operations.
        seed: decides the draw, alone.

    Raises:
        UserError: a value is out of range, or a stage gets no cell.
    """
    values = Values(configuration)
    draw = _Draw(settings, random.Random(seed))
    top = draw_watts_strogatz(
        values.whole("top_nodes"), values.whole("top_k"), values.real("top_p"), draw.rng
    )
    # A search over ratios means shares as near as whole cells allow; a user's are an error.
    fill = "stage_ratio_1" in configuration
    stages = assign_stages(len(top), settings.stage_ratios, fill=fill)
    return tuple(
        Cell(stage, inputs, draw.merge(inputs), _draw_nodes(values, draw))
        for stage, inputs in zip(stages, top, strict=True)
    )


def write_cells(writer: Writer, cells: tuple[Cell, ...], stem: int, stages: int) -> int:
    """Write the cells; what a later stage takes is brought to its resolution and width once."""
    outputs = [stem]  # of the stem, then of each cell
    brought: dict[tuple[int, int], int] = {}

    def bring(place: int, stage: int) -> int:
        own = cells[place - 1].stage if place else 0
        if stage == own:
            return outputs[place]
        if (place, stage) not in brought:
            name = f"c{place - 1}" if place else "stem"
            brought[place, stage] = writer.bring(
                f"{name}-to-{stage}", outputs[place], stage - own, Channels(stage)
            )
        return brought[place, stage]

    for place, cell in enumerate(cells):
        writer.at("top", cell.stage)
        sources = [bring(source + 1, cell.stage) for source in cell.inputs or (-1,)]
        x = writer.merge(f"c{place}", sources, cell.merge)
        outputs.append(_write_nodes(writer, f"c{place}", cell, x))
    writer.at("top", stages - 1)
    return writer.mean([bring(place + 1, stages - 1) for place in output_nodes(cells)])


def smallest_cells(ranges: Ranges, settings: GeneratorSettings) -> tuple[Cell, ...]:
    """Return chains of the fewest nodes, and the smallest operation: no draw has less."""
    lowest = {name: int(low) for name, (low, _) in ranges.items()}
    widths = scale_widths(1, settings.channel_ratios)

    def make_cell(stage: int, inputs: tuple[int, ...]) -> Cell:
        operation = smallest_operation(settings.operations, widths[stage])
        bottom = tuple(
            Operation(operation, given, None) for given in chain(lowest["bottom_nodes"])
        )
        middle = chain(lowest["middle_nodes"])
        nodes = tuple(MiddleNode(given, None, bottom) for given in middle)
        return Cell(stage, inputs, None, nodes)

    top = chain(lowest["top_nodes"])
    stages = assign_stages(len(top), settings.stage_ratios, fill=True)
    return tuple(map(make_cell, stages, top))


class _Draw:
    """Draws merges and operations by their weights, from the rng of the architecture."""

    def __init__(self, settings: GeneratorSettings, rng: random.Random) -> None:
        self.rng = rng
        self._merges = Choice("merges", settings.merges, MERGES)
        self._operations = Choice("operations", settings.operations, OPERATIONS)

    def merge(self, inputs: Sequence[int]) -> str | None:
        # Always drawn, so that the draws that follow don't depend on the number of inputs.
        merge = self._merges.draw(self.rng)
        return merge if len(inputs) > 1 else None

    def operation(self) -> str:
        return self._operations.draw(self.rng)


def _draw_nodes(values: Values, draw: _Draw) -> tuple[MiddleNode, ...]:
    middle = draw_erdos_renyi(values.whole("middle_nodes"), values.real("middle_p"), draw.rng)
    return tuple(
        MiddleNode(inputs, draw.merge(inputs), _draw_operations(values, draw)) for inputs in middle
    )


def _draw_operations(values: Values, draw: _Draw) -> tuple[Operation, ...]:
    bottom = draw_watts_strogatz(
        values.whole("bottom_nodes"), values.whole("bottom_k"), values.real("bottom_p"), draw.rng
    )
    return tuple(Operation(draw.operation(), inputs, draw.merge(inputs)) for inputs in bottom)


def _write_nodes(writer: Writer, name: str, cell: Cell, x: int) -> int:
    """Write the middle graph of a cell on its merged input."""
    results: list[int] = []
    for place, node in enumerate(cell.nodes):
        writer.at("middle", cell.stage)
        own = f"{name}-n{place}"
        sources = [results[source] for source in node.inputs] or [x]
        merged = writer.merge(own, sources, node.merge)
        writer.at("bottom", cell.stage)
        results.append(
            write_operations(writer, own, node.operations, merged, Channels(cell.stage))
        )
    writer.at("middle", cell.stage)
    return writer.mean([results[place] for place in output_nodes(cell.nodes)])


HNAG = Generator(
    draw_cells=draw_cells,
    write_cells=write_cells,
    smallest_cells=smallest_cells,
    spaces={"base": BASE, "aug_v1": AUGMENTED_1, "aug_v2": AUGMENTED_2},
    merges={"sum": 1},
    operations={"conv3x3": 1},
    stage_ratios=True,
    known_merges=MERGES,
    known_operations=OPERATIONS,
)
