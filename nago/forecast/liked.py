"""Networks that a search comes back to, by what it has trained so far.

A search that learns trains neighbours of what it found good. Before it has trained anything that
may be any networks of its space; afterwards the best of its own trials say it far better.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nago.forecast.population import Population
from nago.search.pareto import find_front

MOST = 8
"""Networks of a search for the lowest error; one for several objectives has its front."""


def find_liked(trainings: pd.DataFrame, objectives: Sequence[str]) -> Population | None:
    """Return the networks of a search's good trials; None without one.

    For one objective they are the MOST whose errors are lowest among those of their own budget,
    for several the front of the trials at the largest budget.

    Args:
        trainings: of the search alone, as `read_trainings` gives them.
        objectives: columns, all minimised.
    """
    if trainings.empty:
        return None
    if len(objectives) == 1:
        ranks = trainings.groupby("epochs")[objectives[0]].rank(method="first", pct=True)
        chosen = trainings.iloc[np.argsort(ranks.to_numpy(), kind="stable")[:MOST]]
    else:
        largest = trainings[trainings["epochs"] == trainings["epochs"].max()]
        chosen = largest[find_front(largest[[*objectives]].to_numpy(float))]
    return Population(
        parameters=chosen["parameters"].to_numpy(float),
        multiply_adds=chosen["multiply_adds"].to_numpy(float),
        sample_memory=chosen["sample_memory_bytes"].to_numpy(float),
        nodes=chosen["nodes"].to_numpy(float),
    )
