"""Forecast: what a search will cost, from its plan alone, before anything has run."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from nago.search.brackets import Rung


@dataclass(frozen=True, slots=True)
class Forecast:
    """Numbers of a whole search; epochs and hours without and with the final networks.

    Hours are those of one device; None if nobody knows what an epoch takes.
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
) -> Forecast:
    """Return what a search costs.

    Args:
        plan: the rungs of each bracket.
        continues: whether a promoted trial trains only what its parent hasn't.
        final_networks: networks trained to completion.
        final_epochs: epochs of each of them.
        seconds_per_epoch: of one device, or None.
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
    hours = None if seconds_per_epoch is None else seconds_per_epoch / 3600
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


def describe_forecast(name: str, result: Forecast) -> str:
    """Return a forecast as lines for people, under the name of the search."""
    budgets = ", ".join(
        f"{number} of {budget}" for budget, number in result.trainings_by_budget.items()
    )
    lines = [
        name,
        f"brackets        {result.brackets:,}",
        f"configurations  {result.configurations:,} new ones",
        f"trainings       {result.trainings:,} ({budgets} epochs)",
        f"epochs          {result.epochs:,}",
        f"final networks  {result.final_networks} with {result.final_epochs:,} epochs together",
    ]
    if result.search_gpu_hours is None or result.final_gpu_hours is None:
        lines.append("GPU-hours       unknown: give --epoch-seconds or set seconds_per_epoch")
    else:
        lines.append(
            f"GPU-hours       {result.search_gpu_hours:,.3g} for the search,"
            f" {result.final_gpu_hours:,.3g} for the final networks"
            f" (at {result.seconds_per_epoch:.3g} s an epoch on one device)"
        )
    return "\n".join(lines)


def describe_total(results: Sequence[Forecast]) -> str:
    """Return what several searches cost together, as lines for people."""
    hours = [
        None
        if result.search_gpu_hours is None or result.final_gpu_hours is None
        else result.search_gpu_hours + result.final_gpu_hours
        for result in results
    ]
    known = [number for number in hours if number is not None]
    lines = [
        f"all {len(results)} searches",
        f"trainings       {sum(result.trainings for result in results):,}",
        f"epochs          {sum(result.epochs for result in results):,}",
        f"final networks  {sum(result.final_networks for result in results):,} with"
        f" {sum(result.final_epochs for result in results):,} epochs together",
    ]
    if len(known) == len(hours):
        lines.append(f"GPU-hours       {sum(known):,.3g}")
    else:
        lines.append(f"GPU-hours       unknown for {len(hours) - len(known)} of them")
    return "\n".join(lines)
