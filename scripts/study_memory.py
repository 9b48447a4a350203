"""Compare the generators by the sample memory of their random draws."""

import argparse
from pathlib import Path

from nago.report.figures.distributions import draw_memory
from nago.script import run_script
from nago.studies.summaries import DRAWS, read_draws, summarise_memory
from nago.tables import write_table


def main() -> None:
    """Read the draws, write their quantiles and a figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=Path, nargs="+", required=True)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--figure", type=Path, required=True)
    args = parser.parse_args()

    draws = read_draws(args.tables, DRAWS)
    write_table(args.table, summarise_memory(draws))
    draw_memory(draws, args.figure)


if __name__ == "__main__":
    run_script(main)
