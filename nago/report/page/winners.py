"""The winner of each data set: the run with the lowest validation error, and what came of it."""

import base64
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from nago.report.contestants import choose_searches, find_best, group_runs, list_runs
from nago.report.finals import list_finals
from nago.report.page.numbers import megabytes, millions, percent, plain, show_path
from nago.report.page.table import Cell, Table, cell, make_table
from nago.report.runs import Run
from nago.search.incumbent import describe_trial


@dataclass(frozen=True, slots=True)
class Winner:
    """What a run recommends, and what came of it.

    Attributes:
        run: that found it.
        trial: what it recommends: its first finalist, or the best so far.
        budget: its epochs.
        error: its validation error, in [0, 1].
        accuracies: test accuracies of its final networks that were trained and tested.
        memory: sample memory in bytes, the mean of all its final networks or else its own.
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


def find_choice(run: Run) -> Mapping[str, Any] | None:
    """Return the trial that a run recommends, its first finalist or the best so far, or None."""
    if run.finalists:
        return run.finalists[0]
    if run.incumbent is not None:
        return run.incumbent
    best = find_best(run)
    return None if best is None else describe_trial(best)


def choose_winner(runs: Sequence[Run]) -> Winner | None:
    """Return what the run with the lowest error recommends; None if no trial has a result.

    A run that only spreads configurations recommends none. Runs that are over come first, since
    a smaller budget's error cannot be compared; of equal errors the first in order wins.
    """
    found = [w for run in choose_searches(runs) if (w := describe_winner(run)) is not None]
    return min(found, key=lambda w: (not w.finished, w.error), default=None)


def describe_winner(run: Run) -> Winner | None:
    """Return what a run recommends; None if no trial has a result."""
    best = find_choice(run)
    if best is None:
        return None
    finals = list_finals(run).get(0)
    networks: list[Any] = [] if finals is None else finals.to_dict("records")
    tested = [network for network in networks if pd.notna(network["test_accuracy"])]
    return Winner(
        run=run,
        trial=str(best["trial"]),
        budget=int(best["budget"]),
        error=float(best["validation_error"]),
        accuracies=tuple(float(final["test_accuracy"]) for final in tested),
        memory=_average("sample_memory_bytes", networks, best),
        parameters=_average("parameters", networks, best),
        configuration=tuple((name, plain(v)) for name, v in best["configuration"].items()),
        weights=_find_weights(run, tested),
    )


def tabulate_runs(runs: Sequence[Run]) -> Table:
    """Return what each run recommends and what came of it, lowest errors first by data set."""
    rows = []
    for contestants in group_runs(runs).values():
        found = [(run, describe_winner(run)) for run in list_runs(contestants.values())]
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


def _average(name: str, networks: Sequence[Mapping[Any, Any]], trial: Mapping[str, Any]) -> float:
    """Return the mean of a size over the networks, that of the trial where there is none."""
    known = [float(network[name]) for network in networks if pd.notna(network[name])]
    return statistics.fmean(known or [float(trial[name])])


def _find_weights(run: Run, finals: Sequence[Mapping[Any, Any]]) -> str:
    """Return the file of the first of these networks whose weights are there."""
    for final in finals:
        path = run.folder / "final" / f"{final['network']}.pt"
        if path.exists():
            return f"{show_path(run.folder)}/final/{path.name}"
    return ""
