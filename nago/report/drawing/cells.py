"""What a cell contains: its middle nodes and their operations, drawn from the inside out.

Where a cell takes its inputs apart, as DARTS has it, its two inputs stand above its nodes and the
concatenation of all nodes below them; the operations of a node stand side by side.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from nago.generators.architecture import Architecture, Cell, HasInputs, MiddleNode, Operation
from nago.generators.darts import FIRST, REDUCTIONS, STEM
from nago.report.drawing.kinds import Detail, draw_badge, draw_kind, draw_stride, stage_colour
from nago.report.drawing.layout import INPUT, Layout, lay_out
from nago.report.drawing.svg import Size, add, number, shift

JOINT = "out"
"""What the place of a concatenation is called in ids."""

BAR = 3.0
"""Height of the inputs and the concatenation where nothing is written in them, in pixels."""

Drawn = tuple[ET.Element, Size]
"""A group and its size."""


@dataclass(frozen=True, slots=True)
class Member:
    """A node of a layout that is no node of the architecture, or stands at another place."""

    inputs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Pen:
    """How an architecture is drawn.

    Attributes:
        detail: how much is shown.
        strided: ids of the operations and the inputs of cells that get the mark of a stride.
        prefix: of all ids in the file, so that several architectures can share a page.
    """

    detail: Detail
    strided: frozenset[str] = frozenset()
    prefix: str = ""


def takes_apart(cell: Cell) -> bool:
    """Return whether a cell has several inputs and doesn't merge them."""
    return len(cell.inputs) > 1 and cell.merge is None


def find_strided(architecture: Architecture) -> frozenset[str]:
    """Return the ids of the operations, and the inputs of cells, that have a stride of 2."""
    strided = set()
    for c, cell in enumerate(architecture.cells):
        if takes_apart(cell):
            stages = [
                0 if source == STEM else architecture.cells[source].stage for source in cell.inputs
            ]
            strided |= {f"c{c}-i{k}" for k, stage in enumerate(stages) if stage < stages[-1]}
        for n, node in enumerate(cell.nodes):
            for o, operation in enumerate(node.operations):
                if architecture.generator == "rnag":
                    halves = not operation.inputs
                else:
                    halves = takes_apart(cell) and c in REDUCTIONS and node.inputs[o] < 0
                if halves:
                    strided.add(f"c{c}-n{n}-o{o}")
    return frozenset(strided)


def draw_cell(cell: Cell, place: int, pen: Pen) -> Drawn:
    """Return the group of a cell with all that it contains, and the size of its frame."""
    if takes_apart(cell):
        return _draw_apart(cell, place, pen)
    own = f"c{place}"
    inside = [_draw_node(node, f"{own}-n{k}", pen) for k, node in enumerate(cell.nodes)]
    layout = _lay_out(cell.nodes, [size for _, size in inside], pen.detail)
    names = [f"n{k}" for k in range(len(inside))]
    group = _start_cell(cell, f"{pen.prefix}{own}")
    return _fill(group, layout, [drawn for drawn, _ in inside], names, pen.detail.cell_padding)


def _start_cell(cell: Cell, name: str) -> ET.Element:
    group = ET.Element("g", {"class": "cell", "id": name})
    add(group, "rect", "frame", stroke=stage_colour(cell.stage))
    return group


def _draw_apart(cell: Cell, place: int, pen: Pen) -> Drawn:
    """Return a cell with its inputs, its nodes of two operations, and their concatenation."""
    own, detail, inputs = f"c{place}", pen.detail, len(cell.inputs)
    sizes = _Sizes.choose(len(cell.nodes), detail)
    layout = _lay_out_apart(cell, sizes, detail)
    drawn = []
    for k, source in enumerate(cell.inputs):
        text = "stem" if source == STEM else f"cell {source}"
        box = _draw_box("input", f"{pen.prefix}{own}-i{k}", sizes.input, text, detail)
        if detail.labels and f"{own}-i{k}" in pen.strided:
            draw_stride(box, sizes.input[0] - 1, 1)
        drawn.append(box)
    for k, node in enumerate(cell.nodes):
        ends = [layout.arrivals[source - FIRST, k + inputs] for source in node.inputs]
        drawn.append(_draw_pair(node, f"{own}-n{k}", sizes.node, ends, pen))
    joint = f"{pen.prefix}{own}-{JOINT}"
    drawn.append(_draw_box("joint", joint, sizes.joint, "concatenation", detail))
    names = [f"i{k}" for k in range(inputs)] + [f"n{k}" for k in range(len(cell.nodes))]
    group = _start_cell(cell, f"{pen.prefix}{own}")
    return _fill(group, layout, drawn, [*names, JOINT], detail.cell_padding)


@dataclass(frozen=True, slots=True)
class _Sizes:
    """Of what stands in a cell that takes its inputs apart."""

    input: Size
    node: Size
    joint: Size

    @classmethod
    def choose(cls, nodes: int, detail: Detail) -> "_Sizes":
        width, height = detail.operation
        below = 28.0 if detail.labels else 7.0
        across = 2 * width + detail.lane_gap + 2 * detail.node_padding
        return cls(
            input=(52.0, height) if detail.labels else (width, BAR),
            node=(across, detail.node_padding + height + below),
            joint=((width + detail.lane_gap) * nodes, height)
            if detail.labels
            else (3 * width, BAR),
        )


