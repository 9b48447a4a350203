"""Networks that a search may train: drawn from its space, and counted without being built."""

import functools
import json
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nago.generators.architecture import Task
from nago.generators.complexity import Complexity, count_complexity
from nago.generators.draw import draw_architecture
from nago.generators.spaces import make_space
from nago.records import Configuration, GeneratorSettings, UserError
from nago.search.random_search import draw
from nago.seeds import derive_seed
from nago.settings import Settings

Array = NDArray[np.float64]

DRAWS = 64
"""Networks of a space: their mean cost is known to some percent, and it takes half a second."""

CLASSES = 10
"""Where the data set isn't prepared yet; only the classifier depends on it."""


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """What n networks of a space cost, each (n,); the memory is in bytes per image."""

    parameters: Array
    multiply_adds: Array
    sample_memory: Array
    nodes: Array

    def join(self, other: "Population") -> "Population":
        """Return both, the networks of the other one last."""
        pairs = zip(self._arrays(), other._arrays(), strict=True)
        return Population(*(np.concatenate(pair) for pair in pairs))

    def _arrays(self) -> tuple[Array, Array, Array, Array]:
        return self.parameters, self.multiply_adds, self.sample_memory, self.nodes


@dataclass(frozen=True, slots=True)
class _Source:
    """All that decides a population, as values that can be compared and hashed.

    `ranges`, `settings` and `configuration` are JSON; the last is null if it is drawn.
    """

    generator: str
    ranges: str
    settings: str
    configuration: str
    task: Task
    number: int

    def draw_configurations(self, seed: int) -> list[Configuration]:
        """Return a configuration for each network."""
        own = json.loads(self.configuration)
        if own is not None:
            return [own] * self.number
        ranges = {name: tuple(limits) for name, limits in json.loads(self.ranges).items()}
        return [found.configuration for found in draw(make_space(ranges), self.number, seed)]

    def read_settings(self) -> GeneratorSettings:
        """Return what the generator is given beside its hyperparameters."""
        values = json.loads(self.settings)
        pairs = {key: tuple(values[key]) for key in ("stage_ratios", "channel_ratios")}
        return GeneratorSettings.from_dict(values | pairs)


def draw_population(settings: Settings, classes: int | None, number: int = DRAWS) -> Population:
    """Return networks of configurations drawn from the space of a search.

    Of method default they are networks of its one configuration. Configurations without a
    network are left out: their trials cost nothing.

    Args:
        settings: of the search.
        classes: of the data set, None if they aren't known yet.
        number: of configurations.

    Raises:
        UserError: none of them has a network.
    """
    values = settings.values
    size, channels = values["image_size"], values["image_channels"]
    task = Task(size, channels, classes or CLASSES, values["parameter_limit"])
    given = dict(settings.configuration) if values["method"] == "default" else None
    ranges = {name: list(limits) for name, limits in settings.ranges.items()}
    return _draw(
        _Source(
            generator=values["generator"],
            ranges=json.dumps(ranges),
            settings=json.dumps(settings.generator_settings.as_dict()),
            configuration=json.dumps(given),
            task=task,
            number=number,
        )
    )


@functools.lru_cache
def _draw(source: _Source) -> Population:
    """Return the networks of a source, drawn once for all searches of a run."""
    seed = derive_seed(0, "forecast")
    settings = source.read_settings()
    rows: list[tuple[Complexity, int]] = []
    reason = ""
    for place, configuration in enumerate(source.draw_configurations(seed)):
        try:
            architecture = draw_architecture(
                source.generator, configuration, settings, source.task, derive_seed(seed, place)
            )
        except UserError as error:
            reason = str(error)
            continue
        rows.append((count_complexity(architecture), architecture.nodes))
    if not rows:
        raise UserError(f"none of {source.number} configurations has a network: {reason}")
    return Population(
        parameters=np.array([float(cost.parameters) for cost, _ in rows]),
        multiply_adds=np.array([float(cost.multiply_adds) for cost, _ in rows]),
        sample_memory=np.array([float(cost.sample_memory_bytes) for cost, _ in rows]),
        nodes=np.array([float(nodes) for _, nodes in rows]),
    )
