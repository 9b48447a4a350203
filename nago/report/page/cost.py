"""What the searches cost: the forecast from the plan beside what was spent."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nago.forecast import Forecast, forecast
from nago.report.page.numbers import NONE, duration, significant
from nago.report.page.table import Cell, Table, cell, make_table
from nago.report.runs import Run
from nago.settings import Settings

if TYPE_CHECKING:
    from nago.forecast.actual import Held
    from nago.forecast.outlook import Range


@dataclass(frozen=True, slots=True)
class Spent:
    """What a run has spent; device-seconds, None where no time was recorded."""

    trainings: int
    epochs: int
    search_seconds: float | None
    final_networks: int
    final_epochs: int
    final_seconds: float | None

    @property
    def seconds_per_epoch(self) -> float | None:
        """Seconds of an epoch of the search, on the devices of one training."""
        if self.search_seconds is None or not self.epochs:
            return None
        return self.search_seconds / self.epochs


def forecast_run(run: Run) -> Forecast | None:
    """Return what the settings of a run foresaw; None if they lack what that needs."""
    settings, values = Settings(run.settings), run.settings
    try:
        return forecast(
            settings.plan,
            continues=values["continue"],
            final_networks=settings.final_networks,
            final_epochs=values["final_epochs"],
            seconds_per_epoch=values["seconds_per_epoch"],
            devices=int(values.get("gpus_per_trial") or 1),
        )
    except (KeyError, TypeError, ValueError):
        return None


def measure_spent(run: Run) -> Spent:
    """Return what a run has spent, by its tables."""
    devices = int(run.settings.get("gpus_per_trial") or 1)
    search = None
    if run.costs is not None and "seconds" in run.costs:
        search = devices * float(run.costs["seconds"].sum())
    seconds = [final["cost"]["seconds"] for final in run.final_results if "cost" in final]
    return Spent(
        trainings=0 if run.trials is None else len(run.trials),
        epochs=0 if run.trials is None else int(run.trials["epochs"].sum()),
        search_seconds=search,
        final_networks=len(run.final_results),
        final_epochs=sum(int(final["epochs"]) for final in run.final_results),
        final_seconds=devices * float(sum(seconds)) if seconds else None,
    )


def tabulate_spending(runs: Sequence[Run], foreseen: Sequence[Forecast | None]) -> Table:
    """Return a row for each run and one for all: what was foreseen, and what was spent."""
    rows = [
        [cell(run.dataset), cell(run.contestant), cell(run.seed), *_compare(expected, run)]
        for run, expected in zip(runs, foreseen, strict=True)
    ]
    return make_table(
        "cost-table",
        "Forecast and cost of each run",
        [
            *("data set", "contestant", "seed", "trainings", "epochs", "final epochs"),
            *("seconds per epoch (foreseen)", "device-hours (foreseen)"),
        ],
        rows,
        source="costs.csv, trials.csv, final/*.json and settings.json of each run",
    )


def tabulate_forecasts(runs: Sequence[Run]) -> Table | None:
    """Return how a forecast from the first trainings of each run compares with the rest.

    None if no run has enough trainings.
    """
    rows, learnt = [], 0
    for run in runs:
        held = _hold(run)
        if held is None:
            continue
        learnt = held.learnt
        rows.append(
            [
                *(cell(run.dataset), cell(run.contestant), cell(run.seed), cell(held.tried)),
                cell(held.actual, duration(held.actual)),
                *(_foresee(held.blind), _miss(held.error)),
                *(_foresee(held.informed), _miss(held.informed_error)),
            ]
        )
    if not rows:
        return None
    return make_table(
        "forecast-table",
        f"Forecast from the first {learnt} trainings of a run, and what the rest took",
        [
            *("data set", "contestant", "seed", "trainings foreseen", "took"),
            *("foreseen (5 to 95%)", "off by"),
            *("networks known (5 to 95%)", "off by, networks known"),
        ],
        rows,
        source="costs.csv and trials.csv of each run",
    )


def total_seconds(runs: Sequence[Run]) -> float | None:
    """Return the device-seconds of all runs together, the final networks among them."""
    spent = [measure_spent(run) for run in runs]
    known = [s for one in spent for s in (one.search_seconds, one.final_seconds) if s is not None]
    return sum(known) if known else None


def say_total(runs: Sequence[Run]) -> str:
    """Return in words what all runs have spent together."""
    seconds = total_seconds(runs)
    if seconds is None:
        return "No run has recorded any time yet."
    spent = [measure_spent(run) for run in runs]
    trainings = sum(one.trainings for one in spent)
    finals = sum(one.final_networks for one in spent)
    epochs = sum(one.epochs + one.final_epochs for one in spent)
    return (
        f"{trainings:,} trainings of the searches and {finals:,} of final networks,"
        f" {epochs:,} epochs together, took {duration(seconds)} of one device."
    )


def _hold(run: Run) -> "Held | None":
    # The networks of a space are drawn for it: networkx takes its time to import.
    from nago.forecast.actual import compare_with_actual  # noqa: PLC0415

    try:
        return compare_with_actual(run)
    except (KeyError, TypeError, ValueError):  # settings of another version
        return None


def _foresee(seconds: "Range") -> Cell:
    low, high = duration(seconds.low), duration(seconds.high)
    return cell(seconds.median, f"{duration(seconds.median)} ({low} to {high})")


def _miss(error: float) -> Cell:
    return cell(error, f"{100 * error:+.0f}%")


def _compare(expected: Forecast | None, run: Run) -> list[Cell]:
    spent = measure_spent(run)
    hours = _hours([spent.search_seconds, spent.final_seconds])
    foreseen: list[float | None] = [None] * 5
    if expected is not None:
        total = None
        if expected.search_gpu_hours is not None and expected.final_gpu_hours is not None:
            total = expected.search_gpu_hours + expected.final_gpu_hours
        foreseen = [
            *(expected.trainings, expected.epochs, expected.final_epochs),
            *(expected.seconds_per_epoch, total),
        ]
    found = [spent.trainings, spent.epochs, spent.final_epochs, spent.seconds_per_epoch, hours]
    return [_pair(value, plan) for value, plan in zip(found, foreseen, strict=True)]


def _pair(value: float | None, plan: float | None) -> Cell:
    """Return what there is of what was foreseen; it is sorted by what there is."""
    text = f"{_number(value)} of {_number(plan)}"
    if not isinstance(value, int):
        text = f"{_number(value)} ({_number(plan)})"
    return cell(value, text)


def _number(value: float | None) -> str:
    if value is None:
        return NONE
    return f"{value:,}" if isinstance(value, int) else significant(value)


def _hours(seconds: Sequence[float | None]) -> float | None:
    known = [value for value in seconds if value is not None]
    return sum(known) / 3600 if known else None
