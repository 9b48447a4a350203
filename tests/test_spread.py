"""The spread between and within generators, against scipy, brute force and closed forms."""

import itertools
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from contest_runs import make_spread, make_trials, settings_of, write_run
from scipy.stats import f_oneway
from svg_figures import marks, texts

from nago.report.figures.spread import draw_spread
from nago.report.tables.spread import (
    bound_ratio,
    read_draws,
    split_variance,
    summarise_spread,
    tabulate_shares,
)
from nago.tables import read_table

ROOT = Path(__file__).parents[1]
FIRST, SECOND = {"top_nodes": 3, "top_p": 0.5}, {"top_nodes": 4, "top_p": 0.5}
BLUE, ORANGE = "#0072b2", "#d55e00"


def draw_groups(seed, equal):
    rng = np.random.default_rng(seed)
    sizes = [4] * 6 if equal else [1, 5, 2, 7, 3, 4]
    return [rng.normal(rng.normal(0, 2), 1, size) for size in sizes]


def small_run(folder):
    """Two configurations with two and three draws, one of which failed."""
    rows = [
        (0, 0, 0, 12, None, 0.10, 4, FIRST),
        (0, 0, 1, 12, None, 0.30, 6, SECOND),
        (0, 0, 2, 12, None, 0.14, 8, FIRST),
        (0, 0, 3, 12, None, None, 99, SECOND),
        (0, 0, 4, 12, None, 0.40, 10, SECOND),
    ]
    trials = make_trials(*rows)
    costs = trials[["trial"]].assign(seconds=[1.0, 2.0, 3.0, 4.0, 5.0])[:4]
    return write_run(folder, settings_of("digits", "hnag-spread", 0), trials, costs=costs)


# The analysis of variance.


@pytest.mark.parametrize("equal", [True, False])
@pytest.mark.parametrize("seed", range(5))
def test_the_shares_are_those_of_scipys_analysis_of_variance(seed, equal):
    groups = draw_groups(seed, equal)
    found = split_variance(groups)
    a, n = len(groups), sum(len(group) for group in groups)
    f = f_oneway(*groups).statistic
    # F = (SSB / (a - 1)) / (SSW / (n - a)), so SSB / SSW is known from F alone.
    odds = f * (a - 1) / (n - a)
    assert found["share_between"] == pytest.approx(odds / (1 + odds))
    assert found["share_between"] + found["share_within"] == pytest.approx(1)
    assert (found["configurations"], found["draws"]) == (a, n)
    if equal:  # ICC(1,1) of Shrout and Fleiss: (MSB - MSW) / (MSB + (k - 1) MSW), over MSW
        assert found["intraclass"] == pytest.approx((f - 1) / (f + 4 - 1))


@pytest.mark.parametrize("seed", range(3))
def test_the_parts_of_the_variance_add_up_draw_by_draw(seed):
    groups = draw_groups(seed, equal=False)
    found = split_variance(groups)
    joined = [value for group in groups for value in group]
    total = sum((value - np.mean(joined)) ** 2 for value in joined)
    within = sum((v - np.mean(group)) ** 2 for group in groups for v in group)
    assert found["share_within"] == pytest.approx(within / total)
    assert found["std_within"] == pytest.approx(math.sqrt(within / (len(joined) - len(groups))))


@pytest.mark.parametrize("seed", range(3))
def test_the_intraclass_correlation_is_that_of_all_pairs_in_large_samples(seed):
    """Of a thousand groups, two draws of one group correlate as the coefficient says."""
    rng = np.random.default_rng(seed)
    groups = [rng.normal(rng.normal(0, 2), 1, 3) for _ in range(1000)]
    pairs = np.array([pair for group in groups for pair in itertools.permutations(group, 2)])
    found = split_variance(groups)
    assert found["intraclass"] == pytest.approx(np.corrcoef(pairs.T)[0, 1], abs=0.005)
    assert found["std_between"] == pytest.approx(2, rel=0.1)
    assert found["std_within"] == pytest.approx(1, rel=0.1)


