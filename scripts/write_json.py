"""Write values that were given on the command line as a file that other steps read."""

import argparse
import json
from pathlib import Path

from nago.records import write_json
from nago.script import run_script


def main() -> None:
    """Read the arguments, write the file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--values", type=json.loads, required=True, help="JSON")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()

    write_json(args.output, args.values)


if __name__ == "__main__":
    run_script(main)
