"""Draw the figures that compare searches, and write the numbers of the fronts and improvements."""

import argparse
from pathlib import Path

from nago.report.figures.comparison import draw_comparison
from nago.report.runs import read_run
from nago.report.tables.published import TEST
from nago.script import run_script


def main() -> None:
    """Read the runs, write all figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, nargs="+", required=True, metavar="FOLDER")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER")
    args = parser.parse_args()

    published = {key: values["test_accuracy_percent_mean"] for key, values in TEST.items()}
    draw_comparison([read_run(folder) for folder in args.runs], args.output, published)


if __name__ == "__main__":
    run_script(main)
