"""Statistics of comparisons: effects, tests and their correction, which know no runs.

Tests are two-sided and exact where numbers are few. A test that could not give p < 0.05 whatever
the values is not made: its p is None, and `note` says why.
Sources: Vargha and Delaney 2000 (A12); Holm 1979; Demsar 2006, JMLR 7 (Friedman, critical
difference); Nadeau and Bengio 2003, Machine Learning 52 (splits that overlap).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats
from statsmodels.stats.multitest import multipletests

LEVEL = 0.05
MOST_EXACT = 20_000
"""Arrangements that are counted one by one where values are tied."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a test says; `p` is None where there is none, and `note` says why."""

    name: str
    p: float | None
    note: str = ""


def find_quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return the lower quartile, the median and the upper one, on a line between neighbours."""
    low, median, high = (float(value) for value in np.quantile(values, [0.25, 0.5, 0.75]))
    return low, median, high


def measure_a12(values: Sequence[float], others: Sequence[float]) -> float:
    """Return the chance that one of `values` is below one of `others`; ties count half.

    Raises:
        ValueError: one of the two is empty.
    """
    if not len(values) or not len(others):
        raise ValueError(f"A12 compares values, got {len(values)} and {len(others)}")
    below = np.sign(np.subtract.outer(np.asarray(others, float), np.asarray(values, float)))
    return float((below.mean() + 1) / 2)


def measure_rank_biserial(differences: Sequence[float]) -> float | None:
    """Return the share of ranks that are negative less those that are positive, in [-1, 1].

    1 if all differences are below 0; those that are 0 are left out, None if all are.
    """
    values = np.asarray([value for value in differences if value != 0], dtype=float)
    if not len(values):
        return None
    ranks = stats.rankdata(np.abs(values))
    return float((ranks[values < 0].sum() - ranks[values > 0].sum()) / ranks.sum())


def compare_pairs(differences: Sequence[float]) -> Verdict:
    """Return Wilcoxon's signed-rank test that the differences lie around 0."""
    name, count = "Wilcoxon signed-rank", len(differences)
    if count < 2:
        return Verdict(name, None, "one seed: no claim" if count else "no pair of seeds")
    if 2 / 2**count >= LEVEL:
        return Verdict(name, None, f"{count} seeds: too few for p < {LEVEL}")
    values = np.asarray(differences, dtype=float)
    if not values.any():
        return Verdict(name, 1.0, "all differences are 0")
    tied = len(set(np.abs(values))) < count or bool((values == 0).any())
    method: object = "auto"
    if tied and 2**count <= MOST_EXACT:
        method = stats.PermutationMethod(n_resamples=math.inf)
    return Verdict(name, float(stats.wilcoxon(values, method=method).pvalue))


def compare_groups(values: Sequence[float], others: Sequence[float]) -> Verdict:
    """Return Mann and Whitney's test that two groups have the same distribution."""
    name = "Mann-Whitney"
    counts = len(values), len(others)
    arrangements = math.comb(sum(counts), counts[0])
    if not all(counts) or 2 / arrangements >= LEVEL:
        return Verdict(
            name, None, f"{counts[0]} and {counts[1]} networks: too few for p < {LEVEL}"
        )
    tied = len({*values, *others}) < sum(counts)
    method: object = "auto"
    if tied and arrangements <= MOST_EXACT:
        method = stats.PermutationMethod(n_resamples=math.inf)
    return Verdict(name, float(stats.mannwhitneyu(values, others, method=method).pvalue))


def compare_splits(differences: Sequence[float], ratio: float) -> float | None:
    """Return p of the corrected t test that the mean difference over random splits is 0.

    Args:
        differences: one per split of the same values.
        ratio: values to test over values to learn in each; splits overlap, and the variance of
            their mean is larger by that.
    """
    count = len(differences)
    if count < 2:
        return None
    variance = float(np.var(differences, ddof=1))
    if variance == 0:
        return None
    t = float(np.mean(differences)) / math.sqrt((1 / count + ratio) * variance)
    return float(2 * stats.t.sf(abs(t), count - 1))


def correct_holm(values: Sequence[float | None]) -> list[float | None]:
    """Return p corrected by Holm for all that are tested; None stays None."""
    tested = [p for p in values if p is not None]
    corrected = iter(multipletests(tested, method="holm")[1] if tested else [])
    return [None if p is None else float(next(corrected)) for p in values]


@dataclass(frozen=True, slots=True)
class Ranks:
    """Mean ranks of contestants over data sets, 1 for the best; `p` is Friedman's.

    Two whose mean ranks differ by less than `critical_difference` can't be told apart (Nemenyi).
    """

    means: tuple[float, ...]
    p: float
    critical_difference: float


def rank_contestants(losses: Sequence[Sequence[float]]) -> Ranks:
    """Return the mean ranks of k contestants on n data sets, of which lower losses are better.

    Args:
        losses: a list per data set with a value per contestant; k is 3 or more.
    """
    table = np.asarray(losses, dtype=float)
    count, contestants = table.shape
    ranks = stats.rankdata(table, axis=1)
    alike = bool((table == table[:, :1]).all())
    p = 1.0 if alike else float(stats.friedmanchisquare(*table.T).pvalue)
    quantile = float(stats.studentized_range.ppf(1 - LEVEL, contestants, math.inf)) / math.sqrt(2)
    spread = math.sqrt(contestants * (contestants + 1) / (6 * count))
    return Ranks(tuple(float(mean) for mean in ranks.mean(axis=0)), p, quantile * spread)
