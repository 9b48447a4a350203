"""Random configurations and the settings they are drawn with, for tests of several modules."""

import random

from nago.generators.architecture import CONVOLUTIONS, MERGES, POOLINGS, Architecture, Task
from nago.generators.draw import draw_architecture
from nago.generators.spaces import HNAG_RANGES
from nago.records import GeneratorSettings

PAPER = GeneratorSettings(
    stage_ratios=(1, 1, 1), channel_ratios=(1, 2, 4), merges={"sum": 1}, operations={"conv3x3": 1}
)
"""Sum merges and 3x3 convolutions only."""

EVERYTHING = GeneratorSettings(
    stage_ratios=(1, 1, 1),
    channel_ratios=(1, 2, 4),
    merges=dict.fromkeys(MERGES, 1),
    operations=dict.fromkeys((*CONVOLUTIONS, *POOLINGS), 1),
)
"""All merges and operations, equally likely."""

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


def draw_configuration(rng: random.Random) -> dict[str, int | float]:
    """Return a configuration of HNAG, each hyperparameter uniform over its range."""
    return {
        name: rng.randint(low, high) if isinstance(low, int) else rng.uniform(low, high)
        for name, (low, high) in HNAG_RANGES.items()
    }


def draw(
    seed: int, configuration=None, settings=EVERYTHING, *, size=8, channels=1, limit=150_000
) -> Architecture:
    """Return a draw for ten classes, of a random configuration where none is given."""
    configuration = configuration or draw_configuration(random.Random(seed))
    task = Task(size, channels, 10, limit)
    return draw_architecture("hnag", configuration, settings, task, seed)
