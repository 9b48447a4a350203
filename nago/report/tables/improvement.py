"""How much a search improves on random draws of the same generator.

RI = 100 (Acc_m - Acc_r) / Acc_r separates what the search does from what its space does.
Source: Yang, Esperança and Carlucci 2020, ICLR; Ru, Esperança and Carlucci 2020, figure 4.
"""

import math
from collections.abc import Sequence

import pandas as pd

from nago.report.contestants import choose_searches, group_runs
from nago.report.finals import Estimate, estimate_accuracy
from nago.report.runs import Run

NAMES = [
    *("dataset", "contestant", "baseline", "seeds", "networks", "accuracy", "accuracy_error"),
    *("baseline_seeds", "baseline_networks", "baseline_accuracy", "baseline_accuracy_error"),
    *("improvement", "improvement_error"),
]


def improve(method: Estimate, baseline: Estimate) -> tuple[float, float]:
    """Return the relative improvement in % and its standard error, NaN if it is unknown.

    The error is that of a ratio of independent means to first order: with a = Acc_m and
    r = Acc_r, (100 / r) sqrt(s_a^2 + (a s_r / r)^2). Both are NaN if no baseline image was right.
    """
    a, r = method.mean, baseline.mean
    if r == 0:
        return math.nan, math.nan
    return 100 * (a - r) / r, 100 / r * math.hypot(method.error, a * baseline.error / r)


def tabulate_improvement(runs: Sequence[Run]) -> pd.DataFrame:
    """Return the improvement of each contestant that random search of its generator stands by.

    Returns:
        A row per data set and contestant: mean test accuracies and their standard errors in %,
        `improvement` and its standard error in %, and of how many seeds and networks they are.
    """
    rows = []
    for dataset, contestants in group_runs(choose_searches(runs)).items():
        for name, contestant in contestants.items():
            baseline = contestant.baseline
            if name == baseline or baseline not in contestants:
                continue
            own = estimate_accuracy(contestant.runs)
            other = estimate_accuracy(contestants[baseline].runs)
            if own is None or other is None:
                continue
            values = (
                *(dataset, name, baseline, own.seeds, own.networks, own.mean, own.error),
                *(other.seeds, other.networks, other.mean, other.error),
                *improve(own, other),
            )
            rows.append(dict(zip(NAMES, values, strict=True)))
    return pd.DataFrame(rows, columns=NAMES)
