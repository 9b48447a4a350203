"""The command that follows a search, and what it shares with the one that forecasts it."""

import argparse
import contextlib
import dataclasses
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nago.comparison import Comparison, Planned, load_comparison
from nago.records import UserError
from nago.schema import parse_value
from nago.settings import find_root, read_config
from nago.status import count_status, describe_status, list_running

CLEAR = "\x1b[H\x1b[2J"
"""What makes a terminal forget what it shows."""


def add_commands(commands: Any) -> None:
    """Add the commands to the parser of all."""
    _add_status(commands)


def _add_status(commands: Any) -> None:
    command = commands.add_parser(
        "status",
        help="how far a search is",
        description="Print how many trials of each bracket are done, running, missing or failed,"
        " from the files of the search.",
    )
    add_config_option(command)
    shown = command.add_mutually_exclusive_group()
    shown.add_argument("--json", action="store_true", help="print one JSON object")
    shown.add_argument(
        "--follow",
        nargs="?",
        type=read_seconds,
        const=10.0,
        metavar="SECONDS",
        help="print it again every so many seconds (default: 10) until all trials are done",
    )
    command.set_defaults(run=_run_status)


def add_config_option(command: argparse.ArgumentParser) -> None:
    """Add the option that takes settings."""
    command.add_argument(
        "--config",
        nargs="*",
        default=[],
        metavar="KEY=VALUE",
        help="settings, as for snakemake: dataset=cifar10 iterations=10",
    )


def _run_status(arguments: argparse.Namespace) -> None:
    comparison, root = load_searches(arguments.config)
    if arguments.json:
        print_json(
            {
                name_search(search): [
                    dataclasses.asdict(status)
                    for status in count_status(
                        root / search.folder, search.plan, _logs(search, root)
                    )
                ]
                for search in comparison.all
            }
        )
    elif arguments.follow is None:
        print(_look(comparison, root)[0])
    else:
        with contextlib.suppress(KeyboardInterrupt):  # the way to end it
            _follow(comparison, root, arguments.follow)


def print_json(results: Mapping[str, Any]) -> None:
    """Print what is known of each search by its name; of a single one, only that."""
    print(json.dumps(results if len(results) > 1 else next(iter(results.values()))))


def _look(comparison: Comparison, root: Path) -> tuple[str, bool]:
    """Return the status of the searches in words, and whether all their trials have ended."""
    texts, ended = [], True
    for search in comparison.all:
        folder, logs = root / search.folder, _logs(search, root)
        statuses = count_status(folder, search.plan, logs)
        running = list_running(folder, search.plan, logs)
        texts.append(describe_status(name_search(search), statuses, running))
        ended &= all(status.done + status.failed == status.planned for status in statuses)
    return "\n\n".join(texts), ended


def _follow(comparison: Comparison, root: Path, seconds: float) -> None:
    """Print the status whenever it has changed; on a terminal in the same place."""
    shown, done = "", False
    while not done:
        text, done = _look(comparison, root)
        if text != shown:
            print(f"{CLEAR}{text}" if sys.stdout.isatty() else text, flush=True)
            shown = text
        if not done:
            time.sleep(seconds)


def load_searches(config: Sequence[str]) -> tuple[Comparison, Path]:
    """Return the searches that the settings describe, and the folder of the project."""
    root = find_root(Path.cwd())
    return load_comparison({**read_config(root), **parse_config(config)}, root), root


def name_search(search: Planned) -> str:
    """Return what a search is called among several."""
    return f"{search.dataset}, {search.search}"


def _logs(search: Planned, root: Path) -> Path:
    """Return the folder of the logs of a search's trainings."""
    return root / "logs" / search.dataset / search.search / "train"


def parse_config(pairs: Sequence[str]) -> dict[str, Any]:
    """Return settings from texts such as `dataset=cifar10`, values as Snakemake reads them.

    Raises:
        UserError: a text has no `=`, or its value isn't YAML.
    """
    values = {}
    for pair in pairs:
        key, separator, text = pair.partition("=")
        if not separator:
            raise UserError(f"--config takes key=value, as in dataset=cifar10, got {pair!r}")
        values[key] = parse_value(text)
    return values


def read_seconds(text: str) -> float:
    """Return a number above 0 from an option."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text!r}")
    return seconds
