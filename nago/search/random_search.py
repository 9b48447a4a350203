"""Random search, and the scope in which every method draws its configurations."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace

from nago.records import Configuration, Observation
from nago.search.methods import Suggestion, Surrogate
from nago.seeds import derive_seed


def fit(
    space: ConfigurationSpace,
    observations: Sequence[Observation],
    options: Mapping[str, Any],
    seed: int,
) -> Surrogate:
    """Return a surrogate that has learnt nothing but how much there was to learn from."""
    if options:
        raise ValueError(f"random search has no options, got {sorted(options)}")
    return {"method": "random", "observations": len(observations)}


def propose(
    space: ConfigurationSpace, surrogate: Surrogate, count: int, budget: int, seed: int
) -> list[Suggestion]:
    """Return `count` configurations drawn from `space`; the surrogate and budget don't matter."""
    return draw(space, count, seed)


def draw(space: ConfigurationSpace, count: int, seed: int) -> list[Suggestion]:
    """Return `count` configurations drawn from `space`."""
    with seeded(space, seed):
        samples = [space.sample_configuration() for _ in range(count)]
    return [Suggestion(plain_values(sample), "random") for sample in samples]


@contextlib.contextmanager
def seeded(space: ConfigurationSpace, seed: int) -> Iterator[None]:
    """Seed numpy's global state and the space's own for a while, then restore both.

    HpBandSter draws from both. They get different seeds: with one they would be the same
    stream, and a draw that decides for a random configuration would also decide its values.
    """
    numpy_state = np.random.get_state()  # noqa: NPY002  # HpBandSter uses the global state
    space_state = space.random
    np.random.seed(derive_seed(seed, "numpy"))  # noqa: NPY002
    space.seed(derive_seed(seed, "space"))
    try:
        yield
    finally:
        space.random = space_state
        np.random.set_state(numpy_state)  # noqa: NPY002


def plain_values(configuration: Mapping[str, Any]) -> Configuration:
    """Return a configuration with Python's own numbers and strings."""
    return {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in configuration.items()
    }
