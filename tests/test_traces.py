"""Traces of the incumbent and how those of several seeds go together, by hand and everywhere."""

import re

import numpy as np
import pandas as pd
import pytest
from contest_runs import GOES_ON, draw_trials, make_trials, settings_of, write_run
from pages import read_page
from report_runs import make_run

from nago.report.figures.race import summarise_course
from nago.report.page.writing import find_runs, write_page
from nago.report.runs import read_run
from nago.report.tables.anytime import tabulate_anytime
from nago.report.traces import (
    align_traces,
    read_trace,
    trace_contestant,
    trace_incumbent,
    trace_run,
)
from nago.search.incumbent import select_incumbent
from nago.tables import join_tables

CONFIGURATION = {"top_nodes": 3}


def make_table(*rows):
    """Rows are (bracket, rung, slot, budget, validation error)."""
    return make_trials(*[(*row[:4], None, row[4], 1, CONFIGURATION) for row in rows])


def make_trace(*steps):
    return pd.DataFrame(steps, columns=["spent", "error"])


# One run.


def test_the_incumbent_is_the_best_at_the_highest_budget_so_far():
    table = make_table(
        (0, 0, 0, 3, None),
        (0, 0, 1, 3, 0.5),
        (0, 0, 2, 3, 0.2),
        (0, 1, 0, 6, 0.4),  # a higher budget counts more, even with a higher error
        (0, 1, 1, 6, 0.3),
        (1, 0, 0, 3, 0.0),  # a lower budget no longer counts
        (1, 1, 0, 6, 0.35),
        (1, 2, 0, 12, None),
    )
    trace = trace_incumbent(table)
    assert trace["spent"].tolist() == [3, 6, 9, 15, 21, 24, 30, 42]
    assert trace.iloc[0, 1:].isna().all()
    assert trace["error"].tolist()[1:] == [0.5, 0.2, 0.4, 0.3, 0.3, 0.3, 0.3]
    assert trace["budget"].tolist()[1:] == [3, 3, 6, 6, 6, 6, 6]
    assert trace["best_any_budget"].tolist()[1:] == [0.5, 0.2, 0.2, 0.2, 0, 0, 0]


@pytest.mark.parametrize("seed", range(3))
def test_each_step_is_what_the_search_would_choose_of_the_trials_so_far(seed):
    table = draw_trials(np.random.default_rng(seed), "bohb")
    trace = trace_incumbent(table)
    for count in range(1, len(table) + 1):
        if table["validation_error"][:count].notna().any():
            chosen, row = select_incumbent(table[:count]), trace.iloc[count - 1]
            assert (row["error"], row["budget"]) == (chosen["validation_error"], chosen["budget"])
            assert row["spent"] == table["epochs"][:count].sum()


def test_the_plan_is_followed_whatever_the_order_of_the_rows():
    table = draw_trials(np.random.default_rng(1), "bohb")
    shuffled = table.sample(frac=1, random_state=0)
    pd.testing.assert_frame_equal(trace_incumbent(shuffled), trace_incumbent(table))


def test_epochs_count_as_trained_not_as_planned():
    table = make_table((0, 0, 0, 3, 0.3), (0, 1, 0, 6, 0.2)).assign(epochs=[3, 2])
    assert trace_incumbent(table)["spent"].tolist() == [3, 5]


def test_the_trials_of_an_earlier_search_are_on_the_bill_before_the_first_own_one(tmp_path):
    initial = make_table((-1, 0, 0, 12, 0.5)).assign(trial="initial-0")
    settings = settings_of("digits", "hnag-mobo", 0)
    begun = write_run(tmp_path / "begun", settings, initial=initial)
    assert trace_run(begun)["error"].tolist() == [0.5]
    run = write_run(tmp_path / "run", settings, make_table((0, 0, 0, 12, 0.4)), initial=initial)
    assert trace_run(run)["spent"].tolist() == [12, 24]
    assert trace_run(run)["error"].tolist() == [0.5, 0.4]


def test_a_trace_is_read_at_the_last_trial_that_has_ended():
    trace = trace_incumbent(make_table(*[(0, 0, s, 4, e) for s, e in enumerate([0.5, 0.2, 0.3])]))
    read = [read_trace(trace, epochs)["error"] for epochs in (0, 3, 4, 7.9, 8, 100)]
    assert np.isnan(read[:2]).all()
    assert read[2:] == [0.5, 0.5, 0.2, 0.2]


# Several seeds.


