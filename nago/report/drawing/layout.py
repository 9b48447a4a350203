"""Layouts: a graph in layers, by the longest path from its input.

A line that passes a layer has a lane of its own there, so no line runs through a box; the lines
from one node share their lane, because they carry the same feature map.
"""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nago.generators.architecture import HasInputs, output_nodes
from nago.report.drawing.svg import Size, number

ROW_GAP = 18.0
LANE_GAP = 8.0
SWEEPS = 6
NODE_WEIGHT = 10.0
"""How much more a box resists being moved aside than a passing line does."""

INPUT = -1
"""The place of a graph's input in a layout; its output has the place after the last node."""

Edge = tuple[int, int]
Item = tuple[int, int]
"""What stands in a row of a layout: (node, row), in the node's own row or one its line passes."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the boxes of one graph stand, by their upper left corners, and the paths between."""

    size: Size
    corners: tuple[Size, ...]
    routes: Mapping[Edge, str]
    arrivals: Mapping[Edge, float]
    """How far right of the middle of its target a line ends, where it ends elsewhere."""


def lay_out(
    nodes: Sequence[HasInputs],
    sizes: Sequence[Size],
    entries: Mapping[int, Sequence[float]] | None = None,
    *,
    row: float = ROW_GAP,
    lane: float = LANE_GAP,
) -> Layout:
    """Return a layout of one graph in which nothing overlaps and no line crosses a box.

    Args:
        nodes: at least one, each after its inputs.
        sizes: the width and the height of the box of each node.
        entries: where lines arrive at a node that has a place for each, from its middle, from
            left to right; which line takes which place depends on where it comes from.
        row: pixels between rows.
        lane: pixels between what stands in a row.
    """
    layer, edges = find_layers(nodes)
    rows, links = _fill_rows(layer, edges)
    boxes = {(node, layer[node]): size for node, size in enumerate(sizes)}
    widths = {item: size[0] for item, size in boxes.items()}
    centres = _place_across(rows, links, widths, lane)
    arrivals = _sort_arrivals(layer, edges, centres, entries or {})
    half = {item: boxes.get(item, (0.0, 0.0))[0] / 2 for item in centres}
    left = min(x - half[item] for item, x in centres.items())
    width = max(x + half[item] for item, x in centres.items()) - left
    centres = {item: x - left for item, x in centres.items()}
    # Input and output stand in the middle, where the lines outside of the frame end.
    centres[(INPUT, 0)] = centres[(len(nodes), layer[len(nodes)])] = width / 2
    heights = [max(boxes.get(item, (0.0, 0.0))[1] for item in items) for items in rows]
    tops = [0.0, *itertools.accumulate(height + row for height in heights[:-1])]

    routes = {}
    for source, target in edges:
        first, last = layer[source], layer[target]
        start = tops[first] + boxes.get((source, first), (0.0, 0.0))[1]
        stops = [(centres[(source, first)], start, tops[first] + heights[first])]
        for k in range(first + 1, last):
            stops.append((centres[(source, k)], tops[k], tops[k] + heights[k]))
        end = centres[(target, last)] + arrivals.get((source, target), 0.0)
        stops.append((end, tops[last], tops[last]))
        routes[(source, target)] = _trace(stops)
    corners = tuple((centres[item] - half[item], tops[item[1]]) for item in boxes)
    return Layout((width, tops[-1]), corners, routes, arrivals)


def _sort_arrivals(
    layer: Mapping[int, int],
    edges: Sequence[Edge],
    centres: Mapping[Item, float],
    entries: Mapping[int, Sequence[float]],
) -> dict[Edge, float]:
    """Return where each line arrives, so that no two that arrive at one node cross there."""
    arrivals: dict[Edge, float] = {}
    for target, places in entries.items():
        above = layer[target] - 1
        sources = sorted(
            (centres[source, above], source) for source, other in edges if other == target
        )
        arrivals |= {(source, target): x for (_, source), x in zip(sources, places, strict=True)}
    return arrivals


