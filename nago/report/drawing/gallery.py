"""A gallery: overviews of several architectures on one page, in panels of one size."""

import itertools
import string
import textwrap
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

from nago.generators.architecture import Architecture
from nago.records import UserError
from nago.report.drawing.cells import Drawn, Pen, takes_apart
from nago.report.drawing.kinds import OVERVIEW
from nago.report.drawing.legend import fill_lines, list_kinds
from nago.report.drawing.svg import Size, add, make_page, shift, write_page
from nago.report.drawing.top import draw_cells, draw_content, fit_scale

# Lengths are in pixels: three panels of a row are 1400 wide with their margins.
PANEL: Size = (442.0, 400.0)
"""The largest panel: its height is that of the highest content."""
GAP = 17.0
MARGIN = 20.0
CAPTION_LETTERS = 58
CAPTION_TOP = 17.0
CAPTION_LINE = 15.0
LARGEST_SCALE = 2.0
LETTERS = string.ascii_lowercase
LABELS = [*LETTERS, *("".join(pair) for pair in itertools.product(LETTERS, repeat=2))]
"""Of the panels: from a to z, then from aa to zz."""

NOTES = [
    "Circles are cells, in a band for each stage with its resolution; below each cell are its"
    " nodes (grey), with their operations.",
    "Cells run from left to right, what they contain from top to bottom. Squares are the stem, on"
    " the left, and the head.",
]
APART = (
    "Dark bars are the two inputs of a cell and the concatenation of its nodes, each of which adds"
    " the results of two operations."
)


def draw_gallery(
    entries: Sequence[tuple[str, Architecture]], path: Path, columns: int = 3
) -> None:
    """Draw a panel with the three levels of each architecture, as one SVG file.

    Each panel is a group of class `panel` whose id is its letter (`aa` after `z`); the ids in it
    are those of `draw_architecture` after the letter, such as `b-c0-n1-o2`.

    Args:
        entries: a caption and an architecture for each panel, row by row; at most 702.
        path: the SVG file, written whole or not at all.
        columns: panels in a row.

    Raises:
        UserError: there are no entries or too many, or no column.
    """
    if not 1 <= len(entries) <= len(LABELS):
        raise UserError(f"a gallery takes 1 to {len(LABELS)} architectures, got {len(entries)}")
    if columns < 1:
        raise UserError(f"a gallery takes 1 column or more, got {columns}")
    columns = min(columns, len(entries))
    captions, overviews = [], []
    for letter, (caption, architecture) in zip(LABELS, entries, strict=False):
        captions.append(textwrap.wrap(f"({letter}) {caption}", CAPTION_LETTERS))
        overviews.append(_draw_overview(architecture, f"{letter}-"))
    panel = PANEL[0], max(size[1] for _, size in overviews)
    height = panel[1] + CAPTION_TOP + CAPTION_LINE * max(len(lines) for lines in captions)
    rows = -(-len(entries) // columns)
    # The notes below need the room of two panels.
    width = max(2, columns) * (panel[0] + GAP) - GAP + 2 * MARGIN
    legend_y = MARGIN + rows * (height + GAP)
    items = list_kinds([architecture for _, architecture in entries], counted=False)
    apart = any(takes_apart(cell) for _, drawn in entries for cell in drawn.cells)
    notes = [*NOTES, APART] if apart else NOTES
    legend, legend_height = fill_lines(items, notes, width - 2 * MARGIN)

    page = make_page(width, legend_y + legend_height + MARGIN, 1.0)
    for place, (overview, lines) in enumerate(zip(overviews, captions, strict=True)):
        row, column = divmod(place, columns)
        x, y = MARGIN + column * (panel[0] + GAP), MARGIN + row * (height + GAP)
        group = add(page, "g", "panel", id=LABELS[place], transform=shift(x, y))
        _fill_panel(group, panel, overview, lines)
    legend.set("transform", shift(MARGIN, legend_y))
    page.append(legend)
    write_page(page, path)


def _draw_overview(architecture: Architecture, prefix: str) -> Drawn:
    pen = Pen(OVERVIEW, prefix=prefix)
    cells = draw_cells(architecture, pen)
    scale = fit_scale(architecture, cells, PANEL, LARGEST_SCALE, OVERVIEW)
    return draw_content(architecture, cells, scale, pen)


def _fill_panel(group: ET.Element, panel: Size, overview: Drawn, caption: Sequence[str]) -> None:
    """Put an overview in the middle of its panel, and the caption below."""
    add(group, "rect", width=panel[0], height=panel[1], fill="none")
    content, size = overview
    content.set("transform", shift((panel[0] - size[0]) / 2, (panel[1] - size[1]) / 2))
    group.append(content)
    for line, text in enumerate(caption):
        y = panel[1] + CAPTION_TOP + line * CAPTION_LINE
        add(group, "text", "caption", text, x=panel[0] / 2, y=y)
