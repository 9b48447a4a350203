"""Write the front page of a report: one HTML file about some searches, finished or not."""

import argparse
from pathlib import Path

from nago import __version__
from nago.report.page.writing import find_runs, write_page
from nago.script import run_script


def main() -> None:
    """Read the runs, write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, nargs="+", required=True, help="folders of runs")
    parser.add_argument("--tables", type=Path, help="folder of CSV files to show")
    parser.add_argument("--figures", type=Path, help="folder of SVG files to show")
    parser.add_argument("--root", type=Path, default=Path(), help="folder of the project")
    parser.add_argument("--output", type=Path, required=True)
    args = parser.parse_args()

    write_page(
        find_runs(args.runs),
        args.output,
        tables=args.tables,
        figures=args.figures,
        root=args.root,
        version=__version__,
    )


if __name__ == "__main__":
    run_script(main)
