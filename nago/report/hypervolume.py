"""Hypervolumes of several searches, measured in one box so that they compare.

The box goes from zero, the ideal of every objective, to a reference point that all searches on a
data set share. As for the incumbent only the highest budget with a result so far counts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nago.report.contestants import collect_trials, has_result
from nago.report.runs import Run
from nago.report.traces import order_trials
from nago.search.front import complete_reference
from nago.search.pareto import measure_hypervolume

COLUMNS = ["spent", "budget", "hypervolume"]


@dataclass(frozen=True, slots=True)
class Box:
    """What all searches on a data set are measured in: objectives and a value for each."""

    objectives: tuple[str, ...]
    reference: tuple[float, ...]

    @property
    def columns(self) -> dict[str, float]:
        """The reference point by the names of its columns in tables."""
        pairs = zip(self.objectives, self.reference, strict=True)
        return {f"reference_{name}": value for name, value in pairs}


def choose_box(runs: Sequence[Run]) -> Box:
    """Return the box of the searches on one data set.

    The objectives are those of the first. The reference point is that of its settings, or else 1
    for the error and the largest value that any run has found at its own highest budget for the
    others: the rule of a single search.
    """
    objectives = [str(name) for name in runs[0].settings["objectives"]]
    given = runs[0].settings.get("reference")
    if given is not None:
        return Box(tuple(objectives), tuple(float(value) for value in given))
    unknown = [1.0 if name == "validation_error" else None for name in objectives]
    histories = [table for run in runs if (table := collect_trials(run)) is not None]
    found = [
        complete_reference(table, objectives, unknown) for table in histories if has_result(table)
    ]
    largest = np.max(found, axis=0) if found else np.ones(len(objectives))
    return Box(tuple(objectives), tuple(float(value) for value in largest))


def trace_front(table: pd.DataFrame, box: Box) -> pd.DataFrame:
    """Return what the front dominated after each trial, in plan order.

    Returns:
        A row per trial: `spent` (epochs of all trials so far), the highest `budget` with a result
        so far, and `hypervolume` of the trials at it, a share of the box, which falls where a
        higher budget is reached; NaN before the first result.
    """
    trials = order_trials(table)
    losses = trials[list(box.objectives)].to_numpy(dtype=np.float64, na_value=np.nan)
    # The largest value found lies on the border of the box: it adds nothing, as it should.
    point = np.ones(len(box.objectives))
    losses = losses / np.asarray(box.reference)
    rows: list[tuple[float, float, float]] = []
    highest, share, members = math.nan, math.nan, losses[:0]
    for loss, budget, spent in zip(losses, trials["budget"], trials["spent"], strict=True):
        if np.isfinite(loss).all() and not budget < highest:
            kept = members if budget == highest else losses[:0]
            members = np.vstack([kept, loss])
            highest, share = float(budget), measure_hypervolume(members, point)
        rows.append((spent, highest, share))
    return pd.DataFrame(rows, columns=COLUMNS)


def trace_volume(run: Run, box: Box) -> pd.DataFrame:
    """Return the trace of the front of a run; without rows if it has no trial."""
    trials = collect_trials(run)
    return pd.DataFrame(columns=COLUMNS) if trials is None else trace_front(trials, box)
