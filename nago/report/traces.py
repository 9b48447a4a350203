"""Traces: what searches had found after so many epochs, of one run and over the seeds of several.

Contestants are compared at the epochs that they spent and not at how many trials that was; epochs
are counted in the order of the plan, those of an earlier search that a run began with among them.
A trace is a staircase: its values hold until the next step. One rule for tables, figures and the
page says how those of several seeds go together: they begin where all seeds with a result have
one; a search that is over keeps its last value up to the end of the longest, and one that goes on
counts as far as it has come.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nago.report.contestants import collect_trials, is_finished
from nago.report.runs import Run
from nago.search.incumbent import PLAN_ORDER

Array = NDArray[np.float64]
FOUND = ("budget", "error", "best_any_budget")
"""What a trace of the incumbent says."""


def order_trials(table: pd.DataFrame) -> pd.DataFrame:
    """Return the trials in plan order, with `spent`, the epochs of all so far."""
    trials = table.sort_values(PLAN_ORDER, kind="stable").reset_index(drop=True)
    errors = trials["validation_error"].astype(float)
    spent = trials["epochs"].astype(float).cumsum()
    return trials.assign(validation_error=errors, spent=spent)


def trace_incumbent(table: pd.DataFrame) -> pd.DataFrame:
    """Return what had been found after each trial, in plan order.

    Returns:
        A row per trial: `spent` (epochs of all trials so far), `budget` and `error` of the
        incumbent (the best at the highest budget with a result so far, so its error rises where
        a higher budget is reached), and `best_any_budget`; errors in [0, 1], NaN before the first.
    """
    rows: list[tuple[float, ...]] = []
    highest, error, best = math.nan, math.nan, math.nan
    trials = order_trials(table)
    for budget, found, spent in zip(
        trials["budget"], trials["validation_error"], trials["spent"], strict=True
    ):
        if math.isfinite(found):
            best = found if math.isnan(best) else min(best, found)
            if math.isnan(highest) or budget > highest or (budget == highest and found < error):
                highest, error = float(budget), found
        rows.append((spent, highest, error, best))
    return pd.DataFrame(rows, columns=["spent", *FOUND])


def trace_run(run: Run) -> pd.DataFrame:
    """Return the trace of the incumbent of a run; without rows if it has no trial."""
    trials = collect_trials(run)
    return pd.DataFrame(columns=["spent", *FOUND]) if trials is None else trace_incumbent(trials)


def read_trace(trace: pd.DataFrame, epochs: float) -> dict[str, float]:
    """Return the values of a trace after some epochs: those of the last trial that ended by then.

    Returns:
        Each column but `spent`; all NaN before the first trial.
    """
    # What took no epochs counts as soon as those before it are spent.
    place = int(trace["spent"].searchsorted(epochs, side="right")) - 1
    names = [str(name) for name in trace.columns if name != "spent"]
    return {name: math.nan if place < 0 else float(trace[name].iloc[place]) for name in names}


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """The traces of several seeds, side by side.

    Attributes:
        epochs: (n,), rising: wherever one of the seeds has a trial.
        values: by the column of the traces (seeds, n), NaN where an unfinished seed has not come.
        ends: (seeds,), the epochs that each seed has spent.
    """

    epochs: Array
    values: Mapping[str, Array]
    ends: Array

    @property
    def reached(self) -> float:
        """The epochs that all seeds have spent."""
        return float(self.ends.min())

    @property
    def seeds(self) -> NDArray[np.int64]:
        """How many seeds count at each place, (n,)."""
        return np.asarray(np.isfinite(next(iter(self.values.values()))).sum(axis=0))

    def quantile(self, name: str, share: float, factor: float = 1.0) -> Array:
        """Return a quantile over the seeds at each place, (n,), on a line between neighbours.

        Args:
            name: of the values.
            share: 0.5 for the median.
            factor: from the values to the unit of the result.
        """
        return np.asarray(np.nanquantile(factor * self.values[name], share, axis=0))

    def read(self, name: str, epochs: float) -> Array:
        """Return the values of the seeds that count after some epochs."""
        place = int(np.searchsorted(self.epochs, epochs, side="right")) - 1
        found = self.values[name][:, place]
        return np.asarray(found[np.isfinite(found)])


def align_traces(traces: Sequence[pd.DataFrame], finished: Sequence[bool]) -> Course | None:
    """Return the traces of some seeds on common numbers of epochs; None if none has a result.

    Args:
        traces: with `spent` and further columns, which are all NaN before a seed's first result.
        finished: whether each search is over.
    """
    known = [(trace.dropna(), over) for trace, over in zip(traces, finished, strict=True)]
    known = [(trace, over) for trace, over in known if len(trace)]
    if not known:
        return None
    spent = [trace["spent"].to_numpy(dtype=float) for trace, _ in known]
    start = max(steps[0] for steps in spent)
    epochs = np.unique(np.concatenate(spent))
    epochs = epochs[epochs >= start]
    ends = np.array([steps[-1] for steps in spent])
    values = {}
    for name in (str(name) for name in known[0][0].columns if name != "spent"):
        rows = []
        for (trace, over), steps in zip(known, spent, strict=True):
            held = trace[name].to_numpy(dtype=float)
            held = held[np.searchsorted(steps, epochs, side="right") - 1]
            rows.append(held if over else np.where(epochs <= steps[-1], held, np.nan))
        values[name] = np.stack(rows)
    counted = np.isfinite(next(iter(values.values()))).any(axis=0)
    return Course(epochs[counted], {name: v[:, counted] for name, v in values.items()}, ends)


def trace_contestant(runs: Sequence[Run]) -> Course | None:
    """Return the incumbents of some seeds of one contestant; None if none has a result."""
    return align_traces([trace_run(run) for run in runs], [is_finished(run) for run in runs])
