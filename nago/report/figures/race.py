"""Figures of a race: how good the contestants are after how many epochs, over their seeds.

A seed's curve is a staircase: its value holds until the next step, and after the end of a search
for good. At each number of epochs the seeds that have got that far are summarised by their median
and quartiles; where a search goes on, its later epochs are no part of it. Curves begin where all
seeds with a result have one.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from nago.report.figures.looks import (
    Contest,
    Look,
    choose_looks,
    choose_objectives,
    choose_reference,
    count_seeds,
    group_runs,
    has_ended,
    has_result,
    read_history,
)
from nago.report.figures.panels import (
    add_legend,
    fit_epoch_axis,
    fit_error_axis,
    name_absent,
    open_panels,
    say,
)
from nago.report.figures.search_trials import trace_incumbent
from nago.report.figures.style import open_style, write_figure
from nago.report.runs import Run
from nago.search.front import trace_hypervolume

MARKS = 7
"""Marks on a curve, so that it is known without its colour."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """A staircase: `values` (n,) hold from `epochs` (n,) on, until `end`."""

    epochs: np.ndarray
    values: np.ndarray
    end: float


def summarise_curves(curves: Sequence[Curve]) -> pd.DataFrame:
    """Return quartiles over some staircases, a row wherever one of them steps.

    Returns:
        `epochs`, `seeds` (those that have got that far), `low`, `median` and `high`: quartiles on
        a line between the seeds beside them. Empty without curves.
    """
    names = ["epochs", "seeds", "low", "median", "high"]
    if not curves:
        return pd.DataFrame(columns=names)
    start = max(float(curve.epochs[0]) for curve in curves)
    epochs = np.unique(np.concatenate([[start], *(curve.epochs for curve in curves)]))
    epochs = epochs[epochs >= start]
    values = np.stack([_read_curve(curve, epochs) for curve in curves])  # (seeds, n)
    seeds = np.isfinite(values).sum(axis=0)
    kept = seeds > 0
    quartiles = np.nanquantile(values[:, kept], [0.25, 0.5, 0.75], axis=0)
    return pd.DataFrame(dict(zip(names, (epochs[kept], seeds[kept], *quartiles), strict=True)))


def trace_errors(run: Run) -> Curve | None:
    """Return the incumbent's validation error in % against the epochs of all trials."""
    table = read_history(run)
    if table is None or not has_result(table):
        return None
    steps = trace_incumbent(table)
    return _make_curve(run, steps["spent"], 100 * steps["validation_error"])


def trace_volumes(run: Run, objectives: Sequence[str], reference: Sequence[float]) -> Curve | None:
    """Return the hypervolume in % of the box against the epochs of all trials, from 0 on."""
    table = read_history(run)
    if table is None or not has_result(table):
        return None
    growth = trace_hypervolume(table, objectives, reference)
    zero = pd.Series([0.0])
    epochs = pd.concat([zero, growth["epochs"].astype(float)])
    return _make_curve(run, epochs, pd.concat([zero, 100 * growth["hypervolume"]]))


def draw_error_race(runs: Sequence[Run], paths: Sequence[Path]) -> None:
    """Draw the incumbents' validation errors against epochs, a panel per data set.

    Args:
        runs: of several contestants, seeds and data sets.
        paths: of the figure, as SVG or PDF.
    """
    contest = group_runs(runs)
    curves = {
        dataset: {name: _trace(group, trace_errors) for name, group in contestants.items()}
        for dataset, contestants in contest.items()
    }
    title = "validation error of the incumbent (%)"
    _draw_race(runs, curves, paths, "Incumbent so far", title, from_zero=False)


def draw_volume_race(runs: Sequence[Run], paths: Sequence[Path]) -> None:
    """Draw the hypervolumes against epochs, with one reference point for each data set.

    Args:
        runs: of several contestants, seeds and data sets.
        paths: of the figure, as SVG or PDF.
    """
    curves = {}
    for dataset, contestants in group_runs(runs).items():
        objectives = choose_objectives(contestants)
        reference = choose_reference(contestants, objectives)
        trace = partial(trace_volumes, objectives=objectives, reference=reference)
        curves[dataset] = {name: _trace(group, trace) for name, group in contestants.items()}
    title = "hypervolume (% of the box)"
    _draw_race(runs, curves, paths, "Hypervolume so far", title, from_zero=True)


def _draw_race(
    runs: Sequence[Run],
    curves: Mapping[str, Mapping[str, Sequence[Curve]]],
    paths: Sequence[Path],
    title: str,
    label: str,
    *,
    from_zero: bool,
) -> None:
    looks, contest = choose_looks(runs), group_runs(runs)
    with open_style():
        figure, panels = open_panels(list(contest), f"{title}: {_explain(contest)}")
        for dataset, axes in panels.items():
            axes.set_xlabel("epochs trained, all trials together")
            axes.set_ylabel(label)
            _draw_curves(axes, curves[dataset], looks)
            if from_zero:
                axes.set_ylim(bottom=0)
        add_legend(figure, looks)
        write_figure(figure, *paths)


def _draw_curves(
    axes: Axes, curves: Mapping[str, Sequence[Curve]], looks: Mapping[str, Look]
) -> None:
    """Draw the median of each contestant, and a band between the quartiles of several seeds."""
    bands = {name: summarise_curves(found) for name, found in curves.items() if found}
    for place, (name, band) in enumerate(bands.items()):
        look, gap = looks[name], max(1, len(band) // MARKS)
        if len(curves[name]) > 1:
            x, low, high = (band[part] for part in ("epochs", "low", "high"))
            axes.fill_between(
                x, low, high, step="post", color=look.colour, alpha=0.15, linewidth=0
            )
        axes.plot(
            band["epochs"],
            band["median"],
            drawstyle="steps-post",
            markevery=(place % gap, gap),
            **{**look.mark(size=5), **look.stroke()},
        )
    if not bands:
        say(axes, "no trial has a result yet")
        return
    fit_epoch_axis(axes, max(band["epochs"].max() for band in bands.values()))
    fit_error_axis(axes, np.concatenate([band["median"] for band in bands.values()]))
    name_absent(axes, [name for name in curves if name not in bands])


def _trace(runs: Sequence[Run], trace: Callable[[Run], Curve | None]) -> list[Curve]:
    return [curve for run in runs if (curve := trace(run)) is not None]


def _make_curve(run: Run, epochs: "pd.Series[float]", values: "pd.Series[float]") -> Curve:
    end = math.inf if has_ended(run) else float(epochs.iloc[-1])
    return Curve(epochs.to_numpy(dtype=float), values.to_numpy(dtype=float), end)


def _read_curve(curve: Curve, epochs: np.ndarray) -> np.ndarray:
    """Return the values (n,) of a staircase at epochs (n,) from its first step on."""
    values = curve.values[np.searchsorted(curve.epochs, epochs, side="right") - 1]
    return np.where(epochs <= curve.end, values, np.nan)


def _explain(contest: Contest) -> str:
    groups = [group for contestants in contest.values() for group in contestants.values()]
    seeds = count_seeds(groups)
    return seeds if seeds in ("no seed", "1 seed") else f"median and quartiles of {seeds}"
