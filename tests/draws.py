"""Random configurations and the settings they are drawn with, for tests of several modules."""

import dataclasses
import random

from nago.generators.architecture import MERGES, Architecture, Task
from nago.generators.draw import GENERATORS, default_settings, draw_architecture
from nago.records import GeneratorSettings

PAPER = GeneratorSettings(
    stage_ratios=(1, 1, 1), channel_ratios=(1, 2, 4), merges={"sum": 1}, operations={"conv3x3": 1}
)
"""Sum merges and 3x3 convolutions only."""

EVERYTHING = GeneratorSettings(
    stage_ratios=(1, 1, 1),
    channel_ratios=(1, 2, 4),
    merges=dict.fromkeys(MERGES, 1),
    operations=dict.fromkeys(GENERATORS["hnag"].known_operations, 1),
)
"""All merges and operations of HNAG, equally likely."""

SMALL = {
    "top_nodes": 4,
    "top_k": 2,
    "top_p": 0.5,
    "middle_nodes": 2,
    "middle_p": 0.5,
    "bottom_nodes": 3,
    "bottom_k": 2,
    "bottom_p": 0.5,
}

SPACES = [(name, space) for name, generator in GENERATORS.items() for space in generator.spaces]
"""All search spaces of all generators."""


def draw_configuration(
    rng: random.Random, generator: str = "hnag", space: str = "base"
) -> dict[str, int | float]:
    """Return a configuration, each hyperparameter uniform over its range."""
    return {
        name: rng.randint(low, high) if isinstance(low, int) else rng.uniform(low, high)
        for name, (low, high) in GENERATORS[generator].spaces[space].items()
    }


def own_settings(generator: str, *, everything: bool = False) -> GeneratorSettings:
    """Return the settings that a generator has by itself, or all it knows, equally likely."""
    known, settings = GENERATORS[generator], default_settings(generator)
    if not everything:
        return settings
    return dataclasses.replace(
        settings,
        merges=dict.fromkeys(known.known_merges, 1),
        operations=dict.fromkeys(known.known_operations, 1),
    )


def draw(
    seed: int,
    configuration=None,
    settings=EVERYTHING,
    *,
    generator="hnag",
    size=8,
    channels=1,
    limit=150_000,
) -> Architecture:
    """Return a draw for ten classes, of a random configuration where none is given."""
    configuration = configuration or draw_configuration(random.Random(seed), generator)
    task = Task(size, channels, 10, limit)
    return draw_architecture(generator, configuration, settings, task, seed)
