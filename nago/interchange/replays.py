"""Searches as one replay: the union of their trials."""

from collections.abc import Sequence

from nago.interchange.folders import name_search
from nago.records import UserError
from nago.replay import Replay
from nago.report.runs import Run
from nago.settings import Settings


def replay_searches(runs: Sequence[Run]) -> Replay:
    """Return the trials of searches as a replay.

    Args:
        runs: with trials, of one data set, space and the same objectives.

    Raises:
        UserError: they differ in one of these.
    """
    first = runs[0]
    space = Settings(first.settings).ranges
    for run in runs[1:]:
        for what, one, other in (
            ("data set", first.dataset, run.dataset),
            ("objectives", first.settings["objectives"], run.settings["objectives"]),
            ("space", space, Settings(run.settings).ranges),
        ):
            if one != other:
                raise UserError(
                    f"a replay is of one {what}, {name_search(first)} and {name_search(run)} have"
                    f" {_show(one)} and {_show(other)}"
                )
    tables = [run.trials for run in runs if run.trials is not None]
    return Replay(tables, space, first.settings["objectives"])


def _show(value: object) -> str:
    if isinstance(value, dict):
        return "/".join(f"{name} {low:g} to {high:g}" for name, (low, high) in value.items())
    return ", ".join(value) if isinstance(value, list) else str(value)
