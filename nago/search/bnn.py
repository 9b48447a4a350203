"""Bayesian neural networks whose noise depends on the point, one per loss, sampled together.

All chains of all losses go through adaptive SGHMC as one computation, and beside them one chain
per fold, which leaves out a part of the points: what it says of these is the held-out
likelihood. A loss's result doesn't depend on which others are fitted with it.
Sources: Springenberg et al. 2016, NeurIPS; Ru, Esperança and Carlucci 2020, NeurIPS.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from nago.records import UserError
from nago.search.convergence import compare_chains
from nago.search.ensemble import Ensemble, Noise
from nago.search.models import Array, Fit, Groups, complete_options
from nago.search.posterior import BOUND, Data, Member, Posterior, Rows, standardise
from nago.search.sghmc import Numbers, Schedule, sample
from nago.seeds import derive_seed

OPTIONS: Mapping[str, Any] = {
    "burn_in": 3000,
    "steps": 1000,
    "keep_every": 40,
    "chains": 4,
    "folds": 5,
    "batch": 20,
    "first_rate": 0.05,
    "rate": 0.02,
    "friction": 0.05,
    "hidden": (10, 10, 10),
    "weight_deviation": 0.5,
    "bias_deviation": 1.0,
    "noise_variance": 0.1,
    "noise_deviation": 1.0,
}
"""A chain takes burn_in + steps steps and keeps steps // keep_every points; in the burn-in the
rate falls from `first_rate` to `rate`. `folds` is the
number of parts that are left out in turn, 0 for none. The rest describes normal priors, of
standardised losses: `noise_variance` is the median of the noise's variance at the centre, and
`noise_deviation` the standard deviation of its logarithm there; the other weights of the
noise's output have half the deviation of the mean's."""

KIND = "bnn"

ATTEMPTS = 5
"""Rates that are tried, each half of the one before."""


def fit(
    features: Array, losses: Array, options: Mapping[str, Any], seed: int, groups: Groups
) -> Fit:
    """Return networks sampled for every loss, with noise that depends on the point."""
    return fit_networks(KIND, features, losses, complete_options(KIND, options, OPTIONS), seed)


def restore(fit: Fit) -> Ensemble:
    """Return the model that a fit describes."""
    return restore_networks(fit, depends=True)


def fit_networks(
    kind: str, features: Array, losses: Array, options: Mapping[str, Any], seed: int
) -> Fit:
    """Return networks sampled for every loss; those of the kind `bnn` know where noise differs.

    A loss whose chains diverge is sampled again at half the rate; the rate used is in the values.

    Raises:
        UserError: an option is out of range, or chains diverge at the smallest rate as well.
    """
    _check(kind, len(features), options)
    data = standardise(features, losses)
    columns = range(losses.shape[1])
    found: dict[int, Lanes] = {}
    for attempt in range(ATTEMPTS):
        missing = [column for column in columns if column not in found]
        if missing:
            found |= _sample(kind, data, missing, options, seed, attempt=attempt)
    if len(found) < len(columns):
        least = options["rate"] / 2 ** (ATTEMPTS - 1)
        raise UserError(f"{kind} diverged at rates down to {least:g}; try a smaller one")
    chains = options["chains"]
    weights = np.stack([np.concatenate(found[column].points[:chains]) for column in columns])
    values: dict[str, Any] = {
        "n": len(features),
        "options": {**options, "hidden": list(options["hidden"])},
    }
    made = Fit(values, {"weights": weights, **data.shifts})
    model = restore_networks(made, kind == KIND)
    values["losses"] = [
        {
            **_diagnose(model, data, column, chains),
            "held_out_nll": _judge(model, data, column, lanes.parts, lanes.points[chains:]),
            "rate": lanes.rate,
        }
        for column, lanes in sorted(found.items())
    ]
    return made


@dataclass(frozen=True, slots=True)
class Lanes:
    """What was sampled for one loss: points (lanes, kept, p), of chains and then of folds.

    `parts` are the rows that the folds leave out, `rate` is that of the steps kept.
    """

    points: Numbers
    parts: list[Rows]
    rate: float


def _sample(
    kind: str,
    data: Data,
    columns: Sequence[int],
    options: Mapping[str, Any],
    seed: int,
    *,
    attempt: int,
) -> dict[int, Lanes]:
    """Return the lanes of those of the losses that didn't diverge, at the rate of an attempt."""
    n, names = len(data.features), [kind, *([f"attempt {attempt}"] if attempt else [])]
    rngs = [np.random.default_rng(derive_seed(seed, *names, column)) for column in columns]
    folds = [_part(n, options["folds"], rng) for rng in rngs]
    members = [
        Member(rows, column)
        for column, parts in zip(columns, folds, strict=True)
        for rows in [np.arange(n)] * options["chains"]
        + [np.setdiff1d(np.arange(n), part) for part in parts]
    ]
    posterior = Posterior(data, members, options, rngs, kind == KIND)
    rates = {name: options[name] / 2**attempt for name in ("rate", "first_rate")}
    kept = {name: options[name] for name in ("burn_in", "steps", "keep_every", "friction")}
    with np.errstate(over="ignore", invalid="ignore"):  # of chains that diverge
        points = sample(posterior, Schedule(**kept, **rates), rngs, posterior.noisy)
    lanes = points.reshape(len(columns), -1, *points.shape[1:])
    return {
        column: Lanes(own, parts, rates["rate"])
        for column, own, parts in zip(columns, lanes, folds, strict=True)
        if np.isfinite(own).all()
    }


