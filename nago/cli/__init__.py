"""The `nago` command: draw architectures, forecast and follow a search, use what it found."""

import argparse

from nago import __version__
from nago.cli import foresight, interchange, progress, report, sample, winner
from nago.script import run_script


def main() -> None:
    """Run the command line; errors of the user are one line and exit code 1 or 2."""
    arguments = make_parser().parse_args()
    run_script(lambda: arguments.run(arguments))


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all subcommands."""
    parser = argparse.ArgumentParser(prog="nago", description=__doc__)
    parser.add_argument("--version", action="version", version=f"nago {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    sample.add_commands(commands)
    foresight.add_commands(commands)
    progress.add_commands(commands)
    winner.add_commands(commands)
    report.add_commands(commands)
    interchange.add_commands(commands)
    return parser
