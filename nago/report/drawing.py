"""A drawing of an architecture at its three levels, as SVG written directly.

On top the graph of the cells, left to right in node order, in a band per stage. Below each cell
what it contains, from top to bottom: its middle nodes, and in each of them its operations. Their
graphs are laid out in layers, by the longest path from their input. A line that passes a layer
has a lane of its own there, so no line runs through a box; the lines from one node share their
lane, because they carry the same feature map.
"""

import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from nago.generators.architecture import (
    Architecture,
    Cell,
    HasInputs,
    MiddleNode,
    Operation,
    output_nodes,
)
from nago.records import write_text

# Lengths are in pixels; what a large network's cells contain is drawn smaller by `_find_scale`.
OPERATION_WIDTH = 32.0
OPERATION_HEIGHT = 17.0
ROW_GAP = 18.0
LANE_GAP = 8.0
NODE_PADDING = 9.0
CELL_PADDING = 12.0
CELL_GAP = 20.0
BAND_PADDING = 16.0
BAND_GAP = 8.0
NARROWEST_BAND = 216.0
NARROWEST_PAGE = 740.0
WIDEST_CONTENT = 2000.0
MARGIN = 20.0
BANDS_TOP = 58.0
STAGE_LINE = 26.0
KNOB_RADIUS = 11.0
WEDGE_HEIGHT = 24.0
TERMINAL_WIDTH = 58.0
TERMINAL_HEIGHT = 30.0
LEGEND_LINE = 22.0
LETTER_WIDTH = 6.2

SWEEPS = 6
NODE_WEIGHT = 10.0
"""How much more a box resists being moved aside than a passing line does."""

OPERATION_COLOURS = {
    "conv3x3": "#0072b2",
    "conv5x5": "#08306b",
    "conv1x1": "#7cc4ee",
    "conv3x1": "#00795a",
    "conv1x3": "#7a5195",
    "avgpool3x3": "#f0ad1e",
    "avgpool5x5": "#c8500a",
}
OTHER_COLOUR = "#5f6670"
TIMES = "\N{MULTIPLICATION SIGN}"
WORDS = {
    r"^conv(?=\d)": "convolution ",
    "^avgpool": "average pooling ",
    "^concat$": "concatenation",
    r"(?<=\d)x(?=\d)": TIMES,
}
DARK_LETTERS = {"conv1x1", "avgpool3x3"}
MERGE_LETTERS = {"attention": "A", "concat": "C"}
NOTES = [
    "Cells run from left to right, what they contain from top to bottom. A line that forks"
    " carries one output to several nodes.",
    "Pale and dashed lines come from the input of a graph or go to its output, which is the"
    " mean over the nodes that no other node takes.",
]
STAGE_COLOURS = ["#3b6ea5", "#3f8a5c", "#b0702c", "#7a5b9a"]

SHEET = """
text{font-family:Helvetica,Arial,'DejaVu Sans',sans-serif;font-size:11px;fill:#333}
.centre{text-anchor:middle}
.title{font-size:17px;font-weight:bold}
.pale{fill:#666}
.stage{font-size:12px;font-weight:bold;text-anchor:middle}
.band{fill-opacity:.08}
.wedge{fill-opacity:.15}
.frame{fill:#fff;stroke-width:1.5}
.inner{fill:#f3f4f6;stroke:#b4bac3;stroke-width:1}
.edge,.feed{fill:none}
.feed{stroke:#b9bdc5;stroke-width:1}
.bottom{stroke:#7d838d;stroke-width:1.1;marker-end:url(#small)}
.middle{stroke:#444;stroke-width:1.3;marker-end:url(#small)}
.top{stroke:#333;stroke-width:1.5;marker-end:url(#large)}
.outer{stroke:#888;stroke-width:1.3;stroke-dasharray:4 3;marker-end:url(#large)}
.knob,.terminal{fill:#fff;stroke:#333;stroke-width:1.5}
.number{font-size:12px;font-weight:bold;text-anchor:middle}
.label{font-size:10px;fill:#fff;text-anchor:middle}
.dark{fill:#1a1a1a}
.badge{fill:#fff;stroke:#b00068;stroke-width:1.2}
.letter{font-size:7.5px;font-weight:bold;fill:#b00068;text-anchor:middle}
"""

