"""Compare Watts-Strogatz graphs by their K."""

import argparse
from pathlib import Path

from nago.report.figures.distributions import draw_neighbours
from nago.script import run_script
from nago.studies.rings import compare_neighbours
from nago.tables import write_table


def main() -> None:
    """Draw the graphs, write their means and a figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, required=True, help="of each K and P")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--figure", type=Path, required=True)
    args = parser.parse_args()

    table = compare_neighbours(args.draws, args.seed)
    write_table(args.table, table)
    draw_neighbours(table, args.figure)


if __name__ == "__main__":
    run_script(main)
