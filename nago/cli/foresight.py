"""The command that forecasts a search."""

import argparse
import dataclasses
from pathlib import Path
from typing import Any

from nago.cli.progress import (
    add_config_option,
    load_searches,
    name_search,
    print_json,
    read_seconds,
)
from nago.forecast.words import describe_outlook, describe_total


def add_commands(commands: Any) -> None:
    """Add the command to the parser of all."""
    command = commands.add_parser(
        "forecast",
        help="trainings, epochs and hours of a search, before it runs",
        description="Print what a search will cost: from its settings, and from what earlier"
        " trainings took.",
    )
    add_config_option(command)
    command.add_argument(
        "--epoch-seconds",
        type=read_seconds,
        help="seconds of an epoch (default: as learnt from earlier runs, or the setting)",
    )
    command.add_argument(
        "--calibrate",
        nargs="+",
        type=Path,
        default=[],
        metavar="FOLDER",
        help="folders of earlier searches to learn from (default: those of the data set in"
        " results)",
    )
    command.add_argument(
        "--device", help="learn from the trainings on it (default: the one that has the most)"
    )
    command.add_argument(
        "--workers",
        nargs="+",
        type=_count,
        default=[1, 4, 16, 64],
        metavar="N",
        help="trainings at a time, for the wall time (default: 1 4 16 64)",
    )
    command.add_argument("--gpus", type=_count, help="recommend a lag for so many GPUs")
    command.add_argument(
        "--job-seconds",
        type=read_seconds,
        default=0.0,
        help="seconds that a job takes before it trains, in the wall time (default: 0)",
    )
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    # Imported here: it loads numpy, pandas and scipy, which the other commands don't need.
    from nago.forecast.basis import Asked  # noqa: PLC0415
    from nago.forecast.outlook import look_ahead  # noqa: PLC0415

    comparison, root = load_searches(arguments.config)
    asked = Asked(
        epoch_seconds=arguments.epoch_seconds,
        folders=tuple(arguments.calibrate),
        device=arguments.device,
        workers=tuple(arguments.workers),
        gpus=arguments.gpus,
        job_seconds=arguments.job_seconds,
    )
    results = {name_search(search): look_ahead(search, root, asked) for search in comparison.all}
    if arguments.json:
        print_json({name: _flatten(dataclasses.asdict(one)) for name, one in results.items()})
        return
    texts = [describe_outlook(name, one, arguments.gpus) for name, one in results.items()]
    if len(results) > 1:
        texts.append(describe_total([one.forecast for one in results.values()]))
    print("\n\n".join(texts))


def _flatten(values: dict[str, Any]) -> dict[str, Any]:
    """Return what is foreseen with the numbers of the plan beside the ranges."""
    ranges = ("search_gpu_hours", "final_gpu_hours")
    named = {f"{key}_range" if key in ranges else key: value for key, value in values.items()}
    return {**named.pop("forecast"), **named}


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {text!r}")
    return number
