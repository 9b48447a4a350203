"""Fit the surrogate of a bracket to the trials of the brackets it may see."""

import argparse
from pathlib import Path

from nago.script import run_script
from nago.search.steps import fit_surrogate
from nago.search.surrogate_file import write_surrogate
from nago.search.warm import prior_observations
from nago.settings import read_search
from nago.tables import observations, read_table


def main() -> None:
    """Read the tables in the order given, fit, write what was learnt."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--search", type=Path, required=True)
    parser.add_argument("--tables", type=Path, nargs="*", default=[])
    parser.add_argument("--warm", type=Path, nargs="*", default=[], help="tables of a warm start")
    parser.add_argument("--bracket", type=int, required=True)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()

    search = read_search(args.search)
    seen = [
        item for path in args.tables for item in observations(read_table(path), search.objectives)
    ]
    prior = [
        item
        for path in args.warm
        for item in prior_observations(read_table(path), search.objectives)
    ]
    write_surrogate(args.output, fit_surrogate(search, seen, bracket=args.bracket, prior=prior))


if __name__ == "__main__":
    run_script(main)
