"""Multi-objective Bayesian optimisation: USeMO made batch, with a choice by hypervolume beside it.

One model per objective; an acquisition for each; NSGA-II finds where these trade off; of that
cheap front the most uncertain points become trials, or those that promise most hypervolume.
Sources: Belakaria et al. 2020, AAAI; Alvi et al. 2019, ICML; Emmerich et al. 2011, CEC.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace

from nago.records import Observation, UserError
from nago.search import judge as judging
from nago.search.acquisition import ACQUISITIONS
from nago.search.candidates import count_left, draw_unseen, drop_seen
from nago.search.encoding import Array, Encoding, EncodingAtBudget, find_keys
from nago.search.methods import Exact, Suggestion, Surrogate
from nago.search.models import MODELS, Fit, fit_model
from nago.search.pareto import rank_points
from nago.search.pool import find_pool
from nago.search.replicates import choose_replicates
from nago.search.selection import BATCHES, SELECTIONS, choose
from nago.search.tried import believe_means, group_trials
from nago.seeds import derive_seed

OPTIONS: Mapping[str, Any] = {
    "surrogate": "bnn",
    "surrogate_options": {},
    "acquisition": "lcb",
    "selection": "hypervolume",
    "batch": "believer",
    "population": 50,
    "generations": 20,
    "delta": 0.1,
    "beta": 1.0,
    "total_variance": False,
    "log_losses": None,
    "reference": None,
    "exact_evaluations": 600,
    "replicates": "once",
}
"""Defaults.

* `surrogate`: one of MODELS, `surrogate_options` its own.
* `acquisition`: `lcb`, `ei`, `pi` or `ts`.
* `selection`: `uncertainty` or `hypervolume`; `batch`: `believer`, `penaliser` or `top`.
* `population` and `generations` of NSGA-II.
* `delta` of the confidence bound; `beta`, if given, replaces the bound's growing factor.
* `total_variance`: whether the noise counts as uncertainty, as it does in USeMO.
* `log_losses`: for each objective, whether it is modelled by its logarithm; None for no.
* `reference`: the point that bounds hypervolumes, in the losses' units; None for one
  beyond the front, see `selection.find_reference`.
* `exact_evaluations`: configurations in a step, at most, whose exact objectives are computed.
* `replicates`: one of REPLICATES; `adaptive` takes up to half of a batch for further trials of
  configurations that were tried, see `replicates`.
