"""What a report lacks, said before anything else, so that nobody reads more into it."""

from collections.abc import Sequence

from nago.forecast import Forecast
from nago.report.contestants import group_runs, list_runs
from nago.report.page.baselines import list_racers, say_baseline
from nago.report.page.numbers import count, show_path
from nago.report.page.winners import find_choice
from nago.report.runs import Run


def list_gaps(runs: Sequence[Run], foreseen: Sequence[Forecast | None]) -> list[str]:
    """Return what is missing, in words; runs that lack the same stand together."""
    found: dict[str, list[str]] = {}
    for run, expected in zip(runs, foreseen, strict=True):
        if text := " ".join(_gaps_of(run, expected)):
            found.setdefault(text, []).append(show_path(run.folder))
    gaps = [f"{', '.join(folders)}: {text}" for text, folders in found.items()]
    for name, contestants in group_runs(runs).items():
        said = say_baseline(list_racers(list_runs(contestants.values())))
        gaps += [f"{name}: {text[0].lower()}{text[1:]}" for text in said]
    return gaps


def _gaps_of(run: Run, expected: Forecast | None) -> list[str]:
    gaps = []
    trials = 0 if run.trials is None else len(run.trials)
    if expected is None:
        gaps.append("Its settings don't say what was planned, so there is no forecast.")
    absent = [name for name, reason in run.missing.items() if reason.startswith("there is no")]
    damaged = {name: reason for name, reason in run.missing.items() if name not in absent}
    if "trials.csv" in absent:
        planned = "" if expected is None else f" of {expected.trainings:,}"
        gaps.append(
            f"The search goes on; {count(trials, 'trial')}{planned}"
            f" {'is' if trials == 1 else 'are'} in brackets that are done."
        )
    if trials and find_choice(run) is None:
        gaps.append("Every trial failed, so there is no winner.")
    networks = len(run.final_results)
    planned_networks = networks if expected is None else expected.final_networks
    if networks < planned_networks:
        planned_text = count(planned_networks, "network")
        gaps.append(
            f"{networks} of {planned_text} trained to completion, so the test accuracy may change."
            if networks
            else f"None of {planned_text} is trained to completion: there is no test accuracy."
        )
    if absent:
        gaps.append(f"Not there: {', '.join(absent)}.")
    prefix = f"{run.folder}/"
    gaps += [f"Damaged: {why.replace(prefix, '')}." for why in damaged.values()]
    return gaps
