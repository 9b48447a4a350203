"""Tabulate the final networks, a row each."""

import argparse
from pathlib import Path

from nago.records import read_json
from nago.script import run_script
from nago.tables import tabulate_finals, write_table


def main() -> None:
    """Read the results, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, nargs="+", required=True)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()

    write_table(args.output, tabulate_finals([read_json(path) for path in args.results]))


if __name__ == "__main__":
    run_script(main)
