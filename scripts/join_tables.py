"""Join the tables of all brackets into one, in the order of the plan."""

import argparse
from pathlib import Path

from nago.script import run_script
from nago.tables import join_tables, read_table, write_table


def main() -> None:
    """Read the tables, write one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=Path, nargs="+", required=True)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()

    write_table(args.output, join_tables([read_table(path) for path in args.tables]))


if __name__ == "__main__":
    run_script(main)
