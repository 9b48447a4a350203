"""Compare how memory spreads between configurations and within them."""

import argparse
from pathlib import Path

from nago.report.figures.distributions import draw_variance
from nago.script import run_script
from nago.studies.summaries import REPEATS, read_draws, split_variance, summarise_repeats
from nago.tables import write_table


def main() -> None:
    """Read the repeated draws, write a row per configuration, the shares and a figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=Path, nargs="+", required=True)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--shares", type=Path, required=True)
    parser.add_argument("--figure", type=Path, required=True)
    args = parser.parse_args()

    repeats = read_draws(args.tables, REPEATS)
    summary, shares = summarise_repeats(repeats), split_variance(repeats)
    write_table(args.table, summary)
    write_table(args.shares, shares)
    within = shares.set_index("part")["share"]["within"]
    draw_variance(summary, within, args.figure)


if __name__ == "__main__":
    run_script(main)
