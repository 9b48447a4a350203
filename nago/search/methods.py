"""The search methods by name, each with the two steps that differ: fit and propose.

A method's module is imported when it is first used, so the names cost nothing at parse time.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nago.records import Configuration, Observation, Proposal, UserError
from nago.search.brackets import (
    Rung,
    plan_full_budget,
    plan_once,
    plan_repeats,
    plan_rounds,
    plan_search,
)
from nago.search.limits import Fits, fill_slots

if TYPE_CHECKING:
    import numpy as np
    from ConfigSpace import ConfigurationSpace
    from numpy.typing import NDArray

Surrogate = dict[str, Any]
"""What a fit learnt, as values that JSON holds without loss; arrays stand under `arrays`."""

Plan = Callable[..., tuple[tuple[Rung, ...], ...]]
"""From the values of some settings to the rungs of each bracket."""

Exact = Callable[[Sequence[Configuration]], "NDArray[np.float64]"]
"""From n configurations to (n, m) losses: those known without training, NaN for the others, and
infinite for a configuration that has no network."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A configuration to try; `origin`, `reason` and `parent` as in `Proposal`."""

    configuration: Configuration
    origin: str
    reason: str | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class Method:
    """A way to choose configurations: its plan, and the module of its `fit` and `propose`.

    One that doesn't learn needs no results, so all its brackets can run at once. `plan_keys`
    are the settings that `plan` takes, `lag_key` the one that says how many brackets are in
    flight. One for several objectives learns them all, looks for their front, writes arrays
    beside its surrogate. One that doesn't complete looks for no winner, so no network is trained
    to completion. One that doesn't choose trains what it is told, whatever the limits.
    """

    module: str
    plan: Plan
    plan_keys: tuple[str, ...]
    lag_key: str = "lag"
    learns: bool = True
    multi_objective: bool = False
    completes: bool = True
    chooses: bool = True

    @property
    def begins_with_points(self) -> bool:
        """Whether it has initial points: a first bracket, which all others see, or a table."""
        return "initial_points" in self.plan_keys

    def fit(
        self,
        space: "ConfigurationSpace",
        observations: Sequence[Observation],
        options: Mapping[str, Any],
        seed: int,
    ) -> Surrogate:
        """Return what `observations` teach, a function of the arguments alone.

        `seed` is of what the fit draws, if it draws.

        Raises:
            UserError: an option is unknown or out of range, or the space isn't supported.
        """
        fitted: Surrogate = self._load().fit(space, observations, options, seed)
        return fitted

    def propose(
        self,
        space: "ConfigurationSpace",
        surrogate: Surrogate,
        count: int,
        budget: int,
        seed: int,
        *,
        exact: Exact | None = None,
    ) -> list[Suggestion]:
        """Return `count` suggestions for trials of `budget` epochs, by `surrogate` and `seed`.

        `exact` computes the objectives that need no training, for a method of several.
        """
        more = {"exact": exact} if self.multi_objective else {}
        propose = self._load().propose
        suggestions: list[Suggestion] = propose(space, surrogate, count, budget, seed, **more)
        return suggestions

    def _load(self) -> Any:
        return importlib.import_module(self.module)


ABOVE = "what the method proposed was above the limits"
"""Why a configuration is random where a method proposed others."""

HYPERBAND = ("iterations", "min_budget", "max_budget", "eta")
ROUNDS = ("initial_points", "mobo_iterations", "mobo_batch", "mobo_budget")
REPEATS = ("spread_configurations", "spread_draws", "mobo_budget")
METHODS: Mapping[str, Method] = {
    "bohb": Method("nago.search.bohb", plan_search, HYPERBAND),
    "mobo": Method("nago.search.mobo", plan_rounds, ROUNDS, "mobo_lag", multi_objective=True),
    "mobohb": Method("nago.search.mobohb", plan_search, HYPERBAND, multi_objective=True),
    "default": Method(
        "nago.search.given", plan_once, ("max_budget",), learns=False, chooses=False
    ),
    "spread": Method(
        *("nago.search.spread", plan_repeats, REPEATS),
        learns=False,
        completes=False,
        chooses=False,
    ),
    "random": Method("nago.search.random_search", plan_full_budget, HYPERBAND, learns=False),
}


def find_method(name: str) -> Method:
    """Return the method of a name.

    Raises:
        UserError: there is none.
    """
    if name not in METHODS:
        raise UserError(f"there is no method {name!r}; it could be {', '.join(METHODS)}")
    return METHODS[name]


def new_proposals(
    method: str,
    space: "ConfigurationSpace",
    surrogate: Surrogate,
    *,
    budget: int,
    seed: int,
    trial_seeds: Sequence[int],
    exact: Exact | None = None,
    fits: Fits | None = None,
) -> list[Proposal]:
    """Return new proposals, one for each of `trial_seeds`; `seed` decides the configurations.

    `fits`, if given, says which configurations are within the limits, by the seed of the trial.
    """
    if not trial_seeds:
        return []

    def propose(count: int, seed: int) -> list[Suggestion]:
        chosen = find_method(method)
        return chosen.propose(space, surrogate, count, budget, seed, exact=exact)

    def draw(count: int, seed: int) -> list[Suggestion]:
        random = find_method("random").propose(space, {}, count, budget, seed)
        return [Suggestion(item.configuration, "fallback", ABOVE) for item in random]

    if fits is None:
        suggestions = propose(len(trial_seeds), seed)
    else:
        suggestions = fill_slots(propose, draw, fits, trial_seeds, seed)
    return [
        Proposal(
            configuration=suggestion.configuration,
            budget=budget,
            seed=trial_seed,
            origin=suggestion.origin,
            reason=suggestion.reason,
            parent=suggestion.parent,
        )
        for suggestion, trial_seed in zip(suggestions, trial_seeds, strict=True)
    ]
