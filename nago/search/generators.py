"""The generators that a search tried, as a table.

A generator is a configuration; it goes by the name of its first trial that has a result.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from ConfigSpace import ConfigurationSpace

from nago.records import UserError
from nago.search import mobo
from nago.search.encoding import Encoding
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
    seed: int,
) -> pd.DataFrame:
    """Return what is known of each generator, the likeliest to be Pareto-optimal first.

    Args:
        space: that the surrogate was fitted on.
        surrogate: of `mobo`, that has learnt from all trials of the table.
        table: a row per trial.
        objectives: the columns that are minimised; the first is the validation error, the others
            follow from the architectures.
        seed: of the draws that give the probabilities.

    Returns:
        `trial`; `draws` and `failed`, the trials with a result and without; the hyperparameters;
        the mean and the standard deviation of the validation error over the draws, NaN of a
        single one; the means of the other objectives and the sample memory; by the model, the
        mean validation error, `expected_deviation`, how uncertain that is, and `noise_deviation`,
        how far one trial may be from it; and the probability.

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
    counted = np.array([name != "validation_error" for name in objectives])
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
    columns["expected_validation_error"] = judge.scaling.restore(means.mean)[:, 0]
    columns["expected_deviation"] = _restore_deviation(
        judge, means.mean, np.sqrt(np.diagonal(means.covariance, axis1=1, axis2=2).T)
    )
    columns["noise_deviation"] = _restore_deviation(judge, means.mean, np.sqrt(means.noise))
    columns[PROBABILITY] = rate_optimal(means, seed)
    found = pd.DataFrame({"trial": first["trial"], **columns})
    return found.sort_values(
        [PROBABILITY, "expected_validation_error"], ascending=[False, True], kind="stable"
    ).reset_index(drop=True)


def _restore_deviation(judge: Judge, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """Return deviations (n, m) of the first loss in its own units, half of what they span."""
    ends = [judge.scaling.restore(mean + sign * deviation)[:, 0] for sign in (-1, 1)]
    return np.asarray((ends[1] - ends[0]) / 2)
