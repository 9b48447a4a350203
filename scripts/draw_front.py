"""Draw the front of a search: the trials by two objectives, and the growth of the hypervolume."""

import argparse
from pathlib import Path

from nago.report.figures.search_front import draw_front, draw_hypervolume
from nago.script import run_script
from nago.tables import join_tables, read_table


def main() -> None:
    """Read the tables, write both figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=Path, nargs="+", required=True, help="of trials")
    parser.add_argument("--front-table", type=Path, required=True)
    parser.add_argument("--hypervolume-table", type=Path, required=True)
    parser.add_argument("--objectives", nargs="+", required=True, help="columns")
    parser.add_argument("--name", required=True, help="of the data set and the search")
    parser.add_argument("--front", type=Path, required=True)
    parser.add_argument("--hypervolume", type=Path, required=True)
    args = parser.parse_args()

    draw_front(
        join_tables([read_table(path) for path in args.tables]),
        read_table(args.front_table),
        args.front,
        objectives=args.objectives,
        name=args.name,
    )
    draw_hypervolume(read_table(args.hypervolume_table), args.hypervolume, name=args.name)


if __name__ == "__main__":
    run_script(main)
