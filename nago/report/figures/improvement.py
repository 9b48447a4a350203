"""The figure of the improvement over random draws of the same generator.

Source: Ru, Esperança and Carlucci 2020, figure 4.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from nago.report.contestants import RANDOM, choose_searches, group_runs
from nago.report.figures.looks import Look, choose_looks
from nago.report.figures.panels import add_legend, name_absent, open_panels, say
from nago.report.figures.style import INK, open_style, write_figure
from nago.report.runs import Run
from nago.report.tables.improvement import tabulate_improvement


def draw_improvement(runs: Sequence[Run], paths: Sequence[Path]) -> None:
    """Draw the relative improvement against the test accuracy, a panel per data set.

    Args:
        runs: of several contestants, seeds and data sets.
        paths: of the figure, as SVG or PDF.
    """
    contest, looks = group_runs(choose_searches(runs)), choose_looks(runs)
    table = tabulate_improvement(runs)
    with open_style():
        title = "Improvement over random draws of the same generator (bars: standard errors)"
        figure, panels = open_panels(list(contest), title)
        for dataset, axes in panels.items():
            axes.set_xlabel("test accuracy (%)")
            axes.set_ylabel("relative improvement (%)")
            rows = table[(table["dataset"] == dataset) & table["improvement"].notna()]
            found = rows["contestant"].tolist()
            rivals = [name for name, c in contest[dataset].items() if c.method != RANDOM]
            if found:
                _draw_points(axes, rows, looks)
                absent = [name for name in rivals if name not in found]
                name_absent(axes, absent, "no result or no random draws")
            else:
                say(axes, _explain(rivals, list(contest[dataset])))
        shown = {name: looks[name] for name in looks if name in set(table["contestant"])}
        add_legend(figure, shown, lines=False)
        write_figure(figure, *paths)


def _draw_points(axes: Axes, rows: pd.DataFrame, looks: Mapping[str, Look]) -> None:
    axes.axhline(0, color=INK, linewidth=1, linestyle=(0, (4, 2)), zorder=1)
    for row in rows.to_dict("records"):
        look = looks[row["contestant"]]
        x, y = row["accuracy"], row["improvement"]
        bars = [row["accuracy_error"], row["improvement_error"]]
        width, height = (0.0 if math.isnan(bar) else bar for bar in bars)
        axes.hlines(y, x - width, x + width, color=look.colour, linewidth=1.2, zorder=2)
        axes.vlines(x, y - height, y + height, color=look.colour, linewidth=1.2, zorder=2)
        axes.plot(x, y, **look.mark(size=8))
    axes.margins(0.15)


def _explain(rivals: Sequence[str], contestants: Sequence[str]) -> str:
    if len(rivals) == len(contestants):
        return "no random search to compare with"
    return "no test accuracies to compare" if rivals else "random search alone"
