"""Multi-objective BOHB: Hyperband's brackets, for the front of all objectives.

The halving takes trials by their front (`preference`), and new configurations come from one of
two models:

* `surrogate`: the step of `mobo` at the largest budget that has two results. Its models of all
  objectives learn from the trials at all budgets, with the budget as one more feature. What was
  tried at other budgets isn't proposed again, and says as well where trainings fail. A share of
  the configurations is random, as in BOHB: with models alone, a search that began well may stay
  where it began.
* `density`: BOHB's densities of good and bad configurations at the largest budget that has
  enough results, where the place of a trial in the order of fronts stands for its loss, as in
  MO-BOHB. A failed trial is bad and never good.

Without enough results configurations are random. Sources: Guerrero-Viu et al. 2021, MO-BOHB,
arXiv 2105.01015; Schmucker et al. 2021, MOASHA, arXiv 2106.12639; models of several objectives
and all fidelities, Irshad, Karsch and Döpp 2021, arXiv 2112.13901; and footnote 3 of Ru et al.
2020.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace

from nago.records import Observation, UserError
from nago.search import bohb, mobo
from nago.search.encoding import Array, Encoding
from nago.search.methods import Exact, Suggestion, Surrogate
from nago.search.pareto import find_front
from nago.search.preference import PROMOTIONS, order_failed_last
from nago.search.random_search import draw
from nago.seeds import derive_seed

MODELS = ("surrogate", "density")

OWN_OPTIONS: Mapping[str, Any] = {
    "model": "surrogate",
    "promotion": "hypervolume",
    "lowest_error": 0.0,
}
"""Defaults; those of BOHB's densities and of mobo's step come beside them.

* `model`: one of MODELS.
* `promotion`: one of `preference.PROMOTIONS`; also the order of good and bad.
* `lowest_error`: a validation error that no network is below, see `hopeless`.

