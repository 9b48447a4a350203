"""Draw random architectures of a generator and tabulate what they cost."""

import argparse
from pathlib import Path

from nago.script import run_script
from nago.studies.draws import draw_table
from nago.tables import write_table


def main() -> None:
    """Draw the architectures, write a row for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--generator", required=True)
    parser.add_argument("--images", required=True, help="small or large")
    parser.add_argument("--draws", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()

    write_table(args.output, draw_table(args.generator, args.images, args.draws, args.seed))


if __name__ == "__main__":
    run_script(main)
