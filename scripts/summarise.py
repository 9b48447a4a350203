"""Summarise a search and its final networks in one table."""

import argparse
from pathlib import Path

from nago.records import read_json
from nago.report.tables.summary import summarise
from nago.script import run_script
from nago.tables import read_table, write_table


def main() -> None:
    """Read the trials and the final results, write the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--finals", type=Path, nargs="*", default=[])
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--initial", type=Path, help="trials of an earlier search")
    args = parser.parse_args()

    finals = [read_json(path) for path in args.finals]
    initial = read_table(args.initial) if args.initial else None
    write_table(args.output, summarise(read_table(args.table), finals, initial))


if __name__ == "__main__":
    run_script(main)
