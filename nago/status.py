"""Status: how far a search is, and what came of it, from its files alone."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from nago.failures import FAILED, OK, find_class
from nago.paths import checkpoint_file, trial_file
from nago.records import RecordError, read_json, read_trial, trial_name
from nago.search.brackets import Rung

MEGABYTE = 2**20
STALE_SECONDS = 15 * 60
"""A training that has written nothing for so long counts as interrupted, not as running."""


@dataclass(frozen=True, slots=True)
class BracketStatus:
    """Numbers of trials of one bracket; `failed` have no result, `failures` by their class."""

    bracket: int
    planned: int
    done: int
    failed: int
    running: int
    interrupted: int
    failures: Mapping[str, int]

    @property
    def missing(self) -> int:
        """Trials that have not begun."""
        return self.planned - self.done - self.failed - self.running - self.interrupted


def count_status(
    search: Path, plan: Sequence[Sequence[Rung]], logs: Path, now: float | None = None
) -> list[BracketStatus]:
    """Return how far each bracket is.

    Args:
        search: the folder `results/{dataset}/{search}`.
        plan: the rungs of each bracket.
        logs: the folder of the logs of the trainings.
        now: seconds since the epoch; the clock's if None.
    """
    statuses = []
    for bracket, states in enumerate(_find_states(search, plan, logs, now)):
        counts = Counter(states.values())
        failures = {name: counts[name] for name in FAILED if counts[name]}
        statuses.append(
            BracketStatus(
                bracket=bracket,
                planned=len(states),
                done=counts[OK],
                failed=sum(failures.values()),
                running=counts["running"],
                interrupted=counts["interrupted"],
                failures=failures,
            )
        )
    return statuses


def list_running(
    search: Path, plan: Sequence[Sequence[Rung]], logs: Path, now: float | None = None
) -> list[tuple[str, str]]:
    """Return the name of each training at work, and the last that it said of its progress.

    Args:
        search: the folder `results/{dataset}/{search}`.
        plan: the rungs of each bracket.
        logs: the folder of the logs of the trainings.
        now: seconds since the epoch; the clock's if None.
    """
    return [
        (name, _read_progress(_log_file(logs, name)))
        for states in _find_states(search, plan, logs, now)
        for name, state in states.items()
        if state == "running"
    ]


def _find_states(
    search: Path, plan: Sequence[Sequence[Rung]], logs: Path, now: float | None
) -> Iterator[dict[str, str]]:
    """Yield the states of the trials of each bracket by their names: a status, once it has one."""
    moment = time.time() if now is None else now
    for bracket, rungs in enumerate(plan):
        states = {}
        for rung in range(len(rungs)):
            for slot in range(rungs[rung].size):
                name = trial_name(bracket, rung, slot)
                path = trial_file(search, bracket, rung, slot)
                states[name] = _find_state(path, _log_file(logs, name), moment)
        yield states


def _log_file(logs: Path, name: str) -> Path:
    return logs / f"{name}.log"


def _read_progress(log: Path) -> str:
    """Return the last line of a log that says how far the training is, or nothing."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return ""
    return next((line for line in reversed(lines) if line.startswith("epoch ")), "")


def _find_state(path: Path, log: Path, now: float) -> str:
    try:
        return read_trial(path).status
    except RecordError:
        checkpoint = checkpoint_file(path)
    try:
        latest = checkpoint.stat().st_mtime
    except FileNotFoundError:
        return "missing"
    with suppress(FileNotFoundError):  # within a long epoch only the log is written
        latest = max(latest, log.stat().st_mtime)
    return "running" if now - latest < STALE_SECONDS else "interrupted"


def describe_status(
    name: str, statuses: Sequence[BracketStatus], running: Sequence[tuple[str, str]] = ()
) -> str:
    """Return a table for people, a line per bracket and one for all, under the search's name.

    Below it stand how many failed in which way, if any did, and a line for each training at work.
    """
    columns = ("bracket", "planned", "done", "running", "interrupted", "missing", "failed")
    rows = [[getattr(status, column) for column in columns] for status in statuses]
    totals = ["all", *(sum(row[place] for row in rows) for place in range(1, len(columns)))]
    lines = [
        "  ".join(f"{cell!s:>{len(column)}}" for cell, column in zip(line, columns, strict=True))
        for line in ([*columns], *rows, totals)
    ]
    counts = sum((Counter(status.failures) for status in statuses), Counter[str]())
    kinds = [f"{counts[key]} {find_class(key).words}" for key in FAILED if counts[key]]
    failures = [f"failed: {', '.join(kinds)}"] if kinds else []
    progress = [f"{trial}  {line}".rstrip() for trial, line in running]
    return "\n".join([name, *lines, *failures, *progress])


def describe_result(search: Path) -> str:
    """Return what a finished search found, in one line for a list of searches.

    Raises:
        RecordError: a result is missing or damaged.
    """
    best = read_json(search / "finalists.json")[0]
    accuracies = [final["test_accuracy"] for final in _read_finals(search, best["trial"])]
    known = [accuracy for accuracy in accuracies if accuracy is not None]
    tested = f", test accuracy {fmean(known):.2%} (mean of {len(known)})" if known else ""
    return f"{search}/: validation error {best['validation_error']:.2%}{tested}"


def describe_results(search: Path) -> str:
    """Return what a finished search found, in a few lines.

    Raises:
        RecordError: a result is missing or damaged.
    """
    finalists = read_json(search / "finalists.json")
    lines = [] if len(finalists) == 1 else [f"Generators chosen along the front: {len(finalists)}"]
    for place, chosen in enumerate(finalists):
        values = ", ".join(
            f"{key} {_short(value)}" for key, value in chosen["configuration"].items()
        )
        own = _read_finals(search, chosen["trial"])
        lines += [
            f"{'Generator' if place else 'Best generator'}: {values}",
            f"  validation error {chosen['validation_error']:.2%} after {chosen['budget']} epochs"
            f" (trial {chosen['trial']}), {chosen['sample_memory_bytes'] / MEGABYTE:.3g} MB per"
            " image",
            f"  {_describe_accuracy([final['test_accuracy'] for final in own])}",
        ]
    lines.append(f"Results: {search}/ (trials.csv, front.csv, summary.csv, final/, figures/)")
    return "\n".join(lines)


def _read_finals(search: Path, trial: str) -> list[Mapping[str, Any]]:
    """Return the results of the final networks of a trial's generator."""
    paths = sorted((search / "final").glob("*.json"))
    finals = [read_json(path) for path in paths if path.stem.isdigit()]
    return [final for final in finals if final["trial"] == trial]


def _describe_accuracy(accuracies: Sequence[float | None]) -> str:
    known = [accuracy for accuracy in accuracies if accuracy is not None]
    if not known:
        return "test accuracy: none of the final networks trained to completion"
    return f"test accuracy {fmean(known):.2%}, mean of {len(known)} networks trained to completion"


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
