"""SVG: elements, pages and numbers, as little of it as the drawings need."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

from nago.records import write_text

TIMES = "\N{MULTIPLICATION SIGN}"
WORDS = {
    r"^conv(?=\d)": "convolution ",
    "^sepconv": "separable convolution ",
    "^doublesepconv": "two separable convolutions ",
    "^dilconv": "dilated separable convolution ",
    "^avgpool": "average pooling ",
    "^maxpool": "max pooling ",
    "^concat$": "concatenation",
    "^add$": "addition",
    r"(?<=\d)x(?=\d)": TIMES,
}

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
.empty{stroke:#5f6670;stroke-width:1}
.mark{fill:none;stroke:#fff;stroke-width:1.2}
.dark-mark{stroke:#1a1a1a}
.dashes{stroke-width:1;stroke-dasharray:2.5 2}
.ending{fill:#fff;stroke:#444;stroke-width:1}
.caption{font-size:13px;text-anchor:middle}
.bar{fill:#444}
.halving{fill:#fff;stroke:#1a1a1a;stroke-width:.9}
.half{font-size:8px;font-weight:bold;fill:#1a1a1a;text-anchor:middle}
.badge{fill:#fff;stroke:#b00068;stroke-width:1.2}
.letter{font-size:7.5px;font-weight:bold;fill:#b00068;text-anchor:middle}
"""

Size = tuple[float, float]
"""Width and height, or x and y, in pixels."""


def make_page(width: float, height: float, scale: float) -> ET.Element:
    """Return an empty page, so large that the labels of operations can be read."""
    magnification = min(1.5, max(1.0, 1000 / width)) / scale
    page = ET.Element("svg", {"xmlns": "http://www.w3.org/2000/svg"})
    page.set("viewBox", f"0 0 {number(width)} {number(height)}")
    page.set("width", number(width * magnification))
    page.set("height", number(height * magnification))
    add(page, "style", "", SHEET)
    definitions = add(page, "defs")
    for name, size, colour in (("small", 5, "#555"), ("large", 7, "#333")):
        box = {"viewBox": "0 0 6 6", "refX": "5.5", "refY": "3", "orient": "auto"}
        sides = {"markerWidth": size, "markerHeight": size}
        marker = add(definitions, "marker", id=name, **box, **sides)
        marker.set("markerUnits", "userSpaceOnUse")
        add(marker, "path", d="M0 0L6 3L0 6Z", fill=colour)
    add(page, "rect", width=width, height=height, fill="#fff")
    return page


def write_page(page: ET.Element, path: Path) -> None:
    """Write a page as a file, whole or not at all."""
    text = ET.tostring(page, encoding="unicode")
    write_text(path, f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n')


def add(
    parent: ET.Element, tag: str, style: str = "", text: str = "", /, **attributes: float | str
) -> ET.Element:
    """Return a new last child of `parent`, of class `style`."""
    element = ET.SubElement(parent, tag, {"class": style} if style else {})
    for name, value in attributes.items():
        element.set(name, value if isinstance(value, str) else number(value))
    if text:
        element.text = text
    return element


def shift(x: float, y: float) -> str:
    """Return the transform that moves a group, in pixels."""
    return f"translate({number(x)} {number(y)})"


def number(value: float, digits: int = 1) -> str:
    """Return a number without more digits than a drawing needs."""
    return f"{value:.{digits}f}".rstrip("0").rstrip(".")


def spell(kind: str) -> str:
    """Return a name in words: `avgpool3x3` is average pooling, 3 by 3."""
    for short, words in WORDS.items():
        kind = re.sub(short, words, kind)
    return kind


def count(items: int, noun: str) -> str:
    """Return a number of things in words."""
    plural = "es" if noun.endswith("s") else "s"
    return f"{items} {noun}{'' if items == 1 else plural}"
