"""What a user would pick instead, each from its own package.

Syne Tune's MOASHA, and of NePS multi-objective Hyperband and PriMO, without priors. All with the
problem's budgets and its eta, otherwise as they are by default. They need an environment of their
own, which `make bench-beyond` makes: NePS asks for older versions of pandas and gpytorch than this
project.

MOASHA of Syne Tune 0.16.0 takes the places of the sorted trials for the trials' ranks. So it is
here twice, as it is and with ranks.
"""

import itertools
import random
import time
from collections.abc import Callable, Mapping

import numpy as np
from beyond_problems import Losses, Problem

from nago.seeds import derive_seed

VERSIONS = "Syne Tune 0.16.0, NePS 0.17.0"
"""What `make bench-beyond` installs."""

SYNE_TUNE, MENDED = "Syne Tune, MOASHA", "Syne Tune, MOASHA with ranks"
PRIMO, HYPERBAND = "NePS, PriMO", "NePS, MO-Hyperband"


def run_peer(name: str, problem: Problem, seed: int, evaluate: Callable[..., Losses]) -> None:
    """Run a peer with one worker until `evaluate` ends it."""
    # They draw from the global random states.
    state = derive_seed(seed, name, problem.name) % 2**32
    random.seed(state)
    np.random.seed(state)  # noqa: NPY002
    PEERS[name](problem, evaluate)


def _run_syne_tune(
    problem: Problem, evaluate: Callable[..., Losses], *, mended: bool = False
) -> None:
    from datetime import datetime

    from syne_tune.backend.trial_status import Trial
    from syne_tune.config_space import randint, uniform
    from syne_tune.optimizer.scheduler import SchedulerDecision
    from syne_tune.optimizer.schedulers.multiobjective.moasha import MOASHA
    from syne_tune.optimizer.schedulers.multiobjective.multiobjective_priority import (
        NonDominatedPriority,
    )

    class Ranks(NonDominatedPriority):
        def priority_unsafe(self, objectives: np.ndarray) -> np.ndarray:
            return np.argsort(super().priority_unsafe(objectives))

    space = {
        key: (randint if isinstance(limits[0], int) else uniform)(*limits)
        for key, limits in problem.limits.items()
    }
    scheduler = MOASHA(
        space,
        metrics=["first", "second"],
        time_attr="epoch",
        max_t=problem.budgets[-1],
        grace_period=problem.budgets[0],
        reduction_factor=problem.eta,
        multiobjective_priority=Ranks() if mended else None,
    )
    for number in itertools.count():
        trial = Trial(number, scheduler.suggest().config, datetime.now())
        scheduler.on_trial_add(trial)
        spent = 0
        for budget in problem.budgets:
            first, second = evaluate(trial.config, budget, spent)
            spent, result = budget, {"epoch": budget, "first": first, "second": second}
            if scheduler.on_trial_result(trial, result) == SchedulerDecision.STOP:
                break
        scheduler.on_trial_remove(trial)


def _run_neps(
    problem: Problem, evaluate: Callable[..., Losses], kind: str, options: Mapping[str, object]
) -> None:
    import neps
    import torch
    from neps.optimizers import algorithms
    from neps.space import SearchSpace
    from neps.space.parameters import HPOFloat, HPOInteger

    torch.manual_seed(int(np.random.randint(2**31)))  # noqa: NPY002
    low, high = problem.budgets[0], problem.budgets[-1]
    space = SearchSpace(
        {
            key: (HPOInteger if isinstance(limits[0], int) else HPOFloat)(*limits)
            for key, limits in problem.limits.items()
        }
        | {"epochs": HPOInteger(low, high, is_fidelity=True)}
    )
    optimizer = neps.AskAndTell(getattr(algorithms, kind)(space, eta=problem.eta, **options))
    budgets: dict[str, int] = {}
    while True:
        trial = optimizer.ask()
        values = {key: trial.config[key] for key in problem.limits}
        budget = int(trial.config["epochs"])
        spent = budgets.get(trial.metadata.previous_trial_id or "", 0)
        budgets[trial.metadata.id] = budget
        losses = evaluate(values, budget, spent)
        optimizer.tell(trial, {"objective_to_minimize": list(losses)}, time_end=time.time())


PEERS: Mapping[str, Callable[[Problem, Callable[..., Losses]], None]] = {
    SYNE_TUNE: _run_syne_tune,
    MENDED: lambda problem, evaluate: _run_syne_tune(problem, evaluate, mended=True),
    HYPERBAND: lambda problem, evaluate: _run_neps(problem, evaluate, "mo_hyperband", {}),
    PRIMO: lambda problem, evaluate: _run_neps(problem, evaluate, "primo", {"prior_centers": {}}),
}
