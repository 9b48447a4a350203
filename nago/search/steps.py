"""The steps of a search that a workflow or a simulation takes, with their seeds.

A step's result depends on the search, its place in the plan and the trials it is given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nago.records import Observation, Proposal, Trial
from nago.search.brackets import Rung
from nago.search.methods import Exact, Surrogate, find_method, new_proposals
from nago.search.promote import promote
from nago.seeds import derive_seed

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace


@dataclass(frozen=True, slots=True)
class Search:
    """What all steps of a search share.

    `seed` is the root of all its seeds; `options` are the method's; `keep` says that a promoted
    trial keeps its architecture instead of drawing a new one; `objectives` are the columns of
    the losses, the first one alone for a method of one.
    """

    method: str
    space: "ConfigurationSpace"
    seed: int
    options: Mapping[str, Any]
    keep: bool = False
    objectives: tuple[str, ...] = ("validation_error",)


def fit_surrogate(
    search: Search,
    observations: Sequence[Observation],
    *,
    bracket: int,
    prior: Sequence[Observation] = (),
) -> Surrogate:
    """Return what a bracket's proposals are made from: all it may see, in a fixed order.

    `prior` are the observations of a warm start, of which it takes the fewer the more it sees.
    """
    if prior:
        from nago.search.prior import add_prior  # noqa: PLC0415  # needs numpy

        observations = add_prior(observations, prior, _count_needed(search))
    seed = derive_seed(search.seed, "fit", bracket)
    return find_method(search.method).fit(search.space, observations, search.options, seed)


def first_rung(
    search: Search,
    surrogate: Surrogate,
    *,
    bracket: int,
    rung: Rung,
    exact: Exact | None = None,
) -> list[Proposal]:
    """Return the proposals of a bracket's first rung, one per slot: all of them new.

    `exact` computes the objectives that need no training.
    """
    seeds = _trial_seeds(search, bracket, 0, rung)
    return new_proposals(
        search.method,
        search.space,
        surrogate,
        budget=rung.budget,
        seed=derive_seed(search.seed, "propose", bracket, 0),
        trial_seeds=seeds,
        exact=exact,
    )


def next_rung(
    search: Search,
    surrogate: Surrogate,
    trials_below: Sequence[Trial],
    *,
    bracket: int,
    number: int,
    rung: Rung,
) -> list[Proposal]:
    """Return the proposals of rung `number` of a bracket, one per slot.

    The best of `trials_below` come first; slots that failed trials leave get new configurations.
    """
    seeds = _trial_seeds(search, bracket, number, rung)
    promoted = promote(trials_below, rung.size, rung.budget, seeds, keep=search.keep)
    return promoted + new_proposals(
        search.method,
        search.space,
        surrogate,
        budget=rung.budget,
        seed=derive_seed(search.seed, "propose", bracket, number),
        trial_seeds=seeds[len(promoted) :],
    )


def _count_needed(search: Search) -> int:
    """Return the observations at a budget from which BOHB has a model: 2 (d + 1) by default."""
    fewest = len(search.space) + 1
    return (search.options.get("min_points_in_model") or fewest) + fewest


def _trial_seeds(search: Search, bracket: int, number: int, rung: Rung) -> list[int]:
    return [derive_seed(search.seed, "trial", bracket, number, slot) for slot in range(rung.size)]
