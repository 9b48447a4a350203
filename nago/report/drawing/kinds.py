"""Operations and merges as boxes and marks: what they look like and how they are called.

Colour alone never tells: the shape and a mark say the family, the label says the kernel.
"""

import re
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from nago.generators.architecture import SKIP
from nago.report.drawing.svg import TIMES, Size, add, number, shift


@dataclass(frozen=True, slots=True)
class Detail:
    """How much is shown, and how far apart; lengths are in pixels.

    `labels` is whether boxes carry text, and their marks of merges and strides.
    """

    operation: Size
    row_gap: float
    lane_gap: float
    node_padding: float
    cell_padding: float
    terminal: Size
    cell_gap: float
    band_padding: float
    band_gap: float
    narrowest_band: float
    arc: float
    labels: bool


FULL = Detail(
    operation=(32.0, 17.0),
    row_gap=18.0,
    lane_gap=8.0,
    node_padding=9.0,
    cell_padding=12.0,
    terminal=(58.0, 30.0),
    cell_gap=20.0,
    band_padding=16.0,
    band_gap=8.0,
    narrowest_band=216.0,
    arc=13.0,
    labels=True,
)
"""A drawing that fills a page."""

OVERVIEW = Detail(
    operation=(9.0, 9.0),
    row_gap=9.0,
    lane_gap=3.0,
    node_padding=3.0,
    cell_padding=4.0,
    terminal=(12.0, 16.0),
    cell_gap=5.0,
    band_padding=5.0,
    band_gap=4.0,
    narrowest_band=60.0,
    arc=6.0,
    labels=False,
)
"""A drawing of which several share a page."""

COLOURS = {
    "conv3x3": "#0072b2",
    "conv5x5": "#08306b",
    "conv1x1": "#7cc4ee",
    "conv3x1": "#00795a",
    "conv1x3": "#7a5195",
    "sepconv3x3": "#a2195b",
    "doublesepconv3x3": "#e38bb0",
    "doublesepconv5x5": "#7d1145",
    "dilconv3x3": "#8cc152",
    "dilconv5x5": "#3d6b1f",
    "avgpool3x3": "#f0ad1e",
    "avgpool5x5": "#b84a08",
    "maxpool3x3": "#f6e58d",
    SKIP: "#ffffff",
}
"""The fill of each kind of operation, in the order of the legend."""

DARK_LETTERS = {
    *("conv1x1", "doublesepconv3x3", "dilconv3x3", "avgpool3x3", "maxpool3x3", SKIP),
}
MERGE_LETTERS = {"attention": "A", "concat": "C", "add": "+"}
STAGE_COLOURS = ["#3b6ea5", "#3f8a5c", "#b0702c", "#7a5b9a"]


def draw_kind(parent: ET.Element, kind: str, detail: Detail = FULL) -> None:
    """Draw the box of an operation.

    Convolutions are square, poolings round, a skip is an empty box. A bar stands for a separable
    convolution, two for two of them, a dashed border for dilation, a triangle for the maximum.
    """
    width, height = detail.operation
    family = re.split(r"\d", kind)[0]
    radius = height / 2 if "pool" in family else 2.5 if detail.labels else 1.0
    dark = kind in DARK_LETTERS
    box = add(parent, "rect", rx=radius, fill=COLOURS[kind], width=width, height=height)
    if family == SKIP:
        box.set("class", "empty")
    bars = {"sepconv": 1, "doublesepconv": 2}.get(family, 0)
    mark = "mark dark-mark" if dark else "mark"
    for bar in range(bars):
        x = 4 + 3.5 * bar if detail.labels else width * (bar + 1) / (bars + 1)
        add(parent, "path", mark, d=f"M{number(x)} 0V{number(height)}")
    if family == "dilconv":
        inside = {"width": width - 2.4, "height": height - 2.4}
        add(parent, "rect", f"{mark} dashes", x=1.2, y=1.2, rx=1.5, **inside)
    if family == "maxpool":
        x, y = (6.0, height / 2) if detail.labels else (width / 2, height / 2)
        corners = (x - 2.6, y + 2.3), (x + 2.6, y + 2.3), (x, y - 2.7)
        add(parent, "polygon", points=" ".join(f"{number(a)},{number(b)}" for a, b in corners))
    if detail.labels:
        kernel = re.search(r"(\d+)x(\d+)$", kind)
        text = f"{kernel[1]}{TIMES}{kernel[2]}" if kernel else kind
        middle = width / 2 + (3.0 if bars or family == "maxpool" else 0)
        add(parent, "text", "label dark" if dark else "label", text, x=middle, y=height / 2 + 3.5)


def draw_badge(parent: ET.Element, merge: str | None, x: float, y: float) -> None:
    """Draw the mark of a merge that is not the sum, or nothing."""
    if merge in (None, "sum"):
        return
    badge = add(parent, "g", "merge", transform=shift(x, y))
    add(badge, "circle", "badge", r=5)
    add(badge, "text", "letter", MERGE_LETTERS[str(merge)], y=2.7)


def draw_stride(parent: ET.Element, x: float, y: float) -> None:
    """Draw the mark of a stride of 2, which halves the resolution."""
    mark = add(parent, "g", "stride", transform=shift(x, y))
    add(mark, "rect", "halving", x=-5, y=-4.5, width=10, height=9, rx=1.5)
    add(mark, "text", "half", "2", y=2.9)


def stage_colour(stage: int) -> str:
    """Return the colour of a stage, counted from 0."""
    return STAGE_COLOURS[stage % len(STAGE_COLOURS)]
