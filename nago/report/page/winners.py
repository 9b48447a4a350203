"""The winner of each data set: the run with the lowest validation error, and what came of it."""

import base64
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nago.records import UserError
from nago.report.page.numbers import megabytes, millions, percent, plain, show_path
from nago.report.page.table import Cell, Table, cell, make_table
from nago.report.page.traces import NO_SEARCH
from nago.report.runs import Run
from nago.search.incumbent import describe_trial, select_incumbent


@dataclass(frozen=True, slots=True)
class Winner:
    """What a run recommends, and what came of it.

    Attributes:
        run: that found it.
        trial: the incumbent's name.
        budget: its epochs.
        error: its validation error, in [0, 1].
        accuracies: test accuracies of its final networks that were trained and tested.
        memory: sample memory in bytes, the mean of these networks or else the incumbent's.
        parameters: likewise.
        configuration: hyperparameters with their values, as text.
        weights: the file of such a network, empty without any.
    """

    run: Run
    trial: str
    budget: int
    error: float
    accuracies: tuple[float, ...]
    memory: float
    parameters: float
    configuration: tuple[tuple[str, str], ...]
    weights: str

    @property
    def folder(self) -> str:
        """The folder of its run, below the project."""
        return show_path(self.run.folder)

    @property
    def finished(self) -> bool:
        """Whether the search is over."""
        return self.run.incumbent is not None

    @property
    def accuracy(self) -> float | None:
        """Mean of the test accuracies, None without any."""
        return statistics.fmean(self.accuracies) if self.accuracies else None

    @property
    def spread(self) -> str:
        """Standard deviation of the test accuracies in points; empty with fewer than two."""
        if len(self.accuracies) < 2:
            return ""
        return f"{100 * statistics.stdev(self.accuracies):.2f}"


def find_incumbent(run: Run) -> Mapping[str, Any] | None:
    """Return the best trial of a run, so far if it isn't over; None if none has a result."""
    if run.incumbent is not None:
        return run.incumbent
    if run.trials is None:
        return None
    try:
        return describe_trial(select_incumbent(run.trials))
    except UserError:
        return None


def group_by_dataset(runs: Sequence[Run]) -> dict[str, list[Run]]:
    """Return the runs on each data set, by name."""
    names = sorted({run.dataset for run in runs})
    return {name: [run for run in runs if run.dataset == name] for name in names}


def choose_winner(runs: Sequence[Run]) -> Winner | None:
    """Return what the run with the lowest error recommends; None if no trial has a result.

    A run that only spreads configurations recommends none. Runs that are over come first, since
    a smaller budget's error cannot be compared; of equal errors the first in order wins.
    """
    searches = [run for run in runs if run.method not in NO_SEARCH]
    found = [winner for run in searches if (winner := describe_winner(run)) is not None]
    return min(found, key=lambda w: (not w.finished, w.error), default=None)


def describe_winner(run: Run) -> Winner | None:
    """Return what a run recommends; None if no trial has a result."""
    best = find_incumbent(run)
    if best is None:
        return None
    finals = [] if run.finals is None else run.finals.to_dict("records")
    own: list[Any] = [f for f in finals if f["trial"] == best["trial"] and f["status"] == "ok"]
    sizes = own or [best]
    return Winner(
        run=run,
        trial=str(best["trial"]),
        budget=int(best["budget"]),
        error=float(best["validation_error"]),
        accuracies=tuple(float(final["test_accuracy"]) for final in own),
        memory=statistics.fmean(float(size["sample_memory_bytes"]) for size in sizes),
        parameters=statistics.fmean(float(size["parameters"]) for size in sizes),
        configuration=tuple((name, plain(v)) for name, v in best["configuration"].items()),
        weights=_find_weights(run, own),
    )


def tabulate_runs(runs: Sequence[Run]) -> Table:
    """Return what each run recommends and what came of it, lowest errors first by data set."""
    rows = []
    for own in group_by_dataset(runs).values():
        found = [(run, describe_winner(run)) for run in own]
        found.sort(key=lambda pair: math.inf if pair[1] is None else pair[1].error)
        for run, winner in found:
            place = [cell(run.dataset), cell(run.contestant), cell(run.seed, str(run.seed))]
            rows.append(place + (_show(winner) if winner else [cell(None)] * 5))
    return make_table(
        "runs-table",
        "All runs",
        [
            *("data set", "contestant", "seed", "validation error", "test accuracy (std)"),
            *("networks", "memory", "parameters"),
        ],
        rows,
        source="incumbent.json and final.csv of each run",
    )


def embed_drawing(run: Run, most: int) -> str:
    """Return the drawing of a network of a run as a data URI; empty if none is so small."""
    try:
        content = (run.folder / "figures" / "network.svg").read_bytes()
    except OSError:
        return ""
    encoded = base64.b64encode(content).decode()
    return f"data:image/svg+xml;base64,{encoded}" if len(encoded) <= most else ""


def _show(winner: Winner) -> list[Cell]:
    spread = f" ({winner.spread})" if winner.spread else ""
    return [
        cell(winner.error, percent(winner.error)),
        cell(winner.accuracy, percent(winner.accuracy) + spread),
        cell(len(winner.accuracies)),
        cell(winner.memory, megabytes(winner.memory)),
        cell(winner.parameters, millions(winner.parameters)),
    ]


def _find_weights(run: Run, finals: Sequence[Mapping[Any, Any]]) -> str:
    """Return the file of the first of these networks whose weights are there."""
    for final in finals:
        path = run.folder / "final" / f"{final['network']}.pt"
        if path.exists():
            return f"{show_path(run.folder)}/final/{path.name}"
    return ""
