"""Hypervolumes of several searches, measured from one reference point so that they compare."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from nago.report.contestants import collect_trials
from nago.report.figures.search_trials import PLAN_ORDER
from nago.report.runs import Run
from nago.search.pareto import Array, measure_hypervolume


def find_reference(runs: Sequence[Run], objectives: Sequence[str]) -> list[float]:
    """Return one reference point for some searches: error 1, else the largest value they found.

    Args:
        runs: searches on one data set.
        objectives: columns that are minimised, the first one an error in [0, 1].
    """
    largest = [
        max((float(losses[:, place].max()) for losses in _all_losses(runs, objectives)), default=1)
        for place in range(1, len(objectives))
    ]
    return [1.0, *largest]


def measure_front(
    run: Run, objectives: Sequence[str], reference: Sequence[float], epochs: float
) -> tuple[float, float]:
    """Return what the front dominated after some epochs, and the budget of its trials.

    As for the incumbent, only the highest budget with a result counts.

    Returns:
        The share of the box between 0 and the reference point, and the budget in epochs; NaN
        before the first result.
    """
    trials = collect_trials(run)
    if trials is None:
        return math.nan, math.nan
    ordered = trials.sort_values(PLAN_ORDER)
    trained = ordered[ordered["epochs"].astype(float).cumsum() <= epochs]
    losses = _losses(trained, objectives)
    finite = np.isfinite(losses).all(axis=1)
    if not finite.any():
        return math.nan, math.nan
    budgets = trained["budget"].to_numpy(dtype=float)
    highest = float(budgets[finite].max())
    # The largest value found lies on the border of the box: it adds nothing, as it should.
    point = np.asarray(reference, dtype=float)
    scaled = losses[finite & (budgets == highest)] / point
    return measure_hypervolume(scaled, np.ones_like(point)), highest


def _all_losses(runs: Sequence[Run], objectives: Sequence[str]) -> list[Array]:
    tables = [collect_trials(run) for run in runs]
    found = [_losses(table, objectives) for table in tables if table is not None]
    finite = [losses[np.isfinite(losses).all(axis=1)] for losses in found]
    return [losses for losses in finite if len(losses)]


def _losses(table: pd.DataFrame, objectives: Sequence[str]) -> Array:
    return table[list(objectives)].to_numpy(dtype=np.float64, na_value=np.nan)
