"""Searches at equal numbers of epochs: with a baseline, paired by seed.

The method is compared with random search of the same generator, and HNAG with RNAG under the same
method; searches for a front by the hypervolume in the box of their data set.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pandas as pd

from nago.report.contestants import (
    Contestant,
    choose_searches,
    describe_progress,
    list_runs,
)
from nago.report.hypervolume import Box, choose_box, trace_volume
from nago.report.runs import Run
from nago.report.tables.paired import Found, describe_pairs, turn_losses
from nago.report.tables.rows import join_notes
from nago.report.traces import read_trace, trace_run
from nago.search.methods import METHODS

ERROR, HYPERVOLUME = "validation_error_percent", "hypervolume_percent"
SHARES = (0.25, 0.5, 0.75, 1.0)
"""Of the epochs that all paired searches have spent: where the searches are compared."""


def list_pairs(contestants: Mapping[str, Contestant]) -> list[tuple[Contestant, str, str]]:
    """Return each contestant with the name of a baseline, and the measure they are compared by.

    The baseline may be missing among `contestants`.
    """
    pairs = []
    for contestant in contestants.values():
        run = contestant.runs[0]
        method = METHODS.get(run.method)
        if method is not None and method.learns:
            measure = HYPERVOLUME if method.multi_objective else ERROR
            pairs.append((contestant, contestant.baseline, measure))
        if run.generator == "hnag" and run.method in ("bohb", "random"):
            other = f"rnag-{run.method}"
            if run.method == "bohb" or other in contestants:
                pairs.append((contestant, other, ERROR))
    return pairs


def compare_searches(contestants: Mapping[str, Contestant]) -> list[dict[str, Any]]:
    """Return the rows of all pairs of searches on one data set."""
    searches = choose_searches(list_runs(contestants.values()))
    if not searches:
        return []
    box = choose_box(searches)
    rows = []
    for contestant, name, measure in list_pairs(contestants):
        place = {"dataset": contestant.dataset, "measure": measure}
        place |= {"contestant": contestant.name, "baseline": name}
        if name not in contestants:
            rows.append({**place, "note": f"{name} is missing: nothing to compare with"})
            continue
        trace = trace_errors if measure == ERROR else partial(trace_losses, box=box)
        for row in _race(contestant, contestants[name], trace):
            rows.append(place | (turn_losses(row) if measure == HYPERVOLUME else row))
    return rows


def trace_errors(run: Run) -> pd.DataFrame:
    """Return the trace of a run's error in per cent: `spent`, `loss` and `budget`."""
    trace = trace_run(run)
    return trace[["spent", "budget"]].assign(loss=100 * trace["error"])


def trace_losses(run: Run, box: Box) -> pd.DataFrame:
    """Return the trace of a run's hypervolume in per cent with its sign turned, likewise."""
    trace = trace_volume(run, box)
    return trace[["spent", "budget"]].assign(loss=-100 * trace["hypervolume"])


def _race(
    contestant: Contestant, baseline: Contestant, trace: Callable[[Run], pd.DataFrame]
) -> list[dict[str, Any]]:
    """Return the rows of two searches at equal epochs, paired by seed."""
    runs = [
        (run, baseline.by_seed[seed])
        for seed, run in contestant.by_seed.items()
        if seed in baseline.by_seed
    ]
    pairs = [(trace(run), trace(other)) for run, other in runs]
    ends = [int(found["spent"].max()) if len(found) else 0 for pair in pairs for found in pair]
    if not pairs or min(ends) == 0:
        why = "a search has no trial yet" if pairs else "no seed in common"
        return [{"values": 0, "baseline_values": 0, "note": why}]
    grid = sorted({max(1, math.floor(share * min(ends))) for share in SHARES})
    notes = [describe_progress(run) for pair in runs for run in pair]
    alone = sorted(set(contestant.by_seed) ^ set(baseline.by_seed))
    notes.append(f"without a partner: seeds {', '.join(map(str, alone))}" if alone else "")
    rows = []
    for epochs in grid:
        found = [(_read(own, epochs), _read(other, epochs)) for own, other in pairs]
        row = {"epochs": epochs} | describe_pairs(found, last=epochs == grid[-1])
        rows.append(row | {"note": join_notes(row["note"], *notes)})
    return rows


def _read(trace: pd.DataFrame, epochs: float) -> Found:
    found = read_trace(trace, epochs)
    return found["loss"], found["budget"]
