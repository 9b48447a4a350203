"""The page of forecasts: its runs are kept, and the aim is met where nothing else ran."""

import pytest
from benchmark_modules import load

(forecast,) = load("forecast")


def test_searches_that_had_the_machine_for_themselves_were_foreseen_within_a_quarter():
    compared = [*forecast.hold_all(forecast.QUIET)]
    assert compared
    for run, held in compared:
        assert len(run.trials) >= 100
        assert held.learnt == 20
        assert held.actual == pytest.approx(run.costs["seconds"].iloc[20:].sum())
        assert abs(held.error) <= forecast.AIM
        assert held.blind.low < held.actual < held.blind.high


def test_a_search_that_is_kept_tells_the_same_and_short_ones_tell_nothing(tmp_path):
    (run, held), *_ = forecast.hold_all(forecast.QUIET)
    forecast.keep_run(run.folder, tmp_path)
    ((_, again),) = forecast.hold_all(tmp_path)
    assert again == held
    table = forecast.show_table(tmp_path)
    assert f"{held.actual:,.0f}" in table
    assert "Within 25%: 1 of 1" in table
    trials = tmp_path / run.folder.name / "trials.csv"
    trials.write_text("".join(trials.read_text().splitlines(keepends=True)[:40]))
    assert [*forecast.hold_all(tmp_path)] == []
