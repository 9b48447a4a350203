"""How the cost of a network grows with its number of operations; a part of training.py."""

import gc
import math
import statistics
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure
from steps import draw, make_subject, prepare_step, take_turns

from nago.generators.complexity import MEGABYTE
from nago.networks.build import build_network
from nago.networks.fused.training_pass import fuse
from nago.report.figures.style import COLOURS, mark, open_style, write_figure

FIGURE = Path(__file__).parent.parent / "images/growth.svg"
BATCH, ROUNDS = 4, 3
GROWING = [(3, 1, 3), (5, 1, 5), (6, 2, 5), (8, 2, 8), (9, 4, 7), (8, 8, 8), (10, 10, 10)]
"""Nodes of the three levels; their product is the number of operations."""


@dataclass(frozen=True)
class Growth:
    """What a network of some number of operations costs."""

    operations: int
    width: int
    build_seconds: float
    step_seconds: float
    kept_bytes: int


def measure_growth() -> list[Growth]:
    """Return the costs of networks of more and more operations, at equal parameters and images."""
    rows = []
    for top, middle, bottom in GROWING:
        graphs = (top, 4, 0.5), (middle, 0.5), (bottom, 4, 0.5)
        architecture = draw(graphs, 32, 4_000_000)
        build = {"build": lambda a=architecture: build_network(a, 0)}
        gc.disable()  # else a turn of it, over all earlier networks, falls on some of the builds
        builds = take_turns(build, ROUNDS)["build"]
        gc.enable()
        network = build_network(architecture, 0)
        fuse(network)
        subject = make_subject(network, 32, BATCH, "channels_last")
        steps = take_turns({"step": prepare_step(subject)}, ROUNDS)["step"]
        medians = statistics.median(builds), statistics.median(steps)
        operations = top * middle * bottom
        rows.append(Growth(operations, architecture.widths[0], *medians, subject.kept_bytes))
    draw_growth(rows)
    return rows


def describe_growth(rows: list[Growth]) -> str:
    """Return the table of growth, with the power of the number of operations that it follows."""
    lines = [
        "\n## How cost grows with the number of operations",
        "",
        f"HNAG, 32 px, at most 4 M parameters, batch {BATCH}. More operations are narrower"
        " ones, so the multiply-adds stay and what comes with each operation grows.",
        "",
        "![costs by the number of operations](../images/growth.svg)",
        "",
        "| operations | width | build (s) | step (s) | kept per image (MB) |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.operations} | {row.width} | {row.build_seconds:.3f} | {row.step_seconds:.3f} |"
        f" {row.kept_bytes / MEGABYTE:.1f} |"
        for row in rows
    ]
    powers = ", ".join(
        f"{name} {fit_power(rows, key):.2f}"
        for name, key in (
            ("build", "build_seconds"),
            ("step", "step_seconds"),
            ("memory", "kept_bytes"),
        )
    )
    return "\n".join([*lines, "", f"Fitted powers of the number (1 is linear): {powers}."])


def fit_power(rows: list[Growth], key: str) -> float:
    """Return the slope of the logarithm of a cost over that of the number of operations."""
    numbers = [math.log(row.operations) for row in rows]
    return statistics.linear_regression(numbers, [math.log(getattr(row, key)) for row in rows])[0]


def draw_growth(rows: list[Growth]) -> None:
    """Write the figure of growth."""
    numbers = [row.operations for row in rows]
    panels = {
        "build (s)": [row.build_seconds for row in rows],
        "step, batch 4 (s)": [row.step_seconds for row in rows],
        "kept per image (MB)": [row.kept_bytes / MEGABYTE for row in rows],
    }
    with open_style():
        figure = Figure(figsize=(9.2, 2.9), layout="constrained")
        for axes, (title, values), colour in zip(
            figure.subplots(1, 3), panels.items(), COLOURS, strict=False
        ):
            axes.plot(numbers, values, color=colour, linewidth=1)
            axes.plot(numbers, values, **mark("o", colour))
            axes.set(title=title, xlabel="operations", ylim=(0, None), xlim=(0, None))
        write_figure(figure, FIGURE)
