"""Sampling: one architecture of a generator, all that it takes to draw it again, and its costs."""

import dataclasses
import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nago.generators.architecture import Architecture, Task
from nago.generators.complexity import count_complexity
from nago.generators.draw import GENERATORS, default_settings, draw_architecture
from nago.generators.named import NAMED, TASKS, Named
from nago.generators.spaces import choose_ranges, make_space
from nago.records import (
    Configuration,
    GeneratorSettings,
    RecordError,
    UserError,
    read_json,
    read_protocol,
)
from nago.search.random_search import draw as draw_configurations
from nago.seeds import derive_seed

LEVELS = {
    "top": ("top_nodes", "top_k", "top_p"),
    "middle": ("middle_nodes", "middle_p"),
    "bottom": ("bottom_nodes", "bottom_k", "bottom_p"),
}
"""The hyperparameters of each level of HNAG."""

STAGE = ("nodes", "k", "p")
"""The hyperparameters of each stage of RNAG, after `stage1_` and so on."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """All that decides an architecture."""

    generator: str
    configuration: Configuration
    settings: GeneratorSettings
    task: Task
    seed: int

    def draw(self) -> Architecture:
        """Return the architecture, always the same one."""
        return draw_architecture(
            self.generator, self.configuration, self.settings, self.task, self.seed
        )


def make_recipe(
    *,
    seed: int,
    named: str | None = None,
    generator: str | None = None,
    space: str = "base",
    given: Mapping[str, Any] | None = None,
    settings: Mapping[str, Any] | None = None,
    task: Mapping[str, int] | None = None,
) -> Recipe:
    """Return the recipe of what a user asks for.

    Args:
        seed: of the drawn configuration and of the architecture.
        named: the name of a configuration, or None: hyperparameters from `given` and the space.
        generator: the name of a generator; that of `named`, or hnag, if None.
        space: of the generator, from which what isn't given is drawn.
        given: hyperparameters.
        settings: fields of `GeneratorSettings` that differ from the generator's own.
        task: fields of a `Task` that differ from those of `named`, or from CIFAR-10's.

    Raises:
        UserError: something is unknown, or doesn't go with the rest.
    """
    changes = dict(settings or {})
    if named is not None:
        preset = _find_named(named)
        if given or space != "base" or generator not in (None, preset.generator):
            raise UserError(
                f"{named} has its own generator, space and hyperparameters; leave others away"
            )
        generator, configuration, whole = preset.generator, preset.configuration, preset.task
        if preset.operations is not None:
            changes.setdefault("operations", preset.operations)
    else:
        generator, whole = generator or "hnag", TASKS["cifar10"]
        configuration = fill_configuration(generator, space, given or {}, seed)
    whole = dataclasses.replace(whole, **(task or {}))
    if whole.classes < 2 or whole.image_channels < 1:
        raise UserError(
            f"--classes must be 2 or more and --channels 1 or more,"
            f" got {whole.classes} and {whole.image_channels}"
        )
    own = dataclasses.replace(default_settings(generator), **changes)
    return Recipe(generator, configuration, own, whole, seed)


def _find_named(name: str) -> Named:
    if name not in NAMED:
        near = difflib.get_close_matches(name, NAMED, n=1)
        hint = f"did you mean {near[0]!r}?" if near else "`--named list` shows all"
        raise UserError(f"there is no configuration named {name!r}; {hint}")
    return NAMED[name]


def fill_configuration(
    generator: str, space: str, given: Mapping[str, Any], seed: int
) -> dict[str, Any]:
    """Return a configuration: `given`, and what is missing drawn from a search space.

    Raises:
        UserError: there is no such generator, space or hyperparameter.
    """
    if generator not in GENERATORS:
        raise UserError(f"generator could be {', '.join(GENERATORS)}, got {generator!r}")
    ranges = choose_ranges(generator, GENERATORS[generator].spaces, space)
    unknown = sorted(set(given) - set(ranges))
    if unknown:
        raise UserError(
            f"the space {space} of {generator} has no {unknown[0]!r}; it has {', '.join(ranges)}"
        )
    drawn = draw_configurations(make_space(ranges), 1, derive_seed(seed, "configuration"))
    values = {**drawn[0].configuration, **given}
    return {name: values[name] for name in ranges}


def parse_level(level: str, text: str) -> dict[str, int | float]:
    """Return the hyperparameters of a level from text such as `8,5,0.6`.

    Raises:
        UserError: it isn't as many numbers as the level has hyperparameters.
    """
    example = {"top": "8,5,0.6", "middle": "1,0.7", "bottom": "5,4,0.2"}[level]
    return _parse_graph(f"--{level}", LEVELS[level], text, example)


def parse_stages(texts: Sequence[str]) -> dict[str, int | float]:
    """Return the hyperparameters of RNAG from `32,4,0.75`: one for all stages, or one for each.

    Raises:
        UserError: it isn't one or three times as many numbers as a stage has hyperparameters.
    """
    if len(texts) not in (1, 3):
        raise UserError(
            f"--stage takes nodes,k,p for all stages or for each of three, got {texts}"
        )
    values: dict[str, int | float] = {}
    for stage in (1, 2, 3):
        names = tuple(f"stage{stage}_{name}" for name in STAGE)
        values |= _parse_graph("--stage", names, texts[(stage - 1) % len(texts)], "32,4,0.75")
    return values


def parse_values(texts: Sequence[str]) -> dict[str, int | float]:
    """Return hyperparameters from texts such as `top_nodes=5`.

    Raises:
        UserError: a text isn't a name and a number.
    """
    values: dict[str, int | float] = {}
    for text in texts:
        name, _, number = text.partition("=")
        try:
            values[name] = int(number) if number.lstrip("-").isdigit() else float(number)
        except ValueError:
            raise UserError(f"--set takes name=number, as in top_nodes=5, got {text!r}") from None
    return values


def _parse_graph(
    option: str, names: Sequence[str], text: str, example: str
) -> dict[str, int | float]:
    parts = text.split(",")
    try:
        numbers = [
            float(part) if name.endswith("_p") else int(part)
            for name, part in zip(names, parts, strict=True)
        ]
    except ValueError:
        wanted = ",".join(name.split("_")[1] for name in names)
        raise UserError(f"{option} takes {wanted}, as in {example}, got {text!r}") from None
    values: dict[str, int | float] = dict(zip(names, numbers, strict=True))
    # A search clips K, as its ranges have K above N; whoever types it should know.
    if names[1].endswith("_k") and numbers[1] >= numbers[0] > 2:
        raise UserError(f"{option}: K must be less than N, got K {parts[1]} of {parts[0]} nodes")
    return values


def as_record(recipe: Recipe, architecture: Architecture) -> dict[str, Any]:
    """Return an architecture's recipe and costs as values that JSON holds."""
    return {
        **dataclasses.asdict(recipe),
        "hash": architecture.hash,
        "nodes": architecture.nodes,
        "widths": list(architecture.widths),
        "head_width": architecture.head_width,
        **dataclasses.asdict(count_complexity(architecture)),
    }


