"""Standings: what each contestant reached, at what cost, with the paper's numbers beside it.

Pure functions from runs to tables; tables are tidy, with the unit in the name of a column, and
values of the paper stand in columns that begin with `published_`. The numbers are those of
tables 2 to 5 of Ru, Esperança and Carlucci 2020.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from nago.generators.complexity import MEGABYTE
from nago.generators.spaces import effective_neighbours
from nago.report.contestants import (
    Contestant,
    describe_progress,
    find_best,
    group_runs,
    list_contestants,
)
from nago.report.runs import Run
from nago.report.tables.published import find_published
from nago.report.tables.rows import (
    NO_RUNS,
    PLACE,
    SOURCE,
    join_notes,
    make_table,
    mean_of,
    std_of,
)
from nago.tables import configuration_of


def tabulate_validation(runs: Sequence[Run]) -> pd.DataFrame:
    """Return the best validation accuracy and the cost of each contestant: table 2.

    Returns:
        A row per data set and contestant. The accuracy is that of the incumbent at the highest
        budget that any of its searches has reached, its mean and sample standard deviation over
        the seeds that have reached it (`seeds`). Costs are means over the searches, of their own
        trials; `gpu_hours_per_search` are the seconds of all trainings times the GPUs of each,
        or of CPUs where there is no GPU.
    """
    columns = (
        *(*PLACE, "seeds", "budget_epochs", "validation_accuracy_percent_mean"),
        *("validation_accuracy_percent_std", "gpu_hours_per_search", "epochs_per_search"),
        *("trainings_per_search", "failed_trainings_per_search"),
        *("published_validation_accuracy_percent_mean", "published_gpu_hours_per_search"),
        *SOURCE,
    )
    rows = [_describe_validation(c) for c in list_contestants(group_runs(runs))]
    return make_table(rows, columns, NO_RUNS)


def summarise_best(contestant: Contestant) -> dict[str, Any]:
    """Return the columns of the best validation accuracy, with a note of seeds left out."""
    best = [found for run in contestant.runs if (found := find_best(run)) is not None]
    budget = max((int(found["budget"]) for found in best), default=None)
    reached = [
        100 * (1 - float(found["validation_error"])) for found in best if found["budget"] == budget
    ]
    left_out = len(contestant.runs) - len(reached)
    note = ""
    if not reached:
        note = "no trial has a result"
    elif left_out:
        note = f"{left_out} of {len(contestant.runs)} seeds have no result at {budget} epochs"
    return {
        "seeds": len(reached),
        "budget_epochs": budget,
        "validation_accuracy_percent_mean": mean_of(reached),
        "validation_accuracy_percent_std": std_of(reached),
        "note": note,
    }


def measure_hours(run: Run) -> float | None:
    """Return the hours of all trainings of a search, times the devices of each."""
    if run.costs is None:
        return None
    return float(run.costs["seconds"].sum()) * int(run.settings["gpus_per_trial"]) / 3600


def _describe_validation(contestant: Contestant) -> dict[str, Any]:
    tables = [run.trials for run in contestant.runs if run.trials is not None]
    hours = [value for run in contestant.runs if (value := measure_hours(run)) is not None]
    best = summarise_best(contestant)
    begun = [len(run.initial) for run in contestant.runs if run.initial is not None]
    earlier = f"began with {max(begun, default=0)} trials of an earlier search, not in its costs"
    return {
        **contestant.place,
        **best,
        "gpu_hours_per_search": mean_of(hours),
        "epochs_per_search": mean_of([float(table["epochs"].sum()) for table in tables]),
        "trainings_per_search": mean_of([float(len(table)) for table in tables]),
        "failed_trainings_per_search": mean_of(
            [float((table["status"] != "ok").sum()) for table in tables]
        ),
        **find_published("validation", contestant.published, contestant.name),
        "note": join_notes(
            *map(describe_progress, contestant.runs), best["note"], earlier if begun else ""
        ),
    }


def tabulate_generators(runs: Sequence[Run]) -> pd.DataFrame:
    """Return the optimal hyperparameters that each search found: table 3.

    Returns:
        A row per run: its incumbent, with a column for each hyperparameter, `<k>_effective` for
        the K that a Watts-Strogatz graph really has, and the sample memory of the incumbent's
        network; hyperparameters of other generators are missing.
    """
    contestants = list_contestants(group_runs(runs))
    rows = [_describe_optimum(c, run) for c in contestants for run in c.runs]
    first = (*PLACE, "seed", "trial", "budget_epochs", "validation_accuracy_percent")
    found = dict.fromkeys(name for row in rows for name in row)
    own = [name for name in found if not name.startswith("published_")]
    columns = dict.fromkeys([*first, *own, "sample_memory_mb", *found])
    return make_table(rows, [*(c for c in columns if c not in SOURCE), *SOURCE], NO_RUNS)


def _describe_optimum(contestant: Contestant, run: Run) -> dict[str, Any]:
    place = {**contestant.place, "seed": run.seed}
    published = find_published("generators", contestant.published, contestant.name)
    best = find_best(run)
    if best is None:
        note = join_notes(describe_progress(run), "no trial has a result")
        return {**place, **published, "note": note}
    configuration = configuration_of(best)
    neighbours = effective_neighbours(configuration)
    values: dict[str, Any] = {}
    for name, value in configuration.items():
        values[name] = value
        if name in neighbours:
            values[f"{name}_effective"] = neighbours[name]
    return {
        **place,
        "trial": best["trial"],
        "budget_epochs": int(best["budget"]),
        "validation_accuracy_percent": 100 * (1 - float(best["validation_error"])),
        **values,
        "sample_memory_mb": float(best["sample_memory_bytes"]) / MEGABYTE,
        **published,
        "note": describe_progress(run),
    }
