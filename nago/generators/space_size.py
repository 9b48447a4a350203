"""How many networks a search space has, as the paper's appendix A counts them.

Of the wirings of each level only the numbers of nodes and the edges count: node i may or may not
take each of the i things before it, the input and the nodes with a smaller place. Merges, widths
and stages are left out.
Source: Ru, Esperança and Carlucci 2020, appendix A.1; Liu, Simonyan and Yang 2019.
"""

import math
from collections.abc import Sequence

from nago.generators.generator import Ranges


def count_wirings(lowest: int, highest: int) -> int:
    """Return the number of directed acyclic graphs of `lowest` to `highest` ordered nodes.

    A graph of n nodes has n (n + 1) / 2 places for edges, those from its input among them.

    Raises:
        ValueError: the limits are not whole numbers from 1 up in rising order.
    """
    if not 1 <= lowest <= highest:
        raise ValueError(
            f"numbers of nodes must be from 1 up in rising order, got {lowest}, {highest}"
        )
    return sum(2 ** (nodes * (nodes + 1) // 2) for nodes in range(lowest, highest + 1))


def count_hierarchical(levels: Sequence[tuple[int, int]], operations: int) -> int:
    """Return the number of networks of a hierarchical space.

    Args:
        levels: fewest and most nodes of each level, the one of operations last. All graphs of
            one level count as one, as in the paper.
        operations: kinds of operations, one for each node of the last level at its most.
    """
    total = operations ** levels[-1][1]
    for lowest, highest in levels:
        total *= count_wirings(lowest, highest)
    return int(total)


def count_cells(nodes: int, inputs: int, operations: int) -> int:
    """Return the number of cells in which each node has an operation on all that is before it.

    Args:
        nodes: of the cell.
        inputs: of the cell, before its first node.
        operations: kinds of them, `none` among them.
    """
    edges = sum(inputs + place for place in range(nodes))
    return int(operations**edges)


def count_networks(ranges: Ranges, operations: int) -> int:
    """Return the number of networks of a generator's space, by its hyperparameters.

    Args:
        ranges: of all hyperparameters. Levels of HNAG and stages of RNAG have numbers of nodes;
            without any it is a space of two kinds of cells, as DARTS has.
        operations: kinds of operations to choose from.
    """
    levels = [
        (int(low), int(high)) for name, (low, high) in ranges.items() if name.endswith("_nodes")
    ]
    if not levels:
        return count_cells(nodes=4, inputs=2, operations=operations + 1) ** 2
    if "bottom_nodes" in ranges:
        return count_hierarchical(levels, operations)
    return math.prod(count_hierarchical([level], operations) for level in levels)


PAPER_HNAG = count_hierarchical([(1, 10)] * 3, operations=5)
"""The paper's number for HNAG, 4.58e56: up to 10 nodes at each level, five operations."""

PAPER_DARTS = count_cells(nodes=4, inputs=2, operations=8)
"""The paper's number for DARTS, 4.40e12: 14 edges, seven operations and none."""
