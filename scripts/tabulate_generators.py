"""Tabulate the generators that a search tried, and how likely each is to be on the front."""

import argparse
from pathlib import Path

from nago.script import run_script
from nago.search.generators import tabulate_generators
from nago.search.surrogate_file import read_surrogate
from nago.seeds import derive_seed
from nago.settings import read_search
from nago.tables import join_tables, read_table, write_table


def main() -> None:
    """Read the trials and what they taught, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--search", type=Path, required=True)
    parser.add_argument("--surrogate", type=Path, required=True, help="of all trials")
    parser.add_argument("--tables", type=Path, nargs="+", required=True)
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()

    search = read_search(args.search)
    generators = tabulate_generators(
        search.space,
        read_surrogate(args.surrogate),
        join_tables([read_table(path) for path in args.tables]),
        search.objectives,
        seed=derive_seed(search.seed, "generators"),
    )
    write_table(args.output, generators)


if __name__ == "__main__":
    run_script(main)
