"""Error against epochs spent: each contestant's median over its seeds, beside random search.

A curve says what a search would have recommended had it been stopped there.
"""

from collections.abc import Sequence

import numpy as np

from nago.report.contestants import RANDOM
from nago.report.page.baselines import Racer, list_racers, say_baseline
from nago.report.page.chart import (
    Chart,
    Curve,
    Mark,
    choose_axis,
    choose_series,
    draw_band,
    draw_steps,
)
from nago.report.page.numbers import count, name_sources, percent
from nago.report.page.table import Table, cell, make_table
from nago.report.runs import Run


def chart_anytime(name: str, runs: Sequence[Run]) -> Chart | None:
    """Return the curves of the contestants on one data set; None if none has a result."""
    racers = list_racers(runs)
    if not racers:
        return None
    courses = [racer.course for racer in racers]
    x = choose_axis(
        "epochs of training, all trials together",
        [float(course.epochs[-1]) for course in courses],
        zero=True,
    )
    y = choose_axis(
        "validation error (%)",
        [100 * float(v) for c in courses for q in (0.25, 0.75) for v in c.quantile("error", q)],
    )
    marks, curves = [], []
    for series, (racer, course) in enumerate(zip(racers, courses, strict=True)):
        quartiles = [
            [(x.place(e), y.place(100 * v)) for e, v in zip(course.epochs, values, strict=True)]
            for values in (course.quantile("error", share) for share in (0.25, 0.5, 0.75))
        ]
        if racer.seeds > 1:
            curves.append(Curve(series, draw_band(quartiles[0], quartiles[2]), "area"))
        curves.append(Curve(series, draw_steps(quartiles[1]), _choose_kind(racer)))
        marks += _mark_changes(series, racer, quartiles[1])
    sources = name_sources([run.folder for run in runs], "trials.csv")
    return Chart(
        name=f"anytime-{name}",
        title=f"{name}: error against epochs",
        x=x,
        y=y,
        series=choose_series(
            [racer.name for racer in racers], [count(racer.seeds, "seed") for racer in racers]
        ),
        marks=tuple(marks),
        curves=tuple(curves),
        summary=" ".join(
            f"{racer.name} ends at {percent(racer.course.quantile('error', 0.5)[-1])} after"
            f" {count(int(racer.course.epochs[-1]), 'epoch')}."
            for racer in racers
        ),
        caption=(
            "What each contestant would have recommended had it been stopped there: the lowest"
            " error at the highest budget that has a result, so a curve may rise where a higher"
            " budget is reached. The line is the median over seeds, the band goes from the lower"
            " to the upper quartile, and random search is dashed. A curve begins where all its"
            " seeds with a result have one and ends with the longest of them; a search that is"
            " over keeps its last value, one that goes on counts as far as it has come. Numbers:"
            f" {sources}"
        ),
        notes=tuple(say_baseline(racers)),
    )


def compare_at_equal_epochs(name: str, runs: Sequence[Run]) -> Table | None:
    """Return each contestant beside random search of its generator, after as many epochs."""
    racers = {racer.name: racer for racer in list_racers(runs)}
    rows = []
    for racer in racers.values():
        other = racers.get(racer.contestant.baseline)
        if other is None or not racer.searches:
            continue
        epochs = min(racer.course.reached, other.course.reached)
        if epochs < max(racer.course.epochs[0], other.course.epochs[0]):
            continue
        own, chance = (found.course.read("error", epochs) for found in (racer, other))
        budgets, others = (
            set(found.course.read("budget", epochs).tolist()) for found in (racer, other)
        )
        rows.append(
            [
                cell(racer.name),
                cell(epochs),
                cell(np.median(own), percent(np.median(own))),
                cell(np.median(chance), percent(np.median(chance))),
                cell(
                    100 * (np.median(own) - np.median(chance)),
                    f"{100 * (np.median(own) - np.median(chance)):+.2f} points",
                ),
                cell(f"{racer.seeds} and {other.seeds}"),
                cell(_judge(own, chance) if budgets == others else "budgets differ: no claim"),
            ]
        )
    if not rows:
        return None
    return make_table(
        f"equal-epochs-{name}",
        f"{name}: beside random search, after as many epochs",
        [
            *("contestant", "epochs", "its median error", "that of random search"),
            *("difference", "seeds", "what it says"),
        ],
        rows,
        source=name_sources([run.folder for run in runs], "trials.csv"),
    )


def _judge(own: np.ndarray, chance: np.ndarray) -> str:
    """Return what the errors of some seeds say, without claiming more."""
    if min(len(own), len(chance)) < 2:
        return "one seed: no claim"
    if own.max() < chance.min():
        return "lower with every seed"
    if own.min() > chance.max():
        return "higher with every seed"
    return "the seeds overlap"


def _choose_kind(racer: Racer) -> str:
    return "dashed" if racer.contestant.method == RANDOM else "line"


def _mark_changes(series: int, racer: Racer, places: Sequence[tuple[float, float]]) -> list[Mark]:
    """Return marks where the median changes, and at the end."""
    course = racer.course
    low, median, high = (course.quantile("error", share) for share in (0.25, 0.5, 0.75))
    marks = []
    for place, epochs in enumerate(course.epochs):
        last = place == len(course.epochs) - 1
        if place and not last and median[place] == median[place - 1]:
            continue
        seeds = int(course.seeds[place])
        spread = f", quartiles {percent(low[place])} to {percent(high[place])}"
        found = course.values["budget"][:, place]
        budgets = " and ".join(f"{v:g}" for v in sorted({*found[np.isfinite(found)].tolist()}))
        marks.append(
            Mark(
                series,
                *places[place],
                f"{racer.name}\nafter {count(int(epochs), 'epoch')}\n"
                f"error {percent(median[place])} at budget {budgets}"
                + (f" (median of {seeds} seeds{spread})" if seeds > 1 else ""),
                small=True,
            )
        )
    return marks
