"""The test accuracy of every final network of every contestant, and their means."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from nago.report.contestants import Contestant, choose_searches, group_runs
from nago.report.figures.looks import Look, choose_looks
from nago.report.figures.panels import QUIET, open_panels, say
from nago.report.figures.style import INK, mark, open_style, write_figure
from nago.report.finals import estimate_accuracy, read_accuracies
from nago.report.runs import Run

HEIGHT = 0.55
"""Of a contestant's strip, as a share of the distance between two."""

Published = Mapping[tuple[str, str], float]
"""Test accuracies in %, by data set and contestant."""


def draw_tests(
    runs: Sequence[Run], paths: Sequence[Path], published: Published | None = None
) -> None:
    """Draw the test accuracies as strips, a panel per data set and a strip per contestant.

    Args:
        runs: of several contestants, seeds and data sets.
        paths: of the figure, as SVG or PDF.
        published: values to set beside them, where there are any.
    """
    contest, looks = group_runs(choose_searches(runs)), choose_looks(runs)
    published = published or {}
    most = max((len(contestants) for contestants in contest.values()), default=1)
    with open_style():
        title = "Test accuracy of the final networks"
        figure, panels = open_panels(list(contest), title, height=0.42 * most + 1.3)
        for dataset, axes in panels.items():
            axes.set_xlabel("test accuracy (%)")
            values = {
                name: value
                for (where, name), value in published.items()
                if where == dataset and name in contest[dataset]
            }
            _draw_strips(axes, contest[dataset], looks, values)
        handles = [
            Line2D([], [], label="network", **mark("o", QUIET, filled=False, size=4)),
            Line2D([], [], label="mean, by seeds", **mark("|", INK, size=13)),
        ]
        if any(dataset in contest for dataset, _ in published):
            handles.append(Line2D([], [], label="published", **_mark_of_published()))
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
        write_figure(figure, *paths)


def _draw_strips(
    axes: Axes,
    contestants: Mapping[str, Contestant],
    looks: Mapping[str, Look],
    published: Mapping[str, float],
) -> None:
    """Draw a strip per contestant: the first on top, and its seeds in order below each other."""
    nothing = [name for name, c in contestants.items() if estimate_accuracy(c.runs) is None]
    if len(nothing) == len(contestants) and not published:
        say(axes, "no final network has been tested")
        return
    for place, (name, contestant) in enumerate(contestants.items()):
        lines = np.linspace(-HEIGHT / 2, HEIGHT / 2, len(contestant.runs) + 2)[1:-1]
        for run, line in zip(contestant.runs, lines, strict=True):
            values = read_accuracies(run)
            look = looks[name].mark(filled=False, size=4.5)
            axes.plot(values, np.full(len(values), place + line), **look)
        found = estimate_accuracy(contestant.runs)
        if found is not None:
            axes.plot(found.mean, place, **mark("|", INK, size=15) | {"zorder": 4})
        if name in published:
            axes.plot(published[name], place, **_mark_of_published())
    axes.set_yticks(
        range(len(contestants)),
        [f"{name}: none" if name in nothing else name for name in contestants],
    )
    axes.set_ylim(len(contestants) - 0.5, -0.5)
    axes.grid(visible=False, axis="y")
    axes.margins(x=0.08)


def _mark_of_published() -> dict[str, Any]:
    return mark("*", INK, filled=False, size=10)
