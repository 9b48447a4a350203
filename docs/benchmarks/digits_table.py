"""A table of real trainings on digits at three budgets, for the benchmarks of multi-fidelity.

`python docs/benchmarks/digits_table.py` trains each configuration of the searches of
digits_trials.py, trained there for 4 epochs, for 1 and for 2 epochs as well, each time with a
new architecture, as a search does from rung to rung. beyond/digits.csv has all trainings: a
bracket for each configuration, a rung for each budget. What is trained is kept in results/, so a
run that was cut off goes on where it was.
"""

import argparse
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from digits_trials import BUDGET, RANGES, ROOT, SEARCHES, TABLES, prepare_digits

from nago.objective import evaluate_proposal
from nago.records import Proposal, RecordError, Trial, read_trial, trial_name, write_trial
from nago.seeds import derive_seed
from nago.settings import Settings, load_settings
from nago.tables import configuration_of, join_tables, read_table, tabulate, write_table

TABLE = Path(__file__).parent / "beyond/digits.csv"
BUDGETS = (1, 2, BUDGET)
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Job:
    """A training that may be missing: of a configuration by its number, with a data seed."""

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
    parser.add_argument("--folder", type=Path, default=ROOT / "results/benchmark-digits")
    parser.add_argument("--processes", type=int, default=2)
    args = parser.parse_args()
    tables = {
        (method, seed): read_table(TABLES / f"digits-{method}-{seed}.csv")
        for method in SEARCHES
        for seed in SEEDS
    }
    for seed in SEEDS:
        prepare_digits(make_settings(seed), args.folder)
    jobs = [
        Job(number, rung, seed, row, args.folder)
        for number, (seed, row) in enumerate(
            (seed, row) for (_, seed), table in tables.items() for _, row in table.iterrows()
        )
        for rung in range(len(BUDGETS) - 1)
    ]
    with ProcessPoolExecutor(args.processes, initializer=use_one_thread) as pool:
        trained = tabulate(list(pool.map(train, jobs)))
    known = join_tables(list(tables.values()))
    known["bracket"], known["rung"], known["slot"] = range(len(known)), len(BUDGETS) - 1, 0
    known["trial"] = [trial_name(number, len(BUDGETS) - 1, 0) for number in known["bracket"]]
    table = join_tables([trained, known]).sort_values(["bracket", "rung"])
    write_table(TABLE, table.drop(columns="parent").assign(parent=None)[list(known.columns)])


def make_settings(seed: int) -> Settings:
    """Return the settings of the searches of a seed, as far as trainings depend on them."""
    given = SEARCHES["random"] | {"dataset": "digits", "method": "random", "ranges": RANGES}
    return load_settings(given | {"seed": seed}, ROOT)


def train(job: Job) -> Trial:
    """Return the trial of a job, trained now if there is none."""
    path = job.folder / "table" / f"{job.name}.trial.json"
    try:
        return read_trial(path)
    except RecordError:
        proposal = Proposal(
            configuration=configuration_of(job.row),
            budget=BUDGETS[job.rung],
            seed=derive_seed(job.data_seed, "table", job.number, job.rung),
            origin=job.row["origin"],
        )
        checkpoint = path.with_suffix(".checkpoint")
        trial, _ = evaluate_proposal(
            name=job.name,
            proposal=proposal,
            protocol=make_settings(job.data_seed).search_protocol,
            data=prepare_digits(make_settings(job.data_seed), job.folder),
            checkpoint=checkpoint,
        )
    write_trial(path, trial)
    checkpoint.unlink(missing_ok=True)
    return trial


def use_one_thread() -> None:
    """Let each process use one core."""
    torch.set_num_threads(1)


if __name__ == "__main__":
    main()
