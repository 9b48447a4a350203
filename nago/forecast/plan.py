"""What the plan alone says of a search: trainings, epochs, and hours if an epoch's are known."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nago.search.brackets import Rung


@dataclass(frozen=True, slots=True)
class Forecast:
    """Numbers of a whole search; epochs and hours without and with the final networks.

    Hours are device-hours; None if nobody knows what an epoch takes.
    """

    brackets: int
    configurations: int
    trainings: int
    trainings_by_budget: dict[int, int]
    epochs: int
    final_networks: int
    final_epochs: int
    seconds_per_epoch: float | None
    search_gpu_hours: float | None
    final_gpu_hours: float | None


def forecast(
    plan: Sequence[Sequence[Rung]],
    *,
    continues: bool,
    final_networks: int,
    final_epochs: int,
    seconds_per_epoch: float | None,
    devices: int = 1,
) -> Forecast:
    """Return what a search costs, by the mean of an epoch.

    Args:
        plan: the rungs of each bracket.
        continues: whether a promoted trial trains only what its parent hasn't.
        final_networks: networks trained to completion.
        final_epochs: epochs of each of them.
        seconds_per_epoch: of a training, or None.
        devices: that share a training.
    """
    by_budget: dict[int, int] = {}
    epochs = 0
    for rungs in plan:
        trained = 0
        for rung in rungs:
            by_budget[rung.budget] = by_budget.get(rung.budget, 0) + rung.size
            epochs += rung.size * (rung.budget - trained)
            trained = rung.budget if continues else 0
    final = final_networks * final_epochs
    hours = None if seconds_per_epoch is None else devices * seconds_per_epoch / 3600
    return Forecast(
        brackets=len(plan),
        configurations=sum(rungs[0].size for rungs in plan),
        trainings=sum(by_budget.values()),
        trainings_by_budget=dict(sorted(by_budget.items())),
        epochs=epochs,
        final_networks=final_networks,
        final_epochs=final,
        seconds_per_epoch=seconds_per_epoch,
        search_gpu_hours=None if hours is None else hours * epochs,
        final_gpu_hours=None if hours is None else hours * final,
    )


def measure_seconds_per_epoch(costs: Path) -> float | None:
    """Return the mean seconds of an epoch in a table of costs; None if there is none yet."""
    try:
        with costs.open(newline="") as file:
            rows = [(float(row["seconds"]), int(row["epochs"])) for row in csv.DictReader(file)]
    except (FileNotFoundError, KeyError, ValueError):
        return None
    epochs = sum(number for _, number in rows)
    return sum(seconds for seconds, _ in rows) / epochs if epochs else None
