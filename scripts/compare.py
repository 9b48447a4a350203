"""Compare searches: what they reached, what it cost, and what differs by more than luck."""

import argparse
from pathlib import Path

from nago.report.runs import read_run
from nago.report.tables.claims import tabulate_claims
from nago.report.tables.differences import tabulate_differences
from nago.report.tables.expanded import tabulate_expanded
from nago.report.tables.progress import tabulate_anytime, tabulate_correlations
from nago.report.tables.standings import (
    tabulate_failures,
    tabulate_generators,
    tabulate_validation,
)
from nago.report.tables.tested import tabulate_test
from nago.script import run_script
from nago.tables import read_table, write_table

TABLES = {
    "table2-validation": tabulate_validation,
    "table3-generators": tabulate_generators,
    "table4-test": tabulate_test,
    "table6-expanded": tabulate_expanded,
    "failures": tabulate_failures,
    "anytime": tabulate_anytime,
    "correlations": tabulate_correlations,
}


def main() -> None:
    """Read the runs, write the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, nargs="+", required=True, help="folders of searches")
    parser.add_argument("--surrogates", type=Path, help="table that compare_surrogates.py wrote")
    parser.add_argument("--output", type=Path, required=True, help="folder of the tables")
    args = parser.parse_args()

    runs = [read_run(folder) for folder in args.runs]
    surrogates = None if args.surrogates is None else read_table(args.surrogates)
    for name, tabulate in TABLES.items():
        write_table(args.output / f"{name}.csv", tabulate(runs))
    differences = tabulate_differences(runs)
    write_table(args.output / "differences.csv", differences)
    write_table(args.output / "claims.csv", tabulate_claims(runs, differences, surrogates))


if __name__ == "__main__":
    run_script(main)