INPUT = -1
"""The place of a graph's input in a layout; its output has the place after the last node."""

Size = tuple[float, float]
Edge = tuple[int, int]
Item = tuple[int, int]
"""What stands in a row of a layout: (node, row), in the node's own row or one its line passes."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the boxes of one graph stand, by their upper left corners, and the paths between."""

    size: Size
    corners: tuple[Size, ...]
    routes: Mapping[Edge, str]


@dataclass(frozen=True, slots=True)
class Bands:
    """Where the stages and the cells stand from left to right.

    `stages` are (stage, left, right), `centres` the middles of the stem, the cells and the head.
    """

    stages: tuple[tuple[int, float, float], ...]
    centres: tuple[float, ...]
    width: float


def draw_architecture(architecture: Architecture, path: Path, title: str = "") -> None:
    """Draw the cells, their nodes and their operations as one SVG file.

    Each cell, node and operation is one group of class `cell`, `node` or `operation`, with an id
    such as `c0-n1-o2`; each edge is one path of class `edge`, with an id such as `c0-n1-o0-o2`.
    Paths of class `feed` come from the input of a graph or go to its output.

    Args:
        architecture: of any size; operations of other kinds than HNAG's are drawn grey.
        path: the SVG file, written whole or not at all.
        title: the first line; "architecture" and the hash if empty.
    """
    cells = [draw_cell(cell, place) for place, cell in enumerate(architecture.cells)]
    scale = _find_scale([size[0] for _, size in cells])
    sizes = [(size[0] * scale, size[1] * scale) for _, size in cells]
    bands = _place_bands(architecture.cells, [size[0] for size in sizes])
    width = max(NARROWEST_PAGE, bands.width)
    knobs_y = BANDS_TOP + STAGE_LINE + _highest_arc(architecture.cells) + KNOB_RADIUS + 6
    cells_y = knobs_y + KNOB_RADIUS + WEDGE_HEIGHT
    bottom = cells_y + max(size[1] for size in sizes) + BAND_PADDING
    legend, legend_height = _draw_legend(architecture, width - 2 * MARGIN)

    page = _make_page(width, bottom + LEGEND_LINE + legend_height + MARGIN, scale)
    _draw_title(page, architecture, title)
    content = _add(page, "g", transform=_shift((width - bands.width) / 2, 0))
    _draw_bands(content, architecture, bands, bottom)
    for place, ((group, _), size) in enumerate(zip(cells, sizes, strict=True)):
        x = bands.centres[place + 1]
        _draw_wedge(content, architecture.cells[place].stage, (x, knobs_y), (size[0], cells_y))
        shift = _shift(x - size[0] / 2, cells_y)
        group.set("transform", f"{shift} scale({_number(scale, 4)})")
        content.append(group)
    _draw_top_graph(content, architecture, bands.centres, knobs_y)
    legend.set("transform", _shift(MARGIN, bottom + LEGEND_LINE))
    page.append(legend)
    text = ET.tostring(page, encoding="unicode")
    write_text(path, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n')


# The layout of one graph.


def lay_out(nodes: Sequence[HasInputs], sizes: Sequence[Size]) -> Layout:
    """Return a layout of one graph in which nothing overlaps and no line crosses a box.

    Args:
        nodes: at least one, each after its inputs.
        sizes: the width and the height of the box of each node.
    """
    layer, edges = _find_layers(nodes)
    rows, links = _fill_rows(layer, edges)
    boxes = {(node, layer[node]): size for node, size in enumerate(sizes)}
    centres = _place_across(rows, links, {item: size[0] for item, size in boxes.items()})
    half = {item: boxes.get(item, (0.0, 0.0))[0] / 2 for item in centres}
    left = min(x - half[item] for item, x in centres.items())
    width = max(x + half[item] for item, x in centres.items()) - left
    centres = {item: x - left for item, x in centres.items()}
    # Input and output stand in the middle, where the lines outside of the frame end.
    centres[(INPUT, 0)] = centres[(len(nodes), layer[len(nodes)])] = width / 2
    heights = [max(boxes.get(item, (0.0, 0.0))[1] for item in row) for row in rows]
    tops = [0.0, *itertools.accumulate(height + ROW_GAP for height in heights[:-1])]

    routes = {}
    for source, target in edges:
        first, last = layer[source], layer[target]
        start = tops[first] + boxes.get((source, first), (0.0, 0.0))[1]
        stops = [(centres[(source, first)], start, tops[first] + heights[first])]
        for row in range(first + 1, last):
            stops.append((centres[(source, row)], tops[row], tops[row] + heights[row]))
        stops.append((centres[(target, last)], tops[last], tops[last]))
        routes[(source, target)] = _trace(stops)
    corners = tuple((centres[item] - half[item], tops[item[1]]) for item in boxes)
    return Layout((width, tops[-1]), corners, routes)


def _find_layers(nodes: Sequence[HasInputs]) -> tuple[dict[int, int], list[Edge]]:
    """Return the longest path from the input to each node, and the edges, feeds included."""
    layer = {INPUT: 0}
    edges = []
    for place, node in enumerate(nodes):
        sources = node.inputs or (INPUT,)
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
    rows: Sequence[list[Item]], links: Sequence[tuple[Item, Item]], widths: Mapping[Item, float]
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
            x.update(_spread(row, wanted, widths))
    return x


def _spread(
    row: Sequence[Item], wanted: Mapping[Item, float], widths: Mapping[Item, float]
) -> dict[Item, float]:
    """Return the x nearest to `wanted`, by weighted squares, in order and without overlap.

    Less the room that the items before take, the x need only not fall: an isotonic regression,
    solved by pooling neighbours that are in the wrong order.
    """
    taken = [0.0]
    for item, following in itertools.pairwise(row):
        room = (widths.get(item, 0.0) + widths.get(following, 0.0)) / 2
        taken.append(taken[-1] + room + LANE_GAP)
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
    path = f"M{_number(stops[0][0])} {_number(stops[0][1])}"
    for (x, _, y), (next_x, next_y, _) in itertools.pairwise(stops):
        middle = _number((y + next_y) / 2)
        path += f"V{_number(y)}C{_number(x)} {middle} {_number(next_x)} {middle}"
        path += f" {_number(next_x)} {_number(next_y)}"
    return path


# The three levels, from the inside out.


def draw_cell(cell: Cell, place: int) -> tuple[ET.Element, Size]:
    """Return the group of a cell with all that it contains, and the size of its frame."""
    name = f"c{place}"
    inside = [draw_node(node, f"{name}-n{k}") for k, node in enumerate(cell.nodes)]
    frame = ET.Element("rect", {"class": "frame", "stroke": _stage_colour(cell.stage)})
    return _draw_graph(cell.nodes, inside, frame, {"class": "cell", "id": name})


def draw_node(node: MiddleNode, name: str) -> tuple[ET.Element, Size]:
    """Return the group of a middle node with its operations, and the size of its frame."""
    inside = [
        (draw_operation(operation, f"{name}-o{k}"), (OPERATION_WIDTH, OPERATION_HEIGHT))
        for k, operation in enumerate(node.operations)
    ]
    frame = ET.Element("rect", {"class": "inner"})
    group, size = _draw_graph(node.operations, inside, frame, {"class": "node", "id": name})
    _draw_badge(group, node.merge, 2, 2)
    return group, size


def draw_operation(operation: Operation, name: str) -> ET.Element:
    """Return the group of an operation: colour, shape and size of its kernel say its kind."""
    group = ET.Element("g", {"class": "operation", "id": name})
    kind = operation.operation
    merge = f", merges by {operation.merge}" if operation.merge else ""
    _add(group, "title", "", f"{name}: {kind}{merge}")
    _draw_kind(group, kind)
    _draw_badge(group, operation.merge, 1, 1)
    return group


def _draw_graph(
    nodes: Sequence[HasInputs],
    inside: Sequence[tuple[ET.Element, Size]],
    frame: ET.Element,
    names: dict[str, str],
) -> tuple[ET.Element, Size]:
    """Return a frame with the lines of a graph and, above them, its nodes; and its size."""
    level, letter = ("middle", "n") if names["class"] == "cell" else ("bottom", "o")
    padding = CELL_PADDING if level == "middle" else NODE_PADDING
    layout = lay_out(nodes, [size for _, size in inside])
    size = layout.size[0] + 2 * padding, layout.size[1]
    group = ET.Element("g", names)
    frame.attrib.update(width=_number(size[0]), height=_number(size[1]), rx="6")
    group.append(frame)
    shifted = _add(group, "g", transform=_shift(padding, 0))
    for (source, target), path in layout.routes.items():
        if source == INPUT or target == len(nodes):
            _add(shifted, "path", "feed", d=path)
        else:
            edge = f"{names['id']}-{letter}{source}-{letter}{target}"
            _add(shifted, "path", f"edge {level}", id=edge, d=path)
    for (node, _), corner in zip(inside, layout.corners, strict=True):
        node.set("transform", _shift(*corner))
        shifted.append(node)
    return group, size


def _draw_kind(parent: ET.Element, kind: str) -> None:
    """Draw the box of an operation: poolings are round, convolutions square."""
    radius = OPERATION_HEIGHT / 2 if "pool" in kind else 2.5
    colour = OPERATION_COLOURS.get(kind, OTHER_COLOUR)
    size = {"width": OPERATION_WIDTH, "height": OPERATION_HEIGHT}
    _add(parent, "rect", rx=radius, fill=colour, **size)
    kernel = re.search(r"(\d+)x(\d+)$", kind)
    text = f"{kernel[1]}{TIMES}{kernel[2]}" if kernel else kind[:4]
    style = "label dark" if kind in DARK_LETTERS else "label"
    _add(parent, "text", style, text, x=OPERATION_WIDTH / 2, y=OPERATION_HEIGHT / 2 + 3.5)


def _draw_badge(parent: ET.Element, merge: str | None, x: float, y: float) -> None:
    """Draw the mark of a merge that is not the sum, or nothing."""
    if merge in (None, "sum"):
        return
    badge = _add(parent, "g", "merge", transform=_shift(x, y))
    _add(badge, "circle", "badge", r=5)
    _add(badge, "text", "letter", MERGE_LETTERS.get(str(merge), "?"), y=2.7)


# The top level.


def _find_scale(widths: Sequence[float]) -> float:
    """Return how much smaller the cells are drawn, so that title and top level stay readable."""
    return min(1.0, max(0.25, WIDEST_CONTENT / sum(widths)))


def _place_bands(cells: Sequence[Cell], widths: Sequence[float]) -> Bands:
    stages = []
    centres = [MARGIN + TERMINAL_WIDTH / 2]
    left = MARGIN + TERMINAL_WIDTH + BAND_GAP
    for stage, members in itertools.groupby(range(len(cells)), lambda place: cells[place].stage):
        places = list(members)
        needed = sum(widths[place] for place in places) + CELL_GAP * (len(places) - 1)
        band = max(NARROWEST_BAND, needed + 2 * BAND_PADDING)
        gap = (band - needed + CELL_GAP * (len(places) - 1)) / (len(places) + 1)
        x = left
        for place in places:
            centres.append(x + gap + widths[place] / 2)
            x += gap + widths[place]
        stages.append((stage, left, left + band))
        left += band + BAND_GAP
    centres.append(left + TERMINAL_WIDTH / 2)
    return Bands(tuple(stages), tuple(centres), left + TERMINAL_WIDTH + MARGIN)


def _draw_bands(
    parent: ET.Element, architecture: Architecture, bands: Bands, bottom: float
) -> None:
    for stage, left, right in bands.stages:
        pixels, channels = architecture.resolutions[stage], architecture.widths[stage]
        text = f"stage {stage}: {pixels}{TIMES}{pixels}, {_count(channels, 'channel')}"
        size = {"width": right - left, "height": bottom - BANDS_TOP}
        fill = _stage_colour(stage)
        _add(parent, "rect", "band", x=left, y=BANDS_TOP, rx=8, fill=fill, **size)
        _add(parent, "text", "stage", text, x=(left + right) / 2, y=BANDS_TOP + 18)


def _draw_wedge(parent: ET.Element, stage: int, knob: Size, cell: Size) -> None:
    """Draw what leads from the knob of a cell to its content, as a magnifying glass would."""
    (x, y), (width, top) = knob, cell
    corners = (x - KNOB_RADIUS, y), (x + KNOB_RADIUS, y), (x + width / 2, top + 6)
    points = " ".join(
        f"{_number(a)},{_number(b)}" for a, b in (*corners, (x - width / 2, top + 6))
    )
    _add(parent, "polygon", "wedge", points=points, fill=_stage_colour(stage))


def _top_edges(cells: Sequence[Cell]) -> list[Edge]:
    """Return all edges of the top level, as places among stem (0), cells (from 1) and head."""
    edges = _find_layers(cells)[1]
    return [(source + 1, target + 1) for source, target in edges]


def _highest_arc(cells: Sequence[Cell]) -> float:
    return max(_arc_height(target - source) for source, target in _top_edges(cells))


def _arc_height(span: int) -> float:
    return 0.0 if span == 1 else 8.0 + 13.0 * (span - 1)


def _draw_top_graph(
    parent: ET.Element, architecture: Architecture, centres: Sequence[float], y: float
) -> None:
    last = len(centres) - 1
    for source, target in _top_edges(architecture.cells):
        path = _arc(centres, source, target, y)
        if source == 0 or target == last:
            _add(parent, "path", "feed outer", d=path)
        else:
            _add(parent, "path", "edge top", id=f"c{source - 1}-c{target - 1}", d=path)
    for place, cell in enumerate(architecture.cells):
        x = centres[place + 1]
        _add(parent, "circle", "knob", cx=x, cy=y, r=KNOB_RADIUS)
        _add(parent, "text", "number", str(place), x=x, y=y + 4.2)
        _draw_badge(parent, cell.merge, x - KNOB_RADIUS, y + KNOB_RADIUS - 1)
    pixels, channels = architecture.image_size, architecture.image_channels
    image = f"{pixels}{TIMES}{pixels}{TIMES}{channels}"
    classes = _count(architecture.classes, "class")
    for x, text, note in ((centres[0], "stem", image), (centres[-1], "head", classes)):
        corner = {"x": x - TERMINAL_WIDTH / 2, "y": y - TERMINAL_HEIGHT / 2}
        size = {"width": TERMINAL_WIDTH, "height": TERMINAL_HEIGHT}
        _add(parent, "rect", "terminal", rx=5, **corner, **size)
        _add(parent, "text", "number", text, x=x, y=y + 4.2)
        _add(parent, "text", "centre pale", note, x=x, y=y + TERMINAL_HEIGHT / 2 + 15)


def _arc(centres: Sequence[float], source: int, target: int, y: float) -> str:
    """Return a line to the next node, or an arc above the nodes between."""
    radii = [
        TERMINAL_WIDTH / 2 if place in (0, len(centres) - 1) else KNOB_RADIUS
        for place in (source, target)
    ]
    if target == source + 1:
        start, end = centres[source] + radii[0], centres[target] - radii[1]
        return f"M{_number(start)} {_number(y)}H{_number(end - 2)}"
    height = _arc_height(target - source) / 0.75  # a cubic reaches 3/4 of its handles' height
    start, end = centres[source] + 5, centres[target] - 5
    handle = (end - start) * 0.18
    ground = [
        y - (TERMINAL_HEIGHT / 2 if place in (0, len(centres) - 1) else KNOB_RADIUS - 1)
        for place in (source, target)
    ]
    return (
        f"M{_number(start)} {_number(ground[0])}C{_number(start + handle)}"
        f" {_number(ground[0] - height)} {_number(end - handle)} {_number(ground[1] - height)}"
        f" {_number(end)} {_number(ground[1] - 2)}"
    )


# Page, title and legend.


def _make_page(width: float, height: float, scale: float) -> ET.Element:
    """Return an empty page, so large that the labels of operations can be read."""
    magnification = min(1.5, max(1.0, 1000 / width)) / scale
    page = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg"})
    page.set("viewBox", f"0 0 {_number(width)} {_number(height)}")
    page.set("width", _number(width * magnification))
    page.set("height", _number(height * magnification))
    _add(page, "style", "", SHEET)
    definitions = _add(page, "defs")
    for name, size, colour in (("small", 5, "#555"), ("large", 7, "#333")):
        box = {"viewBox": "0 0 6 6", "refX": "5.5", "refY": "3", "orient": "auto"}
        sides = {"markerWidth": size, "markerHeight": size}
        marker = _add(definitions, "marker", id=name, **box, **sides)
        marker.set("markerUnits", "userSpaceOnUse")
        _add(marker, "path", d="M0 0L6 3L0 6Z", fill=colour)
    _add(page, "rect", width=width, height=height, fill="#fff")
    return page


def _draw_title(page: ET.Element, architecture: Architecture, title: str) -> None:
    pixels, channels = architecture.image_size, architecture.image_channels
    facts = [
        architecture.generator,
        f"{_count(architecture.nodes, 'operation')} in {_count(len(architecture.cells), 'cell')}",
        f"{pixels}{TIMES}{pixels} pixels, {_count(channels, 'channel')}",
        _count(architecture.classes, "class"),
        architecture.hash,
    ]
    _add(page, "text", "title", title or f"architecture {facts[-1]}", x=MARGIN, y=28)
    _add(page, "text", "pale", " · ".join(facts), x=MARGIN, y=46)


def _draw_legend(architecture: Architecture, width: float) -> tuple[ET.Element, float]:
    """Return the legend of what the drawing contains, in lines of `width`, and its height."""
    nodes = [node for cell in architecture.cells for node in cell.nodes]
    operations = [operation for node in nodes for operation in node.operations]
    kinds = Counter(operation.operation for operation in operations)
    known = [*OPERATION_COLOURS, *sorted(set(kinds) - set(OPERATION_COLOURS))]
    items = [(kind, f"{_spell(kind)} ({kinds[kind]})") for kind in known if kinds[kind]]
    members: list[Cell | MiddleNode | Operation] = [*architecture.cells, *nodes, *operations]
    merges = Counter(member.merge for member in members if member.merge)
    items += [
        (
            merge,
            f"{'no mark: ' if merge == 'sum' else ''}merged by {_spell(merge)} ({merges[merge]})",
        )
        for merge in sorted(merges)
    ]
    legend = ET.Element("g", {"class": "legend"})
    x = y = 0.0
    for name, text in items:
        badge = name in merges
        start = 0.0 if name == "sum" else 16.0 if badge else OPERATION_WIDTH + 7
        needed = start + LETTER_WIDTH * len(text) + 16
        if x and x + needed > width:
            x, y = 0.0, y + LEGEND_LINE
        group = _add(legend, "g", transform=_shift(x, y))
        if badge:
            _draw_badge(group, name, 6, OPERATION_HEIGHT / 2)
        else:
            _draw_kind(group, name)
        _add(group, "text", "", text, x=start, y=OPERATION_HEIGHT / 2 + 4)
        x += needed
    for note in NOTES:
        y += LEGEND_LINE
        _add(legend, "text", "pale", note, x=0, y=y + 13)
    return legend, y + 14


def _spell(kind: str) -> str:
    """Return a name in words: `avgpool3x3` is average pooling, 3 by 3."""
    for short, words in WORDS.items():
        kind = re.sub(short, words, kind)
    return kind


def _stage_colour(stage: int) -> str:
    return STAGE_COLOURS[stage % len(STAGE_COLOURS)]


def _count(number: int, noun: str) -> str:
    plural = "es" if noun.endswith("s") else "s"
    return f"{number} {noun}{'' if number == 1 else plural}"


def _shift(x: float, y: float) -> str:
    return f"translate({_number(x)} {_number(y)})"


def _number(value: float, digits: int = 1) -> str:
    """Return a number without more digits than a drawing needs."""
    return f"{value:.{digits}f}".rstrip("0").rstrip(".")


def _add(
    parent: ET.Element, tag: str, style: str = "", text: str = "", /, **attributes: float | str
) -> ET.Element:
    """Return a new last child of `parent`, of class `style`."""
    element = ET.SubElement(parent, tag, {"class": style} if style else {})
    for name, value in attributes.items():
        element.set(name, value if isinstance(value, str) else _number(value))
    if text:
        element.text = text
    return element
