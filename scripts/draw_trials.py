"""Draw the trials of a search: the any-time curve and the correlation between budgets."""

import argparse
from pathlib import Path

from nago.report.figures.search_trials import draw_anytime, draw_correlation
from nago.script import run_script
from nago.tables import read_table


def main() -> None:
    """Read the trials, write both figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--name", required=True, help="of the data set and the search")
    parser.add_argument("--anytime", type=Path, required=True)
    parser.add_argument("--correlation", type=Path, required=True)
    args = parser.parse_args()

    table = read_table(args.table)
    draw_anytime(table, args.anytime, args.name)
    draw_correlation(table, args.correlation, args.name)


if __name__ == "__main__":
    run_script(main)
