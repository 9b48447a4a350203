import math

import numpy as np
import pandas as pd
import pytest
from report_runs import make_run, make_trial
from scipy import stats

from nago.report.contestants import group_runs, list_contestants
from nago.report.runs import read_run
from nago.report.tables.surrogates import (
    choose_trials,
    encode_trials,
    rate_prediction,
    tabulate_surrogates,
)
from nago.search.models import Prediction

FAST = {
    name: {"folds": 0, "burn_in": 60, "steps": 40, "keep_every": 10, "chains": 2}
    for name in ("bnn", "homoscedastic")
} | {"gp": {}}


def run(*args, **kwargs):
    return read_run(make_run(*args, finals=(), **kwargs))


def test_likelihood_and_error_are_those_of_normals():
    losses = np.array([0.1, 0.3, 0.2])
    mean, noise, own = np.array([0.1, 0.2, 0.4]), np.array([0.01, 0.02, 0.03]), np.full(3, 0.01)
    prediction = Prediction(mean[:, None], noise[:, None], own[:, None])
    nll, rmse = rate_prediction(prediction, losses)
    deviations = np.sqrt(noise + own)
    assert nll == pytest.approx(-np.mean(stats.norm.logpdf(losses, mean, deviations)))
    assert rmse == pytest.approx(math.sqrt((0 + 0.01 + 0.04) / 3))


def test_the_contestant_with_most_results_at_one_budget_is_taken(tmp_path):
    few = [make_trial((0, 0, slot), 0.2) for slot in range(3)]
    many = [make_trial((0, 0, slot), 0.2, budget=1 + slot % 2) for slot in range(8)]
    failed = [make_trial((0, 0, slot), None) for slot in range(20)]
    runs = [
        run(tmp_path, trials=few),
        run(tmp_path, method="random", trials=many),
        run(tmp_path, method="random", trials=many, seed=1),
        run(tmp_path, method="mobo", trials=failed),
        run(tmp_path, method="spread", trials=few * 10),
    ]
    contestant, budget, trials = choose_trials(list_contestants(group_runs(runs)))
    # 4 at each budget in both runs; of equal numbers the higher budget.
    assert (contestant.name, budget, len(trials)) == ("hnag-random", 2, 8)


def test_features_lie_between_the_limits_of_the_space(tmp_path):
    found = run(tmp_path, method="random", iterations=12)
    trials = found.trials[found.trials["status"] == "ok"]
    features, errors, groups = encode_trials(found, trials)
    assert features.shape == (len(trials), 8)
    assert sorted(groups) == list(range(8))
    assert errors.tolist() == trials["validation_error"].tolist()
    nodes = (trials["top_nodes"].to_numpy(dtype=float) - 3) / (10 - 3)
    assert any(np.allclose(features[:, column], nodes) for column in range(8))


def test_each_model_is_rated_on_the_same_splits(tmp_path):
    found = run(tmp_path, method="random", iterations=12)
    table = tabulate_surrogates([found], FAST, splits=3)
    count = int((found.trials["status"] == "ok").sum())
    assert table["model"].tolist() == ["bnn", "homoscedastic", "gp"]
    assert set(table["trials"]) == {count}
    assert set(table["learnt"]) == {count // 3}
    assert set(table["learnt"] + table["tested"]) == {count}
    assert set(table["splits"]) == {3}
    assert (table["nll_low"] <= table["nll_high"]).all()
    assert table["nll_difference_median"].isna().tolist() == [False, True, False]
    again = tabulate_surrogates([found], FAST, splits=3)
    pd.testing.assert_frame_equal(table, again)


def test_too_few_trials_are_not_rated(tmp_path):
    table = tabulate_surrogates([run(tmp_path, dataset="cifar10")], FAST)
    assert table["published_nll_median"].tolist()[:2] == [3.43, 5.92]
    assert table["note"].str.endswith("trials at one budget: 30 are needed").all()
    failed = [make_trial((0, 0, 0), None)]
    assert tabulate_surrogates([run(tmp_path, trials=failed)])["note"].tolist() == [
        "no trial has a result"
    ]
    assert tabulate_surrogates([])["note"].tolist() == ["no runs were given"]