def test_by_hand_two_groups_of_two():
    # Means 1 and 5 around 3: SSB = 4 * 4 = 16, SSW = 2 + 2 = 4; MSB = 16, MSW = 2, n0 = 2.
    found = split_variance([np.array([0.0, 2.0]), np.array([4.0, 6.0])])
    assert found["share_between"] == pytest.approx(0.8)
    assert found["std_between"] == pytest.approx(math.sqrt(7))
    assert found["std_within"] == pytest.approx(math.sqrt(2))
    assert found["intraclass"] == pytest.approx(7 / 9)


@pytest.mark.parametrize(
    ("groups", "unknown"),
    [
        ([], ["mean", "share_between", "std_between", "std_within", "intraclass"]),
        ([[1.0]], ["share_between", "std_between", "std_within", "intraclass"]),
        ([[1.0, 2.0]], ["std_between", "intraclass"]),
        ([[1.0], [2.0], []], ["std_between", "std_within", "intraclass"]),
        ([[2.0, 2.0], [2.0, 2.0]], ["share_between", "intraclass"]),
    ],
)
def test_what_cannot_be_said_is_nan(groups, unknown, recwarn):
    found = split_variance([np.array(group) for group in groups])
    assert [name for name in unknown if not math.isnan(found[name])] == []
    assert not math.isnan(found["draws"])
    assert [str(warning.message) for warning in recwarn] == []


def test_draws_that_differ_more_within_than_between_have_no_deviation_between():
    found = split_variance([np.array([0.0, 4.0]), np.array([1.0, 3.0])])
    assert found["std_between"] == 0
    assert found["intraclass"] < 0


# The ratio of the deviations.


@pytest.mark.parametrize("equal", [True, False])
def test_the_ratio_is_that_of_the_analysis_of_variance_and_lies_in_its_interval(equal):
    groups = [*draw_groups(3, equal), np.array([0.5])]
    found, parts = bound_ratio(groups), split_variance(groups)
    assert found.ratio == parts["std_within"] / parts["std_between"]
    assert found.configurations == len(groups)
    assert found.low < found.ratio < found.high


def test_the_ratio_by_hand():
    groups = [[0.1, 0.12, 0.14], [0.3, 0.32, 0.34], [0.2, 0.22, 0.24]]
    # Mean squares of one-way analysis of variance, k = 3 in each group.
    within = np.mean([np.var(group, ddof=1) for group in groups])
    between = (3 * np.var([np.mean(group) for group in groups], ddof=1) - within) / 3
    found = bound_ratio([np.array(group) for group in groups])
    assert found.ratio == pytest.approx(np.sqrt(within / between))
    alike = [np.array([0.1, 0.2]), np.array([0.1, 0.2])]
    assert bound_ratio(alike).ratio == math.inf
    assert bound_ratio([np.array([0.1, 0.2]), np.array([0.3])]) is None


# The tables.


def test_configurations_are_numbered_in_the_order_of_the_plan(tmp_path):
    draws = read_draws(small_run(tmp_path / "run"))
    assert draws["configuration"].tolist() == [0, 1, 0, 1, 1]
    assert draws["error"].tolist() == pytest.approx([10, 30, 14, math.nan, 40], nan_ok=True)
    assert draws["seconds"].tolist() == pytest.approx([1, 2, 3, math.nan, math.nan], nan_ok=True)


def test_the_table_has_the_numbers_of_each_configuration_by_hand(tmp_path):
    table = summarise_spread([small_run(tmp_path / "run")])
    assert list(table.columns) == [
        *("dataset", "generator", "seed", "configuration", "top_nodes", "top_p"),
        *("draws", "failed", "error_mean", "error_std", "memory_mean", "memory_std"),
        *("seconds_mean", "seconds_std"),
    ]
    first, second = table.to_dict("records")
    assert (first["dataset"], first["generator"], first["top_nodes"]) == ("digits", "hnag", 3)
    assert (first["draws"], first["failed"]) == (2, 0)
    assert (second["draws"], second["failed"]) == (2, 1)
    assert first["error_mean"] == pytest.approx(12)
    assert first["error_std"] == pytest.approx(math.sqrt(8))
    assert (first["memory_mean"], first["memory_std"]) == (6, pytest.approx(math.sqrt(8)))
    # The failed draw's memory is left out, and one draw's seconds are unknown.
    assert (second["error_mean"], second["memory_mean"]) == (pytest.approx(35), 8)
    assert second["seconds_mean"] == 2
    assert math.isnan(second["seconds_std"])