def find_layers(nodes: Sequence[HasInputs]) -> tuple[dict[int, int], list[Edge]]:
    """Return the longest path from the input to each node, and the edges, feeds included.

    All places before the first node are the input; two lines from one node to another are one.
    """
    layer = {INPUT: 0}
    edges = []
    for place, node in enumerate(nodes):
        sources = sorted({max(INPUT, source) for source in node.inputs}) or [INPUT]
        layer[place] = 1 + max(layer[source] for source in sources)
        edges += [(source, place) for source in sources]
    edges += [(source, len(nodes)) for source in output_nodes(nodes)]
    layer[len(nodes)] = 1 + max(layer.values())
    return layer, edges


def _fill_rows(
    layer: Mapping[int, int], edges: Sequence[Edge]
) -> tuple[list[list[Item]], list[tuple[Item, Item]]]:
    """Return the items of each row, and which of neighbouring rows are connected."""
    rows: list[list[Item]] = [[] for _ in range(max(layer.values()) + 1)]
    links = []
    for node, row in layer.items():
        rows[row].append((node, row))
        ends = (layer[target] for source, target in edges if source == node)
        for passed in range(row + 1, max(ends, default=0)):
            rows[passed].append((node, passed))
            links.append(((node, passed - 1), (node, passed)))
    links += [((source, layer[target] - 1), (target, layer[target])) for source, target in edges]
    return rows, links


def _place_across(
    rows: Sequence[list[Item]],
    links: Sequence[tuple[Item, Item]],
    widths: Mapping[Item, float],
    lane: float,
) -> dict[Item, float]:
    """Return the x of the middle of each item, near to what it is connected with.

    Sweeps down and up sort each row by the mean x of the neighbours in the row before. Further
    sweeps keep the order and draw each item between its neighbours of the same kind.
    """
    above: dict[Item, list[Item]] = {item: [] for row in rows for item in row}
    below: dict[Item, list[Item]] = {item: [] for row in rows for item in row}
    for upper, lower in links:
        above[lower].append(upper)
        below[upper].append(lower)
    # Straight lines are easy to follow: boxes keep to boxes, and lanes to themselves.
    alike = {
        item: [
            other
            for other in (*above[item], *below[item])
            if (other in widths) == (item in widths)
        ]
        or [*above[item], *below[item]]
        for item in above
    }
    x = dict.fromkeys(above, 0.0)
    for sweep in range(2 * SWEEPS):
        down, sort = sweep % 2 == 0, sweep < SWEEPS
        near = alike if not sort else above if down else below
        for row in rows if down else rows[::-1]:
            wanted = {
                item: sum(x[other] for other in near[item]) / len(near[item])
                if near[item]
                else x[item]
                for item in row
            }
            if sort:
                row.sort(key=wanted.__getitem__)
            x.update(_spread(row, wanted, widths, lane))
    return x


def _spread(
    row: Sequence[Item],
    wanted: Mapping[Item, float],
    widths: Mapping[Item, float],
    lane: float,
) -> dict[Item, float]:
    """Return the x nearest to `wanted`, by weighted squares, in order and without overlap.

    Less the room that the items before take, the x need only not fall: an isotonic regression,
    solved by pooling neighbours that are in the wrong order.
    """
    taken = [0.0]
    for item, following in itertools.pairwise(row):
        room = (widths.get(item, 0.0) + widths.get(following, 0.0)) / 2
        taken.append(taken[-1] + room + lane)
    pools: list[tuple[float, float, int]] = []  # mean, weight, members
    for item, room in zip(row, taken, strict=True):
        mean, weight, members = wanted[item] - room, NODE_WEIGHT if item in widths else 1.0, 1
        while pools and pools[-1][0] > mean:
            other, other_weight, other_members = pools.pop()
            mean = (mean * weight + other * other_weight) / (weight + other_weight)
            weight, members = weight + other_weight, members + other_members
        pools.append((mean, weight, members))
    means = [mean for mean, _, members in pools for _ in range(members)]
    return {item: mean + room for item, mean, room in zip(row, means, taken, strict=True)}


def _trace(stops: Sequence[tuple[float, float, float]]) -> str:
    """Return a path through stops (x, first y, last y): straight in them, bent between them."""
    path = f"M{number(stops[0][0])} {number(stops[0][1])}"
    for (x, _, y), (next_x, next_y, _) in itertools.pairwise(stops):
        middle = number((y + next_y) / 2)
        path += f"V{number(y)}C{number(x)} {middle} {number(next_x)} {middle}"
        path += f" {number(next_x)} {number(next_y)}"
    return path
