"""Figures of a race: how good the contestants are after how many epochs, over their seeds.

A line is the median of the seeds, with a band between their quartiles; how the staircases of
several seeds go together is the rule of `nago.report.traces`, as in the tables.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from nago.report.contestants import (
    Contest,
    choose_searches,
    collect_trials,
    count_seeds,
    group_runs,
    has_result,
    is_finished,
    list_contestants,
    list_runs,
)
from nago.report.figures.looks import Look, choose_looks
from nago.report.figures.panels import (
    add_legend,
    fit_epoch_axis,
    fit_error_axis,
    name_absent,
    open_panels,
    say,
)
from nago.report.figures.style import open_style, write_figure
from nago.report.hypervolume import Box, choose_box, trace_volume
from nago.report.runs import Run
from nago.report.traces import Course, align_traces, trace_contestant

MARKS = 7
"""Marks on a curve, so that it is known without its colour."""


def summarise_course(course: Course | None, name: str) -> pd.DataFrame:
    """Return quartiles in % over the seeds of a course, a row wherever one of them has a trial.

    Returns:
        `epochs`, `seeds` (those that have got that far), `low`, `median` and `high`. Empty
        without a course.
    """
    if course is None:
        return pd.DataFrame(columns=["epochs", "seeds", "low", "median", "high"])
    quartiles = {"low": 0.25, "median": 0.5, "high": 0.75}
    return pd.DataFrame(
        {"epochs": course.epochs, "seeds": course.seeds}
        | {part: course.quantile(name, share, 100) for part, share in quartiles.items()}
    )


def trace_volumes(runs: Sequence[Run], box: Box) -> Course | None:
    """Return the hypervolumes of some seeds with a result, from 0 before the first trial on."""
    known = [run for run in runs if has_result(collect_trials(run))]
    start = pd.DataFrame({"spent": [0.0], "budget": [0.0], "hypervolume": [0.0]})
    traces = [
        pd.concat([start, trace_volume(run, box)], ignore_index=True).fillna(0.0) for run in known
    ]
    return align_traces(traces, [is_finished(run) for run in known])


def draw_error_race(runs: Sequence[Run], paths: Sequence[Path]) -> None:
    """Draw the incumbents' validation errors against epochs, a panel per data set.

    Args:
        runs: of several contestants, seeds and data sets.
        paths: of the figure, as SVG or PDF.
    """
    bands = {
        dataset: {
            name: summarise_course(trace_contestant(contestant.runs), "error")
            for name, contestant in contestants.items()
        }
        for dataset, contestants in group_runs(choose_searches(runs)).items()
    }
    title = "validation error of the incumbent (%)"
    _draw_race(runs, bands, paths, "Incumbent so far", title, from_zero=False)


def draw_volume_race(runs: Sequence[Run], paths: Sequence[Path]) -> None:
    """Draw the hypervolumes against epochs, with one reference point for each data set.

    Args:
        runs: of several contestants, seeds and data sets.
        paths: of the figure, as SVG or PDF.
    """
    bands = {}
    for dataset, contestants in group_runs(choose_searches(runs)).items():
        box = choose_box(list_runs(contestants.values()))
        bands[dataset] = {
            name: summarise_course(trace_volumes(contestant.runs, box), "hypervolume")
            for name, contestant in contestants.items()
        }
    title = "hypervolume (% of the box)"
    _draw_race(runs, bands, paths, "Hypervolume so far", title, from_zero=True)


def _draw_race(
    runs: Sequence[Run],
    bands: Mapping[str, Mapping[str, pd.DataFrame]],
    paths: Sequence[Path],
    title: str,
    label: str,
    *,
    from_zero: bool,
) -> None:
    looks, contest = choose_looks(runs), group_runs(choose_searches(runs))
    with open_style():
        figure, panels = open_panels(list(contest), f"{title}: {_explain(contest)}")
        for dataset, axes in panels.items():
            axes.set_xlabel("epochs trained, all trials together")
            axes.set_ylabel(label)
            _draw_bands(axes, bands[dataset], looks)
            if from_zero:
                axes.set_ylim(bottom=0)
        add_legend(figure, looks)
        write_figure(figure, *paths)


def _draw_bands(axes: Axes, found: Mapping[str, pd.DataFrame], looks: Mapping[str, Look]) -> None:
    """Draw the median of each contestant, and a band between the quartiles of several seeds."""
    bands = {name: band for name, band in found.items() if len(band)}
    for place, (name, band) in enumerate(bands.items()):
        look, gap = looks[name], max(1, len(band) // MARKS)
        if band["seeds"].max() > 1:
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
    name_absent(axes, [name for name in found if name not in bands])


def _explain(contest: Contest) -> str:
    seeds = count_seeds(list_contestants(contest))
    return seeds if seeds in ("no seed", "1 seed") else f"median and quartiles of {seeds}"
