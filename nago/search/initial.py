"""Initial points: trials of an earlier search, from which another one begins."""

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pandas as pd

from nago.records import RecordError, UserError, read_json
from nago.search.incumbent import PLAN_ORDER
from nago.tables import hyperparameters, read_table

FEWEST = 2
"""Results below which there is nothing to learn from."""


def read_initial(
    path: Path,
    *,
    ranges: Mapping[str, Sequence[float]],
    objectives: Collection[str],
    dataset: str,
    budget: int,
    points: int,
) -> pd.DataFrame:
    """Return the trials of an earlier search that another one begins with.

    They keep all columns, but stand in bracket -1 in the order of the earlier plan, have the
    origin `initial` and their earlier name as their parent.

    Args:
        path: a trials.csv; the settings.json beside it, if there, says of what data set.
        ranges: limits of each hyperparameter.
        objectives: columns that must be there.
        dataset: the name that the earlier search must have had its results under.
        budget: epochs of the trials that count.
        points: trials at most, the first ones.

    Raises:
        UserError: the table is missing, of another space or data set, or has too few results.
    """
    try:
        table = read_table(path)
        settings = path.with_name("settings.json")
        earlier = read_json(settings) if settings.exists() else {}
    except RecordError as error:
        raise UserError(f"initial: {error}") from None
    found = earlier.get("name") or earlier.get("dataset") or dataset
    if found != dataset:
        raise UserError(f"initial: {path} is of the data set {found}, not of {dataset}")
    check_columns("initial", path, table, ranges, objectives)
    chosen = table[table["budget"] == budget].sort_values(PLAN_ORDER)
    chosen = chosen.head(points).reset_index(drop=True)
    finite = int(chosen["validation_error"].notna().sum())
    if finite < FEWEST:
        budgets = ", ".join(str(value) for value in sorted(set(table["budget"]))) or "none"
        raise UserError(
            f"initial: {path} must have {FEWEST} results or more after {budget} epochs, it has"
            f" {finite}; its budgets are {budgets}"
        )
    return chosen.assign(
        parent=chosen["trial"],
        trial=[f"initial-{place}" for place in range(len(chosen))],
        bracket=-1,
        rung=0,
        slot=range(len(chosen)),
        origin="initial",
    )


def check_columns(
    setting: str,
    path: Path,
    table: pd.DataFrame,
    ranges: Mapping[str, Sequence[float]],
    objectives: Collection[str],
) -> None:
    """Raise UserError unless a table of trials is of the space with these ranges.

    Args:
        setting: that names the table, for messages.
        path: of the table.
        table: a row per trial.
        ranges: limits of each hyperparameter.
        objectives: columns that must be there.
    """
    missing = [name for name in ("budget", *objectives) if name not in table.columns]
    if missing:
        raise UserError(
            f"{setting}: {path} has no column {', '.join(missing)}: it is no trials.csv"
        )
    names = hyperparameters(table)
    if sorted(names) != sorted(ranges):
        raise UserError(
            f"{setting}: {path} is of another space: it has {', '.join(names)}, this search"
            f" {', '.join(ranges)}"
        )
    for name, limits in ranges.items():
        outside = table[(table[name] < limits[0]) | (table[name] > limits[-1])]
        if len(outside):
            raise UserError(
                f"{setting}: {path} is of another space: {name} goes from {limits[0]} to"
                f" {limits[-1]} here, {outside['trial'].iloc[0]} has {outside[name].iloc[0]}"
            )
