"""The steps of a search that a workflow or a simulation takes, with their seeds.

A step's result depends on the search, its place in the plan and the trials it is given.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from nago.records import Observation, Proposal, Trial
from nago.search.brackets import Rung
from nago.search.limits import Costs, Fits, make_check
from nago.search.methods import Exact, Surrogate, find_method, new_proposals
from nago.search.promote import place, rank
from nago.seeds import derive_seed

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace


@dataclass(frozen=True, slots=True)
class Search:
    """What all steps of a search share.

    `seed` is the root of all its seeds; `options` are the method's; `keep` says that a promoted
    trial keeps its architecture instead of drawing a new one; `objectives` are the columns of
    the losses, the first one alone for a method of one; `limits` are the most that networks may
    have of a measure, in its units.
    """

    method: str
    space: "ConfigurationSpace"
    seed: int
    options: Mapping[str, Any]
    keep: bool = False
    objectives: tuple[str, ...] = ("validation_error",)
    limits: Mapping[str, float] = field(default_factory=dict)


def fit_surrogate(
    search: Search,
    observations: Sequence[Observation],
    *,
    bracket: int,
    prior: Sequence[Observation] = (),
) -> Surrogate:
    """Return what a bracket's proposals are made from: all it may see, in a fixed order.

    `prior` are the observations of a warm start, of which it takes the fewer the more it sees
    and the less they agree with it, which it notes as `prior_trust`, one for each source.
    """
    seed = derive_seed(search.seed, "fit", bracket)
    fit = find_method(search.method).fit
    if not prior:
        return fit(search.space, observations, search.options, seed)
    from nago.search.prior import add_prior, measure_trust  # noqa: PLC0415  # needs numpy

    trust = measure_trust(search.space, observations, prior)
    told = add_prior(observations, prior, _count_needed(search), trust)
    return fit(search.space, told, search.options, seed) | {"prior_trust": [*trust.values()]}


def first_rung(
    search: Search,
    surrogate: Surrogate,
    *,
    bracket: int,
    rung: Rung,
    exact: Exact | None = None,
    costs: Costs | None = None,
) -> list[Proposal]:
    """Return the proposals of a bracket's first rung, one per slot: all of them new.

    `exact` computes the objectives that need no training, `costs` what of a trial is known
    before it.
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
        fits=_make_check(search, costs),
    )


def next_rung(
    search: Search,
    surrogate: Surrogate,
    trials_below: Sequence[Trial],
    *,
    bracket: int,
    number: int,
    rung: Rung,
    last: tuple[int, Rung] | None = None,
    exact: Exact | None = None,
    costs: Costs | None = None,
) -> list[Proposal]:
    """Return the proposals of rung `number` of a bracket, one per slot.

    The best of `trials_below` come first; slots that failed trials leave get new configurations.

    Args:
        search: what all steps share.
        surrogate: of the bracket.
        trials_below: those of the rung below.
        bracket: its number.
        number: of the rung.
        rung: its size and budget.
        last: number of the bracket's last rung, and that rung; for several objectives.
        exact: as for the first rung.
        costs: as for the first rung.
    """
    seeds, fits = _trial_seeds(search, bracket, number, rung), _make_check(search, costs)
    ordered = rank(trials_below)
    if find_method(search.method).multi_objective:
        # numpy takes its time to import.
        from nago.search.contenders import drop_hopeless, order_by_front  # noqa: PLC0415

        ordered = order_by_front(trials_below, search.objectives, surrogate["options"])
        if last and exact and costs and surrogate["front_budget"] == last[1].budget:
            ordered = drop_hopeless(
                ordered,
                surrogate,
                search.objectives,
                costs,
                None if search.keep else _trial_seeds(search, bracket, *last),
            )
    placed = place(ordered, rung.budget, seeds, keep=search.keep, fits=fits)
    free = [slot for slot, proposal in enumerate(placed) if proposal is None]
    new = new_proposals(
        search.method,
        search.space,
        surrogate,
        budget=rung.budget,
        seed=derive_seed(search.seed, "propose", bracket, number),
        trial_seeds=[seeds[slot] for slot in free],
        exact=exact,
        fits=fits,
    )
    filled = dict(zip(free, new, strict=True))
    return [proposal or filled[slot] for slot, proposal in enumerate(placed)]


def _make_check(search: Search, costs: Costs | None) -> Fits | None:
    if not search.limits:
        return None
    if costs is None:
        raise ValueError(f"limits need the costs of networks, got none for {search.limits}")
    return make_check(costs, search.limits)


def _count_needed(search: Search) -> int:
    """Return the observations at a budget from which BOHB has a model: 2 (d + 1) by default."""
    fewest = len(search.space) + 1
    return (search.options.get("min_points_in_model") or fewest) + fewest


def _trial_seeds(search: Search, bracket: int, number: int, rung: Rung) -> list[int]:
    return [derive_seed(search.seed, "trial", bracket, number, slot) for slot in range(rung.size)]
