"""What a cell contains: its middle nodes and their operations, drawn from the inside out."""

import re
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from nago.generators.architecture import Cell, HasInputs, MiddleNode, Operation
from nago.report.layout import INPUT, lay_out
from nago.report.svg import TIMES, Size, add, number, shift

OPERATION_WIDTH = 32.0
OPERATION_HEIGHT = 17.0
NODE_PADDING = 9.0
CELL_PADDING = 12.0

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
DARK_LETTERS = {"conv1x1", "avgpool3x3"}
MERGE_LETTERS = {"attention": "A", "concat": "C"}
STAGE_COLOURS = ["#3b6ea5", "#3f8a5c", "#b0702c", "#7a5b9a"]


def draw_cell(cell: Cell, place: int) -> tuple[ET.Element, Size]:
    """Return the group of a cell with all that it contains, and the size of its frame."""
    name = f"c{place}"
    inside = [draw_node(node, f"{name}-n{k}") for k, node in enumerate(cell.nodes)]
    frame = ET.Element("rect", {"class": "frame", "stroke": stage_colour(cell.stage)})
    return _draw_graph(cell.nodes, inside, frame, {"class": "cell", "id": name})


def draw_node(node: MiddleNode, name: str) -> tuple[ET.Element, Size]:
    """Return the group of a middle node with its operations, and the size of its frame."""
    inside = [
        (draw_operation(operation, f"{name}-o{k}"), (OPERATION_WIDTH, OPERATION_HEIGHT))
        for k, operation in enumerate(node.operations)
    ]
    frame = ET.Element("rect", {"class": "inner"})
    group, size = _draw_graph(node.operations, inside, frame, {"class": "node", "id": name})
    draw_badge(group, node.merge, 2, 2)
    return group, size


def draw_operation(operation: Operation, name: str) -> ET.Element:
    """Return the group of an operation: colour, shape and size of its kernel say its kind."""
    group = ET.Element("g", {"class": "operation", "id": name})
    kind = operation.operation
    merge = f", merges by {operation.merge}" if operation.merge else ""
    add(group, "title", "", f"{name}: {kind}{merge}")
    draw_kind(group, kind)
    draw_badge(group, operation.merge, 1, 1)
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
    frame.attrib.update(width=number(size[0]), height=number(size[1]), rx="6")
    group.append(frame)
    shifted = add(group, "g", transform=shift(padding, 0))
    for (source, target), path in layout.routes.items():
        if source == INPUT or target == len(nodes):
            add(shifted, "path", "feed", d=path)
        else:
            edge = f"{names['id']}-{letter}{source}-{letter}{target}"
            add(shifted, "path", f"edge {level}", id=edge, d=path)
    for (node, _), corner in zip(inside, layout.corners, strict=True):
        node.set("transform", shift(*corner))
        shifted.append(node)
    return group, size


def draw_kind(parent: ET.Element, kind: str) -> None:
    """Draw the box of an operation: poolings are round, convolutions square."""
    radius = OPERATION_HEIGHT / 2 if "pool" in kind else 2.5
    colour = OPERATION_COLOURS.get(kind, OTHER_COLOUR)
    size = {"width": OPERATION_WIDTH, "height": OPERATION_HEIGHT}
    add(parent, "rect", rx=radius, fill=colour, **size)
    kernel = re.search(r"(\d+)x(\d+)$", kind)
    text = f"{kernel[1]}{TIMES}{kernel[2]}" if kernel else kind[:4]
    style = "label dark" if kind in DARK_LETTERS else "label"
    add(parent, "text", style, text, x=OPERATION_WIDTH / 2, y=OPERATION_HEIGHT / 2 + 3.5)


def draw_badge(parent: ET.Element, merge: str | None, x: float, y: float) -> None:
    """Draw the mark of a merge that is not the sum, or nothing."""
    if merge in (None, "sum"):
        return
    badge = add(parent, "g", "merge", transform=shift(x, y))
    add(badge, "circle", "badge", r=5)
    add(badge, "text", "letter", MERGE_LETTERS.get(str(merge), "?"), y=2.7)


def stage_colour(stage: int) -> str:
    """Return the colour of a stage, counted from 0."""
    return STAGE_COLOURS[stage % len(STAGE_COLOURS)]
