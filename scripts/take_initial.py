"""Take the initial points of a search from the table of an earlier one."""

import argparse
from pathlib import Path

from nago.records import read_json
from nago.script import run_script
from nago.search.initial import read_initial
from nago.tables import write_table


def main() -> None:
    """Read the table, check it against the search, write the points."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument("--search", type=Path, required=True)
    parser.add_argument("--dataset", required=True)
    parser.add_argument("--budget", type=int, required=True, help="epochs")
    parser.add_argument("--points", type=int, required=True, help="at most")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()

    search = read_json(args.search)
    points = read_initial(
        args.table,
        ranges=search["ranges"],
        objectives=search["objectives"],
        dataset=args.dataset,
        budget=args.budget,
        points=args.points,
    )
    write_table(args.output, points)


if __name__ == "__main__":
    run_script(main)
