"""Exact objectives: what a configuration costs, without training any network of it."""

from collections.abc import Sequence

import numpy as np

from nago.data.datasets import DatasetInfo
from nago.generators.architecture import Task
from nago.generators.complexity import count_complexity
from nago.generators.draw import draw_architecture
from nago.records import Configuration, Protocol, UserError
from nago.search.methods import Exact
from nago.seeds import derive_seed


def make_exact(
    protocol: Protocol, info: DatasetInfo, objectives: Sequence[str], seed: int
) -> Exact:
    """Return the function that computes the objectives which an architecture decides.

    The networks of a generator differ; each configuration is judged by the one that a trial of
    `seed` draws, the same seed for all, so that two don't differ by the luck of the draw.

    Args:
        protocol: how networks are drawn.
        info: of the data set, for sizes and classes.
        objectives: the columns of the losses; those that need training are NaN.
        seed: of the trial.
    """
    draw_seed = derive_seed(seed, "architecture")
    task = Task(info.image_size, info.channels, len(info.class_names), protocol.parameter_limit)

    def compute(configurations: Sequence[Configuration]) -> np.ndarray:
        losses = np.full((len(configurations), len(objectives)), np.nan)
        for row, configuration in zip(losses, configurations, strict=True):
            row[:] = _count(configuration, protocol, task, objectives, draw_seed)
        return losses

    return compute


def _count(
    configuration: Configuration,
    protocol: Protocol,
    task: Task,
    objectives: Sequence[str],
    seed: int,
) -> list[float]:
    try:
        architecture = draw_architecture(
            protocol.generator, configuration, protocol.generator_settings, task, seed
        )
    except UserError:
        return [np.inf] * len(objectives)
    complexity = count_complexity(architecture)
    return [float(getattr(complexity, name, np.nan)) for name in objectives]
