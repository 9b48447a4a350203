"""Commands on searches: forecast, status."""

import argparse
import dataclasses
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nago.forecast import describe_forecast, forecast, measure_seconds_per_epoch
from nago.records import UserError
from nago.schema import parse_value
from nago.settings import Settings, find_root, load_settings, read_config
from nago.status import count_status, describe_status


def add_commands(commands: Any) -> None:
    """Add the commands to the parser of all."""
    _add_forecast(commands)
    _add_status(commands)


def _add_forecast(commands: Any) -> None:
    command = commands.add_parser(
        "forecast",
        help="trainings, epochs and hours of a search, before it runs",
        description="Print what a search will cost, from its settings alone.",
    )
    _add_config_option(command)
    command.add_argument(
        "--epoch-seconds",
        type=_seconds,
        help="seconds of an epoch (default: as measured in an earlier run, or the setting)",
    )
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=_run_forecast)


def _add_status(commands: Any) -> None:
    command = commands.add_parser(
        "status",
        help="how far a search is",
        description="Print how many trials of each bracket are done, running, missing or failed,"
        " from the files of the search.",
    )
    _add_config_option(command)
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=_run_status)


def _add_config_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--config",
        nargs="*",
        default=[],
        metavar="KEY=VALUE",
        help="settings, as for snakemake: dataset=cifar10 iterations=10",
    )


def _run_forecast(arguments: argparse.Namespace) -> None:
    settings, root = _load(arguments.config)
    values = settings.values
    seconds = (
        arguments.epoch_seconds
        or measure_seconds_per_epoch(_folder(settings, root) / "costs.csv")
        or values["seconds_per_epoch"]
    )
    result = forecast(
        settings.plan,
        continues=values["continue"],
        final_networks=values["final_networks"],
        final_epochs=values["final_epochs"],
        seconds_per_epoch=seconds,
    )
    if arguments.json:
        print(json.dumps(dataclasses.asdict(result)))
    else:
        print(describe_forecast(f"{settings.dataset}, {settings.search}", result))


def _run_status(arguments: argparse.Namespace) -> None:
    settings, root = _load(arguments.config)
    statuses = count_status(_folder(settings, root), settings.plan)
    if arguments.json:
        print(json.dumps([dataclasses.asdict(status) for status in statuses]))
    else:
        print(describe_status(f"{settings.dataset}, {settings.search}", statuses))


def _load(config: Sequence[str]) -> tuple[Settings, Path]:
    root = find_root(Path.cwd())
    return load_settings({**read_config(root), **parse_config(config)}, root), root


def _folder(settings: Settings, root: Path) -> Path:
    return root / "results" / settings.dataset / settings.search


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


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text!r}")
    return seconds
