"""The generators by name: from a configuration and a seed to an architecture and its program."""

import dataclasses
from collections.abc import Sequence

from nago.generators.architecture import Architecture, Cell, Task, stem_resolution
from nago.generators.choices import read_weights
from nago.generators.darts import DARTS
from nago.generators.ends import write_head, write_stem
from nago.generators.generator import Generator
from nago.generators.hnag import HNAG
from nago.generators.program import Program, Writer
from nago.generators.rnag import RNAG
from nago.generators.spaces import apply_configuration
from nago.generators.widths import (
    choose_head_width,
    count_parameters,
    scale_widths,
    solve_widths,
)
from nago.records import Configuration, GeneratorSettings, UserError

GENERATORS: dict[str, Generator] = {"hnag": HNAG, "rnag": RNAG, "darts": DARTS}
"""All generators; widths are found, and networks counted and built, for all in the same way."""


def default_settings(generator: str) -> GeneratorSettings:
    """Return the paper's ratios of three stages, and the generator's own merges and operations."""
    known = GENERATORS[generator]
    return GeneratorSettings(
        stage_ratios=(1.0, 1.0, 1.0),
        channel_ratios=(1.0, 2.0, 4.0),
        merges=dict(known.merges),
        operations=dict(known.operations),
    )


def draw_architecture(
    generator: str,
    configuration: Configuration,
    settings: GeneratorSettings,
    task: Task,
    seed: int,
) -> Architecture:
    """Return the architecture that a generator draws with `seed`, its widths solved.

    Raises:
        ValueError: a hyperparameter is out of range, or no width meets the limit.
    """
    settings = apply_configuration(settings, configuration)
    check_settings(generator, settings)
    cells = GENERATORS[generator].draw_cells(configuration, settings, seed)
    return fit_cells(generator, cells, settings.channel_ratios, task)


def check_settings(generator: str, settings: GeneratorSettings) -> None:
    """Raise UserError if the settings aren't for a generator."""
    known = GENERATORS[generator]
    if known.known_merges or settings.merges:
        read_weights("merges", settings.merges, known.known_merges)
    read_weights("operations", settings.operations, known.known_operations)
    if not known.stage_ratios and len({*settings.stage_ratios}) > 1:
        raise UserError(
            f"stage_ratios share the cells of hnag among the stages, {generator} has its own:"
            f" leave them equal, got {list(settings.stage_ratios)}"
        )


def fit_cells(
    generator: str, cells: tuple[Cell, ...], channel_ratios: Sequence[float], task: Task
) -> Architecture:
    """Return the architecture of drawn cells, as wide as `solve_widths` makes it.

    Raises:
        UserError: no width meets the limit, or a stage would have no pixel left.
    """
    stages = len(channel_ratios)
    narrowest = Architecture(
        generator=generator,
        image_size=task.image_size,
        image_channels=task.image_channels,
        classes=task.classes,
        widths=(1,) * stages,
        head_width=choose_head_width(task.parameter_limit),
        cells=cells,
    )
    widths = solve_widths(write_program(narrowest), channel_ratios, task.parameter_limit)
    if widths is None:
        narrowest = dataclasses.replace(narrowest, widths=scale_widths(1, channel_ratios))
        parameters = count_parameters(write_program(narrowest), narrowest.widths)
        raise UserError(
            f"the narrowest network has {parameters:,} parameters, over the limit of"
            f" {task.parameter_limit:,}; raise the limit to {find_least_limit(narrowest):,}"
            f" or ask for fewer nodes"
        )
    return dataclasses.replace(narrowest, widths=widths)


def find_least_limit(narrowest: Architecture) -> int:
    """Return the smallest limit that a network as narrow as this one can meet.

    The head grows with the limit, and the network with the head; but slower than the limit.
    """
    limit, needed = 0, 1
    while needed > limit:
        limit = needed
        wider = dataclasses.replace(narrowest, head_width=choose_head_width(limit))
        needed = count_parameters(write_program(wider), wider.widths)
    return limit


def find_resolutions(architecture: Architecture) -> tuple[int, ...]:
    """Return the height and width of what each stage gives, in pixels."""
    sizes = {step.stage: step.resolution for step in write_program(architecture).steps[:-1]}
    return tuple(sizes[stage] for stage in range(len(architecture.widths)))


def write_program(architecture: Architecture) -> Program:
    """Return what the network of an architecture computes; its widths are not looked at.

    Raises:
        UserError: the image is too small: a stage would have no pixel left.
    """
    stages = len(architecture.widths)
    if stem_resolution(architecture.image_size) < 2 ** (stages - 1):
        raise UserError(
            f"images of {architecture.image_size} pixels are too small for {stages} stages;"
            f" image_size must be at least {2 ** (stages - 1)}"
        )
    writer = Writer(architecture.image_size, architecture.image_channels)
    stem = write_stem(writer, architecture.image_size)
    write_cells = GENERATORS[architecture.generator].write_cells
    end = write_cells(writer, architecture.cells, stem, stages)
    write_head(writer, end, stages - 1, architecture.head_width, architecture.classes)
    return Program(tuple(writer.steps), trunk=stem + 1)