def _lay_out_apart(cell: Cell, sizes: _Sizes, detail: Detail) -> Layout:
    """Return the layout of the inputs of a cell, its nodes, and the concatenation."""
    inputs, nodes = len(cell.inputs), len(cell.nodes)
    last = inputs + nodes
    # The first place of an input is FIRST, so that of the first node is 0.
    taken = [tuple(source - FIRST for source in node.inputs) for node in cell.nodes]
    members = [Member(sources) for sources in (*[()] * inputs, *taken, (*range(inputs, last),))]
    across = (detail.operation[0] + detail.lane_gap) / 2
    slot = sizes.joint[0] / nodes
    entries: dict[int, Sequence[float]] = dict.fromkeys(range(inputs, last), (-across, across))
    entries[last] = [slot * (k + 0.5) - sizes.joint[0] / 2 for k in range(nodes)]
    boxes = [*[sizes.input] * inputs, *[sizes.node] * nodes, sizes.joint]
    return _lay_out(members, boxes, detail, entries)


def _draw_box(style: str, name: str, size: Size, text: str, detail: Detail) -> ET.Element:
    """Return the group of what is no node: an input of a cell, or a concatenation."""
    group = ET.Element("g", {"class": style, "id": name})
    style = "ending" if detail.labels else "bar"
    add(group, "rect", style, width=size[0], height=size[1], rx=size[1] / 6)
    if detail.labels:
        add(group, "text", "centre", text, x=size[0] / 2, y=size[1] / 2 + 3.8)
    return group


def _draw_pair(
    node: MiddleNode, name: str, size: Size, ends: Sequence[float], pen: Pen
) -> ET.Element:
    """Return the group of a node that adds: its operations side by side, below their inputs.

    `ends` are where the lines of the inputs arrive, from the middle of the node.
    """
    group = ET.Element("g", {"class": "node", "id": f"{pen.prefix}{name}"})
    add(group, "rect", "inner", width=size[0], height=size[1], rx=6)
    (width, height), top = pen.detail.operation, pen.detail.node_padding
    middle, below = size[0] / 2, top + height
    for end in ends:
        x, bend = middle + end, number((below + size[1]) / 2 - 1)
        add(group, "path", "feed", d=f"M{number(x)} 0V{number(top)}")
        curve = f"C{number(x)} {bend} {number(middle)} {bend} {number(middle)} {number(size[1])}"
        add(group, "path", "feed", d=f"M{number(x)} {number(below)}{curve}")
    for k, (operation, end) in enumerate(zip(node.operations, ends, strict=True)):
        box = _draw_operation(operation, f"{name}-o{k}", pen)
        box.set("transform", shift(middle + end - width / 2, top))
        group.append(box)
    if pen.detail.labels:
        draw_badge(group, node.merge, middle, size[1] - 9)
    return group


def _draw_node(node: MiddleNode, name: str, pen: Pen) -> Drawn:
    """Return the group of a middle node with its operations, and the size of its frame."""
    inside = [
        _draw_operation(operation, f"{name}-o{k}", pen)
        for k, operation in enumerate(node.operations)
    ]
    layout = _lay_out(node.operations, [pen.detail.operation] * len(inside), pen.detail)
    group = ET.Element("g", {"class": "node", "id": f"{pen.prefix}{name}"})
    add(group, "rect", "inner")
    names = [f"o{k}" for k in range(len(inside))]
    drawn = _fill(group, layout, inside, names, pen.detail.node_padding)
    if pen.detail.labels:
        draw_badge(group, node.merge, 2, 2)
    return drawn


def _draw_operation(operation: Operation, name: str, pen: Pen) -> ET.Element:
    """Return the group of an operation; pointing at it shows its name and kind."""
    group = ET.Element("g", {"class": "operation", "id": f"{pen.prefix}{name}"})
    kind = operation.operation
    merge = f", merges by {operation.merge}" if operation.merge else ""
    stride = ", stride 2" if name in pen.strided else ""
    add(group, "title", "", f"{name}: {kind}{merge}{stride}")
    draw_kind(group, kind, pen.detail)
    if pen.detail.labels:
        draw_badge(group, operation.merge, 1, 1)
        if stride:
            draw_stride(group, pen.detail.operation[0] - 1, 1)
    return group


def _lay_out(
    nodes: Sequence[HasInputs],
    sizes: Sequence[Size],
    detail: Detail,
    entries: dict[int, Sequence[float]] | None = None,
) -> Layout:
    return lay_out(nodes, sizes, entries or {}, row=detail.row_gap, lane=detail.lane_gap)


def _fill(
    group: ET.Element,
    layout: Layout,
    inside: Sequence[ET.Element],
    names: Sequence[str],
    padding: float,
) -> Drawn:
    """Put the lines of a graph and, above them, its nodes into a group that has a frame."""
    size = layout.size[0] + 2 * padding, layout.size[1]
    group[0].attrib.update(width=number(size[0]), height=number(size[1]), rx="6")
    level = "middle" if group.get("class") == "cell" else "bottom"
    shifted = add(group, "g", transform=shift(padding, 0))
    edges = {}
    for (source, target), path in layout.routes.items():
        if source == INPUT or target == len(names) or names[target] == JOINT:
            add(shifted, "path", "feed", d=path)
        else:
            edges[f"{group.get('id')}-{names[source]}-{names[target]}"] = path
    # Where lines of one node share a lane, the darker ones are seen.
    for name, path in edges.items():
        add(shifted, "path", f"edge {level}", id=name, d=path)
    for node, corner in zip(inside, layout.corners, strict=True):
        node.set("transform", shift(*corner))
        shifted.append(node)
    return group, size