def restore_networks(fit: Fit, depends: bool) -> Ensemble:
    """Return the model of a fit's networks."""
    shifts, options = dict(fit.arrays), fit.values["options"]
    weights, hidden = shifts.pop("weights"), tuple(options["hidden"])
    return Ensemble(weights, hidden, Noise(options["noise_variance"], depends, BOUND), shifts)


def _check(kind: str, n: int, options: Mapping[str, Any]) -> None:
    if not n:
        raise UserError(f"{kind} needs a point or more, got none")
    for name in ("steps", "keep_every", "chains", "batch"):
        if options[name] < 1:
            raise UserError(f"{kind} needs {name} of 1 or more, got {options[name]}")
    for name in ("first_rate", "rate", "weight_deviation", "bias_deviation", "noise_variance"):
        if options[name] <= 0:
            raise UserError(f"{kind} needs a positive {name}, got {options[name]}")
    if options["keep_every"] > options["steps"]:
        raise UserError(
            f"{kind} keeps no point of {options['steps']} steps if it keeps every"
            f" {options['keep_every']}th"
        )
    if not options["hidden"] or min(options["hidden"]) < 1:
        raise UserError(f"{kind} needs a hidden layer or more, got {options['hidden']}")
    if options["folds"] < 0 or options["folds"] == 1:
        raise UserError(f"{kind} needs 0 or 2 folds and more, got {options['folds']}")


def _part(n: int, folds: int, rng: np.random.Generator) -> list[Rows]:
    """Return the points in parts of about equal size; none if these were of one point."""
    if not folds or n < 2 * folds:
        return []
    return [np.sort(part) for part in np.array_split(rng.permutation(n), folds)]


def _diagnose(model: Ensemble, data: Data, column: int, chains: int) -> dict[str, float | None]:
    """Return how well the chains agree on the mean at the points, and the noise found there."""
    means, noises = model.draw(data.features, column)
    r_hat, draws = compare_chains(means.reshape(chains, -1, len(data.features)))
    noise = np.sqrt(noises.mean(axis=0)) * model.shifts["loss_scales"][column]
    defined = np.isfinite(r_hat)
    return {
        "r_hat_median": float(np.median(r_hat[defined])) if defined.any() else None,
        "r_hat_max": float(r_hat[defined].max()) if defined.any() else None,
        "effective_draws": float(np.median(draws[defined])) if defined.any() else None,
        "noise_deviation_min": float(noise.min()),
        "noise_deviation_max": float(noise.max()),
    }


def _judge(
    model: Ensemble, data: Data, column: int, parts: list[Rows], points: Numbers
) -> float | None:
    """Return the mean of minus the log likelihood of points under chains without them.

    The points (folds, kept, p) of one chain each. It is of the loss in its own units; only the
    standardising has seen all points.
    """
    if not parts:
        return None
    total = 0.0
    for part, kept in zip(parts, points, strict=True):
        one = Ensemble(kept[None], model.hidden, model.noise, model.shifts)
        means, noises = one.draw(data.features[part], 0)
        variance = noises.mean(axis=0) + means.var(axis=0)
        errors = data.losses[part, column] - means.mean(axis=0)
        total += float((np.log(2 * np.pi * variance) + errors**2 / variance).sum()) / 2
    return total / len(data.losses) + float(np.log(model.shifts["loss_scales"][column]))
