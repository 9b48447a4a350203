"""Real trainings on digits, for the benchmarks of the search: one search in one process.

`python docs/benchmarks/digits_trials.py random 0` writes digits-random-0.csv in search/ beside it,
the trials.csv that the workflow gives for the same settings. Random search and mobo spend the
same epochs: 64 trainings of 4 epochs each, of HNAG's small generators (up to 144 operations):
larger ones take half a minute and don't learn in 4 epochs. What is trained is kept in results/,
so a run that was cut off goes on where it was.
"""

import argparse
import tempfile
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from nago.data.datasets import DatasetInfo, prepare, read_info
from nago.exact import make_exact
from nago.objective import evaluate_proposal
from nago.records import (
    Proposal,
    Protocol,
    RecordError,
    Trial,
    read_trial,
    write_json,
    write_trial,
)
from nago.search.methods import Exact
from nago.search.simulate import run_search
from nago.seeds import derive_seed
from nago.settings import Settings, load_settings, read_search
from nago.tables import tabulate, write_table

ROOT = Path(__file__).parents[2]
TABLES = ROOT / "docs/benchmarks/search"
BUDGET = 4
RANGES = {"top_nodes": [3, 6], "middle_nodes": [1, 4], "bottom_nodes": [3, 6]}
SEARCHES = {
    "random": {"iterations": 64, "min_budget": BUDGET, "max_budget": BUDGET, "lag": 1},
    "mobo": {"initial_points": 16, "mobo_iterations": 6, "mobo_batch": 8, "mobo_budget": BUDGET},
}


def main() -> None:
    """Train what is missing of one search and write its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("method", choices=SEARCHES)
    parser.add_argument("seed", type=int)
    parser.add_argument("--folder", type=Path, default=ROOT / "results/benchmark-digits")
    args = parser.parse_args()
    given = SEARCHES[args.method] | {"dataset": "digits", "method": args.method, "ranges": RANGES}
    settings = load_settings(given | {"seed": args.seed}, ROOT)
    folder = args.folder / f"{args.method}-{args.seed}"
    trials = search_digits(settings, folder)
    write_table(TABLES / f"digits-{args.method}-{args.seed}.csv", tabulate(trials))


def search_digits(settings: Settings, folder: Path) -> list[Trial]:
    """Return the trials of a search on digits, trained in this process where they are missing."""
    data = prepare_digits(settings, folder.parent)
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "search.json"
        write_json(path, settings.search_definition)
        search = read_search(path)
    info, protocol = read_info(data), settings.search_protocol

    def train(name: str, proposal: Proposal) -> Trial:
        path = folder / f"{name}.trial.json"
        try:
            return read_trial(path)
        except RecordError:
            checkpoint = path.with_suffix(".checkpoint")
            trial, _ = evaluate_proposal(
                name=name, proposal=proposal, protocol=protocol, data=data, checkpoint=checkpoint
            )
        write_trial(path, trial)
        checkpoint.unlink(missing_ok=True)
        return trial

    exact = partial(_make_exact, search.seed, protocol, info, search.objectives)
    return run_search(search, train, settings.plan, settings.lag, exact)


def prepare_digits(settings: Settings, folder: Path) -> Path:
    """Return where the digits are, split by the settings' seed; prepared if missing."""
    data = folder / f"data-{settings.values['seed']}"
    if not (data / "dataset.json").is_file():
        keys = ("image_size", "validation_fraction", "test_fraction", "seed", "cache_gb")
        prepare(
            "digits",
            None,
            channels=settings.values["image_channels"],
            stored_size=settings.stored_size,
            output=data,
            name="digits",
            **{key: settings.values[key] for key in keys},
        )
    return data


def _make_exact(
    seed: int, protocol: Protocol, info: DatasetInfo, objectives: Sequence[str], bracket: int
) -> Exact:
    return make_exact(protocol, info, objectives, derive_seed(seed, "exact", bracket))


if __name__ == "__main__":
    main()
