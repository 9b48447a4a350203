"""One configuration that is given, not searched: the published default that others must beat.

RNAG-D, the default of Xie et al. 2019, is the paper's baseline of this kind.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ConfigSpace import ConfigurationSpace

from nago.records import Observation
from nago.search.methods import Suggestion, Surrogate


def fit(
    space: ConfigurationSpace,
    observations: Sequence[Observation],
    options: Mapping[str, Any],
    seed: int,
) -> Surrogate:
    """Return a surrogate that holds the configuration of `options` and has learnt nothing."""
    return {"method": "default", "configuration": dict(options["configuration"])}


def propose(
    space: ConfigurationSpace, surrogate: Surrogate, count: int, budget: int, seed: int
) -> list[Suggestion]:
    """Return the configuration `count` times; each trial draws an architecture of its own."""
    return [Suggestion(surrogate["configuration"], "given")] * count