BOHB's `random_fraction` is for both models.
"""


def fit(
    space: ConfigurationSpace,
    observations: Sequence[Observation],
    options: Mapping[str, Any],
    seed: int,
) -> Surrogate:
    """Return what `observations` teach.

    The surrogate has, per budget, the numbers of observations and failures, and under `density`
    or `surrogate` what BOHB or mobo learnt. The array `front` (f, m) is that of the trials at
    the largest budget, `front_budget`; mobo's arrays stand beside it.

    Raises:
        UserError: an option is unknown or out of range, or the space isn't supported.
    """
    own, densities, step = split_options(options)
    seen = [item for item in observations if not item.prior]
    losses = _read_losses(seen)
    works = np.isfinite(losses).all(axis=1)
    budgets = np.array([item.budget for item in seen], dtype=np.int64)
    largest = int(budgets[works].max()) if works.any() else None
    at_largest = losses[works & (budgets == largest)]
    surrogate: Surrogate = {
        "method": "mobohb",
        "options": own,
        "hyperparameters": list(space),
        "observations": len(seen),
        "budgets": [
            {
                "budget": int(budget),
                "observations": int((budgets == budget).sum()),
                "failed": int((~works & (budgets == budget)).sum()),
            }
            for budget in np.unique(budgets)
        ],
        "model_budget": None,
        "front_budget": largest,
        "arrays": {"front": at_largest[find_front(at_largest)]},
    }
    if own["model"] == "density":
        ranked = rank_observations(observations, own["promotion"], own["reference"])
        learnt = _fit_densities(space, ranked, densities, seed)
        return surrogate | {"model_budget": learnt["model_budget"], "density": learnt}
    fewest = densities["min_points_in_model"] or len(space) + 1
    informed = [
        item["budget"]
        for item in surrogate["budgets"]
        if item["observations"] - item["failed"] >= mobo.FEWEST
    ]
    if informed and works.sum() >= fewest:
        surrogate["model_budget"] = max(informed)
    elif seen or not observations:
        return surrogate | {"surrogate": None}
    # A warm start without own trials says where to begin, at the largest budget that it has.
    budget = surrogate["model_budget"] or max(item.budget for item in observations)
    learnt = _fit_step(space, observations, budget, step, seed)
    surrogate["arrays"] |= learnt.pop("arrays")
    return surrogate | {"surrogate": learnt}


def propose(
    space: ConfigurationSpace,
    surrogate: Surrogate,
    count: int,
    budget: int,
    seed: int,
    *,
    exact: Exact | None = None,
) -> list[Suggestion]:
    """Return `count` configurations by the model; random ones without it.

    Args:
        space: that the surrogate was fitted on.
        surrogate: of `fit`.
        count: of suggestions.
        budget: epochs; it doesn't matter.
        seed: of the draws.
        exact: computes the objectives that need no training; the densities need none.

    Raises:
        UserError: the surrogate was fitted on another space.
    """
    if surrogate["hyperparameters"] != list(space):
        fitted = surrogate["hyperparameters"]
        raise UserError(f"the surrogate was fitted on {fitted}, got a space of {list(space)}")
    if surrogate["options"]["model"] == "density":
        return bohb.propose(space, surrogate["density"], count, budget, seed)
    if surrogate["surrogate"] is None:
        return draw(space, count, seed)
    encoding = Encoding(space)
    arrays = surrogate["arrays"]
    tried = np.concatenate([arrays["genes"], arrays["other_genes"]])
    if encoding.size is not None and encoding.size - len(np.unique(tried, axis=0)) < count:
        reason = "fewer configurations than that were not tried yet"
        return [
            Suggestion(item.configuration, "fallback", reason) for item in draw(space, count, seed)
        ]
    step = surrogate["surrogate"] | {"arrays": arrays}
    if surrogate["model_budget"] is None:
        return mobo.propose(space, step, count, budget, seed, exact=exact)
    rng = np.random.default_rng(derive_seed(seed, "share"))
    at_random = rng.random(count) < surrogate["options"]["random_fraction"]
    number = int(at_random.sum())
    drawn = iter(draw(space, number, derive_seed(seed, "random")))
    by_model = count - number
    asked = mobo.propose(space, step, by_model, budget, seed, exact=exact) if by_model else []
    chosen = iter(asked)
    return [next(drawn if random else chosen) for random in at_random]


def split_options(
    options: Mapping[str, Any],
) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """Return the options of this method, of BOHB's densities and of mobo's step, with defaults.

    Raises:
        UserError: one is unknown or out of range.
    """
    known = {*OWN_OPTIONS, *bohb.OPTIONS, *mobo.OPTIONS} - {"replicates"}
    unknown = sorted(set(options) - known)
    if unknown:
        raise UserError(f"mobohb has no options {unknown}; they could be {sorted(known)}")
    own = {name: options.get(name, value) for name, value in OWN_OPTIONS.items()}
    for name, choices in {"model": MODELS, "promotion": tuple(PROMOTIONS)}.items():
        if own[name] not in choices:
            raise UserError(f"{name} could be {', '.join(choices)}, got {own[name]!r}")
    if not 0 <= own["lowest_error"] < 1:
        raise UserError(f"lowest_error must be 0 or more and below 1, got {own['lowest_error']}")
    densities = {name: options.get(name, value) for name, value in bohb.OPTIONS.items()}
    step = mobo.complete({name: options[name] for name in mobo.OPTIONS if name in options})
    shared = {
        "reference": step["reference"],
        "random_fraction": densities["random_fraction"],
    }
    return own | shared, densities, step


def rank_observations(
    observations: Sequence[Observation], promotion: str, reference: Sequence[float] | None
) -> list[Observation]:
    """Return the observations with their place among those of their budget as only loss.

    The best has 0; one that failed has an infinite loss.
    """
    losses = _read_losses(observations)
    places = np.full(len(observations), np.inf)
    for budget in {item.budget for item in observations}:
        rows = np.array([row for row, item in enumerate(observations) if item.budget == budget])
        ordered, _ = order_failed_last(losses[rows], promotion, reference)
        places[rows[ordered]] = np.arange(len(ordered))
    return [
        replace(item, losses=(float(place),))
        for item, place in zip(observations, places, strict=True)
    ]


def _fit_densities(
    space: ConfigurationSpace,
    ranked: Sequence[Observation],
    options: Mapping[str, Any],
    seed: int,
) -> Surrogate:
    """Return what BOHB learns of good and bad ones; what failed at any budget is bad at all."""
    fewest = options["min_points_in_model"] or len(space) + 1
    told = bohb.spread_failures(ranked, fewest, options["top_n_percent"])
    return bohb.fit(space, told, options, seed)


def _fit_step(
    space: ConfigurationSpace,
    observations: Sequence[Observation],
    budget: int,
    options: Mapping[str, Any],
    seed: int,
) -> Surrogate:
    """Return what mobo learns at a budget, from the trials at the others as well."""
    at_budget = [item for item in observations if item.budget == budget]
    others = [item for item in observations if item.budget != budget and not item.prior]
    learnt = mobo.fit(space, at_budget, options, seed, others=others)
    learnt["arrays"] |= {
        "other_genes": Encoding(space).encode([item.configuration for item in others]),
        "other_failed": ~np.isfinite(_read_losses(others)).all(axis=1),
    }
    return learnt


def _read_losses(observations: Sequence[Observation]) -> Array:
    m = len(observations[0].losses) if observations else 0
    losses = np.array([item.losses for item in observations], dtype=float)
    return losses.reshape(len(observations), m)
