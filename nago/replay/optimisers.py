"""Optimisers on a replay: this project's searches by their own steps, and Optuna's TPE.

`bohb` and `mobohb` run their brackets over all budgets; the others evaluate at the highest one.
`mobo`, `mobohb` and `tpe` minimise all objectives, the others the first. Each is a function of its
seed.
"""

import importlib
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ConfigSpace import ConfigurationSpace

from nago.records import Configuration, Proposal, Trial, UserError
from nago.replay.table import Replay, Result
from nago.search.brackets import Rung, plan_rounds, plan_search
from nago.search.methods import find_method
from nago.search.simulate import make_trial, run_search
from nago.search.steps import Search
from nago.seeds import derive_seed

BATCH = 4
"""Evaluations of a round of mobo."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A configuration that an optimiser asked for, and what it was told."""

    configuration: Configuration
    budget: int
    result: Result


def run_optimiser(name: str, replay: Replay, evaluations: int, seed: int) -> list[Evaluation]:
    """Return the evaluations of an optimiser, in its order.

    Args:
        name: `random`, `tpe`, `bohb`, `mobo` or `mobohb`.
        replay: what it runs on.
        evaluations: how many.
        seed: of all that is drawn.

    Raises:
        UserError: there is no such optimiser, the budgets have no brackets for `bohb` or `mobohb`,
            or Optuna isn't installed for `tpe`.
    """
    if name not in OPTIMISERS:
        raise UserError(f"there is no optimiser {name!r}; it could be {', '.join(OPTIMISERS)}")
    return OPTIMISERS[name](replay, evaluations, seed)


def _run_random(replay: Replay, evaluations: int, seed: int) -> list[Evaluation]:
    plan = ((Rung(evaluations, replay.budgets[-1]),),)
    return _run_own(replay, "random", plan, seed, {})[:evaluations]


def _run_bohb(replay: Replay, evaluations: int, seed: int) -> list[Evaluation]:
    plan = _plan_brackets(replay, "bohb", evaluations)
    return _run_own(replay, "bohb", plan, seed, {})[:evaluations]


def _run_mobohb(replay: Replay, evaluations: int, seed: int) -> list[Evaluation]:
    plan = _plan_brackets(replay, "mobohb", evaluations)
    return _run_own(replay, "mobohb", plan, seed, _step(replay))[:evaluations]


def _run_mobo(replay: Replay, evaluations: int, seed: int) -> list[Evaluation]:
    initial = 2 * (len(replay.space) + 1)
    rounds = max(1, -((initial - evaluations) // BATCH))
    plan = plan_rounds(initial, rounds, BATCH, replay.budgets[-1])
    return _run_own(replay, "mobo", plan, seed, _step(replay))[:evaluations]


def _step(replay: Replay) -> dict[str, Any]:
    """Return the options of mobo's step: the quick model, sizes by their logarithm."""
    logs = [name != "validation_error" for name in replay.objectives]
    return {"surrogate": "gp", "log_losses": logs}


def _plan_brackets(replay: Replay, name: str, evaluations: int) -> tuple[tuple[Rung, ...], ...]:
    """Return the plan of as many brackets as have `evaluations` or more."""
    lowest, highest = replay.budgets[0], replay.budgets[-1]
    eta = _find_eta(replay.budgets, name)
    brackets = 1
    while (
        sum(r.size for b in plan_search(brackets, lowest, highest, eta) for r in b) < evaluations
    ):
        brackets += 1
    return plan_search(brackets, lowest, highest, eta)


def _run_own(
    replay: Replay, method: str, plan: Any, seed: int, options: Mapping[str, Any]
) -> list[Evaluation]:
    """Return the evaluations of a search of this project, by the steps of the workflow."""
    space = ConfigurationSpace({n: (low, high) for n, (low, high) in replay.space.items()})
    several = find_method(method).multi_objective
    objectives = replay.objectives if several else replay.objectives[:1]
    search = Search(method, space, seed, options, objectives=objectives)
    done: list[Evaluation] = []

    def train(name: str, proposal: Proposal) -> Trial:
        result = replay.evaluate(proposal.configuration, proposal.budget)
        done.append(Evaluation(proposal.configuration, proposal.budget, result))
        losses = dict(zip(replay.objectives, result.losses, strict=True))
        return _make_trial(name, proposal, losses)

    run_search(search, train, plan, lag=1)
    return done


def _run_tpe(replay: Replay, evaluations: int, seed: int) -> list[Evaluation]:
    try:
        optuna: Any = importlib.import_module("optuna")
    except ImportError:
        raise UserError(
            "tpe needs optuna: install the extra, as in pip install 'nago[interchange]'"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(
        directions=["minimize"] * len(replay.objectives),
        sampler=optuna.samplers.TPESampler(seed=derive_seed(seed, "tpe") % 2**32),
    )
    done = []
    for _ in range(evaluations):
        asked = study.ask()
        values = {
            name: (asked.suggest_int if isinstance(limits[0], int) else asked.suggest_float)(
                name, *limits
            )
            for name, limits in replay.space.items()
        }
        result = replay.evaluate(values, replay.budgets[-1])
        done.append(Evaluation(values, replay.budgets[-1], result))
        if max(result.losses) < float("inf"):
            study.tell(asked, list(result.losses))
        else:
            study.tell(asked, state=optuna.trial.TrialState.FAIL)
    return done


OPTIMISERS: Mapping[str, Callable[[Replay, int, int], list[Evaluation]]] = {
    "random": _run_random,
    "tpe": _run_tpe,
    "bohb": _run_bohb,
    "mobo": _run_mobo,
    "mobohb": _run_mobohb,
}


def _find_eta(budgets: tuple[int, ...], name: str) -> int:
    """Return how many times the next budget is the one before.

    Raises:
        UserError: there is one budget only, or not one ratio.
    """
    ratios = {high / low for low, high in itertools.pairwise(budgets)}
    if len(ratios) != 1 or (ratio := ratios.pop()) % 1:
        raise UserError(
            f"{name} needs budgets that grow by one whole ratio, as in 30, 60, 120; those of these"
            f" trials are {', '.join(map(str, budgets))}"
        )
    return int(ratio)


def _make_trial(name: str, proposal: Proposal, losses: Mapping[str, float]) -> Trial:
    """Return the trial that a search sees of an evaluation."""
    if max(losses.values()) == float("inf"):
        return make_trial(name, proposal, None, "all its trials failed")
    sizes = {n: round(loss) for n, loss in losses.items() if n != "validation_error"}
    return replace(make_trial(name, proposal, losses["validation_error"]), **sizes)  # type: ignore[arg-type]
