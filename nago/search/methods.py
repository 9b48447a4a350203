"""The search methods by name, each with the two steps that differ: fit and propose.

A method's module is imported when it is first used, so the names cost nothing at parse time.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nago.records import Configuration, Observation, Proposal, UserError
from nago.search.brackets import Rung, plan_full_budget, plan_search

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace

Surrogate = dict[str, Any]
"""What a fit learnt, as values that JSON holds without loss."""


Plan = Callable[[int, int, int, int], tuple[tuple[Rung, ...], ...]]
"""From iterations, smallest and largest budget and eta to the rungs of each bracket."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A configuration to try; `origin` and `reason` as in `Proposal`."""

    configuration: Configuration
    origin: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Method:
    """A way to choose configurations: its plan, and the module of its `fit` and `propose`.

    One that doesn't learn needs no results, so all its brackets can run at once.
    """

    module: str
    plan: Plan
    learns: bool

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
        self, space: "ConfigurationSpace", surrogate: Surrogate, count: int, budget: int, seed: int
    ) -> list[Suggestion]:
        """Return `count` suggestions for trials of `budget` epochs, by `surrogate` and `seed`."""
        suggestions: list[Suggestion] = self._load().propose(space, surrogate, count, budget, seed)
        return suggestions

    def _load(self) -> Any:
        return importlib.import_module(self.module)


METHODS: Mapping[str, Method] = {
    "bohb": Method("nago.search.bohb", plan_search, learns=True),
    "random": Method("nago.search.random_search", plan_full_budget, learns=False),
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
) -> list[Proposal]:
    """Return new proposals, one for each of `trial_seeds`; `seed` decides the configurations."""
    if not trial_seeds:
        return []
    suggestions = find_method(method).propose(space, surrogate, len(trial_seeds), budget, seed)
    return [
        Proposal(
            configuration=suggestion.configuration,
            budget=budget,
            seed=trial_seed,
            origin=suggestion.origin,
            reason=suggestion.reason,
        )
        for suggestion, trial_seed in zip(suggestions, trial_seeds, strict=True)
    ]
