"""How well the models of a search predict its own trainings: table 1 of the paper.

Random splits, a third to learn and two thirds to test, as the paper's 50 and 100 of 150. Splits
overlap, so their differences are tested with a variance that is corrected for it.
Sources: Ru, Esperança and Carlucci 2020, section 3; Nadeau and Bengio 2003.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from nago.generators.draw import GENERATORS
from nago.generators.spaces import choose_ranges, make_space
from nago.records import UserError
from nago.report.contestants import SPREAD, Contestant, group_runs
from nago.report.runs import Run
from nago.report.tables.published import find_published
from nago.report.tables.rows import NO_RUNS, join_notes, make_table
from nago.report.tables.statistics import compare_splits, find_quartiles
from nago.search.models import Prediction, fit_model, restore_model
from nago.seeds import derive_seed
from nago.tables import hyperparameters

Array = NDArray[np.float64]
MODELS: Mapping[str, Mapping[str, Any]] = {
    # Folds only judge a fit; here the split does.
    "bnn": {"folds": 0},
    "homoscedastic": {"folds": 0},
    "gp": {},
}
"""The models that are compared, and their options."""

BASELINE = "homoscedastic"
SPLITS = 10
LEARNT = 3
"""One of so many trials is learnt."""

FEWEST = 30
"""Trials below which nothing is said: 10 to learn."""

COLUMNS = (
    *("dataset", "contestant", "seeds", "budget_epochs", "trials", "learnt", "tested"),
    *("model", "splits", "nll_median", "nll_low", "nll_high", "rmse_median", "rmse_low"),
    *("rmse_high", "nll_difference_median", "nll_difference_low", "nll_difference_high"),
    *("nll_difference_p", "published_nll_median", "published_rmse_median"),
    *("published_source", "note"),
)


def tabulate_surrogates(
    runs: Sequence[Run],
    models: Mapping[str, Mapping[str, Any]] = MODELS,
    splits: int = SPLITS,
) -> pd.DataFrame:
    """Return how well each model predicts the validation errors of a search.

    Args:
        runs: of any contestants; on each data set those of one are used, the one with most
            trials with a result at one budget, of all its seeds together.
        models: the kinds and their options.
        splits: how many.

    Returns:
        A row per data set and model: the negative log likelihood (of errors in [0, 1]) and the
        RMSE on what was not learnt, their median and quartiles over the splits; the difference of
        the likelihood to that of the homoscedastic network on the same splits, below 0 if better,
        with p of the corrected t test for splits that overlap.
    """
    rows = []
    for contestants in group_runs(runs).values():
        rows += _rate_models(list(contestants.values()), models, splits)
    return make_table(rows, COLUMNS, NO_RUNS)


def choose_trials(
    contestants: Sequence[Contestant],
) -> tuple[Contestant, int, pd.DataFrame] | None:
    """Return the contestant with most results at one budget, that budget and those trials.

    Of equal numbers the higher budget, then the earlier contestant. Trainings of the same
    configuration again and again (`spread`) are left out: a model would know what it is tested on.
    """
    best: tuple[tuple[int, int], Contestant, int, pd.DataFrame] | None = None
    for contestant in contestants:
        tables = [run.trials for run in contestant.runs if run.trials is not None]
        if not tables or contestant.method == SPREAD:
            continue
        trials = pd.concat(tables, ignore_index=True)
        trials = trials[trials["status"] == "ok"]
        for budget, found in trials.groupby("budget"):
            key = len(found), int(str(budget))
            if best is None or key > best[0]:
                best = key, contestant, key[1], found.reset_index(drop=True)
    return None if best is None else best[1:]


def encode_trials(run: Run, trials: pd.DataFrame) -> tuple[Array, Array, NDArray[np.int64]]:
    """Return what the models see: features (n, d) in [0, 1], errors (n,), and groups (d,)."""
    # Imported here: ConfigSpace is slow, and only this needs it.
    from nago.search.encoding import Encoding  # noqa: PLC0415

    settings = run.settings
    spaces = GENERATORS[str(settings["generator"])].spaces
    ranges = choose_ranges(
        str(settings["generator"]), spaces, str(settings["space"]), settings["ranges"]
    )
    encoding = Encoding(make_space(ranges))
    records = trials[hyperparameters(trials)].to_dict("records")
    features = encoding.describe(encoding.encode([dict(record) for record in records]))  # type: ignore[arg-type]
    return features, trials["validation_error"].to_numpy(dtype=float), encoding.groups


def rate_prediction(prediction: Prediction, losses: Array) -> tuple[float, float]:
    """Return the mean negative log likelihood and the RMSE of losses (n,)."""
    mean, variance = prediction.mean[:, 0], prediction.variance[:, 0]
    errors = losses - mean
    nll = 0.5 * (np.log(2 * math.pi * variance) + errors**2 / variance)
    return float(nll.mean()), float(np.sqrt((errors**2).mean()))


def _rate_models(
    contestants: Sequence[Contestant], models: Mapping[str, Mapping[str, Any]], splits: int
) -> list[dict[str, Any]]:
    place: dict[str, Any] = {"dataset": contestants[0].dataset}
    chosen = choose_trials(contestants)
    if chosen is None:
        return [{**place, "note": "no trial has a result"}]
    contestant, budget, trials = chosen
    learnt = len(trials) // LEARNT
    place |= {"contestant": contestant.name, "seeds": len(contestant.runs)}
    place |= {"budget_epochs": budget, "trials": len(trials)}
    published = {name: find_published("surrogates", contestant.published, name) for name in models}
    if len(trials) < FEWEST:
        note = f"{len(trials)} trials at one budget: {FEWEST} are needed"
        return [{**place, "model": name, **published[name], "note": note} for name in models]
    place |= {"learnt": learnt, "tested": len(trials) - learnt}
    features, errors, groups = encode_trials(contestant.runs[0], trials)
    found = {
        name: _rate_model(name, options, (features, errors, groups), learnt, splits)
        for name, options in models.items()
    }
    ratio = (len(trials) - learnt) / learnt
    return [
        {**place, "model": name, **_describe(ratings, found.get(BASELINE, {}), splits, ratio)}
        | published[name]
        for name, ratings in found.items()
    ]


def _rate_model(
    name: str,
    options: Mapping[str, Any],
    data: tuple[Array, Array, NDArray[np.int64]],
    learnt: int,
    splits: int,
) -> dict[int, tuple[float, float]]:
    """Return likelihood and RMSE by split; without those whose fit came to nothing."""
    features, errors, groups = data
    ratings = {}
    for split in range(splits):
        rows = np.random.default_rng(derive_seed(split, "split")).permutation(len(errors))
        known, held = rows[:learnt], rows[learnt:]
        losses = errors[known][:, None]
        try:
            fit = fit_model(name, features[known], losses, options, split, groups=groups)
        except UserError:
            continue
        prediction = restore_model(name, fit).predict(features[held])
        ratings[split] = rate_prediction(prediction, errors[held])
    return ratings


def _describe(
    ratings: Mapping[int, tuple[float, float]],
    baseline: Mapping[int, tuple[float, float]],
    splits: int,
    ratio: float,
) -> dict[str, Any]:
    failed = splits - len(ratings)
    row: dict[str, Any] = {"splits": len(ratings)}
    row["note"] = join_notes(f"{failed} of {splits} fits came to nothing" if failed else "")
    differences = [
        ratings[split][0] - baseline[split][0] for split in ratings if split in baseline
    ]
    values = {
        "nll": [nll for nll, _ in ratings.values()],
        "rmse": [rmse for _, rmse in ratings.values()],
        "nll_difference": [] if ratings == baseline else differences,
    }
    for name, found in values.items():
        if found:
            low, median, high = find_quartiles(found)
            row |= {f"{name}_low": low, f"{name}_median": median, f"{name}_high": high}
    row["nll_difference_p"] = compare_splits(values["nll_difference"], ratio)
    return row
