"""Exact objectives: what a configuration costs, without training any network of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nago.data.datasets import DatasetInfo, read_info
from nago.generators.architecture import Task
from nago.generators.complexity import count_complexity
from nago.generators.draw import draw_architecture
from nago.generators.generator import Ranges
from nago.generators.spaces import make_space
from nago.records import Configuration, Protocol, RecordError, UserError, read_protocol
from nago.search.limits import Costs, keeps, refuse_unmet
from nago.search.methods import Exact, Suggestion, find_method
from nago.search.steps import Search
from nago.seeds import derive_seed

COSTS = ("parameters", "multiply_adds", "sample_memory_bytes")
"""What is known of a network before it is trained."""


def make_exact(
    protocol: Protocol,
    info: DatasetInfo,
    objectives: Sequence[str],
    seed: int,
    limits: Mapping[str, float] | None = None,
) -> Exact:
    """Return the function that computes the objectives which an architecture decides.

    The networks of a generator differ; each configuration is judged by the one that a trial of
    `seed` draws, the same seed for all, so that two don't differ by the luck of the draw.

    Args:
        protocol: how networks are drawn.
        info: of the data set, for sizes and classes.
        objectives: the columns of the losses; those that need training are NaN.
        seed: of the trial.
        limits: what is above one counts as a configuration without a network.
    """
    costs = make_costs(protocol, find_task(protocol, info))

    def compute(configurations: Sequence[Configuration]) -> np.ndarray:
        losses = np.full((len(configurations), len(objectives)), np.nan)
        for row, configuration in zip(losses, configurations, strict=True):
            measures = costs(configuration, seed)
            if np.isinf(measures[COSTS[0]]) or not keeps(measures, limits or {}):
                row[:] = np.inf
            else:
                row[:] = [measures.get(name, np.nan) for name in objectives]
        return losses

    return compute


def make_costs(protocol: Protocol, task: Task) -> Costs:
    """Return the function that counts what the network of a trial costs, from its seed."""

    def count(configuration: Configuration, seed: int) -> dict[str, float]:
        try:
            architecture = draw_architecture(
                protocol.generator,
                configuration,
                protocol.generator_settings,
                task,
                derive_seed(seed, "architecture"),
            )
        except UserError:
            return dict.fromkeys(COSTS, np.inf)
        complexity = count_complexity(architecture)
        return {name: float(getattr(complexity, name)) for name in COSTS}

    return count


def find_task(protocol: Protocol, info: DatasetInfo) -> Task:
    """Return what networks of a data set must be able to do."""
    return Task(info.image_size, info.channels, len(info.class_names), protocol.parameter_limit)


@dataclass(frozen=True, slots=True)
class Known:
    """What a step is told of networks before they are trained; None for nothing."""

    exact: Exact | None = None
    costs: Costs | None = None


def read_known(
    search: Search, protocol: Path | None, data: Path | None, bracket: int, *, modelled: bool
) -> Known:
    """Return what a step of a search is told of networks, from the files that say it.

    Args:
        search: that the step is of.
        protocol: how networks are drawn; without it nothing is known.
        data: folder of the prepared data.
        bracket: that the step is of.
        modelled: whether the objectives are modelled all the same, so that only limits are kept.

    Raises:
        RecordError: a file is missing or damaged.
    """
    if protocol is None or data is None:
        return Known()
    drawn, info = read_protocol(protocol), read_info(data)
    costs = make_costs(drawn, find_task(drawn, info))
    if modelled:
        return Known(costs=costs)
    seed = derive_seed(search.seed, "exact", bracket)
    return Known(make_exact(drawn, info, search.objectives, seed, search.limits), costs)


def refuse_unmet_limits(
    protocol: Protocol,
    ranges: Ranges,
    limits: Mapping[str, float],
    *,
    seed: int,
    data: Path,
    image_size: int,
    channels: int,
) -> None:
    """Raise if random draws find no configuration within the limits.

    Args:
        protocol: how networks are drawn.
        ranges: of the hyperparameters.
        limits: on measures, in their units.
        seed: of the search.
        data: folder of the prepared data; as long as it isn't there, two classes are assumed.
        image_size: height and width that networks see, in pixels.
        channels: of the images.

    Raises:
        UserError: none of the draws is within the limits.
    """
    try:
        task = find_task(protocol, read_info(data))
    except RecordError:
        task = Task(image_size, channels, 2, protocol.parameter_limit)
    space = make_space(ranges)

    def draw(count: int, seed: int) -> list[Suggestion]:
        return find_method("random").propose(space, {}, count, 0, seed)

    refuse_unmet(draw, make_costs(protocol, task), limits, derive_seed(seed, "limits"))
