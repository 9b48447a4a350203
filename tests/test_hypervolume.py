"""Hypervolumes in one box, as areas by hand and as the share of random points."""

import numpy as np
import pytest
from contest_runs import draw_trials, make_trials, settings_of, write_run
from report_runs import make_run, make_trial

from nago.report.figures.race import summarise_course, trace_volumes
from nago.report.hypervolume import Box, choose_box, trace_front, trace_volume
from nago.report.runs import read_run
from nago.report.tables.differences import tabulate_differences
from nago.report.tables.front import tabulate_fronts
from nago.search.front import trace_hypervolume

OBJECTIVES = ("validation_error", "sample_memory_bytes")
CONFIGURATION = {"top_nodes": 3}
MB = 2**20


def table_of(*rows):
    """Rows are (bracket, slot, budget, error, memory in MB)."""
    return make_trials(
        *[(b, 0, s, budget, None, *rest, CONFIGURATION) for b, s, budget, *rest in rows]
    )


def search(folder, name, *rows, **more):
    trials = table_of(*rows) if rows else None
    return write_run(folder / name, settings_of("digits", name, 0), trials, **more)


# The box.


def test_the_reference_is_the_worst_of_each_runs_own_highest_budget(tmp_path):
    runs = [
        # 99 MB at a budget below the highest and at a failed trial don't count.
        search(tmp_path, "a-bohb", (0, 0, 3, 0.5, 99), (0, 1, 12, 0.4, 5)),
        search(tmp_path, "a-mobo", (0, 0, 6, 0.3, 8), (0, 1, 6, None, 99)),
        search(tmp_path, "a-random"),
    ]
    assert choose_box(runs) == Box(OBJECTIVES, (1.0, 8.0 * MB))
    assert choose_box(runs[2:]).reference == (1.0, 1.0)


def test_the_trials_of_an_earlier_search_count(tmp_path):
    initial = table_of((-1, 0, 12, 0.5, 9)).assign(trial="initial-0")
    run = search(tmp_path, "hnag-mobo", (0, 0, 12, 0.4, 4), initial=initial)
    assert choose_box([run]).reference == (1.0, 9.0 * MB)


def test_a_reference_of_the_settings_is_kept(tmp_path):
    settings = settings_of("digits", "hnag-bohb", 0, reference=[0.5, 100])
    box = choose_box([write_run(tmp_path / "run", settings)])
    assert box.columns == {"reference_validation_error": 0.5, "reference_sample_memory_bytes": 100}


# The front after each trial.


def test_after_each_trial_by_hand():
    table = table_of((0, 0, 4, 0.2, 4), (0, 1, 4, 0.5, 2), (0, 2, 4, None, 1), (1, 0, 4, 0.1, 4))
    trace = trace_front(table, Box(OBJECTIVES, (1.0, 4.0 * MB)))
    assert trace["spent"].tolist() == [4, 8, 12, 16]
    # (.2, 4) and (.1, 4) lie on the border; (.5, 2) dominates half of half.
    assert trace["hypervolume"].tolist() == pytest.approx([0, 0.25, 0.25, 0.25])
    trace = trace_front(table, Box(OBJECTIVES, (1.0, 8.0 * MB)))
    assert trace["hypervolume"][1] == pytest.approx((8 - 4) * 0.8 / 8 + (4 - 2) * 0.5 / 8)


def test_a_higher_budget_begins_a_front_of_its_own():
    table = table_of((0, 0, 2, None, 1), (0, 1, 2, 0.1, 1), (1, 0, 4, 0.5, 2), (2, 0, 2, 0.01, 1))
    trace = trace_front(table, Box(OBJECTIVES, (1.0, 4.0 * MB)))
    assert np.isnan(trace["hypervolume"][0])
    assert trace["hypervolume"].tolist()[1:] == pytest.approx([0.9 * 0.75, 0.25, 0.25])
    assert trace["budget"].tolist()[1:] == [2, 4, 4]


@pytest.mark.parametrize("seed", range(3))
def test_at_the_ends_of_brackets_it_is_that_of_the_search(seed):
    """From the first trial at the highest budget on, which the search's table is all about."""
    table = draw_trials(np.random.default_rng(seed), "bohb")
    box = Box(OBJECTIVES, (1.0, 50.0 * MB))
    own = trace_hypervolume(table, OBJECTIVES, box.reference).set_index("epochs")["hypervolume"]
    trace = trace_front(table, box).drop_duplicates("spent", keep="last").set_index("spent")
    trace = trace[trace["budget"] == 12]["hypervolume"]
    shared = [epochs for epochs in own.index if epochs in trace.index]
    assert len(shared) >= 5
    assert trace[shared].tolist() == pytest.approx(own[shared].tolist())


def test_table_and_figures_measure_in_one_box(tmp_path):
    """Also where a contestant that takes no part in a pair has the largest networks."""
    errors = {"mobo": (0.1, 1), "random": (0.3, 1), "bohb": (0.5, 4)}
    runs = [
        read_run(
            make_run(tmp_path, method=method, trials=[make_trial((0, 0, 0), e, memory=m * MB)])
        )
        for method, (e, m) in errors.items()
    ]
    table = tabulate_differences(runs)
    row = table[table["measure"] == "hypervolume_percent"].iloc[-1]
    fronts = tabulate_fronts(runs).set_index("contestant")["hypervolume"]
    box = choose_box(runs)
    band = summarise_course(trace_volumes(runs[:1], box), "hypervolume")
    # 90% of the error by three quarters of the memory.
    assert row["median"] == pytest.approx(67.5)
    assert 100 * fronts["hnag-mobo"] == pytest.approx(67.5)
    assert band["median"].iloc[-1] == pytest.approx(67.5)
    assert row["baseline_median"] == pytest.approx(100 * fronts["hnag-random"]) == 52.5
    assert trace_volume(runs[0], box)["hypervolume"].tolist() == pytest.approx([0.675])


def test_a_run_without_trials_has_no_volume(tmp_path):
    run = search(tmp_path, "hnag-mobo")
    assert trace_volume(run, choose_box([run])).empty
