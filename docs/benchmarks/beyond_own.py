"""This project's searches as they compete on problems of several budgets, by name."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from beyond_problems import Array, Losses, Problem

from nago.records import Configuration, Observation, Proposal, Trial

SURROGATE = {"model": "surrogate"}
OWN: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "random": ("random", {}),
    "mobo, gp": ("mobo", {"surrogate": "gp"}),
    "mobo, bnn": ("mobo", {"surrogate": "bnn"}),
    "mobohb, density": ("mobohb", {"model": "density"}),
    "mobohb, gp": ("mobohb", SURROGATE | {"surrogate": "gp"}),
    "mobohb, bnn": ("mobohb", SURROGATE | {"surrogate": "bnn"}),
}
"""By name: the method and its options, all others as they are by default."""

BATCH = 4
"""Evaluations of a round of mobo: about as many as a bracket has at the largest budget."""

OBJECTIVES = ("validation_error", "sample_memory_bytes")
"""The columns of a trial that the two losses stand in for."""


def run_own(name: str, problem: Problem, seed: int, evaluate: Callable[..., Losses]) -> None:
    """Run one of our searches by the steps of the workflow until `evaluate` ends it."""
    run_method(*OWN[name], problem, seed, evaluate)


def run_method(
    method: str,
    options: Mapping[str, Any],
    problem: Problem,
    seed: int,
    evaluate: Callable[..., Losses],
    *,
    prior: Sequence[Observation] = (),
) -> None:
    """Run a search by its method and options, with what a warm start gives, if anything."""
    # The environment of the peers has not all of what our searches need.
    from ConfigSpace import ConfigurationSpace

    from nago.search.brackets import plan_full_budget, plan_rounds, plan_search
    from nago.search.methods import Exact, find_method
    from nago.search.simulate import make_trial, run_search
    from nago.search.steps import Search

    space = ConfigurationSpace(dict(problem.limits))
    largest = problem.budgets[-1]
    # That column holds whole numbers.
    unit = 1 if problem.exact else 1_000_000
    # More than enough: a bracket spends at least as much as a trial at the largest budget.
    hyperband = (problem.total, problem.budgets[0], largest, problem.eta)
    plan = {
        "random": lambda: plan_full_budget(*hyperband),
        "mobo": lambda: plan_rounds(2 * (len(space) + 1), problem.total, BATCH, largest),
        "bohb": lambda: plan_search(*hyperband),
        "mobohb": lambda: plan_search(*hyperband),
    }[method]()
    objectives = OBJECTIVES if find_method(method).multi_objective else OBJECTIVES[:1]
    search = Search(method, space, seed, options, keep=problem.continues, objectives=objectives)
    budgets: dict[str, int] = {}

    def train(trial: str, proposal: Proposal) -> Trial:
        spent = budgets[proposal.parent] if proposal.parent else 0
        budgets[trial] = proposal.budget
        first, second = evaluate(proposal.configuration, proposal.budget, spent)
        return replace(
            make_trial(trial, proposal, first), sample_memory_bytes=round(second * unit)
        )

    def compute(configurations: Sequence[Configuration]) -> Array:
        known = [problem.evaluate(values, largest)[1] for values in configurations]
        return np.column_stack([np.full(len(known), np.nan), known])

    def cost(configuration: Configuration, seed: int) -> Mapping[str, float]:
        return {OBJECTIVES[1]: problem.evaluate(configuration, largest)[1]}

    exact: Exact | None = compute if problem.exact else None
    run_search(
        search,
        train,
        plan,
        1,
        (lambda bracket: exact) if exact else None,
        prior=prior,
        costs=cost if problem.exact else None,
    )
