"""The top level: the graph of the cells, left to right in bands of stages, and what they contain.

Stem, cells and head stand in a row; below each cell, like under a magnifying glass, its content.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from nago.generators.architecture import Architecture, Cell
from nago.generators.draw import find_resolutions
from nago.report.drawing.cells import Drawn, Pen, draw_cell
from nago.report.drawing.kinds import Detail, draw_badge, stage_colour
from nago.report.drawing.layout import Edge, find_layers
from nago.report.drawing.svg import TIMES, Size, add, count, number, shift

KNOB_RADIUS = 11.0
WEDGE_HEIGHT = 24.0
STAGE_LINE = 26.0
STEPS = 24
"""How often the interval of possible scales is halved."""


@dataclass(frozen=True, slots=True)
class Bands:
    """Where the stages and the cells stand from left to right.

    `stages` are (stage, left, right), `centres` the middles of the stem, the cells and the head.
    """

    stages: tuple[tuple[int, float, float], ...]
    centres: tuple[float, ...]
    width: float


def draw_cells(architecture: Architecture, pen: Pen) -> list[Drawn]:
    """Return the groups of all cells, with all that they contain, and their sizes."""
    return [draw_cell(cell, place, pen) for place, cell in enumerate(architecture.cells)]


def draw_content(
    architecture: Architecture, cells: Sequence[Drawn], scale: float, pen: Pen
) -> Drawn:
    """Return the group of all three levels, and its size.

    Args:
        architecture: of any size.
        cells: what `draw_cells` gives; becomes part of the group.
        scale: of the cells' content; the top level keeps its size.
        pen: the one that drew the cells.
    """
    detail = pen.detail
    sizes = [(size[0] * scale, size[1] * scale) for _, size in cells]
    bands = place_bands(architecture.cells, [size[0] for size in sizes], detail)
    knobs_y = _knobs_y(architecture.cells, detail)
    cells_y = knobs_y + KNOB_RADIUS + WEDGE_HEIGHT
    size = bands.width, find_height(architecture.cells, [size[1] for size in sizes], detail)
    group = ET.Element("g", {"class": "content"})
    _draw_bands(group, architecture, bands, size[1], detail)
    for place, ((cell, _), own) in enumerate(zip(cells, sizes, strict=True)):
        x = bands.centres[place + 1]
        _draw_wedge(group, architecture.cells[place].stage, (x, knobs_y), (own[0], cells_y))
        place_at = shift(x - own[0] / 2, cells_y)
        cell.set("transform", f"{place_at} scale({number(scale, 4)})")
        group.append(cell)
    _draw_graph(group, architecture, bands.centres, knobs_y, pen)
    return group, size


def fit_scale(
    architecture: Architecture, cells: Sequence[Drawn], box: Size, largest: float, detail: Detail
) -> float:
    """Return the largest scale at which the content is no larger than `box`, to a small step."""
    low, high = 0.0, largest
    for _ in range(STEPS):
        scale = (low + high) / 2
        widths, heights = ([size[axis] * scale for _, size in cells] for axis in (0, 1))
        width = place_bands(architecture.cells, widths, detail).width
        height = find_height(architecture.cells, heights, detail)
        if width <= box[0] and height <= box[1]:
            low = scale
        else:
            high = scale
    return low


def place_bands(cells: Sequence[Cell], widths: Sequence[float], detail: Detail) -> Bands:
    """Return where stages and cells stand, given the widths of the cells as they are drawn."""
    gap_between, padding, terminal = detail.cell_gap, detail.band_padding, detail.terminal[0]
    stages = []
    centres = [terminal / 2]
    left = terminal + detail.band_gap
    for stage, members in itertools.groupby(range(len(cells)), lambda place: cells[place].stage):
        places = list(members)
        # A cell takes at least the room of its knob.
        rooms = [max(widths[place], 2 * KNOB_RADIUS) for place in places]
        needed = sum(rooms) + gap_between * (len(places) - 1)
        band = max(detail.narrowest_band, needed + 2 * padding)
        gap = (band - sum(rooms)) / (len(places) + 1)
        x = left
        for room in rooms:
            centres.append(x + gap + room / 2)
            x += gap + room
        stages.append((stage, left, left + band))
        left += band + detail.band_gap
    centres.append(left + terminal / 2)
    return Bands(tuple(stages), tuple(centres), left + terminal)


def find_height(cells: Sequence[Cell], heights: Sequence[float], detail: Detail) -> float:
    """Return the height of the content, given the heights of the cells as they are drawn."""
    above = _knobs_y(cells, detail) + KNOB_RADIUS + WEDGE_HEIGHT
    return above + max(heights) + detail.band_padding


def _knobs_y(cells: Sequence[Cell], detail: Detail) -> float:
    arcs = (_arc_height(target - source, detail) for source, target in _edges(cells))
    return STAGE_LINE + max(arcs) + KNOB_RADIUS + 6


def _draw_bands(
    parent: ET.Element, architecture: Architecture, bands: Bands, height: float, detail: Detail
) -> None:
    resolutions = find_resolutions(architecture)
    for stage, left, right in bands.stages:
        pixels, channels = resolutions[stage], architecture.widths[stage]
        text = f"{pixels}{TIMES}{pixels}"
        if detail.labels:
            text = f"stage {stage + 1}: {text}, {count(channels, 'channel')}"
        size = {"width": right - left, "height": height}
        add(parent, "rect", "band", x=left, y=0, rx=8, fill=stage_colour(stage), **size)
        add(parent, "text", "stage", text, x=(left + right) / 2, y=18)


def _draw_wedge(parent: ET.Element, stage: int, knob: Size, cell: Size) -> None:
    """Draw what leads from the knob of a cell to its content, as a magnifying glass would."""
    (x, y), (width, top) = knob, cell
    corners = (x - KNOB_RADIUS, y), (x + KNOB_RADIUS, y), (x + width / 2, top + 6)
    points = " ".join(f"{number(a)},{number(b)}" for a, b in (*corners, (x - width / 2, top + 6)))
    add(parent, "polygon", "wedge", points=points, fill=stage_colour(stage))


def _edges(cells: Sequence[Cell]) -> list[Edge]:
    """Return all edges of the top level, as places among stem (0), cells (from 1) and head."""
    edges = find_layers(cells)[1]
    return [(source + 1, target + 1) for source, target in edges]


def _arc_height(span: int, detail: Detail) -> float:
    return 0.0 if span == 1 else 8.0 + detail.arc * (span - 1)


def _draw_graph(
    parent: ET.Element,
    architecture: Architecture,
    centres: Sequence[float],
    y: float,
    pen: Pen,
) -> None:
    detail = pen.detail
    names = ["stem", *(f"c{place}" for place in range(len(architecture.cells))), "head"]
    for source, target in _edges(architecture.cells):
        outer = source == 0 or target == len(names) - 1
        name = f"{pen.prefix}{names[source]}-{names[target]}"
        style = "feed outer" if outer else "edge top"
        add(parent, "path", style, id=name, d=_arc(centres, source, target, y, detail))
    for place, cell in enumerate(architecture.cells):
        x = centres[place + 1]
        add(parent, "circle", "knob", cx=x, cy=y, r=KNOB_RADIUS)
        add(parent, "text", "number", str(place), x=x, y=y + 4.2)
        draw_badge(parent, cell.merge, x - KNOB_RADIUS, y + KNOB_RADIUS - 1)
    pixels, channels = architecture.image_size, architecture.image_channels
    image = f"{pixels}{TIMES}{pixels}{TIMES}{channels}"
    classes = count(architecture.classes, "class")
    width, height = detail.terminal
    for x, text, note in ((centres[0], "stem", image), (centres[-1], "head", classes)):
        corner = {"x": x - width / 2, "y": y - height / 2}
        add(parent, "rect", "terminal", rx=height / 6, width=width, height=height, **corner)
        if detail.labels:
            add(parent, "text", "number", text, x=x, y=y + 4.2)
            add(parent, "text", "centre pale", note, x=x, y=y + height / 2 + 15)


def _arc(centres: Sequence[float], source: int, target: int, y: float, detail: Detail) -> str:
    """Return a line to the next node, or an arc above the nodes between."""
    width, height = detail.terminal
    outer = (0, len(centres) - 1)
    if target == source + 1:
        radii = [width / 2 if place in outer else KNOB_RADIUS for place in (source, target)]
        start, end = centres[source] + radii[0], centres[target] - radii[1]
        return f"M{number(start)} {number(y)}H{number(end - 2)}"
    # A cubic reaches 3/4 of its handles' height.
    rise = _arc_height(target - source, detail) / 0.75
    start, end = centres[source] + 5, centres[target] - 5
    handle = (end - start) * 0.18
    ground = [
        y - (height / 2 if place in outer else KNOB_RADIUS - 1) for place in (source, target)
    ]
    return (
        f"M{number(start)} {number(ground[0])}C{number(start + handle)}"
        f" {number(ground[0] - rise)} {number(end - handle)} {number(ground[1] - rise)}"
        f" {number(end)} {number(ground[1] - 2)}"
    )
