"""The searches on digits of the benchmark page of the search: random search and mobo.

`python docs/benchmarks/digits_trials.py random 0` writes digits-random-0.csv in search/ beside it,
the trials.csv that the workflow gives for the same settings.
"""

import argparse
from pathlib import Path

from trainings import ROOT, SEARCHES, make_settings, run_trainings

from nago.tables import tabulate, write_table

TABLES = ROOT / "docs/benchmarks/search"


def main() -> None:
    """Train what is missing of one search and write its table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("method", choices=SEARCHES)
    parser.add_argument("seed", type=int)
    parser.add_argument("--folder", type=Path, default=ROOT / "results/benchmark-digits")
    args = parser.parse_args()
    settings = make_settings("digits", args.method, args.seed, args.folder)
    trials = run_trainings(settings, args.folder / f"{args.method}-{args.seed}")
    write_table(TABLES / f"digits-{args.method}-{args.seed}.csv", tabulate(trials))


if __name__ == "__main__":
    main()
