"""A drawing of an architecture at its three levels, as SVG written directly.

On top the graph of the cells, left to right in node order, in a band per stage. Below each cell
what it contains, from top to bottom: its middle nodes, and in each of them its operations.
"""

import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from nago.generators.architecture import (
    Architecture,
    Cell,
    MiddleNode,
    Operation,
)
from nago.generators.draw import find_resolutions
from nago.records import write_text
from nago.report.cells import (
    OPERATION_COLOURS,
    OPERATION_HEIGHT,
    OPERATION_WIDTH,
    draw_badge,
    draw_cell,
    draw_kind,
    stage_colour,
)
from nago.report.layout import Edge, find_layers
from nago.report.svg import TIMES, Size, add, count, make_page, number, shift, spell

# Lengths are in pixels; what a large network's cells contain is drawn smaller by `_find_scale`.
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
NOTES = [
    "Cells run from left to right, what they contain from top to bottom. A line that forks"
    " carries one output to several nodes.",
    "Pale and dashed lines come from the input of a graph or go to its output, which is the"
    " mean over the nodes that no other node takes.",
]


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

    page = make_page(width, bottom + LEGEND_LINE + legend_height + MARGIN, scale)
    _draw_title(page, architecture, title)
    content = add(page, "g", transform=shift((width - bands.width) / 2, 0))
    _draw_bands(content, architecture, bands, bottom)
    for place, ((group, _), size) in enumerate(zip(cells, sizes, strict=True)):
        x = bands.centres[place + 1]
        _draw_wedge(content, architecture.cells[place].stage, (x, knobs_y), (size[0], cells_y))
        place_at = shift(x - size[0] / 2, cells_y)
        group.set("transform", f"{place_at} scale({number(scale, 4)})")
        content.append(group)
    _draw_top_graph(content, architecture, bands.centres, knobs_y)
    legend.set("transform", shift(MARGIN, bottom + LEGEND_LINE))
    page.append(legend)
    text = ET.tostring(page, encoding="unicode")
    write_text(path, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n')


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
    resolutions = find_resolutions(architecture)
    for stage, left, right in bands.stages:
        pixels, channels = resolutions[stage], architecture.widths[stage]
        text = f"stage {stage + 1}: {pixels}{TIMES}{pixels}, {count(channels, 'channel')}"
        size = {"width": right - left, "height": bottom - BANDS_TOP}
        fill = stage_colour(stage)
        add(parent, "rect", "band", x=left, y=BANDS_TOP, rx=8, fill=fill, **size)
        add(parent, "text", "stage", text, x=(left + right) / 2, y=BANDS_TOP + 18)


def _draw_wedge(parent: ET.Element, stage: int, knob: Size, cell: Size) -> None:
    """Draw what leads from the knob of a cell to its content, as a magnifying glass would."""
    (x, y), (width, top) = knob, cell
    corners = (x - KNOB_RADIUS, y), (x + KNOB_RADIUS, y), (x + width / 2, top + 6)
    points = " ".join(f"{number(a)},{number(b)}" for a, b in (*corners, (x - width / 2, top + 6)))
    add(parent, "polygon", "wedge", points=points, fill=stage_colour(stage))


def _top_edges(cells: Sequence[Cell]) -> list[Edge]:
    """Return all edges of the top level, as places among stem (0), cells (from 1) and head."""
    edges = find_layers(cells)[1]
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
            add(parent, "path", "feed outer", d=path)
        else:
            add(parent, "path", "edge top", id=f"c{source - 1}-c{target - 1}", d=path)
    for place, cell in enumerate(architecture.cells):
        x = centres[place + 1]
        add(parent, "circle", "knob", cx=x, cy=y, r=KNOB_RADIUS)
        add(parent, "text", "number", str(place), x=x, y=y + 4.2)
        draw_badge(parent, cell.merge, x - KNOB_RADIUS, y + KNOB_RADIUS - 1)
    pixels, channels = architecture.image_size, architecture.image_channels
    image = f"{pixels}{TIMES}{pixels}{TIMES}{channels}"
    classes = count(architecture.classes, "class")
    for x, text, note in ((centres[0], "stem", image), (centres[-1], "head", classes)):
        corner = {"x": x - TERMINAL_WIDTH / 2, "y": y - TERMINAL_HEIGHT / 2}
        size = {"width": TERMINAL_WIDTH, "height": TERMINAL_HEIGHT}
        add(parent, "rect", "terminal", rx=5, **corner, **size)
        add(parent, "text", "number", text, x=x, y=y + 4.2)
        add(parent, "text", "centre pale", note, x=x, y=y + TERMINAL_HEIGHT / 2 + 15)


def _arc(centres: Sequence[float], source: int, target: int, y: float) -> str:
    """Return a line to the next node, or an arc above the nodes between."""
    radii = [
        TERMINAL_WIDTH / 2 if place in (0, len(centres) - 1) else KNOB_RADIUS
        for place in (source, target)
    ]
    if target == source + 1:
        start, end = centres[source] + radii[0], centres[target] - radii[1]
        return f"M{number(start)} {number(y)}H{number(end - 2)}"
    height = _arc_height(target - source) / 0.75  # a cubic reaches 3/4 of its handles' height
    start, end = centres[source] + 5, centres[target] - 5
    handle = (end - start) * 0.18
    ground = [
        y - (TERMINAL_HEIGHT / 2 if place in (0, len(centres) - 1) else KNOB_RADIUS - 1)
        for place in (source, target)
    ]
    return (
        f"M{number(start)} {number(ground[0])}C{number(start + handle)}"
        f" {number(ground[0] - height)} {number(end - handle)} {number(ground[1] - height)}"
        f" {number(end)} {number(ground[1] - 2)}"
    )


# Title and legend.


def _draw_title(page: ET.Element, architecture: Architecture, title: str) -> None:
    pixels, channels = architecture.image_size, architecture.image_channels
    facts = [
        architecture.generator,
        f"{count(architecture.nodes, 'operation')} in {count(len(architecture.cells), 'cell')}",
        f"{pixels}{TIMES}{pixels} pixels, {count(channels, 'channel')}",
        count(architecture.classes, "class"),
        architecture.hash,
    ]
    add(page, "text", "title", title or f"architecture {facts[-1]}", x=MARGIN, y=28)
    add(page, "text", "pale", " · ".join(facts), x=MARGIN, y=46)


def _draw_legend(architecture: Architecture, width: float) -> tuple[ET.Element, float]:
    """Return the legend of what the drawing contains, in lines of `width`, and its height."""
    nodes = [node for cell in architecture.cells for node in cell.nodes]
    operations = [operation for node in nodes for operation in node.operations]
    kinds = Counter(operation.operation for operation in operations)
    known = [*OPERATION_COLOURS, *sorted(set(kinds) - set(OPERATION_COLOURS))]
    items = [(kind, f"{spell(kind)} ({kinds[kind]})") for kind in known if kinds[kind]]
    members: list[Cell | MiddleNode | Operation] = [*architecture.cells, *nodes, *operations]
    merges = Counter(member.merge for member in members if member.merge)
    items += [
        (
            merge,
            f"{'no mark: ' if merge == 'sum' else ''}merged by {spell(merge)} ({merges[merge]})",
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
        group = add(legend, "g", transform=shift(x, y))
        if badge:
            draw_badge(group, name, 6, OPERATION_HEIGHT / 2)
        else:
            draw_kind(group, name)
        add(group, "text", "", text, x=start, y=OPERATION_HEIGHT / 2 + 4)
        x += needed
    for note in NOTES:
        y += LEGEND_LINE
        add(legend, "text", "pale", note, x=0, y=y + 13)
    return legend, y + 14
