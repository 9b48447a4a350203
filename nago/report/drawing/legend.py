"""The legend: the operations, merges and marks that a drawing contains, and how to read it."""

from collections import Counter
from collections.abc import Sequence
from xml.etree import ElementTree as ET

from nago.generators.architecture import Architecture, Cell, MiddleNode, Operation
from nago.report.drawing.cells import find_strided, takes_apart
from nago.report.drawing.kinds import COLOURS, FULL, draw_badge, draw_kind, draw_stride
from nago.report.drawing.svg import add, shift, spell

LINE = 22.0
LETTER_WIDTH = 6.2
ORDER = (
    "Cells run from left to right, what they contain from top to bottom. A line that forks"
    " carries one output to several nodes."
)
MEAN = (
    "Pale and dashed lines come from the input of a graph or go to its output, which is the"
    " mean over the nodes that no other node takes."
)
APART = (
    "Two operations of a node, side by side, each work on one of its inputs; the node adds their"
    " results (+).",
    "White boxes at the top of a cell say which two outputs it takes; its own output is the"
    " concatenation of all its nodes.",
    "Pale lines lead to and from these boxes and inside nodes, dashed lines come from the stem or"
    " go to the head.",
)

Item = tuple[ET.Element, float, str]
"""A sign, where its text starts, and the text."""


def draw_legend(architecture: Architecture, width: float) -> tuple[ET.Element, float]:
    """Return the legend of what a drawing contains, in lines of `width`, and its height."""
    nodes = [node for cell in architecture.cells for node in cell.nodes]
    operations = [operation for node in nodes for operation in node.operations]
    items = list_kinds([architecture], counted=True)
    members: list[Cell | MiddleNode | Operation] = [*architecture.cells, *nodes, *operations]
    merges = Counter(member.merge for member in members if member.merge)
    for merge in sorted(merges):
        sign = ET.Element("g")
        draw_badge(sign, merge, 6, FULL.operation[1] / 2)
        no_mark = "no mark: " if merge == "sum" else ""
        text = f"{no_mark}merged by {spell(merge)} ({merges[merge]})"
        items.append((sign, 0.0 if no_mark else 16.0, text))
    if strided := find_strided(architecture):
        sign = ET.Element("g")
        draw_stride(sign, 6, FULL.operation[1] / 2)
        items.append((sign, 16.0, f"stride 2, which halves the resolution ({len(strided)})"))
    apart = any(takes_apart(cell) for cell in architecture.cells)
    return fill_lines(items, [ORDER, *(APART if apart else [MEAN])], width)


def list_kinds(architectures: Sequence[Architecture], *, counted: bool) -> list[Item]:
    """Return an item of a legend for each kind of operation that architectures contain."""
    kinds = Counter(
        operation.operation
        for architecture in architectures
        for cell in architecture.cells
        for node in cell.nodes
        for operation in node.operations
    )
    items = []
    for kind in COLOURS:
        if kinds[kind]:
            sign = ET.Element("g")
            draw_kind(sign, kind)
            text = f"{spell(kind)} ({kinds[kind]})" if counted else spell(kind)
            items.append((sign, FULL.operation[0] + 7, text))
    return items


def fill_lines(
    items: Sequence[Item], notes: Sequence[str], width: float
) -> tuple[ET.Element, float]:
    """Return items in lines of `width`, with a line for each note below, and the height."""
    legend = ET.Element("g", {"class": "legend"})
    x = y = 0.0
    for sign, start, text in items:
        needed = start + LETTER_WIDTH * len(text) + 16
        if x and x + needed > width:
            x, y = 0.0, y + LINE
        sign.set("transform", shift(x, y))
        add(sign, "text", "", text, x=start, y=FULL.operation[1] / 2 + 4)
        legend.append(sign)
        x += needed
    for note in notes:
        y += LINE
        add(legend, "text", "pale", note, x=0, y=y + 13)
    return legend, y + 14
