"""Hyperband brackets: how many trials each rung runs, and at what budget.

Integers only, so the plan of a whole search is known before any trial has run, and no rung is
lost to a logarithm in floating point.
Source: Li et al. 2018, JMLR 18(185); sizes rounded as HpBandSter does (Falkner et al. 2018).
"""

from dataclasses import dataclass

from nago.records import UserError


@dataclass(frozen=True, slots=True)
class Rung:
    """`size` trials at `budget` epochs each."""

    size: int
    budget: int


def count_halvings(min_budget: int, max_budget: int, eta: int) -> int:
    """Return how many times `min_budget` is multiplied by `eta` to give `max_budget`.

    Raises:
        UserError: the budgets are not positive, `eta` is below 2, or no whole number does it.
    """
    if min_budget < 1 or eta < 2:
        raise UserError(
            f"min_budget must be 1 or more and eta 2 or more, got {min_budget=}, {eta=}"
        )
    s, budget = 0, min_budget
    while budget * eta <= max_budget:
        s, budget = s + 1, budget * eta
    if budget != max_budget:
        valid = f"{min_budget}" if max_budget < budget else f"{budget} or {budget * eta}"
        raise UserError(
            f"max_budget must be min_budget * eta**s for a whole s, got {max_budget=},"
            f" {min_budget=}, {eta=}; it could be {valid}"
        )
    return s


def plan_bracket(bracket: int, min_budget: int, max_budget: int, eta: int) -> tuple[Rung, ...]:
    """Return the rungs of one bracket, smallest budget first.

    Brackets cycle: 0 starts at `min_budget`, the next one `eta` higher, up to one that trains
    at `max_budget` only; then they begin again.
    """
    if bracket < 0:
        raise UserError(f"brackets are counted from 0, got {bracket=}")
    s_max = count_halvings(min_budget, max_budget, eta)
    s = s_max - bracket % (s_max + 1)
    size = (s_max + 1) // (s + 1) * eta**s
    return tuple(Rung(size // eta**k, max_budget // eta ** (s - k)) for k in range(s + 1))


def plan_search(
    iterations: int, min_budget: int, max_budget: int, eta: int
) -> tuple[tuple[Rung, ...], ...]:
    """Return the rungs of every bracket of a search; an iteration is a bracket."""
    if iterations < 1:
        raise UserError(f"a search has 1 iteration or more, got {iterations=}")
    return tuple(plan_bracket(b, min_budget, max_budget, eta) for b in range(iterations))


def plan_full_budget(
    iterations: int, min_budget: int, max_budget: int, eta: int
) -> tuple[tuple[Rung, ...], ...]:
    """Return the plan of a search that trains all its trials at the largest budget.

    Each iteration spends the epochs of the Hyperband bracket in its place. They are a whole
    number of largest budgets: each of the s + 1 rungs of a bracket spends the same.
    """
    return tuple(
        (Rung(sum(rung.size * rung.budget for rung in rungs) // max_budget, max_budget),)
        for rungs in plan_search(iterations, min_budget, max_budget, eta)
    )


def plan_rounds(
    initial_points: int, iterations: int, batch: int, budget: int
) -> tuple[tuple[Rung, ...], ...]:
    """Return the plan of a search at one budget: a round is a bracket of one rung.

    Args:
        initial_points: trials of a round before the others; without that round if 0.
        iterations: rounds, of `batch` trials each.
        batch: trials of a round.
        budget: epochs of every trial.
    """
    first = ((Rung(initial_points, budget),),) if initial_points else ()
    return first + ((Rung(batch, budget),),) * iterations


def plan_once(budget: int) -> tuple[tuple[Rung, ...], ...]:
    """Return the plan of a single trial of `budget` epochs."""
    return ((Rung(1, budget),),)


def plan_repeats(configurations: int, draws: int, budget: int) -> tuple[tuple[Rung, ...], ...]:
    """Return the plan of `configurations` that are trained `draws` times for `budget` epochs each.

    A bracket is for one configuration.
    """
    return ((Rung(draws, budget),),) * configurations


def count_seen(bracket: int, lag: int, *, makes_initial: bool) -> int:
    """Return how many brackets, from the first on, a bracket learns from.

    Args:
        bracket: the one that learns.
        lag: brackets in flight: it sees 0 to bracket - lag.
        makes_initial: whether the first bracket makes initial points, which all others see.
    """
    fewest = 1 if makes_initial and bracket > 0 else 0
    return max(fewest, bracket - lag + 1)
