"""Test accuracies of final networks, and how sure their mean is.

Of a search with several finalists the first counts, the one with the lowest validation error; the
others stand for their place on the front.
"""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from nago.report.runs import Run


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean test accuracy and its standard error, in %; `error` is NaN for a single value."""

    mean: float
    error: float
    seeds: int
    networks: int


def read_accuracies(run: Run) -> list[float]:
    """Return the test accuracies in % of the first finalist's networks, without failed ones."""
    if run.finals is None or run.finals.empty:
        return []
    table = run.finals
    first = run.finalists[0]["trial"] if run.finalists else table["trial"].iloc[0]
    chosen = table.loc[table["trial"] == first, "test_accuracy"]
    return [100 * value for value in chosen.astype(float) if math.isfinite(value)]


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
