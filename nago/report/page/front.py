"""The chart of the front: every trial by its sample memory and its validation error."""

from collections.abc import Sequence

import pandas as pd

from nago.generators.complexity import MEGABYTE
from nago.report.page.chart import Chart, Curve, Mark, choose_axis, choose_series, draw_steps
from nago.report.page.numbers import configure, count, megabytes, name_sources, percent
from nago.report.runs import Run
from nago.search.front import find_front
from nago.tables import configuration_of

OBJECTIVES = ("sample_memory_bytes", "validation_error")
MOST_MARKS = 3000
"""Trials that the charts of a page show together; of more, evenly taken ones and the front."""


def chart_front(name: str, runs: Sequence[Run], most: int = MOST_MARKS) -> Chart | None:
    """Return the trials of the runs on one data set; None if none has a result.

    There are about as many marks as `most` at the most. Trials below the largest budget of their
    contestant are hollow, and the front is of the others, over all its seeds.
    """
    tables = {run.folder: _finite(run) for run in runs}
    if all(table.empty for table in tables.values()):
        return None
    names = sorted({run.contestant for run in runs if not tables[run.folder].empty})
    joined = pd.concat(tables.values())
    x = choose_axis("sample memory (MB per image)", list(joined[OBJECTIVES[0]] / MEGABYTE))
    y = choose_axis("validation error (%)", list(100 * joined[OBJECTIVES[1]]))
    every = -(-len(joined) // most)
    marks, curves, counts = [], [], []
    for series, contestant in enumerate(names):
        own = [r for r in runs if r.contestant == contestant and len(tables[r.folder])]
        counts.append(sum(len(tables[run.folder]) for run in own))
        front = _front_of([tables[run.folder] for run in own])
        points = [(x.place(memory), y.place(error)) for memory, error in front]
        path = draw_steps([*points, (100.0, points[-1][1])])
        curves.append(Curve(series, path))
        highest = max(tables[run.folder]["budget"].max() for run in own)
        for run in own:
            table = tables[run.folder]
            for place, (_, row) in enumerate(table.iterrows()):
                at = (row[OBJECTIVES[0]] / MEGABYTE, 100 * row[OBJECTIVES[1]])
                if place % every and at not in front:
                    continue
                marks.append(
                    Mark(
                        series,
                        x.place(at[0]),
                        y.place(at[1]),
                        _describe(run, row),
                        filled=bool(row["budget"] == highest),
                    )
                )
    sources = name_sources([run.folder for run in runs], "trials.csv")
    notes = []
    if len(marks) < len(joined):
        notes.append(
            f"Shown are the front and evenly taken trials, {len(marks):,} of {len(joined):,}."
        )
    best = joined.sort_values(["budget", OBJECTIVES[1]], ascending=[False, True]).iloc[0]
    return Chart(
        name=f"front-{name}",
        title=f"{name}: error against memory",
        x=x,
        y=y,
        series=choose_series(names, [count(number, "trial") for number in counts]),
        marks=tuple(sorted(marks, key=lambda mark: mark.filled)),  # the hollow ones below
        curves=tuple(curves),
        summary=(
            f"{count(len(joined), 'trial')} of {count(len(names), 'contestant')}; at the largest"
            f" budget the lowest error is {percent(best[OBJECTIVES[1]])} at"
            f" {megabytes(best[OBJECTIVES[0]])} per image."
        ),
        caption=(
            "Each mark is a trial: one network, trained once. Filled marks had the largest budget"
            " of their contestant, hollow ones less, so they cannot be compared with these. The"
            " line is the front of the filled marks over all seeds of a contestant: left of it"
            f" and below it there is nothing. Numbers: {sources}"
        ),
        notes=tuple(notes),
    )


def _finite(run: Run) -> pd.DataFrame:
    if run.trials is None:
        return pd.DataFrame(columns=["budget", *OBJECTIVES])
    numbers = run.trials[list(OBJECTIVES)].astype("float64")
    found = run.trials[numbers.notna().all(axis=1)]
    return found.astype(dict.fromkeys(OBJECTIVES, "float64"))


def _front_of(tables: Sequence[pd.DataFrame]) -> list[tuple[float, float]]:
    """Return memory in MB and error in per cent of the front, by rising memory."""
    found = find_front(pd.concat([table for table in tables if not table.empty]), OBJECTIVES)
    return [
        (float(memory) / MEGABYTE, 100 * float(error))
        for memory, error in zip(found[OBJECTIVES[0]], found[OBJECTIVES[1]], strict=True)
    ]


def _describe(run: Run, row: pd.Series) -> str:
    configuration = {name: v for name, v in configuration_of(row).items() if pd.notna(v)}
    return (
        f"{run.contestant}, seed {run.seed}, {row['trial']}\n"
        f"error {percent(row[OBJECTIVES[1]])}, {megabytes(row[OBJECTIVES[0]])} per image,"
        f" budget {count(int(row['budget']), 'epoch')}\n"
        f"{configure(configuration)}"
    )
