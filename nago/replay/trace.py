"""The any-time curve of an optimiser on a replay."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nago.replay.optimisers import Evaluation
from nago.replay.table import Replay
from nago.search.pareto import measure_hypervolume


def trace_run(replay: Replay, evaluations: Sequence[Evaluation]) -> pd.DataFrame:
    """Return what was asked, what it gave and the best so far, a row for each evaluation.

    Only evaluations at the highest budget count for the best. With several objectives
    `hypervolume` is that of those, as a share of the largest that is known.

    Returns:
        `evaluation` from 1, `epochs` so far, `budget`, the hyperparameters, `distance` to what was
        trained, a column for each objective (empty if it failed), `best` of the first objective
        (empty before the first result), and `hypervolume`.
    """
    highest, names = replay.budgets[-1], replay.objectives
    known = replay.list_losses(highest)
    # A little beyond the worst known, so that the worst dominate something as well.
    reference = known.max(axis=0) * 1.01 if len(known) else np.ones(len(names))
    total = measure_hypervolume(known, reference)
    rows, counted, epochs = [], np.empty((0, len(names))), 0
    for number, item in enumerate(evaluations, start=1):
        losses = item.result.losses
        epochs += item.result.epochs
        worked = bool(np.isfinite(losses).all())
        if worked and item.budget == highest:
            counted = np.vstack([counted, losses])
        row: dict[str, object] = {"evaluation": number, "epochs": epochs, "budget": item.budget}
        row |= dict(item.configuration) | {"distance": item.result.distance}
        row |= dict(zip(names, losses if worked else (None,) * len(names), strict=True))
        row["best"] = float(counted[:, 0].min()) if len(counted) else None
        if len(names) > 1:
            row["hypervolume"] = measure_hypervolume(counted, reference) / total if total else 0.0
        rows.append(row)
    return pd.DataFrame(rows)
