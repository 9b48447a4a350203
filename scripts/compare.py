"""Compare searches: what they reached, what it cost, and what differs by more than luck."""

import argparse
from pathlib import Path

from nago.report.runs import read_run
from nago.report.tables.writing import write_tables
from nago.script import run_script
from nago.tables import read_table


def main() -> None:
    """Read the runs, write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, nargs="+", required=True, help="folders of searches")
    parser.add_argument("--surrogates", type=Path, help="table that compare_surrogates.py wrote")
    parser.add_argument("--output", type=Path, required=True, help="folder of the tables")
    args = parser.parse_args()

    surrogates = None if args.surrogates is None else read_table(args.surrogates)
    write_tables([read_run(folder) for folder in args.runs], surrogates, args.output)


if __name__ == "__main__":
    run_script(main)
