"""A drawing of an architecture at its three levels, as SVG written directly.

On top the graph of the cells, left to right in node order, in a band per stage. Below each cell
what it contains, from top to bottom: its middle nodes, and in each of them its operations.
"""

from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from nago.generators.architecture import Architecture
from nago.report.drawing.cells import Pen, find_strided
from nago.report.drawing.kinds import FULL
from nago.report.drawing.legend import LINE, draw_legend
from nago.report.drawing.svg import TIMES, add, count, make_page, shift, write_page
from nago.report.drawing.top import draw_cells, draw_content

# Lengths are in pixels; what a large network's cells contain is drawn smaller by `_find_scale`.
NARROWEST_PAGE = 760.0
WIDEST_CONTENT = 2000.0
MARGIN = 20.0
CONTENT_TOP = 58.0


def draw_architecture(architecture: Architecture, path: Path, title: str = "") -> None:
    """Draw the cells, their nodes and their operations as one SVG file.

    Each cell, node and operation is one group of class `cell`, `node` or `operation`, with an id
    such as `c0-n1-o2`; each edge is one path of class `edge`, with an id such as `c0-n1-o0-o2`.
    Paths of class `feed` come from the input of a graph or go to its output. A cell of DARTS has
    groups of class `input` for its two inputs, with ids such as `c0-i1`, and of class `joint` for
    its concatenation, `c0-out`; the edges from its inputs are called `c0-i1-n2`.

    Args:
        architecture: of any generator and size.
        path: the SVG file, written whole or not at all.
        title: the first line; "architecture" and the hash if empty.
    """
    pen = Pen(FULL, find_strided(architecture))
    cells = draw_cells(architecture, pen)
    scale = _find_scale([size[0] for _, size in cells])
    content, size = draw_content(architecture, cells, scale, pen)
    width = max(NARROWEST_PAGE, size[0] + 2 * MARGIN)
    bottom = CONTENT_TOP + size[1]
    legend, legend_height = draw_legend(architecture, width - 2 * MARGIN)

    page = make_page(width, bottom + LINE + legend_height + MARGIN, scale)
    _draw_title(page, architecture, title)
    content.set("transform", shift((width - size[0]) / 2, CONTENT_TOP))
    legend.set("transform", shift(MARGIN, bottom + LINE))
    page.extend([content, legend])
    write_page(page, path)


def _find_scale(widths: Sequence[float]) -> float:
    """Return how much smaller the cells are drawn, so that title and top level stay readable."""
    return min(1.0, max(0.25, WIDEST_CONTENT / sum(widths)))


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
