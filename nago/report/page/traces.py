"""Traces: what each contestant would have recommended after so many epochs, over its seeds.

Epochs, and not trials, are what contestants are compared at: a trial of one may cost many of
another's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from nago.report.figures.search_trials import PLAN_ORDER, trace_incumbent
from nago.report.runs import Run
from nago.tables import join_tables

NO_SEARCH = ("spread",)
"""Methods that try configurations but recommend none, so that no curve is theirs."""

BASELINE = "random"


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """What a contestant would have recommended after so many epochs, over its seeds.

    Attributes:
        contestant: its name.
        generator: its generator and space.
        seeds: how many there are.
        epochs: (n,), rising, where something changes, and the last that all seeds reached.
        errors: (seeds, n), of each seed, in [0, 1].
        budgets: (seeds, n), epochs of the trials that these are the errors of.
    """

    contestant: str
    generator: str
    seeds: int
    epochs: np.ndarray
    errors: np.ndarray
    budgets: np.ndarray

    def quantile(self, share: float) -> np.ndarray:
        """Return a quantile over the seeds at each place, (n,)."""
        return np.asarray(np.quantile(self.errors, share, axis=0))

    def look_up(self, epochs: float) -> tuple[np.ndarray, set[int]]:
        """Return the error of each seed after so many epochs, (seeds,), and their budgets."""
        place = int(np.searchsorted(self.epochs, epochs, side="right")) - 1
        return np.asarray(self.errors[:, place]), set(self.budgets[:, place].astype(int).tolist())


def trace_contestants(runs: Sequence[Run]) -> list[Trace]:
    """Return the traces of the contestants with results on one data set, by name.

    A trace begins where all seeds have a result, and ends where the shortest ends.
    """
    traces = []
    for contestant in sorted({run.contestant for run in runs if run.method not in NO_SEARCH}):
        own = [run for run in runs if run.contestant == contestant]
        curves = [curve for run in own if (curve := _trace(run)) is not None]
        if not curves:
            continue
        start = max(spent[0] for spent, _ in curves)
        end = max(start, min(spent[-1] for spent, _ in curves))
        places = np.unique(np.concatenate([[start, end], *(spent for spent, _ in curves)]))
        places = places[(places >= start) & (places <= end)]
        found = np.stack([v[np.searchsorted(s, places, side="right") - 1] for s, v in curves])
        traces.append(
            Trace(
                contestant=contestant,
                generator=own[0].generator,
                seeds=len(curves),
                epochs=places,
                errors=found[:, :, 0],
                budgets=found[:, :, 1],
            )
        )
    return traces


def _trace(run: Run) -> tuple[np.ndarray, np.ndarray] | None:
    """Return epochs spent, (n,), with the error and the budget of the incumbent then, (n, 2).

    The epochs of an earlier search that the run began with count as well. None without a result.
    """
    tables = [table for table in (run.initial, run.trials) if table is not None]
    if run.trials is None or not len(join_tables(tables)):
        return None
    trials = join_tables(tables).sort_values(PLAN_ORDER, kind="stable")
    curve = trace_incumbent(trials)
    if curve.empty:
        return None
    reached = trials["budget"].where(trials["validation_error"].notna()).cummax().ffill().dropna()
    values = np.column_stack([curve["validation_error"], reached]).astype(float)
    return curve["spent"].to_numpy(dtype=float), values


def find_unmatched(traces: Sequence[Trace]) -> list[str]:
    """Return the contestants that search, but have no random search of their generator beside."""
    names = {trace.contestant for trace in traces}
    return [
        trace.contestant
        for trace in traces
        if not trace.contestant.endswith(("-default", f"-{BASELINE}"))
        and f"{trace.generator}-{BASELINE}" not in names
    ]


def say_baseline(traces: Sequence[Trace]) -> list[str]:
    """Return what cannot be claimed of these traces, a sentence each."""
    said = []
    unmatched = find_unmatched(traces)
    if unmatched:
        wanted = [f"{t.generator}-{BASELINE}" for t in traces if t.contestant in unmatched]
        said.append(
            f"There is no random search to compare {' and '.join(unmatched)} with, so nothing here"
            f" says whether the search is better than chance. A run of"
            f" {' and '.join(dict.fromkeys(wanted))} with as many epochs would."
        )
    single = [trace.contestant for trace in traces if trace.seeds == 1]
    if single:
        said.append(
            f"One seed of {', '.join(single)}: no claim. Another seed gives another curve."
        )
    return said
