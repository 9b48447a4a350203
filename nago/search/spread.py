"""Random configurations, each trained several times: how much a generator's networks differ.

Source: figures 2 and 8 of the paper, 50 configurations with 8 architectures each.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ConfigSpace import ConfigurationSpace

from nago.records import Observation
from nago.search import random_search
from nago.search.methods import Suggestion, Surrogate


def fit(
    space: ConfigurationSpace,
    observations: Sequence[Observation],
    options: Mapping[str, Any],
    seed: int,
) -> Surrogate:
    """Return a surrogate that has learnt nothing."""
    return random_search.fit(space, (), options, seed) | {"method": "spread"}


def propose(
    space: ConfigurationSpace, surrogate: Surrogate, count: int, budget: int, seed: int
) -> list[Suggestion]:
    """Return one random configuration `count` times; each trial draws its own architecture."""
    return random_search.draw(space, 1, seed) * count
