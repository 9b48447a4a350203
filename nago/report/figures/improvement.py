"""How much a search improves on random draws of the same generator.

RI = 100 (Acc_m - Acc_r) / Acc_r separates what the search does from what its space does.
Source: Yang, Esperança and Carlucci 2020, ICLR; Ru, Esperança and Carlucci 2020, figure 4.
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
from nago.report.finals import Estimate, estimate_accuracy
from nago.report.runs import Run

NAMES = [
    *("dataset", "contestant", "baseline", "seeds", "networks", "accuracy", "accuracy_error"),
    *("baseline_seeds", "baseline_networks", "baseline_accuracy", "baseline_accuracy_error"),
    *("improvement", "improvement_error"),
]


def improve(method: Estimate, baseline: Estimate) -> tuple[float, float]:
    """Return the relative improvement in % and its standard error, NaN if it is unknown.

    The error is that of a ratio of independent means to first order: with a = Acc_m and
    r = Acc_r, (100 / r) sqrt(s_a^2 + (a s_r / r)^2). Both are NaN if no baseline image was right.
    """
    a, r = method.mean, baseline.mean
    if r == 0:
        return math.nan, math.nan
    return 100 * (a - r) / r, 100 / r * math.hypot(method.error, a * baseline.error / r)


def tabulate_improvement(runs: Sequence[Run]) -> pd.DataFrame:
    """Return the improvement of each contestant that random search of its generator stands by.

    Returns:
        A row per data set and contestant: mean test accuracies and their standard errors in %,
        `improvement` and its standard error in %, and of how many seeds and networks they are.
    """
    rows = []
    for dataset, contestants in group_runs(choose_searches(runs)).items():
        for name, contestant in contestants.items():
            baseline = contestant.baseline
            if name == baseline or baseline not in contestants:
                continue
            own = estimate_accuracy(contestant.runs)
            other = estimate_accuracy(contestants[baseline].runs)
            if own is None or other is None:
                continue
            values = (
                *(dataset, name, baseline, own.seeds, own.networks, own.mean, own.error),
                *(other.seeds, other.networks, other.mean, other.error),
                *improve(own, other),
            )
            rows.append(dict(zip(NAMES, values, strict=True)))
    return pd.DataFrame(rows, columns=NAMES)


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
