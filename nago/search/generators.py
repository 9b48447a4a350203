"""The generators that a search tried, as a table, and those of them that stand for the front.

A generator is a configuration; it goes by the name of its first trial that has a result.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from ConfigSpace import ConfigurationSpace

from nago.records import UserError
from nago.search import mobo
from nago.search.encoding import Encoding
from nago.search.front import choose_finalists
from nago.search.judge import Judge
from nago.search.methods import Surrogate
from nago.search.replicates import rate_optimal
from nago.search.tried import believe_means, group_trials
from nago.tables import hyperparameters

PROBABILITY = "probability_pareto_optimal"
MEMORY = "sample_memory_bytes"


def tabulate_generators(
    space: ConfigurationSpace,
    surrogate: Surrogate,
    table: pd.DataFrame,
    objectives: Sequence[str],
    *,
    modelled: bool,
    seed: int,
) -> pd.DataFrame:
    """Return what is known of each generator, the likeliest to be Pareto-optimal first.

    Args:
        space: that the surrogate was fitted on.
        surrogate: of `mobo`, that has learnt from all trials of the table.
        table: a row per trial.
        objectives: the columns that are minimised.
        modelled: whether all of them are modelled; else the first alone is, and the others follow
            from the architectures.
        seed: of the draws that give the probabilities.

    Returns:
        `trial`; `draws` and `failed`, the trials with a result and without; the hyperparameters;
        the mean and the standard deviation of the validation error over the draws, NaN of a
        single one; the mean of the other objectives and the sample memory; `expected_` and the
        name of an objective, its mean by the model, and `expected_deviation`, how uncertain that
        of the validation error is; `noise_deviation`, that of one trial's validation error about
        the mean, by the model; and the probability.

    Raises:
        UserError: the surrogate has no model, or is not of the table's trials.
    """
    names = [item["trial"] for item in surrogate["tried"]]
    if names != table["trial"].tolist():
        raise UserError(
            f"the surrogate must be of the {len(table)} trials of the table, it is of {len(names)}"
        )
    if surrogate["model"] is None:
        results = surrogate["observations"] - surrogate["failed"]
        raise UserError(
            f"a table of generators needs {mobo.FEWEST} results, {results} of {len(table)} trials"
            " have"
        )
    encoding, arrays = Encoding(space), surrogate["arrays"]
    judge = Judge(encoding, surrogate, mobo.restore_fit(surrogate), None, seed)
    tried = group_trials(arrays["genes"], arrays["losses"])
    counted = [False, *[not modelled] * (len(objectives) - 1)]
    means = believe_means(
        judge.model,
        encoding.describe(arrays["genes"][tried.first]),
        judge.scaling.standardise(arrays["losses"]),
        tried,
        counted,
    )
    draws = table.assign(place=tried.place)[np.isfinite(arrays["losses"]).all(axis=1)]
    columns: dict[str, object] = {"draws": tried.draws, "failed": tried.failed}
    first = table.iloc[tried.first].reset_index(drop=True)
    columns |= {name: first[name] for name in hyperparameters(table)}
    groups = draws.groupby("place")
    columns |= {
        f"mean_{name}": groups[name].mean().astype(float)
        for name in dict.fromkeys([*objectives, MEMORY])
    }
    columns["sd_validation_error"] = groups["validation_error"].std(ddof=1)
    expected = judge.scaling.restore(means.mean)
    columns |= {
        f"expected_{name}": expected[:, column]
        for column, name in enumerate(objectives)
        if not counted[column]
    }
    columns["expected_deviation"] = _restore_deviation(
        judge, means.mean, np.sqrt(np.diagonal(means.covariance, axis1=1, axis2=2).T)
    )
    columns["noise_deviation"] = _restore_deviation(judge, means.mean, np.sqrt(means.noise))
    columns[PROBABILITY] = rate_optimal(means, seed)
    found = pd.DataFrame({"trial": first["trial"], **columns})
    return found.sort_values(
        [PROBABILITY, "expected_validation_error"], ascending=[False, True], kind="stable"
    ).reset_index(drop=True)


def choose_generators(
    generators: pd.DataFrame,
    table: pd.DataFrame,
    objectives: Sequence[str],
    reference: Sequence[float],
    count: int,
) -> pd.DataFrame:
    """Return the first trials of the generators that stand for the front, in the order of choice.

    They are chosen as finalists are, by the mean losses that are expected of a generator instead
    of those of a trial.

    Args:
        generators: of `tabulate_generators`.
        table: a row per trial.
        objectives: the columns that are minimised.
        reference: a point worse than all of interest, above 0.
        count: how many are chosen.

    Raises:
        UserError: there are fewer.
    """
    losses: Mapping[str, pd.Series] = {
        name: generators.set_index("trial")[
            f"expected_{name}" if f"expected_{name}" in generators.columns else f"mean_{name}"
        ]
        for name in objectives
    }
    trials = table.set_index("trial", drop=False).loc[generators["trial"]]
    stand_ins = trials.assign(**losses).reset_index(drop=True)
    chosen = choose_finalists(stand_ins, objectives, reference, count)
    return trials.loc[chosen["trial"]].reset_index(drop=True)


def _restore_deviation(judge: Judge, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Return deviations (n, m) of the first loss in its own units, (n,): half of what they span."""
    ends = [judge.scaling.restore(mean + sign * deviation)[:, 0] for sign in (-1, 1)]
    return np.asarray((ends[1] - ends[0]) / 2)
