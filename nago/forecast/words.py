"""Forecasts as lines for people."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nago.forecast.plan import Forecast

if TYPE_CHECKING:
    from nago.forecast.outlook import Outlook, Range

SHOWN = 8
"""Arrays that are listed one by one."""


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
        lines.append(
            "GPU-hours       unknown: give --epoch-seconds, --calibrate or set seconds_per_epoch"
        )
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


def round_hours(hours: float) -> str:
    """Return hours with three digits."""
    return f"{hours:,.3g}" if hours < 1000 else f"{hours:,.0f}"


def describe_outlook(name: str, result: "Outlook", gpus: int | None = None) -> str:
    """Return all that is foreseen of a search, as lines for people.

    Args:
        name: of the search.
        result: what is foreseen.
        gpus: for which a lag was asked for.
    """
    lines = [describe_forecast(name, result.forecast)]
    if result.gpu_hours is not None and result.training_seconds is not None:
        seconds = result.training_seconds
        lines += [
            f"known from      {result.source}",
            *_describe_liked(result.liked),
            f"all GPU-hours   {_range(result.gpu_hours)}",
            f"a training      {_range(seconds)} s",
            *(
                f"{'wall time' if place == 0 else '':15} {_period(hours)}"
                f" with {number} training{'s' * (number > 1)} at a time"
                for place, (number, hours) in enumerate(result.wall_hours.items())
            ),
        ]
        lines += _describe_lags(result, gpus)
    listed = ", ".join(map(str, result.arrays[:SHOWN]))
    more = ", ..." if len(result.arrays) > SHOWN else ""
    lines.append(
        f"Slurm arrays    {len(result.arrays)}: of {listed}{more}; the largest of"
        f" {max(result.arrays)}"
    )
    disk = result.disk
    lines.append(
        f"disk            {_bytes(disk.kept)}: {_bytes(disk.weights)} weights,"
        f" {_bytes(disk.curves)} curves, {_bytes(disk.trials)} trials;"
        f" checkpoints {_bytes(disk.checkpoints)} at most"
    )
    return "\n".join(lines)


def _describe_liked(number: int) -> list[str]:
    if not number:
        return []
    one = "the one that it found good" if number == 1 else f"the {number} that it found good"
    return [f"networks        its random ones from the space, the others like {one} so far"]


def _describe_lags(result: "Outlook", gpus: int | None) -> list[str]:
    """Return the recommended lag in words, with what the lags take."""
    if gpus is None:
        return []
    lag, busy = result.recommended_lag, result.busy_gpus
    if lag is None or busy is None:
        return [f"lag             any: its brackets wait for none, {gpus} GPUs or not"]
    hours = result.lag_hours
    instead = f" instead of {_hours(hours[1])} with lag 1" if lag > 1 else ""
    over = ", ".join(f"{hours[one] / min(hours.values()):.2f} at {one}" for one in hours)
    return [
        f"lag             {lag} for {gpus} GPU{'s' * (gpus > 1)}: {_hours(hours[lag])}{instead},"
        f" {busy:.0%} busy",
        f"{'':15} wall time over the best: {over}",
    ]


def _hours(hours: float) -> str:
    """Return hours in a unit that suits them."""
    factor, unit = _unit(hours)
    return f"{round_hours(factor * hours)} {unit}"


def _unit(hours: float) -> tuple[int, str]:
    return (1, "h") if hours >= 1 else (60, "min")


def _range(numbers: "Range") -> str:
    return (
        f"{round_hours(numbers.median)} ({round_hours(numbers.low)} to"
        f" {round_hours(numbers.high)})"
    )


def _period(hours: "Range") -> str:
    """Return a range of hours in a unit that suits its median."""
    factor, unit = _unit(hours.median)
    numbers = [round_hours(factor * value) for value in (hours.median, hours.low, hours.high)]
    return "{} ({} to {}) ".format(*numbers) + unit


def _bytes(number: float) -> str:
    for unit in ("bytes", "KB", "MB"):
        if number < 1024:
            return f"{number:,.3g} {unit}"
        number /= 1024
    return f"{number:,.3g} GB"
