"""Select what a search found: the incumbent, the front, its growth, and the finalists."""

import argparse
import json
from pathlib import Path

from nago.records import write_json
from nago.script import run_script
from nago.search.front import (
    choose_finalists,
    choose_generators,
    complete_reference,
    find_front,
    trace_hypervolume,
)
from nago.search.incumbent import describe_trial, select_incumbent
from nago.tables import join_tables, read_table, write_table


def main() -> None:
    """Read the tables, write the choices."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=Path, nargs="+", required=True)
    parser.add_argument("--objectives", nargs="+", required=True, help="columns")
    parser.add_argument("--reference", type=json.loads, required=True, help="a JSON list")
    parser.add_argument("--finalists", type=int, required=True, help="how many")
    parser.add_argument("--along", choices=("error", "front"), required=True)
    parser.add_argument("--generators", type=Path, nargs="*", default=[], help="to choose by")
    parser.add_argument("--incumbent", type=Path, required=True)
    parser.add_argument("--chosen", type=Path, required=True)
    parser.add_argument("--front", type=Path, required=True)
    parser.add_argument("--hypervolume", type=Path, required=True)
    args = parser.parse_args()

    table = join_tables([read_table(path) for path in args.tables])
    incumbent = select_incumbent(table)
    reference = complete_reference(table, args.objectives, args.reference)
    chosen = [incumbent]
    if args.along == "front":
        choice = args.objectives, reference, args.finalists
        if args.generators:
            finalists = choose_generators(read_table(args.generators[0]), table, *choice)
        else:
            finalists = choose_finalists(table, *choice)
        chosen = [row for _, row in finalists.iterrows()]
    write_json(args.chosen, [describe_trial(row) for row in chosen])
    write_table(args.front, find_front(table, args.objectives))
    write_table(args.hypervolume, trace_hypervolume(table, args.objectives, reference))
    write_json(args.incumbent, describe_trial(incumbent))


if __name__ == "__main__":
    run_script(main)
