"""Final networks: which finalist each is of, their test accuracies, and how sure the mean is.

Of a search with several finalists the first counts, the one with the lowest validation error; the
others stand for their place on the front.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from nago.report.runs import Run


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean test accuracy and its standard error, in %; `error` is NaN for a single value."""

    mean: float
    error: float
    seeds: int
    networks: int


def list_finals(run: Run) -> dict[int, pd.DataFrame]:
    """Return the final networks of a run by the place of their finalist."""
    if run.finals is None or run.finals.empty:
        return {}
    found = [str(chosen["trial"]) for chosen in run.finalists]
    order = list(dict.fromkeys([*found, *run.finals["trial"].astype(str)]))
    return {
        order.index(str(trial)): group for trial, group in run.finals.groupby("trial", sort=False)
    }


def read_accuracies(run: Run, finalist: int = 0) -> list[float]:
    """Return the test accuracies in % of a finalist's networks, without failed ones."""
    networks = list_finals(run).get(finalist)
    if networks is None:
        return []
    return [100 * float(share) for share in networks["test_accuracy"].dropna()]


def estimate_accuracy(runs: Sequence[Run]) -> Estimate | None:
    """Return the mean over the seeds of one contestant, each by the mean of its networks.

    Its standard error comes from the spread of the seeds' means; of a single seed from that of
    its networks, which doesn't hold the luck of the search.

    Returns:
        None if no network has a test accuracy.
    """
    found = [values for run in runs if (values := read_accuracies(run))]
    if not found:
        return None
    means = [statistics.fmean(values) for values in found]
    spread = means if len(means) > 1 else found[0]
    error = math.nan
    if len(spread) > 1:
        error = statistics.stdev(spread) / math.sqrt(len(spread))
    networks = sum(len(values) for values in found)
    return Estimate(statistics.fmean(means), error, len(found), networks)
