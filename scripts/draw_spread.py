"""Compare how results spread between configurations and within them, from runs of `spread`."""

import argparse
from pathlib import Path

from nago.report.figures.spread import draw_spread
from nago.report.runs import read_run
from nago.report.tables.spread import summarise_spread, tabulate_shares
from nago.script import run_script
from nago.tables import write_table


def main() -> None:
    """Read the runs, write a row per configuration, the shares and the figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, nargs="+", required=True, metavar="FOLDER")
    parser.add_argument("--table", type=Path, required=True, metavar="FILE.csv")
    parser.add_argument("--shares", type=Path, required=True, metavar="FILE.csv")
    parser.add_argument("--figure", type=Path, required=True, metavar="FILE.svg")
    parser.add_argument("--pdf", type=Path, required=True, metavar="FILE.pdf")
    args = parser.parse_args()

    runs = [read_run(folder) for folder in args.runs]
    summary, shares = summarise_spread(runs), tabulate_shares(runs)
    write_table(args.table, summary)
    write_table(args.shares, shares)
    draw_spread(summary, shares, [args.figure, args.pdf])


if __name__ == "__main__":
    run_script(main)
