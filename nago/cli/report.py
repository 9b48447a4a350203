"""The command that writes the front page of a report, at any time."""

import argparse
from pathlib import Path
from typing import Any

# What needs pandas and matplotlib is imported by the command that does.
# ruff: noqa: PLC0415


def add_commands(commands: Any) -> None:
    """Add the command to the parser of all."""
    command = commands.add_parser(
        "report",
        help="one page about searches, finished or not",
        description="Write one HTML file about searches: winners, charts, trials, failures, cost"
        " and settings. It needs no network, and says what is missing while a search goes on.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    command.add_argument(
        "folders",
        type=Path,
        nargs="+",
        metavar="FOLDER",
        help="of runs, such as results/digits/hnag-bohb, or one with runs below it",
    )
    command.add_argument("--tables", type=Path, metavar="FOLDER", help="of CSV files to show")
    command.add_argument("--figures", type=Path, metavar="FOLDER", help="of SVG files to show")
    command.add_argument("--output", type=Path, metavar="FILE", default=Path("report.html"))
    command.set_defaults(run=_run_report)


def _run_report(arguments: argparse.Namespace) -> None:
    from nago import __version__
    from nago.records import UserError
    from nago.report.page.writing import find_runs, write_page
    from nago.schema import SettingsError
    from nago.settings import find_root

    for folder in (*arguments.folders, arguments.tables, arguments.figures):
        if folder is not None and not folder.is_dir():
            raise UserError(f"there is no folder {folder}")
    try:
        root = find_root(Path.cwd())
    except SettingsError:  # a page can be made of results alone
        root = None
    runs = find_runs(arguments.folders)
    write_page(
        runs,
        arguments.output,
        tables=arguments.tables,
        figures=arguments.figures,
        root=root,
        version=__version__,
    )
    size = arguments.output.stat().st_size / 1e6
    print(f"{arguments.output}: {len(runs)} {'run' if len(runs) == 1 else 'runs'}, {size:.2f} MB")
