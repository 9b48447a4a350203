"""Draw several architectures of each of some random configurations of HNAG."""

import argparse
from pathlib import Path

from nago.script import run_script
from nago.studies.draws import repeat_draws
from nago.tables import write_table


def main() -> None:
    """Draw the architectures, write a row for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configurations", type=int, nargs="+", required=True, help="numbers")
    parser.add_argument("--draws", type=int, required=True, help="of each")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()

    write_table(args.output, repeat_draws(args.configurations, args.draws, args.seed))


if __name__ == "__main__":
    run_script(main)