def test_quartiles_over_three_seeds_are_those_of_numpy_at_every_step():
    traces = [
        make_trace((2, 9), (6, 5)),
        make_trace((3, 8), (5, 4), (9, 1)),
        make_trace((1, 7), (4, 6)),
    ]
    # After 3 epochs, the first at which all have a value, the seeds are at 9 8 7, and so on.
    expected = {3: (9, 8, 7), 4: (9, 8, 6), 5: (9, 4, 6), 6: (5, 4, 6), 9: (5, 1, 6)}
    course = align_traces(traces, [True] * 3)
    assert course.epochs.tolist() == list(expected)
    for share in (0.25, 0.5, 0.75):
        found = course.quantile("error", share).tolist()
        assert found == [np.quantile(values, share) for values in expected.values()]
    assert course.seeds.tolist() == [3] * 5
    assert course.reached == 4


def test_an_unfinished_seed_counts_as_far_as_it_has_come():
    course = align_traces([make_trace((2, 8), (4, 6)), make_trace((2, 2), (6, 1))], [False, True])
    assert course.epochs.tolist() == [2, 4, 6]
    assert course.seeds.tolist() == [2, 2, 1]
    assert course.quantile("error", 0.5).tolist() == [5, 4, 1]
    assert course.read("error", 6).tolist() == [1]


def test_a_seed_that_ended_keeps_its_value():
    course = align_traces([make_trace((2, 8)), make_trace((2, 2), (6, 1))], [True, True])
    assert course.quantile("error", 0.5).tolist() == [5, 4.5]


def test_seeds_that_never_met_are_still_summarised():
    course = align_traces([make_trace((1, 8), (2, 8)), make_trace((5, 2))], [False, True])
    assert (course.epochs.tolist(), course.seeds.tolist()) == ([5], [1])
    assert course.quantile("error", 0.5).tolist() == [2]


def test_seeds_without_a_result_have_no_course():
    assert align_traces([], []) is None
    assert align_traces([make_trace((3, np.nan))], [True]) is None
    course = align_traces([make_trace((3, np.nan)), make_trace((3, 0.5))], [True, True])
    assert (len(course.ends), course.values["error"].tolist()) == (1, [[0.5]])


def test_a_search_is_over_when_all_its_trials_are_there(tmp_path):
    """Whether its brackets have been joined in trials.csv yet or not."""
    folder = make_run(tmp_path, method="random", finals=())
    (folder / "trials.csv").unlink()
    longer = read_run(make_run(tmp_path, method="random", seed=1, iterations=8, finals=()))
    course = trace_contestant([read_run(folder), longer])
    assert course.seeds.tolist() == [2] * len(course.epochs)


def compare_three(root):
    """Seeds of one contestant: two that are over, of which one is shorter, one that goes on."""
    errors = {0: [0.5, 0.3], 1: [0.6, 0.4, 0.2, 0.1], 2: [None, 0.7, 0.05]}
    for seed, found in errors.items():
        settings = settings_of("digits", "hnag-mobo", seed, **(GOES_ON if seed == 2 else {}))
        trials = make_table(*[(b, 0, 0, 4, error) for b, error in enumerate(found)])
        folder = root / "results" / "digits" / f"hnag-mobo-seed{seed}"
        write_run(folder, settings, trials)
    return find_runs([root / "results"])


def test_table_figure_and_page_say_the_same_of_seeds_that_end_apart(tmp_path):
    runs = compare_three(tmp_path)
    # All have a result after 8 epochs; the first is over by then, the third has come to 12.
    expected = {8: (30, 40, 70), 12: (30, 20, 5), 16: (30, 10)}
    medians = {epochs: np.median(values) for epochs, values in expected.items()}
    table = tabulate_anytime(runs).set_index("epochs")
    assert table["validation_error_percent_median"].to_dict() == medians
    assert table["seeds"].to_dict() == {8: 3, 12: 3, 16: 2}
    drawn = summarise_course(trace_contestant(runs), "error").set_index("epochs")
    assert drawn["median"].to_dict() == pytest.approx(medians)
    write_page(runs, tmp_path / "report.html", version="0")
    texts = [mark["text"] for mark in read_page(tmp_path / "report.html").marks["anytime-digits"]]
    found = {}
    for text in texts:
        epochs, median = re.search(r"after (\d+) epochs\nerror ([\d.]+)%", text).groups()
        found[int(epochs)] = float(median)
    assert found == {8: 40.0, 12: 20.0, 16: 20.0}
    assert found == medians
    assert "median of 2 seeds" in texts[-1]


def test_the_steps_of_two_tables_joined_are_counted_once(tmp_path):
    first, second = make_table((0, 0, 0, 4, 0.5)), make_table((1, 0, 0, 4, 0.4))
    joined = trace_incumbent(join_tables([first, second]))
    assert joined["spent"].tolist() == [4, 8]