"""

REPLICATES = ("once", "adaptive")

FEWEST = 2
"""Results that a model needs."""


def fit(
    space: ConfigurationSpace,
    observations: Sequence[Observation],
    options: Mapping[str, Any],
    seed: int,
    *,
    others: Sequence[Observation] = (),
) -> Surrogate:
    """Return what `observations` teach: the trials, and a model if two or more have results.

    `others` are trials at other budgets than that of the observations. The model learns from them
    as well, by one more feature: the logarithm of the budget, 0 for the smallest and 1 for the
    largest.

    The arrays are `genes` (n, g) and `losses` (n, m) of the trials, infinite if they failed;
    `prior_genes` (p, g) of a warm start, the best first, of which only the models know, of at
    most as many as there are results; and the model's, with `model_` before their names, of
    losses that are standardised. Those of others with results are `other_losses` (o, m). `tried`
    names the trials, where they may be replicated.

    Raises:
        UserError: an option is unknown or out of range, the space isn't supported, or a loss is
            NaN, or not positive where its logarithm is modelled.
    """
    settings = complete(options)
    replicates = settings.pop("replicates")
    own = [item for item in observations if not item.prior]
    prior = [item for item in observations if item.prior]
    more = [item for item in others if all(np.isfinite(item.losses))]
    places = _place_budgets([*own, *more]) if more else {}
    encoding = EncodingAtBudget(space, places[own[0].budget]) if more else Encoding(space)
    genes = encoding.encode([item.configuration for item in own])
    losses = _read_losses(own)
    finite = np.isfinite(losses).all(axis=1)
    surrogate: Surrogate = {
        "method": "mobo",
        "options": settings,
        "hyperparameters": list(space),
        "observations": len(own),
        "failed": int((~finite).sum()),
        "model": None,
        "arrays": {"genes": genes, "losses": losses},
    }
    if replicates == "adaptive":
        surrogate["tried"] = [
            {"trial": item.trial, "configuration": dict(item.configuration)} for item in own
        ]
    learnt_genes, learnt = genes[finite], losses[finite]
    if prior:
        prior_genes = encoding.encode([item.configuration for item in prior])
        prior_losses = _read_losses(prior)
        surrogate["prior"] = len(prior)
        surrogate["arrays"]["prior_genes"] = prior_genes[_order(prior_losses)]
        most = min(len(prior), len(learnt))
        taken = np.linspace(0, len(prior) - 1, most).round().astype(int)
        if most:
            learnt_genes = np.concatenate([learnt_genes, prior_genes[taken]])
            learnt = np.concatenate([learnt, prior_losses[taken]])
    features, seen = encoding.describe(learnt_genes), losses[finite]
    if more:
        surrogate["budget_place"] = places[own[0].budget]
        surrogate["arrays"]["other_losses"] = other_losses = _read_losses(more)
        located = encoding.locate(encoding.encode([item.configuration for item in more]))
        column = np.array([[places[item.budget]] for item in more])
        features = np.concatenate([features, np.hstack([located, column])])
        learnt, seen = (np.concatenate([rows, other_losses]) for rows in (learnt, seen))
    if finite.sum() >= FEWEST:
        scaling = judging.Scaling(seen, settings["log_losses"])
        found = fit_model(
            settings["surrogate"],
            features,
            scaling.standardise(learnt),
            settings["surrogate_options"],
            derive_seed(seed, "model"),
            groups=encoding.groups,
        )
        surrogate["model"] = found.values
        surrogate["arrays"] |= {f"model_{name}": value for name, value in found.arrays.items()}
    return surrogate


def propose(
    space: ConfigurationSpace,
    surrogate: Surrogate,
    count: int,
    budget: int,
    seed: int,
    *,
    exact: Exact | None = None,
) -> list[Suggestion]:
    """Return `count` distinct configurations that weren't tried, the best ones first.

    Where trials may be replicated, up to half of them are configurations that were tried, of
    origin `replicate`, before the others.
    Without a trial they are Sobol points of origin `random`, and half of them the best of a warm
    start if there is one, of origin `prior`; without enough results for a model,
    Sobol points of origin `fallback`.

    Args:
        space: that the surrogate was fitted on.
        surrogate: of `fit`.
        count: of suggestions.
        budget: epochs; it doesn't matter.
        seed: of the draws.
        exact: computes the objectives that need no training; they aren't modelled then.

    Raises:
        UserError: the surrogate was fitted on another space, or fewer configurations are left.
    """
    if surrogate["hyperparameters"] != list(space):
        fitted = surrogate["hyperparameters"]
        raise UserError(f"the surrogate was fitted on {fitted}, got a space of {list(space)}")
    place = surrogate.get("budget_place")
    encoding = Encoding(space) if place is None else EncodingAtBudget(space, place)
    genes = surrogate["arrays"]["genes"]
    first: list[Suggestion] = []
    if surrogate["model"] is None:
        seen = set(find_keys(genes))
        if "prior_genes" in surrogate["arrays"] and not len(genes):
            best = drop_seen(surrogate["arrays"]["prior_genes"], seen)[: count // 2]
            first = [Suggestion(values, "prior") for values in encoding.decode(best)]
            seen |= set(find_keys(best))
        points = draw_unseen(encoding, seen, count - len(first), derive_seed(seed, "sobol"))
        origin, reason = ("fallback", _explain(surrogate)) if len(genes) else ("random", None)
    else:
        drawing = derive_seed(seed, "draw")
        judge = judging.Judge(encoding, surrogate, restore_fit(surrogate), exact, drawing)
        first = _replicate(judge, surrogate, count // 2, seed) if "tried" in surrogate else []
        count -= len(first)
        count_left(encoding, judge.seen, count)
        points = choose(judge, find_pool(judge, count, seed), count, seed)
        origin, reason = "model", None
    return first + [Suggestion(values, origin, reason) for values in encoding.decode(points)]


def complete(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options with defaults for those that aren't given.

    Raises:
        UserError: one is unknown or out of range.
    """
    unknown = sorted(set(options) - set(OPTIONS))
    if unknown:
        raise UserError(f"mobo has no options {unknown}; they could be {sorted(OPTIONS)}")
    settings = {**OPTIONS, **options}
    for name, choices in {
        "surrogate": tuple(MODELS),
        "acquisition": (*ACQUISITIONS, "ts"),
        "selection": SELECTIONS,
        "batch": BATCHES,
        "replicates": REPLICATES,
    }.items():
        if settings[name] not in choices:
            raise UserError(f"{name} could be {', '.join(choices)}, got {settings[name]!r}")
    for name, least in {"population": 4, "generations": 1, "exact_evaluations": 1}.items():
        if settings[name] < least:
            raise UserError(f"{name} must be {least} or more, got {settings[name]}")
    if not 0 < settings["delta"] < 1:
        raise UserError(f"delta must be between 0 and 1, got {settings['delta']}")
    if settings["beta"] is not None and settings["beta"] < 0:
        raise UserError(f"beta must be 0 or more, or null, got {settings['beta']}")
    return settings


