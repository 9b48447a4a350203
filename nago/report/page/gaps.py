"""What a report lacks, said before anything else, so that nobody reads more into it."""

from collections.abc import Sequence

from nago.forecast import Forecast
from nago.report.page.numbers import count, show_path
from nago.report.page.traces import say_baseline, trace_contestants
from nago.report.page.winners import find_incumbent, group_by_dataset
from nago.report.runs import Run


def list_gaps(runs: Sequence[Run], foreseen: Sequence[Forecast | None]) -> list[str]:
    """Return what is missing, a sentence each; none if nothing is."""
    gaps = []
    for run, expected in zip(runs, foreseen, strict=True):
        gaps += [f"{show_path(run.folder)}: {text}" for text in _gaps_of(run, expected)]
    for name, members in group_by_dataset(runs).items():
        gaps += [
            f"{name}: {text[0].lower()}{text[1:]}"
            for text in say_baseline(trace_contestants(members))
        ]
    return gaps


def _gaps_of(run: Run, expected: Forecast | None) -> list[str]:
    gaps = []
    trials = 0 if run.trials is None else len(run.trials)
    if expected is None:
        gaps.append("its settings don't say what was planned, so there is no forecast.")
    absent = [name for name, reason in run.missing.items() if reason.startswith("there is no")]
    damaged = {name: reason for name, reason in run.missing.items() if name not in absent}
    if "trials.csv" in absent:
        planned = "" if expected is None else f" of {expected.trainings:,}"
        gaps.append(
            f"the search goes on; {count(trials, 'trial')}{planned}"
            f" {'is' if trials == 1 else 'are'} in brackets that are done."
        )
    if trials and find_incumbent(run) is None:
        gaps.append("every trial failed, so there is no winner.")
    networks = len(run.final_results)
    planned_networks = networks if expected is None else expected.final_networks
    if networks < planned_networks:
        some = count(networks, "network") if networks else "no network"
        gaps.append(
            f"{some} of {planned_networks} trained to completion, so"
            f" {'the test accuracy is not the final one' if networks else 'no test accuracy'}."
        )
    if absent:
        gaps.append(f"not there: {', '.join(absent)}.")
    prefix = f"{run.folder}/"
    gaps += [f"{name}: {why.replace(prefix, '')}." for name, why in damaged.items()]
    return gaps
