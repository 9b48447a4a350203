"""Searches as an Optuna journal, which its dashboard and DeepCAVE open; one study for each.

Optuna itself makes the records, through its storage, and a backend of its interface keeps them
until all are there. Its names of processes and its clock are replaced, so that equal searches
give equal bytes: every record is by `nago`, and time is counted in epochs, one a second.
"""

import json
import warnings
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from nago.generators.spaces import make_space
from nago.interchange.curves import read_curve
from nago.interchange.extras import load_extra
from nago.interchange.folders import name_search
from nago.interchange.target import WRITER, check_target
from nago.records import MEASURES, write_text
from nago.report.runs import Run
from nago.settings import Settings
from nago.tables import configuration_of, join_tables

START = datetime(2000, 1, 1, tzinfo=UTC)
"""When the first trial of each study begins."""

ATTRIBUTES = (
    *("trial", "bracket", "rung", "slot", "budget", "epochs", "origin", "parent", "seed"),
    *("status", *MEASURES, "error"),
)
"""Columns of trials.csv that become user attributes of a trial."""


def write_journal(path: Path, runs: Sequence[Run]) -> None:
    """Write searches as a journal, whole or not at all; an older journal of them is replaced.

    Args:
        path: of the file.
        runs: with trials, of different names.

    Raises:
        UserError: Optuna isn't installed, or the file is something else than an older journal
            of these searches.
    """
    optuna = load_extra("optuna", "an Optuna journal")
    check_target(path, [name_search(run) for run in runs])
    records: list[dict[str, Any]] = []
    storage = optuna.storages.JournalStorage(_make_backend(optuna, records))
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        for run in runs:
            _add_study(optuna, storage, run)
    finally:
        optuna.logging.set_verbosity(verbosity)
    lines = [json.dumps(record | {"worker_id": WRITER}) for record in records]
    write_text(path, "".join(f"{line}\n" for line in lines))


def _make_backend(optuna: Any, records: list[dict[str, Any]]) -> Any:
    """Return a backend of Optuna's interface that keeps its records in a list."""

    class Kept(optuna.storages.journal.BaseJournalBackend):  # type: ignore[misc]
        """Records in the order in which they came."""

        def read_logs(self, log_number_from: int) -> Iterable[dict[str, Any]]:
            """Return the records from a number on."""
            return records[log_number_from:]

        def append_logs(self, logs: list[dict[str, Any]]) -> None:
            """Add records as they would be read from a file."""
            records.extend(json.loads(json.dumps(logs)))

    return Kept()


def _add_study(optuna: Any, storage: Any, run: Run) -> None:
    objectives = list(run.settings["objectives"])
    study = optuna.create_study(
        storage=storage, study_name=name_search(run), directions=["minimize"] * len(objectives)
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the names are "experimental" since Optuna 3.2
        study.set_metric_names(objectives)
    for name in ("dataset", "contestant", "seed", "method", "generator"):
        study.set_user_attr(name, getattr(run, name))
    distributions = _make_distributions(optuna, Settings(run.settings).ranges)
    tables = [table for table in (run.initial, run.trials) if table is not None]
    table = join_tables(tables)
    losses = table[objectives].to_numpy(dtype=float, na_value=float("nan"))
    finite = np.isfinite(losses).all(axis=1)
    highest = table.loc[finite, "budget"].max()
    moment = START
    for works, (_, row) in zip(finite, table.iterrows(), strict=True):
        state = "FAIL"
        if works:
            state = "COMPLETE" if row["budget"] == highest else "PRUNED"
        begun, moment = moment, moment + timedelta(seconds=int(row["epochs"]))
        study.add_trial(
            optuna.trial.FrozenTrial(
                number=-1,  # the storage gives it
                trial_id=-1,
                state=optuna.trial.TrialState[state],
                value=None,
                values=None if state == "FAIL" else [float(row[name]) for name in objectives],
                datetime_start=begun,
                datetime_complete=moment,
                params=dict(configuration_of(row)),
                distributions=distributions,
                user_attrs=_read_attributes(row),
                system_attrs={"fail_reason": row["error"]} if state == "FAIL" else {},
                intermediate_values=read_curve(run.folder, str(row["trial"])),
            )
        )


def _make_distributions(optuna: Any, ranges: Mapping[str, Any]) -> dict[str, Any]:
    """Return Optuna's distributions of a search space."""
    module, found = optuna.distributions, {}
    known: Any
    for name, known in make_space(ranges).items():
        kind = type(known).__name__
        if kind == "UniformIntegerHyperparameter":
            found[name] = module.IntDistribution(known.lower, known.upper, log=known.log)
        elif kind == "UniformFloatHyperparameter":
            found[name] = module.FloatDistribution(known.lower, known.upper, log=known.log)
        elif kind == "Constant":
            found[name] = module.CategoricalDistribution([known.value])
        else:
            choices = known.sequence if kind == "OrdinalHyperparameter" else known.choices
            found[name] = module.CategoricalDistribution(list(choices))
    return found


def _read_attributes(row: "pd.Series[Any]") -> dict[str, Any]:
    """Return what a row says of its trial, as values that JSON holds; without what is missing."""
    return {
        name: row[name].item() if hasattr(row[name], "item") else row[name]
        for name in ATTRIBUTES
        if not pd.isna(row[name])
    }
