"""A whole search in one process, by the steps that the workflow takes."""

from collections.abc import Callable, Sequence

from nago.records import Observation, Proposal, Trial, trial_name
from nago.search.brackets import Rung, count_seen
from nago.search.limits import Costs
from nago.search.methods import Exact, find_method
from nago.search.steps import Search, first_rung, fit_surrogate, next_rung
from nago.tables import observations, tabulate

Train = Callable[[str, Proposal], Trial]
"""From the name of a trial and what is proposed to what came of it."""

Objective = Callable[[Proposal], float | None]
"""The validation error of a proposal, or None if its trial fails."""


def simulate(
    search: Search,
    objective: Objective,
    plan: Sequence[Sequence[Rung]],
    lag: int,
    *,
    prior: Sequence[Observation] = (),
) -> list[Trial]:
    """Return all trials of a search on a cheap objective, in the order of the plan.

    Args:
        search: the method, its space and seed.
        objective: what stands for a training.
        plan: the rungs of each bracket.
        lag: as in `run_search`.
        prior: of a warm start.
    """
    return run_search(
        search,
        lambda name, proposal: make_trial(name, proposal, objective(proposal)),
        plan,
        lag,
        prior=prior,
    )


def run_search(
    search: Search,
    train: Train,
    plan: Sequence[Sequence[Rung]],
    lag: int,
    exact: Callable[[int], Exact] | None = None,
    *,
    prior: Sequence[Observation] = (),
    costs: Costs | None = None,
) -> list[Trial]:
    """Return all trials of a search, in the order of the plan: those that the workflow gives.

    Args:
        search: the method, its space and seed.
        train: what makes a trial of a proposal.
        plan: the rungs of each bracket.
        lag: brackets in flight: bracket b sees the trials of brackets 0 to b - lag.
        exact: for a bracket, what computes the objectives that need no training.
        prior: of a warm start.
        costs: what of a trial is known before it is trained.

    Raises:
        ValueError: `lag` is below 1.
    """
    if lag < 1:
        raise ValueError(f"a bracket sees earlier ones only, so lag must be 1 or more, got {lag=}")
    makes_initial = find_method(search.method).begins_with_points
    trials: list[Trial] = []
    seen: list[list[Observation]] = []
    for bracket, rungs in enumerate(plan):
        number = count_seen(bracket, lag, makes_initial=makes_initial)
        history = [item for table in seen[:number] for item in table]
        surrogate = fit_surrogate(search, history, bracket=bracket, prior=prior)
        known = exact(bracket) if exact else None
        proposals = first_rung(
            search, surrogate, bracket=bracket, rung=rungs[0], exact=known, costs=costs
        )
        below = _train_all(proposals, train, bracket, 0)
        bracket_trials = list(below)
        for number, rung in enumerate(rungs[1:], start=1):
            proposals = next_rung(
                search,
                surrogate,
                below,
                bracket=bracket,
                number=number,
                rung=rung,
                last=(len(rungs) - 1, rungs[-1]),
                exact=known,
                costs=costs,
            )
            below = _train_all(proposals, train, bracket, number)
            bracket_trials += below
        seen.append(observations(tabulate(bracket_trials), search.objectives))
        trials += bracket_trials
    return trials


def _train_all(
    proposals: Sequence[Proposal], train: Train, bracket: int, rung: int
) -> list[Trial]:
    return [
        train(trial_name(bracket, rung, slot), proposal) for slot, proposal in enumerate(proposals)
    ]


def make_trial(
    name: str, proposal: Proposal, error: float | None, reason: str = "the objective gave no value"
) -> Trial:
    """Return the trial of an objective that is no training: without a network, at no cost.

    Args:
        name: of its place.
        proposal: what was tried.
        error: the validation error in [0, 1]; None if it failed.
        reason: why, if it did.
    """
    return Trial(
        name=name,
        configuration=proposal.configuration,
        budget=proposal.budget,
        seed=proposal.seed,
        origin=proposal.origin,
        parent=proposal.parent,
        status="diverged" if error is None else "ok",
        epochs=proposal.budget,
        validation_error=error,
        hash=None,
        width=None,
        nodes=None,
        parameters=None,
        multiply_adds=None,
        sample_memory_bytes=None,
        error=reason if error is None else None,
        cost={},
    )