def test_the_shares_have_a_row_per_run_and_measure(tmp_path):
    runs = [make_spread(tmp_path), make_spread(tmp_path, 3, 2, dataset="mnist", seed=1)]
    shares = tabulate_shares(runs)
    assert shares["measure"].tolist() == ["error", "memory", "seconds"] * 2
    assert shares["unit"].tolist() == ["%", "MB", "s"] * 2
    for run, rows in zip(runs, (shares[:3], shares[3:]), strict=True):
        groups = [group["error"].dropna() for _, group in read_draws(run).groupby("configuration")]
        f = f_oneway(*[group for group in groups if len(group)]).statistic
        error = rows.iloc[0]
        odds = f * (error["configurations"] - 1) / (error["draws"] - error["configurations"])
        assert error["share_between"] == pytest.approx(odds / (1 + odds))


def test_other_methods_and_unfinished_runs_have_no_rows(tmp_path):
    other = write_run(tmp_path / "other", settings_of("digits", "hnag-bohb", 0))
    waiting = write_run(tmp_path / "waiting", settings_of("digits", "hnag-spread", 0))
    assert summarise_spread([other, waiting]).empty
    assert len(tabulate_shares([other])) == 0
    assert tabulate_shares([waiting])["draws"].tolist() == [0, 0, 0]


# The figure.


def draw(runs, path):
    draw_spread(summarise_spread(runs), tabulate_shares(runs), [path])
    return texts(path)


def test_every_configuration_is_a_mark_in_both_panels_and_the_shares_are_said(tmp_path):
    run = make_spread(tmp_path, failed=0)
    found = draw([run], tmp_path / "spread.svg")
    counts = [marks(tmp_path / "spread.svg", colour)["filled"] for colour in (BLUE, ORANGE)]
    assert sum(counts) == 2 * 12 + 2  # twelve in each panel and two in the legend
    axes = {"sample memory (MB per image)", "training (seconds)", "validation error (%)"}
    assert axes <= set(found)
    error = tabulate_shares([run]).iloc[0]
    said = (
        f"error: std {error['std_between']:.3g} between, {error['std_within']:.3g} points within"
    )
    assert any(text.startswith(said) for text in found)


@pytest.mark.parametrize(
    ("trials", "words"),
    [
        ([], "no run has the method spread"),
        ([None], "no draw has a result"),
        ([(0, 0, 0, 12, None, None, 4, FIRST)], "no draw has a result"),
        ([(0, 0, 0, 12, None, 0.1, 4, FIRST)], "error: too few draws to part the variance"),
        ([(0, 0, 0, 12, None, 0.1, 4, FIRST)], "no seconds known"),
    ],
)
def test_a_spread_with_little_to_show_says_so(trials, words, tmp_path, recwarn):
    settings = settings_of("digits", "hnag-spread", 0)
    table = make_trials(*trials) if trials and trials[0] else None
    runs = [write_run(tmp_path / "run", settings, table)] if trials else []
    assert words in draw(runs, tmp_path / "spread.svg")
    assert [str(warning.message) for warning in recwarn] == []


def test_the_script_writes_tables_and_figures_whose_bytes_repeat(tmp_path):
    folder = make_spread(tmp_path, 4, 3).folder
    script = [sys.executable, "scripts/draw_spread.py", "--runs", str(folder)]
    contents = []
    for turn in "12":
        out = tmp_path / turn
        options = {"table": "t.csv", "shares": "s.csv", "figure": "f.svg", "pdf": "f.pdf"}
        given = [part for name, file in options.items() for part in (f"--{name}", str(out / file))]
        environment = os.environ | {"PYTHONHASHSEED": turn, "PYTHONPATH": str(ROOT)}
        subprocess.run([*script, *given], check=True, cwd=ROOT, env=environment)
        contents.append({path.name: path.read_bytes() for path in out.iterdir()})
    assert contents[0] == contents[1]
    assert set(contents[0]) == {"t.csv", "s.csv", "f.svg", "f.pdf"}
    assert len(read_table(tmp_path / "1" / "t.csv")) == 4
    assert b"Date" not in contents[0]["f.pdf"] + contents[0]["f.svg"]
