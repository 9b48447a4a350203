"""Error against epochs spent: each contestant's median over its seeds, beside random search.

A curve says what a search would have recommended had it been stopped there.
"""

from collections.abc import Sequence

import numpy as np

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
from nago.report.page.traces import BASELINE, Trace, say_baseline, trace_contestants
from nago.report.runs import Run


def chart_anytime(name: str, runs: Sequence[Run]) -> Chart | None:
    """Return the curves of the contestants on one data set; None if none has a result."""
    traces = trace_contestants(runs)
    if not traces:
        return None
    x = choose_axis(
        "epochs of training, all trials together",
        [float(trace.epochs[-1]) for trace in traces],
        zero=True,
    )
    y = choose_axis(
        "validation error (%)",
        [100 * float(v) for trace in traces for q in (0.25, 0.75) for v in trace.quantile(q)],
    )
    marks, curves = [], []
    for series, trace in enumerate(traces):
        quartiles = [
            [(x.place(e), y.place(100 * v)) for e, v in zip(trace.epochs, values, strict=True)]
            for values in (trace.quantile(0.25), trace.quantile(0.5), trace.quantile(0.75))
        ]
        if trace.seeds > 1:
            curves.append(Curve(series, draw_band(quartiles[0], quartiles[2]), "area"))
        curves.append(Curve(series, draw_steps(quartiles[1]), _choose_kind(trace)))
        marks += _mark_changes(series, trace, quartiles[1])
    sources = name_sources([run.folder for run in runs], "trials.csv")
    return Chart(
        name=f"anytime-{name}",
        title=f"{name}: error against epochs",
        x=x,
        y=y,
        series=choose_series(
            [trace.contestant for trace in traces], [count(t.seeds, "seed") for t in traces]
        ),
        marks=tuple(marks),
        curves=tuple(curves),
        summary=" ".join(
            f"{trace.contestant} ends at {percent(np.median(trace.errors[:, -1]))} after"
            f" {count(int(trace.epochs[-1]), 'epoch')}."
            for trace in traces
        ),
        caption=(
            "What each contestant would have recommended had it been stopped there: the lowest"
            " error at the highest budget that has a result, so a curve may rise where a higher"
            " budget is reached. The line is the median over seeds, the band goes from the lower"
            " to the upper quartile, and random search is dashed. A curve begins where all its"
            f" seeds have a result and ends with the shortest of them. Numbers: {sources}"
        ),
        notes=tuple(say_baseline(traces)),
    )


def compare_at_equal_epochs(name: str, runs: Sequence[Run]) -> Table | None:
    """Return each contestant beside random search of its generator, after as many epochs."""
    traces = trace_contestants(runs)
    baselines = {trace.generator: trace for trace in traces if _choose_kind(trace) == "dashed"}
    rows = []
    for trace in traces:
        other = baselines.get(trace.generator)
        if other is None or other is trace or trace.contestant.endswith("-default"):
            continue
        epochs = min(trace.epochs[-1], other.epochs[-1])
        if epochs < max(trace.epochs[0], other.epochs[0]):
            continue
        own, budgets = trace.look_up(epochs)
        chance, others = other.look_up(epochs)
        rows.append(
            [
                cell(trace.contestant),
                cell(epochs),
                cell(np.median(own), percent(np.median(own))),
                cell(np.median(chance), percent(np.median(chance))),
                cell(
                    100 * (np.median(own) - np.median(chance)),
                    f"{100 * (np.median(own) - np.median(chance)):+.2f} points",
                ),
                cell(f"{trace.seeds} and {other.seeds}"),
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


def _choose_kind(trace: Trace) -> str:
    return "dashed" if trace.contestant.endswith(f"-{BASELINE}") else "line"


def _mark_changes(series: int, trace: Trace, places: Sequence[tuple[float, float]]) -> list[Mark]:
    """Return marks where the median changes, and at the end."""
    median, low, high = (trace.quantile(share) for share in (0.5, 0.25, 0.75))
    marks = []
    for place, epochs in enumerate(trace.epochs):
        last = place == len(trace.epochs) - 1
        if place and not last and median[place] == median[place - 1]:
            continue
        spread = f", quartiles {percent(low[place])} to {percent(high[place])}"
        budgets = " and ".join(f"{v:g}" for v in sorted(set(trace.budgets[:, place].tolist())))
        marks.append(
            Mark(
                series,
                *places[place],
                f"{trace.contestant}\nafter {count(int(epochs), 'epoch')}\n"
                f"error {percent(median[place])} at budget {budgets}"
                + (f" (median of {trace.seeds} seeds{spread})" if trace.seeds > 1 else ""),
                small=True,
            )
        )
    return marks
