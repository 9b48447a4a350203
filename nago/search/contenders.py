"""Which trials of a rung may go on in a search for several objectives, and in which order."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nago.records import Trial, parse_trial_name
from nago.search.hopeless import is_hopeless
from nago.search.limits import Costs
from nago.search.methods import Surrogate
from nago.search.preference import order_failed_last


def order_by_front(
    trials: Sequence[Trial], objectives: Sequence[str], options: Mapping[str, Any]
) -> list[Trial]:
    """Return the trials that have all objectives, best first, equal ones by slot.

    Args:
        trials: of a rung, in any order.
        objectives: their measures that are minimised.
        options: `promotion` and `reference`, as `order_points` has them.
    """
    trials = sorted(trials, key=lambda trial: parse_trial_name(trial.name)[2])
    values = [[getattr(trial, name) for name in objectives] for trial in trials]
    losses = np.array(values, dtype=float).reshape(len(trials), len(objectives))
    ordered, _ = order_failed_last(losses, options["promotion"], options["reference"])
    return [trials[row] for row in ordered]


def drop_hopeless(
    trials: Sequence[Trial],
    surrogate: Surrogate,
    objectives: Sequence[str],
    costs: Costs,
    final_seeds: Sequence[int] | None,
) -> list[Trial]:
    """Return the trials without those whose configuration can't reach the front any more.

    Args:
        trials: that could go on.
        surrogate: with the front at the largest budget.
        objectives: the columns of that front.
        costs: what of a trial is known before it is trained.
        final_seeds: of the bracket's trials at the largest budget; None if those keep the
            architecture that they have.
    """
    return [
        trial
        for trial in trials
        if not is_hopeless(
            trial.configuration,
            [trial.seed] if final_seeds is None else final_seeds,
            costs,
            objectives=objectives,
            front=surrogate["arrays"]["front"],
            lowest=surrogate["options"]["lowest_error"],
        )
    ]
