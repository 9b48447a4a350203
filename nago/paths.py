"""Where files lie that the workflow doesn't declare, or that a reader of a search looks for."""

from pathlib import Path

from nago.records import parse_trial_name


def trial_file(search: Path, bracket: int, rung: int, slot: int) -> Path:
    """Return the file of a slot's trial, below the folder of the search."""
    return search / f"bracket{bracket}" / f"rung{rung}" / f"slot{slot}.trial.json"


def checkpoint_file(result: Path) -> Path:
    """Return where a training keeps its checkpoint, beside the file of its result."""
    return result.with_name(f"{result.name.split('.')[0]}.checkpoint")


def state_file(rung: Path, name: str) -> Path:
    """Return where the trial `name` leaves its last state, in the folder of its rung."""
    return rung / f"slot{parse_trial_name(name)[2]}.state"
