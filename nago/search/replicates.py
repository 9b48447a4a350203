"""Which generators to draw from again: those whose place on the front the next draw may settle.

A configuration is a generator, so the loss of a trial is a draw about the generator's mean loss,
with a noise that may differ from generator to generator. What is known of the means is normal.
Draws of it give the probability of each configuration to be Pareto-optimal among those tried,
and by their likelihood also what it will be once another trial has had this or that result.

A trial is worth what it is expected to take from the doubt, the sum of P (1 - P) over all
configurations: the expected squared error of the probabilities, which falls by the variance of
what they will be. A question that is wholly open, P = 1/2, counts 1/4. A configuration that was
tried gets a slot as long as a trial of it is expected to take WORTH or more, a tenth of that:
losses that are measured exactly leave no doubt, and doubt that a trial can't lessen isn't worth
one. What is left goes to new configurations.

Sources: Lee, Chew, Teng and Goldsman 2010, IIE Transactions 42(9), MOCBA, for allocating draws
by the probability of errors in the Pareto set; Binois, Huang, Gramacy and Ludkovski 2019,
Technometrics 61(1), for replicating where a look ahead says so and the noise differs; Bect et
al. 2012, Statistics and Computing 22(3), for the sum of P (1 - P) as what a step shall lower.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from nago.search.candidates import draw_sobol
from nago.seeds import derive_seed

Array = NDArray[np.float64]

DRAWS = 2000
"""Of all means together, from which probabilities are counted."""

OUTCOMES = 64
"""Results of one more trial that are looked at for each configuration."""

SMALLEST = 1e-9
"""Share of the results that lie below one that is looked at, at least."""

WORTH = 0.025
"""Of the sum of P (1 - P), what a trial must be expected to take."""


@dataclass(frozen=True, slots=True)
class Means:
    """What is known of the mean losses of n configurations: m normal distributions.

    `mean` is (n, m), `covariance` (m, n, n) that of the means of a loss, and `noise` (n, m) the
    variance of one trial's losses about these means, 0 for a loss that a trial tells exactly.
    """

    mean: Array
    covariance: Array
    noise: Array


def rate_optimal(means: Means, seed: int) -> Array:
    """Return the probability of each configuration to be Pareto-optimal among all, (n,)."""
    return np.asarray(find_optimal(draw_means(means, seed)).mean(axis=0))


def choose_replicates(
    means: Means, eligible: NDArray[np.bool_], most: int, seed: int
) -> list[int]:
    """Return the configurations to draw from once more, the one that tells most first.

    Each one chosen counts as if its losses had met their means, as in `believer`: the variance v
    of its mean falls to v s / (v + s) with s the noise's, and what goes with it falls as well.

    Args:
        means: of the configurations tried, in any units of the losses.
        eligible: which of them may be chosen, (n,).
        most: of them are chosen, each once.
        seed: of the draws.
    """
    drawn = draw_means(means, derive_seed(seed, "means"))
    optimal = find_optimal(drawn).astype(float)
    outcomes = draw_outcomes(means.mean.shape[1], derive_seed(seed, "outcomes"))
    weights = np.full(len(drawn), 1 / len(drawn))
    chosen: list[int] = []
    while len(chosen) < most:
        shares = weights @ optimal
        open_, gains = (shares > 0) & (shares < 1), np.zeros(len(shares))
        for place in np.flatnonzero(open_ & eligible):
            if place not in chosen:
                told = drawn[:, place], means.noise[place]
                gains[place] = expect_gain(*told, optimal[:, open_], weights, outcomes)
        if gains.max(initial=0.0) < WORTH:
            break
        best = int(np.argmax(gains))
        chosen.append(best)
        met = weights @ drawn[:, best]
        weights = weights * _rate(met[None], drawn[:, best], means.noise[best])[0]
        weights /= weights.sum()
    return chosen


def draw_means(means: Means, seed: int, count: int = DRAWS) -> Array:
    """Return draws (count, n, m) of the means of all configurations together."""
    rng = np.random.default_rng(seed)
    n, m = means.mean.shape
    drawn = np.empty((count, n, m))
    for column, covariance in enumerate(means.covariance):
        # A covariance of sampled networks has not full rank, so that it has no Cholesky factor.
        values, vectors = np.linalg.eigh(covariance)
        root = vectors * np.sqrt(np.maximum(values, 0.0))
        drawn[:, :, column] = rng.standard_normal((count, n)) @ root.T
    return np.asarray(drawn + means.mean)


def draw_outcomes(losses: int, seed: int) -> Array:
    """Return points (OUTCOMES, losses) that fill a standard normal distribution evenly."""
    shares = draw_sobol(losses, OUTCOMES, seed)
    return np.asarray(ndtri(np.clip(shares, SMALLEST, 1 - SMALLEST)))


def find_optimal(losses: Array) -> NDArray[np.bool_]:
    """Return which of n points no other one dominates, (s, n) for s times n points (s, n, m)."""
    columns = [np.ascontiguousarray(losses[:, :, column]) for column in range(losses.shape[2])]
    optimal = np.ones(losses.shape[:2], dtype=bool)
    for place in range(losses.shape[1]):
        no_worse, better = optimal.copy(), np.zeros_like(optimal)
        for values in columns:
            one = values[:, [place]]
            no_worse &= one <= values
            better |= one < values
        optimal &= ~(no_worse & better)
    return optimal


def expect_gain(
    drawn: Array, noise: Array, optimal: Array, weights: Array, outcomes: Array
) -> float:
    """Return how much of the sum of P (1 - P) another trial of a configuration may take away.

    Args:
        drawn: its means in s draws, (s, m).
        noise: the variance of a trial about them, (m,).
        optimal: 1 where a configuration is Pareto-optimal in a draw, else 0, (s, n).
        weights: of the draws, (s,), which sum to 1.
        outcomes: (k, m) standard normal numbers, that stand for the results of the trial.
    """
    centre = weights @ drawn
    variance = weights @ (drawn - centre) ** 2 + noise
    told = _rate(centre + np.sqrt(variance) * outcomes, drawn, noise) * weights
    told /= told.sum(axis=1, keepdims=True)
    return float((told @ optimal).var(axis=0).sum())


def _rate(losses: Array, drawn: Array, noise: Array) -> Array:
    """Return the likelihood (k, s) of k results (k, m) for means (s, m), up to factors of k."""
    noisy = noise > 0
    gaps = losses[:, None, noisy] - drawn[None, :, noisy]
    squares = (gaps**2 / noise[noisy]).sum(axis=2)
    # Less the least: of a result that no draw makes likely, the nearest draw still counts.
    return np.asarray(np.exp(-0.5 * (squares - squares.min(axis=1, keepdims=True))))
