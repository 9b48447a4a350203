"""Rate the models of the search on its own trainings; takes minutes for hundreds of trials."""

import argparse
from pathlib import Path

from nago.report.runs import read_run
from nago.report.tables.surrogates import MODELS, SPLITS, tabulate_surrogates
from nago.script import run_script
from nago.tables import write_table


def main() -> None:
    """Read the runs, fit the models, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, nargs="+", required=True, help="folders of searches")
    parser.add_argument("--models", nargs="+", choices=(*MODELS, "pybnn"), default=list(MODELS))
    parser.add_argument("--splits", type=int, default=SPLITS)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()

    models = {name: MODELS.get(name, {}) for name in args.models}
    runs = [read_run(folder) for folder in args.runs]
    write_table(args.output, tabulate_surrogates(runs, models, args.splits))


if __name__ == "__main__":
    run_script(main)
