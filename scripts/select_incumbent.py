"""Select the incumbent: the configuration that the search recommends."""

import argparse
from pathlib import Path

from nago.records import write_json
from nago.script import run_script
from nago.search.incumbent import describe_incumbent
from nago.tables import read_table


def main() -> None:
    """Read the trials of the search, write the best."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()

    write_json(args.output, describe_incumbent(read_table(args.table)))


if __name__ == "__main__":
    run_script(main)
