"""Sampling: one architecture of a generator, all that it takes to draw it again, and its costs."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nago.generators.architecture import Architecture, Task
from nago.generators.complexity import Complexity, count_complexity
from nago.generators.draw import draw_architecture
from nago.generators.spaces import effective_k, make_space
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

MEGABYTE = 2**20
LEVELS = {
    "top": ("top_nodes", "top_k", "top_p"),
    "middle": ("middle_nodes", "middle_p"),
    "bottom": ("bottom_nodes", "bottom_k", "bottom_p"),
}
"""The hyperparameters of each level of HNAG."""


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


def fill_configuration(generator: str, given: Mapping[str, Any], seed: int) -> dict[str, Any]:
    """Return a configuration: `given`, and what is missing drawn from the search space."""
    drawn = draw_configurations(make_space(generator), 1, derive_seed(seed, "configuration"))
    return {**drawn[0].configuration, **given}


def parse_level(level: str, text: str) -> dict[str, int | float]:
    """Return the hyperparameters of a level from text such as `8,5,0.6`.

    Raises:
        UserError: it isn't as many numbers as the level has hyperparameters.
    """
    names, parts = LEVELS[level], text.split(",")
    try:
        numbers = [
            float(part) if name.endswith("_p") else int(part)
            for name, part in zip(names, parts, strict=True)
        ]
    except ValueError:
        wanted = ",".join(name.split("_")[1] for name in names)
        example = {"top": "8,5,0.6", "middle": "1,0.7", "bottom": "5,4,0.2"}[level]
        raise UserError(f"--{level} takes {wanted}, as in {example}, got {text!r}") from None
    return dict(zip(names, numbers, strict=True))


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


def describe(recipe: Recipe, architecture: Architecture) -> str:
    """Return the table that `nago sample` prints."""
    costs = count_complexity(architecture)
    task = recipe.task
    lines = [
        f"architecture   {architecture.hash}   ({recipe.generator}, seed {recipe.seed})",
        f"generator      {_describe_configuration(recipe.configuration)}",
        f"images         {task.image_size}x{task.image_size}, {task.image_channels} channels,"
        f" {task.classes} classes",
        "",
        "stage   resolution   channels   cells   operations",
        *_describe_stages(architecture),
        f"head    1x1          {architecture.head_width}",
        "",
        *_describe_costs(architecture, costs, task.parameter_limit),
    ]
    return "\n".join(lines)


def _describe_configuration(configuration: Configuration) -> str:
    parts = []
    for level, names in LEVELS.items():
        values = {name.split("_")[1]: configuration[name] for name in names}
        text = ", ".join(
            f"{key.upper()} {value:.3g}" if isinstance(value, float) else f"{key.upper()} {value}"
            for key, value in values.items()
        ).replace("NODES", "N")
        if "k" in values:
            effective = effective_k(int(values["nodes"]), int(values["k"]))
            text += f" (works as K {effective})" if effective != values["k"] else ""
        parts.append(f"{level} {text}")
    return "; ".join(parts)


def _describe_stages(architecture: Architecture) -> list[str]:
    lines = []
    for stage, width in enumerate(architecture.widths):
        cells = [cell for cell in architecture.cells if cell.stage == stage]
        operations = sum(len(node.operations) for cell in cells for node in cell.nodes)
        size = architecture.resolutions[stage]
        lines.append(f"{stage + 1:<8}{f'{size}x{size}':<13}{width:<11}{len(cells):<8}{operations}")
    return lines


def _describe_costs(architecture: Architecture, costs: Complexity, limit: int) -> list[str]:
    return [
        f"operations     {architecture.nodes:,}",
        f"parameters     {costs.parameters:,} of {limit:,}",
        f"multiply-adds  {costs.multiply_adds / 1e6:,.1f} million per image",
        f"sample memory  {costs.sample_memory_bytes / MEGABYTE:,.2f} MB per image",
    ]
