"""HNAG, the hierarchical generator: a graph of cells of graphs of operations, 8 hyperparameters.

Watts-Strogatz at the top, Erdos-Renyi in the middle, Watts-Strogatz at the bottom. Every cell
draws its own middle graph and every middle node its own bottom graph, all from one seed.
Source: Ru, Esperança and Carlucci 2020, section 2.1.
"""

import math
import random
from collections.abc import Mapping, Sequence

from nago.generators.architecture import (
    CONVOLUTIONS,
    MERGES,
    POOLINGS,
    Cell,
    MiddleNode,
    Operation,
)
from nago.generators.stages import assign_stages
from nago.generators.wiring import draw_erdos_renyi, draw_watts_strogatz
from nago.records import Configuration, GeneratorSettings, UserError


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
    values = _Values(configuration)
    draw = _Draw(settings, random.Random(seed))
    top = draw_watts_strogatz(
        values.whole("top_nodes"), values.whole("top_k"), values.real("top_p"), draw.rng
    )
    stages = assign_stages(len(top), settings.stage_ratios)
    return tuple(
        Cell(stage, inputs, draw.merge(inputs), _draw_nodes(values, draw))
        for stage, inputs in zip(stages, top, strict=True)
    )


class _Values:
    """The configuration, read by name and kind."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    def _read(self, name: str) -> int | float | str:
        if name not in self._configuration:
            raise UserError(f"the configuration has no {name}: {dict(self._configuration)}")
        return self._configuration[name]

    def whole(self, name: str) -> int:
        value = self._read(name)
        if isinstance(value, str) or not float(value).is_integer():
            raise UserError(f"{name} must be a whole number, got {value!r}")
        return int(value)

    def real(self, name: str) -> float:
        value = self._read(name)
        if isinstance(value, str):
            raise UserError(f"{name} must be a number, got {value!r}")
        return float(value)


class _Draw:
    """Draws merges and operations by their weights, from the rng of the architecture."""

    def __init__(self, settings: GeneratorSettings, rng: random.Random) -> None:
        self.rng = rng
        self._merges = _weights("merges", settings.merges, MERGES)
        self._operations = _weights("operations", settings.operations, (*CONVOLUTIONS, *POOLINGS))

    def merge(self, inputs: Sequence[int]) -> str | None:
        # Always drawn, so that the draws that follow don't depend on the number of inputs.
        merge = self.rng.choices(MERGES, self._merges)[0]
        return merge if len(inputs) > 1 else None

    def operation(self) -> str:
        return self.rng.choices((*CONVOLUTIONS, *POOLINGS), self._operations)[0]


def _weights(name: str, given: Mapping[str, float], known: Sequence[str]) -> list[float]:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise UserError(f"{name} has no {unknown[0]!r}; it has {', '.join(known)}")
    weights = [float(given.get(key, 0)) for key in known]
    # So written that a NaN is refused, too.
    if not (min(weights) >= 0 and 0 < sum(weights) < math.inf):
        raise UserError(f"{name} must be weights of at least 0, not all 0, got {dict(given)}")
    return weights


def _draw_nodes(values: _Values, draw: _Draw) -> tuple[MiddleNode, ...]:
    middle = draw_erdos_renyi(values.whole("middle_nodes"), values.real("middle_p"), draw.rng)
    return tuple(
        MiddleNode(inputs, draw.merge(inputs), _draw_operations(values, draw)) for inputs in middle
    )


def _draw_operations(values: _Values, draw: _Draw) -> tuple[Operation, ...]:
    bottom = draw_watts_strogatz(
        values.whole("bottom_nodes"), values.whole("bottom_k"), values.real("bottom_p"), draw.rng
    )
    return tuple(Operation(draw.operation(), inputs, draw.merge(inputs)) for inputs in bottom)
