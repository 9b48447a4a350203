import numpy as np
import pandas as pd
import pytest
from report_runs import CONFIGURATION, make_final, make_run, make_trial

from nago.report.runs import read_run
from nago.report.tables.claims import (
    ALIKE,
    BOHB,
    BUDGETS,
    HNAG,
    MOBO,
    NOISE,
    NOT_SHOWN,
    decide,
    tabulate_claims,
)
from nago.report.tables.differences import tabulate_differences

CLAIMS = {HNAG, BOHB, MOBO, NOISE, BUDGETS, ALIKE}


def run(*args, **kwargs):
    return read_run(make_run(*args, **kwargs))


def claim(runs, surrogates=None):
    return tabulate_claims(runs, tabulate_differences(runs), surrogates)


def spread_trials(groups):
    return [
        make_trial((0, 0, 10 * k + place), error, configuration=CONFIGURATION | {"top_p": k / 10})
        for k, errors in enumerate(groups)
        for place, error in enumerate(errors)
    ]


def test_every_claim_has_a_row_whatever_is_there(tmp_path):
    table = claim([run(tmp_path, trials=())])
    assert set(table["claim"]) == CLAIMS
    assert set(table["holds"]) == {NOT_SHOWN}
    assert table["note"].notna().all()
    assert claim([])["note"].tolist() == ["no runs were given"]


def test_one_seed_shows_nothing(tmp_path):
    contestants = [("hnag", "bohb"), ("hnag", "random"), ("rnag", "bohb"), ("hnag", "mobo")]
    runs = [run(tmp_path, generator=g, method=m) for g, m in [*contestants, ("hnag", "spread")]]
    assert set(claim(runs)["holds"]) == {NOT_SHOWN}


@pytest.mark.parametrize(("better", "holds"), [(-0.1, "yes"), (0.1, "no")])
def test_six_seeds_that_agree_decide(tmp_path, better, holds):
    runs = []
    for seed in range(6):
        for method, error in (("random", 0.3 + 0.01 * seed), ("bohb", 0.3 + better)):
            trials = [make_trial((0, 0, 0), error)]
            finals = [make_final(1 - error - 0.001 * k) for k in range(2)]
            runs.append(run(tmp_path, seed=seed, method=method, trials=trials, finals=finals))
    table = claim(runs).set_index("claim").loc[BOHB]
    assert table["holds"].tolist() == [holds, holds]
    assert table["seeds"].tolist() == [6, 6]
    differences = [100 * (better - 0.01 * seed) for seed in range(6)]
    assert table["value"].iloc[0] == pytest.approx(np.median(differences), rel=1e-4)
    assert table["low"].iloc[0] == pytest.approx(np.quantile(differences, 0.25), rel=1e-4)
    assert table["value"].iloc[1] == pytest.approx(-np.median(differences), rel=1e-4)
    assert table["p"].iloc[0] == 2 / 64


@pytest.mark.parametrize(
    ("value", "p", "seeds", "holds"),
    [
        *((-1.0, 0.01, 6, "yes"), (1.0, 0.01, 6, "no"), (-1.0, 0.06, 6, "not shown")),
        *(
            (-1.0, None, 6, "not shown"),
            (-1.0, 0.01, 1, "not shown"),
            (None, 0.01, 6, "not shown"),
        ),
    ],
)
def test_what_decides_a_claim(value, p, seeds, holds):
    assert decide(value, -1, p, seeds)["holds"] == holds


def test_the_lightest_finalist_of_equal_accuracy_is_weighed(tmp_path):
    runs = []
    for seed in range(6):
        trials = [make_trial((0, 0, slot), 0.1) for slot in range(2)]
        # The mean is .92 and the deviation .02 * sqrt(2): .90 is equal and .85 is not.
        base = [make_final(a, memory=8 * 2**20) for a in (0.90, 0.94)]
        light = [
            make_final(0.90, memory=(4 + seed) * 2**19, trial="b0-r0-s0"),
            make_final(0.85, memory=2**19, trial="b0-r0-s1"),
        ]
        runs.append(run(tmp_path, seed=seed, trials=trials[:1], finals=base))
        runs.append(run(tmp_path, seed=seed, method="mobo", trials=trials, finals=light))
    row = claim(runs).set_index("claim").loc[MOBO]
    ratios = [(4 + seed) / 16 for seed in range(6)]
    assert (row["value"], row["holds"], row["p"]) == (np.median(ratios), "yes", 2 / 64)
    low = claim(runs[:2]).set_index("claim").loc[MOBO]
    assert (low["value"], low["holds"]) == (4 / 16, NOT_SHOWN)


def test_a_seed_without_an_equal_finalist_leaves_the_claim_open(tmp_path):
    runs = []
    for seed, accuracy in enumerate([0.9] * 6 + [0.5]):
        trials = [make_trial((0, 0, 0), 0.1)]
        base = [make_final(a) for a in (0.90, 0.91)]
        light = [make_final(accuracy, memory=2**18)]
        runs.append(run(tmp_path, seed=seed, trials=trials, finals=base))
        runs.append(run(tmp_path, seed=seed, method="mobo", trials=trials, finals=light))
    row = claim(runs).set_index("claim").loc[MOBO]
    assert (row["holds"], row["seeds"]) == (NOT_SHOWN, 7)
    assert row["note"] == "1 of 7 seeds have no finalist of equal accuracy"


@pytest.mark.parametrize(("seeds", "holds"), [(1, NOT_SHOWN), (3, "yes")])
def test_surrogates_count_if_more_than_one_seed_trained_for_them(tmp_path, seeds, holds):
    surrogates = pd.DataFrame(
        {
            "dataset": ["digits"] * 2,
            "contestant": ["hnag-bohb"] * 2,
            "model": ["homoscedastic", "bnn"],
            "seeds": [seeds] * 2,
            "trials": [90] * 2,
            "nll_difference_median": [None, -0.5],
            "nll_difference_low": [None, -0.6],
            "nll_difference_high": [None, -0.4],
            "nll_difference_p": [None, 0.01],
            "note": [None, None],
        }
    )
    row = claim([run(tmp_path, finals=())], surrogates).set_index("claim").loc[NOISE]
    assert (row["value"], row["low"], row["holds"]) == (-0.5, -0.6, holds)


@pytest.mark.parametrize(("step", "holds"), [(0.05, "yes"), (0.0, "no")])
def test_a_generator_whose_networks_are_alike(tmp_path, step, holds):
    runs = []
    for seed in range(2):
        noise = np.random.default_rng(seed).normal(0, 0.01, size=(8, 6))
        groups = (0.2 + step * np.arange(8)[:, None] + noise).tolist()
        runs.append(run(tmp_path, seed=seed, method="spread", trials=spread_trials(groups)))
    row = claim(runs).set_index("claim").loc[ALIKE]
    assert (row["seeds"], row["note"]) == (2, "16 configurations")
    assert row["holds"] in ((holds,) if step else ("no", NOT_SHOWN))
    assert claim(runs[:1]).set_index("claim").loc[ALIKE, "holds"] == NOT_SHOWN
