"""Take the prior of a search from the tables of searches on other data sets."""

import argparse
from pathlib import Path

from nago.records import read_json
from nago.script import run_script
from nago.search.warm import read_warm_start
from nago.tables import write_table


def main() -> None:
    """Read the tables, check them against the search, write the trials as ranks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=Path, nargs="+", required=True)
    parser.add_argument("--search", type=Path, required=True)
    parser.add_argument("--budgets", type=int, nargs="+", required=True, help="epochs")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()

    search = read_json(args.search)
    prior = read_warm_start(
        args.tables,
        ranges=search["ranges"],
        objectives=search["objectives"],
        budgets=args.budgets,
    )
    write_table(args.output, prior)


if __name__ == "__main__":
    run_script(main)
