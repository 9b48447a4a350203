"""The `nago` command: sample and rebuild architectures, forecast a search, see how far it is."""

import argparse
import dataclasses
import json
import math
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nago import __version__
from nago.forecast import describe_forecast, forecast, measure_seconds_per_epoch
from nago.generators.draw import GENERATORS
from nago.records import UserError
from nago.script import run_script
from nago.settings import Settings, find_root, load_settings, parse_value, read_config
from nago.status import count_status, describe_status

# What needs networkx or ConfigSpace is imported by the commands that do.
# ruff: noqa: PLC0415


def main() -> None:
    """Run the command line; errors of the user are one line and exit code 1 or 2."""
    arguments = make_parser().parse_args()
    run_script(lambda: arguments.run(arguments))


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all subcommands."""
    parser = argparse.ArgumentParser(prog="nago", description=__doc__)
    parser.add_argument("--version", action="version", version=f"nago {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_sample(commands)
    _add_rebuild(commands)
    _add_forecast(commands)
    _add_status(commands)
    return parser


def _add_sample(commands: Any) -> None:
    command = commands.add_parser(
        "sample",
        help="draw an architecture and count what it costs",
        description="Draw an architecture of a generator and print what it costs. A level that"
        " or hyperparameter that isn't given is drawn from the search space.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    command.add_argument("--generator", choices=[*GENERATORS], help="hnag if none is named")
    command.add_argument(
        "--named",
        metavar="NAME",
        help="a published configuration with its limit, images and classes; `list` shows all",
    )
    command.add_argument("--space", default="base", help="base, aug_v1, aug_v2, er or ba")
    command.add_argument("--top", metavar="N,K,P", help="hnag: graph of cells")
    command.add_argument("--middle", metavar="N,P", help="hnag: graph in each cell")
    command.add_argument("--bottom", metavar="N,K,P", help="hnag: graph of operations")
    command.add_argument(
        "--stage", metavar="N,K,P", nargs="+", help="rnag: graph of all stages, or of each"
    )
    command.add_argument(
        "--set", metavar="NAME=VALUE", nargs="+", default=[], help="any hyperparameters"
    )
    command.add_argument("--limit", type=_whole_number, help="parameters; 4,000,000 if not named")
    command.add_argument("--image", type=int, help="height and width in pixels; 32 if not named")
    command.add_argument("--channels", type=int, help="of the image; 3 if not named")
    command.add_argument("--classes", type=int, help="10 if not named")
    command.add_argument("--seed", type=int, default=0)
    command.add_argument(
        "--stage-ratios", type=_ratios, default=(1.0, 1.0, 1.0), help="shares of the stages"
    )
    command.add_argument(
        "--channel-ratios",
        type=_ratios,
        default=(1.0, 2.0, 4.0),
        help="widths of the stages",
    )
    command.add_argument(
        "--merges", type=_weights, help="weights, as in sum=1,concat=1; the generator's if none"
    )
    command.add_argument("--operations", type=_weights, help="weights, likewise")
    _add_output_options(command)
    command.set_defaults(run=_run_sample)


def _add_output_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print one JSON object")
    command.add_argument("--table", action="store_true", help="add the costs by level and stage")
    command.add_argument("--draw", type=Path, metavar="FILE.svg", help="draw it into a file")


def _add_rebuild(commands: Any) -> None:
    command = commands.add_parser(
        "rebuild",
        help="draw a recorded architecture again and compare the hash",
        description="Draw a recorded architecture again and compare the hash; exit code 1 if it"
        " is another one.",
    )
    command.add_argument(
        "file", type=Path, help="what `nago sample --json` printed, a trial.json, a final result"
    )
    _add_output_options(command)
    command.set_defaults(run=_run_rebuild)


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


def _run_sample(arguments: argparse.Namespace) -> None:
    from nago.sampling import (
        LEVELS,
        describe_named,
        make_recipe,
        parse_level,
        parse_stages,
        parse_values,
    )

    if arguments.named == "list":
        print(describe_named())
        return
    given: dict[str, Any] = {}
    for level in LEVELS:
        text = getattr(arguments, level)
        given |= parse_level(level, text) if text else {}
    given |= parse_stages(arguments.stage) if arguments.stage else {}
    given |= parse_values(arguments.set)
    task = {
        "image_size": arguments.image,
        "image_channels": arguments.channels,
        "classes": arguments.classes,
        "parameter_limit": arguments.limit,
    }
    recipe = make_recipe(
        named=arguments.named,
        generator=arguments.generator,
        space=arguments.space,
        given=given,
        stage_ratios=arguments.stage_ratios,
        channel_ratios=arguments.channel_ratios,
        merges=arguments.merges,
        operations=arguments.operations,
        task={key: value for key, value in task.items() if value is not None},
        seed=arguments.seed,
    )
    _print_architecture(recipe, arguments)


def _run_rebuild(arguments: argparse.Namespace) -> None:
    from nago.sampling import read_recipe

    recipe, recorded = read_recipe(arguments.file)
    rebuilt = _print_architecture(recipe, arguments)
    if rebuilt != recorded:
        sys.exit(f"error: {arguments.file} records {recorded}, but its recipe gives {rebuilt}")
    if not arguments.json:
        print(f"\nthe same as recorded in {arguments.file}")


def _print_architecture(recipe: Any, arguments: argparse.Namespace) -> str:
    from nago.report.drawing import draw_architecture
    from nago.sampling import as_record, describe

    architecture = recipe.draw()
    if arguments.draw:
        draw_architecture(architecture, arguments.draw, f"{recipe.generator}, seed {recipe.seed}")
    if arguments.json:
        print(json.dumps(as_record(recipe, architecture), sort_keys=True))
    else:
        print(describe(recipe, architecture, parts=arguments.table))
    return str(architecture.hash)


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


def _whole_number(text: str) -> int:
    try:
        number = float(text)
        if number == int(number):
            return int(number)
    except (ValueError, OverflowError):
        pass
    raise argparse.ArgumentTypeError(f"must be a whole number, as in 4e6, got {text!r}")


def _ratios(text: str) -> tuple[float, ...]:
    try:
        numbers = tuple(float(part) for part in text.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != 3 or not all(0 < number < math.inf for number in numbers):
        raise argparse.ArgumentTypeError(
            f"must be three numbers above 0, as in 1,2,4, got {text!r}"
        )
    return numbers


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number above 0, got {text!r}")
    return seconds


def _weights(text: str) -> dict[str, float]:
    try:
        pairs = [part.partition("=") for part in text.split(",")]
        return {name: float(weight or 1) for name, _, weight in pairs}
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be names with weights, as in sum=1,concat=0.5, got {text!r}"
        ) from None


if __name__ == "__main__":
    main()
