"""The benchmark of warm starts, on cases known by hand."""

import numpy as np
import pandas as pd
import pytest
from benchmark_modules import load

(warm,) = load("beyond_warm")
BOTH = ("validation_error", "multiply_adds")


def test_a_misleading_prior_has_the_errors_the_other_way_round_and_the_same_costs():
    told = warm.make_prior("mnist", "other", BOTH)
    reversed_ = warm.make_prior("mnist", "reversed", BOTH)
    assert len(told) == len(reversed_) == 1152
    assert not warm.make_prior("mnist", "none", BOTH)
    for right, wrong in zip(told[::50], reversed_[::50], strict=True):
        assert wrong.configuration == right.configuration
        assert wrong.losses == pytest.approx((1 - right.losses[0], right.losses[1]))
    assert {len(item.losses) for item in warm.make_prior("mnist", "other", BOTH[:1])} == {1}


def test_searches_are_compared_seed_by_seed():
    base, other = np.array([0.1, 0.2, 0.3, 0.4, 0.5]), np.array([0.2, 0.2, 0.5, 0.1, 0.9])
    assert warm.compare_pairs(base, other).startswith("3, 1, 1 (p ")
    assert warm.compare_pairs(base, base) == "0, 5, 0 (p 1.000)"


def test_a_lower_error_is_better_and_a_search_without_a_result_is_not_compared():
    runs = pd.DataFrame(
        {"seed": seed, "prior": prior, "evaluations": evaluations, "error": error, "share": error}
        for seed in (0, 1)
        for prior, error in (("none", 0.3), ("other", 0.1), ("reversed", 0.4))
        for evaluations in warm.CHECKPOINTS
    )
    runs.loc[(runs["seed"] == 1) & (runs["evaluations"] == 8), "error"] = np.inf
    lines = warm._describe_search(runs, "error").splitlines()
    assert lines[-4].startswith("| 8 | 0.300 (0.300 to 0.300) | 0.100 ")
    assert "| 1, 0, 0 (p 1.000) | 0, 0, 1 (p 1.000) |" in lines[-4]
    assert "| 2, 0, 0 (p 0.500) | 0, 0, 2 (p 0.500) |" in lines[-1]
    assert "| 0, 0, 2 (p 0.500) | 2, 0, 0 (p 0.500) |" in warm._describe_search(runs, "share")


def test_a_search_is_measured_once_and_never_loses_what_it_had(monkeypatch, tmp_path):
    monkeypatch.setattr(warm, "TABLE", tmp_path / "warm.csv")
    monkeypatch.setattr(warm, "CHECKPOINTS", (8, 16))
    for _ in range(2):
        for prior in ("none", "other"):
            warm.measure_search("mnist", "bohb", prior, 3)
    table = pd.read_csv(warm.TABLE)
    assert table["evaluations"].tolist() == [8, 16] * 2
    for _, run in table.groupby("prior"):
        assert run["share"].is_monotonic_increasing
        assert run["error"].is_monotonic_decreasing
        assert run["error"].between(0, 1).all()
