"""Tables of trials: one row per trial, numbers that survive a round trip through CSV.

`trials.csv` holds what is reproducible, `costs.csv` what depends on the machine and the day.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from nago.failures import LEARNT, OK
from nago.records import (
    MEASURES,
    Configuration,
    Observation,
    RecordError,
    Trial,
    parse_trial_name,
    write_text,
)

PLACE = ["trial", "bracket", "rung", "slot"]
BEFORE = [*PLACE, "budget", "epochs", "origin", "parent", "seed"]
TEXTS = ["trial", "origin", "parent", "status", "hash", "error"]
AFTER = ["status", "validation_error", *MEASURES, "error"]


def tabulate(trials: Sequence[Trial]) -> pd.DataFrame:
    """Return the reproducible part of `trials`, a row each; hyperparameters in the middle."""
    rows = []
    for trial in trials:
        values = trial.as_dict()
        row = _place(trial.name) | {name: values[name] for name in BEFORE[len(PLACE) :]}
        row |= dict(trial.configuration) | {name: values[name] for name in AFTER}
        rows.append(row)
    table = pd.DataFrame(rows, columns=None if rows else [*BEFORE, *AFTER])
    return _set_types(table)


def tabulate_costs(trials: Sequence[Trial]) -> pd.DataFrame:
    """Return what the trials cost: seconds, memory, host and versions, a row each."""
    rows = [_place(trial.name) | {"epochs": trial.epochs} | dict(trial.cost) for trial in trials]
    return pd.DataFrame(rows)


def tabulate_finals(finals: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the reproducible part of the final networks' results, a row each."""
    left_out = {"configuration", "architecture", "cost"}
    rows = [
        {"network": place} | {key: value for key, value in final.items() if key not in left_out}
        for place, final in enumerate(finals)
    ]
    return _set_types(pd.DataFrame(rows))


def read_table(path: Path) -> pd.DataFrame:
    """Return a table of trials or costs.

    Raises:
        RecordError: there is no such file, its last line is cut off, or it is no table.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        raise RecordError(f"there is no file {path}") from None
    if not text.endswith(b"\n"):
        raise RecordError(f"{path} is damaged (its last line is cut off); delete it, run again")
    # Only an empty field is missing: "NA" or "None" may be a value of a hyperparameter. Texts are
    # named, since a hash such as 12345e6789012345 would be read as a number.
    types = dict.fromkeys(TEXTS, str)
    try:
        return _set_types(pd.read_csv(path, keep_default_na=False, na_values=[""], dtype=types))
    except (ValueError, TypeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise RecordError(f"{path} is damaged ({reason}); delete it and run again") from None


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table whole or not at all; floats with the digits that give them back."""
    write_text(path, table.to_csv(index=False, lineterminator="\n"))


def join_tables(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return the rows of all tables, in their order."""
    return _set_types(pd.concat(tables, ignore_index=True))


def hyperparameters(table: pd.DataFrame) -> list[str]:
    """Return the names of the columns that hold the configuration."""
    return [str(name) for name in table.columns if name not in {*BEFORE, *AFTER}]


def configuration_of(row: pd.Series) -> Configuration:
    """Return the configuration of one row, numbers as Python's own."""
    return {
        str(name): value.item() if hasattr(value, "item") else value
        for name, value in row.items()
        if name not in {*BEFORE, *AFTER}
    }


def observations(
    table: pd.DataFrame, objectives: Sequence[str] = ("validation_error",)
) -> list[Observation]:
    """Return what a search learns from a table, in the order of its rows.

    Args:
        table: a row per trial.
        objectives: the columns of the losses; a failed trial has none that is finite.

    Raises:
        RecordError: a trial has a status that no search may learn from.
    """
    strange = sorted(set(table["status"]) - {OK, *LEARNT})
    if strange:
        raise RecordError(
            f"a search learns from trials whose status is {', '.join([OK, *sorted(LEARNT)])}, got"
            f" {strange}"
        )
    names = hyperparameters(table)
    return [
        Observation(
            configuration={name: record[name] for name in names},
            budget=record["budget"],
            losses=_read_losses(record, objectives),
            trial=record["trial"],
        )
        for record in table.to_dict("records")
    ]


def _read_losses(record: Mapping[Any, Any], objectives: Sequence[str]) -> tuple[float, ...]:
    values = [record[name] for name in objectives]
    if pd.isna(record["validation_error"]) or any(pd.isna(value) for value in values):
        return (math.inf,) * len(values)
    return tuple(float(value) for value in values)


def _place(name: str) -> dict[str, str | int]:
    bracket, rung, slot = parse_trial_name(name)
    return {"trial": name, "bracket": bracket, "rung": rung, "slot": slot}


def _set_types(table: pd.DataFrame) -> pd.DataFrame:
    present = [name for name in MEASURES[1:] if name in table.columns]
    return table.astype(dict.fromkeys(present, "Int64"))
