"""The style that all figures share, and how they are written.

Without pyplot, so no global figure exists, and with a fixed style, salt and no date, so equal
values give equal bytes whatever the user's own matplotlib settings are.
"""

import io
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from matplotlib import style
from matplotlib.figure import Figure

from nago.records import write_bytes

COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
"""Okabe and Ito's, which people with any colour vision tell apart; a marker beside each."""

MARKERS = ["o", "^", "s", "D", "v", "P"]
INK = "#333333"
STYLE = {
    "axes.edgecolor": "#888888",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": "medium",
    "figure.dpi": 72,
    "font.size": 10,
    "grid.color": "#e6e6e6",
    "legend.frameon": False,
    "pdf.fonttype": 42,  # outlines of TrueType, which publishers take and readers can search
    "svg.fonttype": "none",
    "svg.hashsalt": "nago",
    "text.color": INK,
    "xtick.color": "#666666",
    "ytick.color": "#666666",
}
DATES = {"svg": ["Date"], "pdf": ["CreationDate", "ModDate"]}
"""What each kind of file would say of the day."""


def open_style() -> AbstractContextManager[None]:
    """Return the scope in which a figure is drawn and written."""
    return style.context(["default", STYLE])


def mark(marker: str, colour: str, *, filled: bool = True, size: float = 6) -> dict[str, Any]:
    """Return the look of a mark without a line, as arguments of matplotlib's lines."""
    return {
        "linestyle": "none",
        "marker": marker,
        "markersize": size,
        "markeredgewidth": 1.3,
        "markeredgecolor": colour,
        "markerfacecolor": colour if filled else "white",
        "zorder": 3,
    }


def write_figure(figure: Figure, *paths: Path) -> None:
    """Write a figure as SVG or PDF, as each path ends, whole or not at all.

    Raises:
        ValueError: a path ends otherwise.
    """
    for path in paths:
        kind = path.suffix.removeprefix(".")
        if kind not in DATES:
            raise ValueError(f"a figure is written as .svg or .pdf, got {path.name}")
        content = io.BytesIO()
        figure.savefig(content, format=kind, metadata=dict.fromkeys(DATES[kind]))
        write_bytes(path, content.getvalue())
