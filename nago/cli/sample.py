"""Commands on architectures: sample, rebuild, space."""

import argparse
import json
import math
import sys
from pathlib import Path
from typing import Any

from nago.generators.draw import GENERATORS

# What needs networkx or ConfigSpace is imported by the commands that do.
# ruff: noqa: PLC0415


def add_commands(commands: Any) -> None:
    """Add the commands to the parser of all."""
    _add_sample(commands)
    _add_rebuild(commands)
    _add_space(commands)


def _add_sample(commands: Any) -> None:
    command = commands.add_parser(
        "sample",
        help="draw an architecture and count what it costs",
        description="Draw an architecture of a generator and print what it costs. A level"
        " or hyperparameter that isn't given is drawn from the search space.",
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
    command.add_argument("--stage-ratios", type=_ratios, help="shares of the stages, as in 1,1,1")
    command.add_argument("--channel-ratios", type=_ratios, help="their widths, as in 1,2,4")
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


def _add_space(commands: Any) -> None:
    command = commands.add_parser(
        "space",
        help="hyperparameters of a generator, their ranges, and how many networks there are",
        description="Print the hyperparameters of a search space with their ranges, and how many"
        " networks it has.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    command.add_argument("generator", nargs="?", choices=[*GENERATORS], default="hnag")
    command.add_argument("--space", default="base", help="base, aug_v1, aug_v2, er or ba")
    command.set_defaults(run=_run_space)


def _run_space(arguments: argparse.Namespace) -> None:
    from nago.description import describe_space

    print(describe_space(arguments.generator, arguments.space))


def _run_sample(arguments: argparse.Namespace) -> None:
    from nago.description import describe_named
    from nago.sampling import (
        LEVELS,
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
    settings = {
        key: getattr(arguments, key)
        for key in ("stage_ratios", "channel_ratios", "merges", "operations")
    }
    recipe = make_recipe(
        seed=arguments.seed,
        named=arguments.named,
        generator=arguments.generator,
        space=arguments.space,
        given=given,
        settings={key: value for key, value in settings.items() if value is not None},
        task={key: value for key, value in task.items() if value is not None},
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
    from nago.description import describe
    from nago.report.drawing.architecture import draw_architecture
    from nago.sampling import as_record

    architecture = recipe.draw()
    if arguments.draw:
        draw_architecture(architecture, arguments.draw, f"{recipe.generator}, seed {recipe.seed}")
    if arguments.json:
        print(json.dumps(as_record(recipe, architecture), sort_keys=True))
    else:
        print(describe(recipe, architecture, parts=arguments.table))
    return str(architecture.hash)


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


def _weights(text: str) -> dict[str, float]:
    try:
        pairs = [part.partition("=") for part in text.split(",")]
        return {name: float(weight or 1) for name, _, weight in pairs}
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"must be names with weights, as in sum=1,concat=0.5, got {text!r}"
        ) from None
