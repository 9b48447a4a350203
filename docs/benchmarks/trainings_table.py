"""A table of real trainings at three budgets, for the benchmarks of multi-fidelity.

`python docs/benchmarks/trainings_table.py digits` makes beyond/digits.csv: each configuration of
random searches and of mobo's, trained there for 4 epochs, is trained for 1 and for 2 epochs as
well, each time with a new architecture, as a search does from rung to rung. The table has all
trainings: a bracket for each configuration, a rung for each budget. Digits' searches are those of
digits_trials.py, others' run here. What is trained is kept in results/, so a run that was cut off
goes on where it was.
"""

import argparse
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from trainings import (
    BUDGET,
    DATASETS,
    ROOT,
    make_settings,
    prepare_data,
    run_trainings,
    train_once,
)

from nago.records import Proposal, Trial, trial_name
from nago.seeds import derive_seed
from nago.tables import configuration_of, join_tables, read_table, tabulate, write_table

FOLDER = Path(__file__).parent
BUDGETS = (1, 2, BUDGET)
SEARCHED = {
    "digits": [(method, seed) for method in ("random", "mobo") for seed in (0, 1, 2)],
    "mnist": [("random", 0), ("random", 1), ("mobo", 0)],
}
"""Methods and seeds of the searches whose configurations are in the table."""


@dataclass(frozen=True)
class Job:
    """A training that may be missing: of a configuration by its number, with a data seed."""

    dataset: str
    number: int
    rung: int
    data_seed: int
    row: Mapping[str, Any]
    folder: Path

    @property
    def name(self) -> str:
        """Name of the trial in the table."""
        return trial_name(self.number, self.rung, 0)


def main() -> None:
    """Train what is missing and write the table of everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", choices=DATASETS)
    parser.add_argument("--results", type=Path, default=ROOT / "results")
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    folder = args.results / f"benchmark-{args.dataset}"
    searches = SEARCHED[args.dataset]
    for seed in sorted({seed for _, seed in searches}):
        prepare_data(make_settings(args.dataset, "random", seed, folder), folder)
    with ProcessPoolExecutor(args.processes, initializer=use_one_thread) as pool:
        tables = [*pool.map(partial(search, args.dataset, folder), searches)]
        jobs = [
            Job(args.dataset, number, rung, seed, row, folder)
            for number, (seed, row) in enumerate(
                (seed, row)
                for (_, seed), table in zip(searches, tables, strict=True)
                for _, row in table.iterrows()
            )
            for rung in range(len(BUDGETS) - 1)
        ]
        trained = tabulate(list(pool.map(train, jobs)))
    known = join_tables(tables)
    known["bracket"], known["rung"], known["slot"] = range(len(known)), len(BUDGETS) - 1, 0
    known["trial"] = [trial_name(number, len(BUDGETS) - 1, 0) for number in known["bracket"]]
    table = join_tables([trained, known]).sort_values(["bracket", "rung"])
    table = table.drop(columns="parent").assign(parent=None)[list(known.columns)]
    write_table(FOLDER / f"beyond/{args.dataset}.csv", table)


def search(dataset: str, folder: Path, which: tuple[str, int]) -> pd.DataFrame:
    """Return the trials of a search by its method and seed; of digits as they are kept."""
    method, seed = which
    if dataset == "digits":
        return read_table(FOLDER / f"search/digits-{method}-{seed}.csv")
    settings = make_settings(dataset, method, seed, folder)
    return tabulate(run_trainings(settings, folder / f"{method}-{seed}"))


def train(job: Job) -> Trial:
    """Return the trial of a job, trained now if there is none."""
    settings = make_settings(job.dataset, "random", job.data_seed, job.folder)
    proposal = Proposal(
        configuration=configuration_of(job.row),
        budget=BUDGETS[job.rung],
        seed=derive_seed(job.data_seed, "table", job.number, job.rung),
        origin=job.row["origin"],
    )
    return train_once(
        job.folder / "table" / f"{job.name}.trial.json",
        job.name,
        proposal,
        settings.search_protocol,
        prepare_data(settings, job.folder),
    )


def use_one_thread() -> None:
    """Let each process use one core."""
    torch.set_num_threads(1)


if __name__ == "__main__":
    main()
