"""A gallery of winners: the first final network of each contestant on each data set."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from nago.generators.architecture import Architecture
from nago.generators.complexity import MEGABYTE
from nago.report.contestants import choose_searches, group_runs, list_contestants
from nago.report.drawing.gallery import draw_gallery
from nago.report.figures.panels import say
from nago.report.figures.style import open_style, write_figure
from nago.report.runs import Run


def list_winners(runs: Sequence[Run]) -> list[tuple[str, Architecture]]:
    """Return a caption and an architecture for each contestant on each data set.

    Of several seeds the lowest with a final network stands for all: to choose among them by their
    test accuracy would be a choice by the test images.
    """
    winners = []
    for contestant in list_contestants(group_runs(choose_searches(runs))):
        run = next((run for run in contestant.runs if run.final_results), None)
        if run is not None:
            result = run.final_results[0]
            architecture = Architecture.from_json(result["architecture"])
            name = f"{contestant.dataset} {contestant.name}, seed {run.seed}"
            caption = _describe(f"{name}: {architecture.nodes} operations", result)
            winners.append((caption, architecture))
    return winners


def draw_winners(runs: Sequence[Run], path: Path) -> None:
    """Draw the winners side by side as SVG.

    Args:
        runs: of several contestants, seeds and data sets.
        path: the SVG file.
    """
    winners = list_winners(runs)
    if winners:
        draw_gallery(winners, path)
        return
    with open_style():
        figure = Figure(figsize=(7.2, 2.4), layout="constrained")
        say(figure.add_subplot(), "no final network yet")
        write_figure(figure, path)


def _describe(name: str, result: Mapping[str, Any]) -> str:
    accuracy = result["test_accuracy"]
    tested = "not tested" if accuracy is None else f"test accuracy {100 * accuracy:.1f} %"
    memory = result["sample_memory_bytes"] / MEGABYTE
    return f"{name}, {memory:.3g} MB per image, {tested}"
