"""How results spread between generators and within them, from runs of the method `spread`.

A configuration that was trained with several seeds is a group of a one-way analysis of variance
with random effects: y = mean + configuration + draw. Groups may differ in size, as draws without
a result drop out. Source: Shrout and Fleiss 1979, Psychological Bulletin 86, ICC(1,1).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from nago.generators.complexity import MEGABYTE
from nago.report.contestants import choose_spreads
from nago.report.runs import Run
from nago.tables import hyperparameters

MEASURES = {"error": "%", "memory": "MB", "seconds": "s"}
"""What spreads, as in the columns of tables, and its unit."""

PLACE = ["dataset", "generator", "seed"]
RESAMPLES = 2000


def read_draws(run: Run) -> pd.DataFrame:
    """Return a row per draw of a run: its configuration and what it gave.

    Returns:
        `configuration` (its number, in the order of the plan), the hyperparameters, `error` (%),
        `memory` (MB), `seconds` (NaN where costs.csv lacks the trial); draws without a result
        have no measure at all.
    """
    names = list(MEASURES)
    if run.trials is None or run.trials.empty:
        return pd.DataFrame(columns=["configuration", *names])
    table = run.trials.sort_values(["bracket", "rung", "slot"]).reset_index(drop=True)
    keys = hyperparameters(table)
    groups = table.groupby(keys, sort=False, dropna=False).ngroup()
    draws = table[keys].assign(
        error=100 * table["validation_error"].astype(float),
        memory=table["sample_memory_bytes"].astype("Float64").to_numpy(float, na_value=math.nan)
        / MEGABYTE,
        seconds=_find_seconds(run, table["trial"]),
    )
    draws.loc[draws["error"].isna(), names] = math.nan
    draws.insert(0, "configuration", groups)
    return draws


def summarise_spread(runs: Sequence[Run]) -> pd.DataFrame:
    """Return the mean and standard deviation of each configuration, a row each.

    Returns:
        `dataset`, `generator`, `seed`, `configuration`, hyperparameters, `draws` (with a result),
        `failed`, and of error (%), memory (MB) and seconds the mean and the standard deviation
        (n - 1 in the denominator; missing for a single draw).
    """
    tables = [_summarise_run(run) for run in choose_spreads(runs)]
    columns = [f"{name}_{part}" for name in MEASURES for part in ("mean", "std")]
    empty = [*PLACE, "configuration", "draws", "failed", *columns]
    joined = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame(columns=empty)
    keys = [name for name in joined.columns if name not in empty]
    return joined[[*PLACE, "configuration", *keys, "draws", "failed", *columns]]


def tabulate_shares(runs: Sequence[Run]) -> pd.DataFrame:
    """Return how the variance parts, a row per run and measure: error, memory and seconds.

    Returns:
        `dataset`, `generator`, `seed`, `measure`, `unit` and what `split_variance` says.
    """
    rows = []
    for run in choose_spreads(runs):
        draws = read_draws(run)
        for measure, unit in MEASURES.items():
            values = (run.dataset, run.generator, run.seed, measure, unit)
            names = [*PLACE, "measure", "unit"]
            parts = split_variance(_group(draws, measure))
            rows.append(dict(zip(names, values, strict=True)) | parts)
    columns = [*PLACE, "measure", "unit", *split_variance([])]
    return pd.DataFrame(rows, columns=columns)


def group_errors(run: Run) -> list[np.ndarray]:
    """Return the validation errors (n_i,) in % of the draws of each configuration of a run."""
    return _group(read_draws(run), "error")


def split_variance(groups: Sequence[np.ndarray]) -> dict[str, float]:
    """Return how much of the variance lies between groups and how much within them.

    Args:
        groups: the values (n_i,) of each group, in one unit; empty ones don't count.

    Returns:
        `configurations` and `draws` that count, `mean` of all draws; `share_between` and
        `share_within`, parts of the sum of squares; `std_between` and `std_within`, the standard
        deviations of the two random effects; `intraclass`, the correlation of two draws of one
        configuration, which may be below 0. NaN where nothing can be said.
    """
    groups = [group for group in groups if len(group)]
    a, n = len(groups), sum(len(group) for group in groups)
    joined = np.concatenate([np.empty(0), *groups])
    mean = float(joined.mean()) if n else math.nan
    inner = sum(float(((group - group.mean()) ** 2).sum()) for group in groups)
    outer = sum(len(group) * float(group.mean() - mean) ** 2 for group in groups)
    total = inner + outer
    ms_within = inner / (n - a) if n > a else math.nan
    ms_between = outer / (a - 1) if a > 1 else math.nan
    n0 = (n - sum(len(group) ** 2 for group in groups) / n) / (a - 1) if a > 1 else math.nan
    between = (ms_between - ms_within) / n0
    known = between + ms_within
    return {
        "configurations": a,
        "draws": n,
        "mean": mean,
        "share_between": outer / total if total else math.nan,
        "share_within": inner / total if total else math.nan,
        "std_between": math.sqrt(max(between, 0.0)) if math.isfinite(between) else math.nan,
        "std_within": math.sqrt(ms_within),
        "intraclass": between / known if known else math.nan,
    }


@dataclass(frozen=True, slots=True)
class Ratio:
    """The standard deviation within configurations over that between them.

    Infinite if the configurations are all alike; `low` and `high` bound the central 95% of what
    configurations drawn again with replacement give.
    """

    configurations: int
    ratio: float
    low: float
    high: float


def bound_ratio(groups: Sequence[np.ndarray]) -> Ratio | None:
    """Return the ratio of the deviations that `split_variance` gives, with a bootstrap interval.

    Args:
        groups: the values (n_i,) of each configuration; equal ones of different runs count apart.

    Returns:
        None if fewer than two configurations have two values each.
    """
    groups = [group for group in groups if len(group)]
    if sum(len(group) > 1 for group in groups) < 2:
        return None
    rng = np.random.default_rng(0)
    drawn = rng.choice(len(groups), size=(RESAMPLES, len(groups)))
    ratios = [_divide([groups[place] for place in chosen]) for chosen in drawn]
    # Where no configuration with two values was drawn, nothing is known of what is within.
    known = [ratio for ratio in ratios if not math.isnan(ratio)]
    low, high = np.quantile(known, [0.025, 0.975], method="nearest")
    return Ratio(len(groups), _divide(groups), float(low), float(high))


def _divide(groups: Sequence[np.ndarray]) -> float:
    parts = split_variance(groups)
    within, between = parts["std_within"], parts["std_between"]
    return within / between if between else math.nan if math.isnan(within) else math.inf


def _group(draws: pd.DataFrame, measure: str) -> list[np.ndarray]:
    """Return the known values (n_i,) of each configuration."""
    groups = draws.groupby("configuration")[measure]
    return [values.dropna().to_numpy(float) for _, values in groups]


def _summarise_run(run: Run) -> pd.DataFrame:
    draws = read_draws(run)
    keys = [name for name in draws.columns if name not in ("configuration", *MEASURES)]
    groups = draws.groupby("configuration")
    table = groups[keys].first() if keys else pd.DataFrame(index=groups.size().index)
    done = groups["error"].count()
    table = table.assign(draws=done, failed=groups.size() - done)
    for name in MEASURES:
        table[f"{name}_mean"] = groups[name].mean()
        table[f"{name}_std"] = groups[name].std()
    table = table.reset_index()
    for place, name in enumerate(PLACE):
        table.insert(place, name, getattr(run, name))
    return table


def _find_seconds(run: Run, trials: "pd.Series[str]") -> np.ndarray:
    """Return the seconds (n,) that trials took, NaN where the costs don't say."""
    if run.costs is None or "seconds" not in run.costs.columns:
        return np.full(len(trials), math.nan)
    seconds = run.costs.drop_duplicates("trial").set_index("trial")["seconds"].astype(float)
    return seconds.reindex(trials).to_numpy(float)
