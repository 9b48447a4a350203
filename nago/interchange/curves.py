"""The validation error of a trial after each epoch, from the curve beside its result."""

import math
from pathlib import Path

from nago.records import RecordError, parse_trial_name
from nago.tables import read_table


def read_curve(folder: Path, trial: str) -> dict[int, float]:
    """Return the validation error by epoch; empty for trials of an earlier search.

    Args:
        folder: of the search.
        trial: its name, as in `b0-r1-s2`.

    Raises:
        RecordError: the curve is there but damaged.
    """
    try:
        bracket, rung, slot = parse_trial_name(trial)
    except ValueError:  # initial-0
        return {}
    path = folder / f"bracket{bracket}" / f"rung{rung}" / f"slot{slot}.curve.csv"
    if not path.exists():
        return {}
    table = read_table(path)
    if not {"epoch", "validation_error"} <= set(table.columns):
        raise RecordError(f"{path} is damaged (it is no curve); delete it and run again")
    rows = zip(table["epoch"], table["validation_error"], strict=True)
    return {int(epoch): float(error) for epoch, error in rows if math.isfinite(error)}
