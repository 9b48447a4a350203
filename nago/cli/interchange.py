"""Commands on searches for other tools: convert, replay."""

import argparse
from pathlib import Path
from typing import Any

# What needs pandas, Optuna and the search methods is imported by the command that does.
# ruff: noqa: PLC0415

FORMATS = ("optuna", "csv", "parquet")
OPTIMISERS = ("random", "tpe", "bohb", "mobo", "mobohb")


def add_commands(commands: Any) -> None:
    """Add the commands to the parser of all."""
    _add_convert(commands)
    _add_replay(commands)


def _add_convert(commands: Any) -> None:
    command = commands.add_parser(
        "convert",
        help="searches as a file for other tools",
        description="Write searches, finished or not, as an Optuna journal, which optuna-dashboard"
        " and DeepCAVE open, or their trials as one table.",
    )
    _add_folders(command)
    command.add_argument("--to", choices=FORMATS, required=True, help="what the file is to be")
    command.add_argument("--output", type=Path, metavar="FILE", required=True)
    command.set_defaults(run=_run_convert)


def _add_replay(commands: Any) -> None:
    command = commands.add_parser(
        "replay",
        help="run an optimiser on what searches have found",
        description="Let an optimiser search among the trials of finished searches, as a tabular"
        " benchmark: each evaluation gives the nearest configuration that was tried. Writes the"
        " any-time curve.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    _add_folders(command)
    command.add_argument("--optimiser", choices=OPTIMISERS, default="random")
    command.add_argument("--evaluations", type=_count, metavar="N", default=100)
    command.add_argument("--seed", type=int, default=0)
    command.add_argument("--output", type=Path, metavar="FILE", required=True, help="a CSV file")
    command.set_defaults(run=_run_replay)


def _add_folders(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "folders",
        type=Path,
        nargs="+",
        metavar="FOLDER",
        help="of searches, such as results/digits/hnag-bohb, or one with searches below it",
    )


def _run_convert(arguments: argparse.Namespace) -> None:
    from nago.interchange.folders import read_searches
    from nago.interchange.journal import write_journal
    from nago.interchange.tidy import write_csv, write_parquet

    runs = read_searches(arguments.folders)
    write = {"optuna": write_journal, "csv": write_csv, "parquet": write_parquet}[arguments.to]
    write(arguments.output, runs)
    trials = sum(len(run.trials) for run in runs if run.trials is not None)
    searches = "1 search" if len(runs) == 1 else f"{len(runs)} searches"
    print(f"{arguments.output}: {trials} trials of {searches}")


def _run_replay(arguments: argparse.Namespace) -> None:
    from nago.interchange.folders import read_searches
    from nago.interchange.replays import replay_searches
    from nago.replay.optimisers import run_optimiser
    from nago.replay.trace import trace_run
    from nago.tables import write_table

    replay = replay_searches(read_searches(arguments.folders))
    run = run_optimiser(arguments.optimiser, replay, arguments.evaluations, arguments.seed)
    trace = trace_run(replay, run)
    write_table(arguments.output, trace)
    last = trace.iloc[-1]
    print(
        f"{arguments.output}: {len(trace)} evaluations by {arguments.optimiser} on"
        f" {len(replay.configurations)} configurations, {int(last['epochs'])} epochs, best"
        f" {replay.objectives[0]} {last['best']:.4g}"
    )


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, got {text!r}")
    return int(text)
