"""The front of a search: trials that no other beats in all objectives, and its hypervolume.

Errors at different budgets cannot be compared, so only trials of the highest budget with a
finite result count, as for the incumbent. The hypervolume is a share of the box between zero,
the ideal of every objective, and a reference point.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from nago.records import UserError
from nago.search.incumbent import PLAN_ORDER
from nago.search.pareto import Array, measure_hypervolume, rank_points
from nago.search.pareto import find_front as find_non_dominated


def select_compared(table: pd.DataFrame, objectives: Sequence[str]) -> pd.DataFrame:
    """Return the trials with all objectives at the highest budget that has a finite error."""
    finite = table[np.isfinite(_losses(table, objectives)).all(axis=1)]
    compared: pd.DataFrame = finite[finite["budget"] == finite["budget"].max()]
    return compared


def find_front(table: pd.DataFrame, objectives: Sequence[str]) -> pd.DataFrame:
    """Return the trials of a table that no other dominates, by rising first objective.

    Of trials with equal objectives all are kept.

    Args:
        table: a row per trial, as `nago.tables.read_table` gives it.
        objectives: the columns that are minimised.
    """
    trials = select_compared(table, objectives)
    front = trials[find_non_dominated(_losses(trials, objectives))]
    return front.sort_values([*objectives, *PLAN_ORDER]).reset_index(drop=True)


def complete_reference(
    table: pd.DataFrame, objectives: Sequence[str], given: Sequence[float | None]
) -> list[float]:
    """Return the reference point, the largest value found where none is given.

    Args:
        table: a row per trial.
        objectives: the columns that are minimised.
        given: a value for each, or None.
    """
    losses = _losses(select_compared(table, objectives), objectives)
    largest = losses.max(axis=0) if len(losses) else np.ones(len(objectives))
    return [float(m) if value is None else value for value, m in zip(given, largest, strict=True)]


def trace_hypervolume(
    table: pd.DataFrame, objectives: Sequence[str], reference: Sequence[float]
) -> pd.DataFrame:
    """Return how the front grew, a row after each bracket.

    Args:
        table: a row per trial; bracket -1 are trials of an earlier search.
        objectives: the columns that are minimised.
        reference: a point worse than all of interest, above 0.

    Returns:
        `bracket`; `trials` and `epochs` so far; `hypervolume` of those compared, a share of the
        box from 0 to the reference point; the same `reference_<objective>` in each row.
    """
    compared = select_compared(table, objectives)
    columns = {f"reference_{name}": v for name, v in zip(objectives, reference, strict=True)}
    rows = []
    for bracket in sorted(set(table["bracket"])):
        so_far = table[table["bracket"] <= bracket]
        losses = _losses(compared[compared["bracket"] <= bracket], objectives)
        rows.append(
            {
                "bracket": bracket,
                "trials": len(so_far),
                "epochs": int(so_far["epochs"].sum()),
                "hypervolume": _share(losses, reference),
                **columns,
            }
        )
    names = ["bracket", "trials", "epochs", "hypervolume", *columns]
    return pd.DataFrame(rows, columns=names)


def choose_finalists(
    table: pd.DataFrame, objectives: Sequence[str], reference: Sequence[float], count: int
) -> pd.DataFrame:
    """Return trials that stand for the front, in the order of choice.

    The first has the lowest error; each further one adds most hypervolume to those chosen. When
    the front is used up, the front of the trials behind it follows.

    Args:
        table: a row per trial.
        objectives: the columns that are minimised.
        reference: a point worse than all of interest, above 0.
        count: how many trials are chosen.

    Raises:
        UserError: fewer trials than that can be compared.
    """
    trials = select_compared(table, objectives).sort_values([*objectives, *PLAN_ORDER])
    if len(trials) < count:
        raise UserError(
            f"there are {len(trials)} trials with a result at the highest budget, fewer than the"
            f" {count} finalists; ask for fewer or train more"
        )
    losses = _losses(trials, objectives)
    ranks = rank_points(losses)
    chosen: list[int] = []
    while len(chosen) < count:
        left = [place for place in range(len(trials)) if place not in chosen]
        best_rank = min(ranks[left])
        front = [place for place in left if ranks[place] == best_rank]
        gains = [_share(losses[[*chosen, place]], reference) for place in front]
        # argmax gives the first of equal ones: the lowest error, which is also the first choice.
        chosen.append(front[int(np.argmax(gains))] if chosen else front[0])
    return trials.iloc[chosen]


def choose_generators(
    generators: pd.DataFrame,
    table: pd.DataFrame,
    objectives: Sequence[str],
    reference: Sequence[float],
    count: int,
) -> pd.DataFrame:
    """Return the trials that name the generators which stand for the front, in order of choice.

    They are chosen as finalists are, by the mean losses that are expected of a generator instead
    of those of a trial.

    Args:
        generators: a row each, as `nago.search.generators` tabulates them.
        table: a row per trial.
        objectives: the columns that are minimised.
        reference: a point worse than all of interest, above 0.
        count: how many are chosen.

    Raises:
        UserError: there are fewer.
    """
    known = generators.set_index("trial")
    trials = table.set_index("trial", drop=False).loc[known.index]
    expected = {name: known[f"mean_{name}"] for name in objectives}
    expected["validation_error"] = known["expected_validation_error"]
    chosen = choose_finalists(trials.assign(**expected), objectives, reference, count)
    return trials.loc[chosen["trial"]]


def _losses(table: pd.DataFrame, objectives: Sequence[str]) -> Array:
    return table[list(objectives)].to_numpy(dtype=np.float64, na_value=np.nan)


def _share(losses: Array, reference: Sequence[float]) -> float:
    point = np.asarray(reference, dtype=np.float64)
    return measure_hypervolume(losses / point, np.ones_like(point))
