"""Search spaces: the hyperparameters of each generator and their ranges.

Source of the ranges: Ru, Esperança and Carlucci 2020, appendix E.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from nago.generators.architecture import CONVOLUTIONS, MERGES, Cell, MiddleNode, Operation

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace

HNAG_RANGES: dict[str, tuple[int, int] | tuple[float, float]] = {
    "top_nodes": (3, 10),
    "top_k": (2, 5),
    "top_p": (0.1, 0.9),
    "middle_nodes": (1, 10),
    "middle_p": (0.1, 0.9),
    "bottom_nodes": (3, 10),
    "bottom_k": (2, 5),
    "bottom_p": (0.1, 0.9),
}
"""Lowest and highest value of each hyperparameter, both within; whole numbers or reals."""

RANGES = {"hnag": HNAG_RANGES}
"""The ranges of each generator."""


def make_space(generator: str) -> "ConfigurationSpace":
    """Return the search space of a generator; what it samples depends on seeds set later."""
    # Imported here: the plan and the drawing of a known configuration need no ConfigSpace.
    from ConfigSpace import ConfigurationSpace  # noqa: PLC0415

    return ConfigurationSpace(dict(RANGES[generator]), seed=0)


def effective_k(nodes: int, k: int) -> int:
    """Return the neighbours that a Watts-Strogatz ring has: K at most N-1, and even.

    networkx joins K // 2 neighbours on each side, so an odd K means K - 1.
    """
    return 2 * (min(k, nodes - 1) // 2)


def smallest_cells(
    merges: Mapping[str, float], operations: Mapping[str, float]
) -> tuple[Cell, ...]:
    """Return the cells of the smallest network in the space of HNAG.

    Three cells of one middle node of three operations; rings of three nodes are complete, so
    this is the one draw at the lowest numbers of nodes. Of the merges and operations with a
    weight above 0 it has those with the fewest parameters.
    """
    areas = {name: height * width for name, (height, width) in CONVOLUTIONS.items()}
    operation = min(
        (name for name, weight in operations.items() if weight > 0),
        key=lambda name: areas.get(name, 0),
    )
    merge = next(name for name in MERGES if merges.get(name, 0) > 0)
    ring: tuple[tuple[tuple[int, ...], str | None], ...]
    ring = (((), None), ((0,), None), ((0, 1), merge))
    bottom = tuple(Operation(operation, inputs, merged) for inputs, merged in ring)
    nodes = (MiddleNode((), None, bottom),)
    return tuple(Cell(stage, inputs, merged, nodes) for stage, (inputs, merged) in enumerate(ring))