def read_recipe(path: Path) -> tuple[Recipe, str]:
    """Return the recipe in a file and the hash it gave.

    The file is what `nago sample --json` prints, or a trial or final result in its place below
    `results`, with the protocol and the prepared data where the workflow has them.

    Raises:
        RecordError: the file, or one that belongs to it, is missing or of another kind.
    """
    try:
        values = read_json(path)
    except RecordError:
        raise RecordError(f"{path} is missing or no sample, trial or final result") from None
    try:
        if "task" in values:
            recipe = Recipe(
                generator=values["generator"],
                configuration=values["configuration"],
                settings=GeneratorSettings.from_dict(values["settings"]),
                task=Task(**values["task"]),
                seed=values["seed"],
            )
        else:
            recipe = _recall_recipe(path, values)
        return recipe, values["hash"]
    except (KeyError, TypeError) as error:
        raise RecordError(f"{path} is no sample, trial or final result (no {error})") from None


def _recall_recipe(path: Path, values: Mapping[str, Any]) -> Recipe:
    """Return the recipe of a trial or a final network, from its place in the results."""
    folder = path.resolve().parent
    while not (folder / "protocol.json").exists():
        if folder == folder.parent:
            raise RecordError(f"{path} has no protocol.json beside or above it")
        folder = folder.parent
    protocol = read_protocol(folder / "protocol.json")
    search = folder.parent if folder.name == "final" else folder
    dataset = search.parent
    info = read_json(dataset.parent.parent / "data" / dataset.name / "dataset.json")
    return Recipe(
        generator=protocol.generator,
        configuration=values["configuration"],
        settings=protocol.generator_settings,
        task=Task(
            image_size=info["image_size"],
            image_channels=info["channels"],
            classes=len(info["class_names"]),
            parameter_limit=protocol.parameter_limit,
        ),
        seed=derive_seed(values["seed"], "architecture"),
    )