def _read_losses(observations: Sequence[Observation]) -> Array:
    m = len(observations[0].losses) if observations else 0
    losses = np.array([item.losses for item in observations], dtype=float)
    losses = losses.reshape(len(observations), m)
    if np.isnan(losses).any():
        row = int(np.flatnonzero(np.isnan(losses).any(axis=1))[0])
        raise UserError(
            f"losses must be numbers, or infinite if a trial failed, got {losses[row].tolist()}"
            f" for {dict(observations[row].configuration)}"
        )
    losses[~np.isfinite(losses).all(axis=1)] = np.inf
    return losses


def _place_budgets(observations: Sequence[Observation]) -> dict[int, float]:
    """Return the feature of each budget: its logarithm, from 0 for the smallest to 1."""
    logs = {item.budget: math.log(item.budget) for item in observations}
    low, high = min(logs.values()), max(logs.values())
    return {budget: (value - low) / (high - low) for budget, value in logs.items()}


def _order(ranks: Array) -> list[int]:
    """Return the places of n prior losses (n, m) front by front, balanced ones first.

    They are ranks, so that the worst of the objectives tells how balanced one is.
    """
    return [int(place) for place in np.lexsort((ranks.max(axis=1), rank_points(ranks)))]


def _replicate(
    judge: judging.Judge, surrogate: Surrogate, most: int, seed: int
) -> list[Suggestion]:
    """Return configurations that were tried and are worth another trial, `most` or fewer."""
    arrays = surrogate["arrays"]
    tried = group_trials(arrays["genes"], arrays["losses"])
    means = believe_means(
        judge.model,
        judge.encoding.describe(arrays["genes"][tried.first]),
        judge.scaling.standardise(arrays["losses"]),
        tried,
        ~judge.uncertain,
    )
    # Where a trial failed, the next one may fail as well and tell nothing.
    places = choose_replicates(means, tried.failed == 0, most, derive_seed(seed, "replicate"))
    found = [surrogate["tried"][tried.first[place]] for place in places]
    return [Suggestion(item["configuration"], "replicate", parent=item["trial"]) for item in found]


def _explain(surrogate: Surrogate) -> str:
    results = surrogate["observations"] - surrogate["failed"]
    return f"a model needs {FEWEST} results, {results} of {surrogate['observations']} trials have"


def restore_fit(surrogate: Surrogate) -> Fit:
    """Return what the model of a surrogate learnt."""
    arrays: dict[str, Array] = {
        name.removeprefix("model_"): array
        for name, array in surrogate["arrays"].items()
        if name.startswith("model_")
    }
    return Fit(surrogate["model"], arrays)
