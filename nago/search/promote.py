"""Successive halving: the best trials of a rung go on to the next, at a larger budget.

Source: Jamieson and Talwalkar 2016, AISTATS. As in HpBandSter, a failed trial is never promoted
and the slots that are left get new configurations; unlike there, equal errors are promoted in
the order of their slots, so the choice is the same on every machine.
"""

import math
from collections.abc import Sequence

from nago.records import Proposal, Trial, parse_trial_name
from nago.search.limits import Fits


def rank(trials: Sequence[Trial]) -> list[Trial]:
    """Return the trials that have an error, best first, equal ones by slot; no failed trials."""
    return sorted(
        (trial for trial in trials if _error(trial) < math.inf),
        key=lambda trial: (_error(trial), parse_trial_name(trial.name)[2]),
    )


def promote(
    trials: Sequence[Trial], size: int, budget: int, seeds: Sequence[int], *, keep: bool
) -> list[Proposal]:
    """Return the best `size` of `trials` as proposals, best first; fewer if too many failed.

    Args:
        trials: all of the rung below.
        size: slots of the rung.
        budget: epochs of the rung.
        seeds: one per slot, of the fresh architecture that a promoted configuration draws.
        keep: keep the parent's seed instead, thus its architecture.

    Raises:
        ValueError: there isn't one seed per slot.
    """
    if len(seeds) != size:
        raise ValueError(f"there must be one seed per slot, got {len(seeds)} for {size=}")
    placed = place(rank(trials), budget, seeds, keep=keep)
    return [proposal for proposal in placed if proposal is not None]


def place(
    ordered: Sequence[Trial],
    budget: int,
    seeds: Sequence[int],
    *,
    keep: bool,
    fits: Fits | None = None,
) -> list[Proposal | None]:
    """Return a promoted trial for each slot, None where no trial is left for it.

    Args:
        ordered: the trials that may go on, best first; a slot takes the first that it can have.
        budget: epochs of the rung.
        seeds: one per slot, of the fresh architecture that a promoted configuration draws.
        keep: keep the parent's seed instead, thus its architecture.
        fits: which configurations a slot can have, by the seed of its trial; all if None.
    """
    waiting, placed = list(ordered), list[Proposal | None]()
    for slot_seed in seeds:
        chosen = None
        for trial in waiting:
            seed = trial.seed if keep else slot_seed
            if fits is None or fits(trial.configuration, seed):
                chosen = Proposal(
                    configuration=trial.configuration,
                    budget=budget,
                    seed=seed,
                    origin=trial.origin,
                    parent=trial.name,
                )
                waiting.remove(trial)
                break
        placed.append(chosen)
    return placed


def _error(trial: Trial) -> float:
    error = trial.validation_error
    return error if error is not None and math.isfinite(error) else math.inf
