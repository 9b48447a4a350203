"""Who is compared: runs by data set and contestant, and what each contestant looks like.

A contestant has one colour, one marker and one line in all panels, so that a figure can be read
without colours as well. Random search, the baseline, is dashed; no other contestant is.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from nago.report.figures.style import COLOURS, MARKERS, mark
from nago.report.runs import Run
from nago.search.front import complete_reference
from nago.tables import join_tables

SPREAD = "spread"
"""The method that trains configurations many times, and searches for none."""

RANDOM = "random"
DASHED = (0, (4, 2))
LINES: list[Any] = [
    "-",
    (0, (6, 1.5, 1, 1.5)),
    (0, (1, 1.2)),
    (0, (6, 1, 1, 1, 1, 1)),
    (0, (9, 1)),
]

Contest = dict[str, dict[str, list[Run]]]
"""The runs of each contestant on each data set, in the order given."""


@dataclass(frozen=True, slots=True)
class Look:
    """The colour, marker and line of a contestant."""

    colour: str
    marker: str
    line: Any

    def mark(self, *, filled: bool = True, size: float = 6) -> dict[str, Any]:
        """Return the look of its marks, as arguments of matplotlib's lines."""
        return mark(self.marker, self.colour, filled=filled, size=size)

    def stroke(self) -> dict[str, Any]:
        """Return the look of its lines, as arguments of matplotlib's lines."""
        return {"color": self.colour, "linestyle": self.line, "linewidth": 1.6}


def group_runs(runs: Sequence[Run]) -> Contest:
    """Return the runs by data set and contestant; those of `spread` take no part."""
    contest: Contest = {}
    for run in runs:
        if run.method != SPREAD:
            contest.setdefault(run.dataset, {}).setdefault(run.contestant, []).append(run)
    return contest


def choose_looks(runs: Sequence[Run]) -> dict[str, Look]:
    """Return the look of each contestant, all different for 36 of them."""
    methods = {run.contestant: run.method for run in runs if run.method != SPREAD}
    looks = {}
    for place, (contestant, method) in enumerate(methods.items()):
        turn, colour = divmod(place, len(COLOURS))
        marker = MARKERS[(colour + turn) % len(MARKERS)]
        line = DASHED if method == RANDOM else LINES[place % len(LINES)]
        looks[contestant] = Look(COLOURS[colour], marker, line)
    return looks


def read_history(run: Run) -> pd.DataFrame | None:
    """Return all trials that a run has seen, those of an earlier search included.

    Who began with the trials of an earlier search has their epochs on its bill.
    """
    tables = [table for table in (run.initial, run.trials) if table is not None]
    return join_tables(tables) if tables and run.trials is not None else None


def has_ended(run: Run) -> bool:
    """Return whether all trials of a run are there."""
    return run.trials is not None and "trials.csv" not in run.missing


def choose_objectives(contestants: Mapping[str, Sequence[Run]]) -> list[str]:
    """Return the objectives of the first run on a data set, for all of its contestants."""
    first = next(iter(contestants.values()))[0]
    return list(first.settings["objectives"])


def choose_reference(
    contestants: Mapping[str, Sequence[Run]], objectives: Sequence[str]
) -> list[float]:
    """Return the reference point that all contestants on a data set share.

    It is that of the settings, or else 1 for the error and the largest value that any run has
    found at its own highest budget for the others.
    """
    runs = [run for group in contestants.values() for run in group]
    given = runs[0].settings.get("reference")
    if given is not None:
        return [float(value) for value in given]
    unknown = [1.0 if name == "validation_error" else None for name in objectives]
    histories = [table for run in runs if (table := read_history(run)) is not None]
    found = [
        complete_reference(table, objectives, unknown)
        for table in histories
        if table["validation_error"].notna().any()
    ]
    return [float(value) for value in np.max(found, axis=0)] if found else [1.0] * len(objectives)


def count_seeds(groups: Sequence[Sequence[Run]]) -> str:
    """Return how many runs the groups have, in words."""
    counts = sorted({len(group) for group in groups})
    if not counts:
        return "no seed"
    if len(counts) > 1:
        return f"{counts[0]} to {counts[-1]} seeds"
    return "1 seed" if counts[0] == 1 else f"{counts[0]} seeds"


def has_result(table: pd.DataFrame | None) -> bool:
    """Return whether any trial of a table has an error that is a number."""
    if table is None:
        return False
    return any(math.isfinite(error) for error in table["validation_error"].astype(float))
