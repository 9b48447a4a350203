"""Tabulate the trials of a bracket, in the order of the plan."""

import argparse
from pathlib import Path

from nago.records import read_trial
from nago.script import run_script
from nago.tables import tabulate, tabulate_costs, write_table


def main() -> None:
    """Read the trials, write what is reproducible and what it cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=Path, nargs="+", required=True)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--costs", type=Path, required=True)
    args = parser.parse_args()

    trials = [read_trial(path) for path in args.trials]
    write_table(args.output, tabulate(trials))
    write_table(args.costs, tabulate_costs(trials))


if __name__ == "__main__":
    run_script(main)
