"""The sample memory of the networks that each contestant has tried, as histograms."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from nago.generators.complexity import MEGABYTE
from nago.report.contestants import Contest, choose_searches, group_runs
from nago.report.figures.distributions import draw_histogram, log_edges, use_log_axis
from nago.report.figures.looks import choose_looks
from nago.report.figures.panels import NOTHING, say
from nago.report.figures.style import INK, open_style, write_figure
from nago.report.runs import Run

BINS = 30
ABOVE: dict[str, Any] = {"xycoords": "axes fraction", "textcoords": "offset points"}
NARROWEST = 8.0
"""Largest over smallest edge of the bins, at least."""


def read_memory(runs: Sequence[Run]) -> np.ndarray:
    """Return the sample memory (n,) in MB of all trials of some runs that drew a network."""
    tables = [run.trials["sample_memory_bytes"] for run in runs if run.trials is not None]
    values = [table.to_numpy(dtype=np.float64, na_value=np.nan) for table in tables]
    joined = np.concatenate([np.empty(0), *values])
    return np.asarray(joined[np.isfinite(joined)] / MEGABYTE)


def draw_trial_memory(runs: Sequence[Run], paths: Sequence[Path]) -> None:
    """Draw histograms of the trials' memory: a row per contestant, a column per data set.

    Args:
        runs: of several contestants, seeds and data sets.
        paths: of the figure, as SVG or PDF.
    """
    contest, looks = group_runs(choose_searches(runs)), choose_looks(runs)
    rows, columns = max(1, len(looks)), max(1, len(contest))
    with open_style():
        size = (max(7.2, 4.9 * columns), 1.5 * rows + 1.1)
        figure = Figure(figsize=size, layout="constrained")
        title = "Sample memory of the trials, all seeds together (dashed: the median)"
        figure.suptitle(title, x=0.01, ha="left", color=INK)
        grid = figure.subplots(rows, columns, sharex="col", sharey=True, squeeze=False)
        colours = {name: look.colour for name, look in looks.items()}
        for column, dataset in enumerate(contest):
            panels = dict(zip(looks, grid[:, column], strict=True))
            _fill_column(panels, contest, dataset, colours)
        for axes in grid[:, 0]:
            axes.set_ylabel("share of\ntrials (%)")
        if not contest:
            say(grid[0, 0], NOTHING)
        write_figure(figure, *paths)


def _fill_column(
    panels: dict[str, Axes], contest: Contest, dataset: str, colours: dict[str, str]
) -> None:
    """Draw the histograms of one data set, with bins that its contestants share."""
    found = contest[dataset]
    memory = {name: read_memory(found[name].runs if name in found else []) for name in panels}
    together = np.concatenate(list(memory.values()))
    edges = _choose_edges(together)
    for name, axes in panels.items():
        if len(memory[name]):
            draw_histogram(axes, memory[name], edges, name, colours[name])
        else:
            axes.annotate(f"{name}: no trials", (0, 1), (0, 4), **ABOVE)
    first, *_, last = [*panels.values(), *panels.values()]
    first.set_title(dataset, pad=18)
    last.set_xlabel("sample memory (MB per image)")
    use_log_axis(last, edges[0], edges[-1])


def _choose_edges(memory: np.ndarray) -> np.ndarray:
    """Return the edges of the bins, around values that are all equal or none as well."""
    if not len(memory):
        return np.geomspace(1.0, 10.0, BINS + 1)
    edges = log_edges(pd.Series(memory), BINS)
    if edges[-1] < NARROWEST * edges[0]:
        middle = float(np.sqrt(edges[0] * edges[-1]))
        half = float(np.sqrt(NARROWEST))
        edges = np.geomspace(middle / half, middle * half, BINS + 1)
    return edges
