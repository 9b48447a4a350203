import json
import math
from dataclasses import replace

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from report_runs import CONFIGURATION, make_final, make_run, make_trial

from nago.records import UserError
from nago.report.contestants import count_planned, group_runs
from nago.report.runs import read_run
from nago.report.tables.expanded import tabulate_expanded
from nago.report.tables.failures import tabulate_failures
from nago.report.tables.rows import make_table
from nago.report.tables.standings import (
    tabulate_generators,
    tabulate_validation,
)
from nago.report.tables.tested import tabulate_test

TABLES = [
    *(tabulate_validation, tabulate_generators, tabulate_test, tabulate_failures),
    tabulate_expanded,
]


def run(*args, **kwargs):
    return read_run(make_run(*args, **kwargs))


def record(table, **chosen):
    """The one row with these values, missing cells as None."""
    for name, value in chosen.items():
        table = table[table[name] == value]
    assert len(table) == 1, table
    return {key: None if pd.isna(value) else value for key, value in table.iloc[0].items()}


def two_budgets(errors, seconds=60.0, **more):
    """Trials at 1 epoch and one at 4, with the errors of both."""
    low, high = errors
    return [
        *(make_trial((0, 0, slot), e, budget=1, seconds=seconds) for slot, e in enumerate(low)),
        make_trial((0, 2, 0), high, budget=4, seconds=4 * seconds, parent="b0-r0-s0", **more),
    ]


def test_validation_by_hand(tmp_path):
    first = two_budgets(([0.05, None], 0.2))
    second = two_budgets(([0.4, 0.3], 0.1))
    runs = [
        run(tmp_path, seed=0, trials=first, gpus_per_trial=2),
        run(tmp_path, seed=1, trials=second, gpus_per_trial=2),
    ]
    row = record(tabulate_validation(runs))
    assert (row["seeds"], row["budget_epochs"]) == (2, 4)
    assert row["validation_accuracy_percent_mean"] == pytest.approx(85)
    assert row["validation_accuracy_percent_std"] == pytest.approx(10 / math.sqrt(2), rel=1e-5)
    assert row["gpu_hours_per_search"] == pytest.approx(6 * 60 * 2 / 3600)
    assert row["epochs_per_search"] == 6
    assert (row["trainings_per_search"], row["failed_trainings_per_search"]) == (3, 0.5)
    assert row["published_gpu_hours_per_search"] is None


def test_a_seed_without_the_highest_budget_is_left_out_of_the_mean(tmp_path):
    runs = [
        run(tmp_path, seed=0, trials=two_budgets(([0.05], 0.2))),
        run(tmp_path, seed=1, trials=two_budgets(([0.01], None))),
    ]
    row = record(tabulate_validation(runs))
    assert (row["seeds"], row["validation_accuracy_percent_mean"]) == (1, 80)
    assert row["validation_accuracy_percent_std"] is None
    assert "1 of 2 seeds have no result at 4 epochs" in row["note"]


def test_published_values_stand_beside_ours_where_there_are_any(tmp_path):
    runs = [run(tmp_path, dataset="cifar10", trials=()), run(tmp_path, trials=())]
    table = tabulate_validation(runs)
    row = record(table, dataset="cifar10")
    assert row["published_validation_accuracy_percent_mean"] == 95.6
    assert row["published_gpu_hours_per_search"] == 307.2
    assert record(table, dataset="digits")["published_source"] is None


def test_optima_have_the_effective_neighbours_and_the_published_ones(tmp_path):
    trials = two_budgets(([0.3], 0.1), memory=3 * 2**20)
    row = record(tabulate_generators([run(tmp_path, dataset="cifar10", trials=trials)]))
    assert {name: row[name] for name in CONFIGURATION} == CONFIGURATION
    for level in ("top", "bottom"):
        nodes, k = CONFIGURATION[f"{level}_nodes"], CONFIGURATION[f"{level}_k"]
        ring = nx.watts_strogatz_graph(nodes, min(k, nodes - 1), 0)
        assert row[f"{level}_k_effective"] == max(degree for _, degree in ring.degree)
    assert (row["trial"], row["sample_memory_mb"]) == ("b0-r2-s0", 3)
    assert (row["published_top_nodes"], row["published_sample_memory_mb"]) == (8, 17)


def test_test_accuracy_by_hand(tmp_path):
    def finals(*accuracies):
        return [make_final(a, top5=a and a + 0.05, trial="b0-r2-s0") for a in accuracies]

    trials = two_budgets(([0.3], 0.1))
    runs = [
        run(tmp_path, seed=0, trials=trials, finals=finals(0.90, 0.92, None)),
        run(tmp_path, seed=1, trials=trials, finals=finals(0.80)),
    ]
    row = record(tabulate_test(runs))
    values = [90, 92, 80]
    assert (row["seeds"], row["networks"], row["failed_networks"]) == (2, 4, 1)
    assert row["test_accuracy_percent_mean"] == pytest.approx(np.mean(values), rel=1e-5)
    assert row["test_accuracy_percent_std"] == pytest.approx(np.std(values, ddof=1), rel=1e-5)
    assert row["test_top5_accuracy_percent_mean"] == pytest.approx(np.mean(values) + 5, rel=1e-5)
    assert (row["sample_memory_mb_mean"], row["parameters_mean"]) == (1, 100_000)
    assert row["note"] == "4 of 6 networks"


def test_a_search_for_a_front_has_a_row_per_finalist(tmp_path):
    table = tabulate_test([run(tmp_path, dataset="cifar10", method="mobo")])
    assert list(table["finalist"]) == [0, 1]
    assert list(table["networks"]) == [3, 3]
    assert table["published_test_accuracy_percent_mean"].tolist()[0] == 96.6
    assert pd.isna(table["published_test_accuracy_percent_mean"].tolist()[1])


def test_failures_by_hand(tmp_path):
    trials = [
        make_trial((0, 0, 0), 0.3, budget=1),
        make_trial((0, 0, 1), None, budget=1, restarts=2),
        make_trial((0, 0, 2), None, budget=1, status="out_of_memory", restarts=1),
        make_trial((0, 1, 0), 0.3, budget=2, epochs=1, parent="b0-r0-s0"),
    ]
    finals = [make_final(0.9, restarts=1), make_final(None)]
    table = tabulate_failures([run(tmp_path, trials=trials, finals=finals, batch_size=128)])
    names = ["trials", "share_percent", "retries", "final_networks"]
    found = {row["failure"]: [row[name] for name in names] for row in table.to_dict("records")}
    assert found == {
        "invalid": [0, 0, 0, 0],
        "out_of_memory": [1, 25, 4, 0],  # the batch was 64
        "diverged": [1, 25, 0, 1],
        "timed_out": [0, 0, 0, 0],
        "infrastructure": [2, 50, 3, 1],
    }
    assert set(table["note"]) == {"seed 0: 4 of 20 trials"}
    rules = table.set_index("failure")
    assert rules.loc["diverged", "rule"] == "a result at once"
    assert rules.loc["infrastructure", "search"] == "never hears of it"


def test_what_an_older_search_did_not_count_is_not_said_to_be_nothing(tmp_path):
    found = run(tmp_path)
    rows = tabulate_failures([replace(found, costs=found.costs.drop(columns="restarts"))])
    row = rows.set_index("failure").loc["infrastructure"]
    assert pd.isna(row["trials"])
    assert pd.isna(row["retries"])
    assert row["note"] == "its costs.csv has no restarts"


def test_expanded_spaces_stand_beside_their_base(tmp_path):
    runs = [
        run(tmp_path, dataset="cifar10", trials=two_budgets(([0.3, 0.25], 0.1), seconds=60)),
        run(
            tmp_path,
            dataset="cifar10",
            space="aug_v2",
            trials=two_budgets(([0.2, None], 0.12), seconds=120),
        ),
    ]
    table = tabulate_expanded(runs)
    assert set(table["contestant"]) == {"hnag-aug_v2-bohb"}
    accuracies = table.set_index("budget_epochs")["validation_accuracy_percent_mean"]
    assert [accuracies[1], accuracies[4]] == [80, 88]
    last = table.iloc[-1]
    assert pd.isna(last["budget_epochs"])
    assert last["difference_percent_points"] == pytest.approx(88 - 90)
    assert (last["training_minutes_mean"], last["training_minutes_worst"]) == ((2 + 8) / 2, 8)
    assert last["base_training_minutes_mean"] == (1 + 1 + 4) / 3
    assert last["published_base_training_minutes_worst"] == 246
    assert last["published_validation_accuracy_percent_mean"] == 95.7


def test_an_expanded_space_without_its_base_says_so(tmp_path):
    table = tabulate_expanded([run(tmp_path, space="aug_v1")])
    assert set(table["note"]) == {"hnag-bohb is missing: no base to compare with"}


@pytest.mark.parametrize("tabulate", TABLES)
@pytest.mark.parametrize(
    "given",
    [
        {"trials": ()},
        {"trials": [make_trial((0, 0, 0), 0.2)], "finals": ()},
        {"trials": [make_trial((0, 0, slot), None) for slot in range(3)]},
        {"finished": False},
        {"finals": [make_final(None)]},
        {"method": "spread", "finals": ()},
        {"method": "default", "generator": "rnag"},
        {"method": "mobo", "trials": ()},
    ],
)
def test_runs_at_any_point_have_all_tables(tmp_path, tabulate, given):
    found = run(tmp_path, **given)
    table = tabulate([found])
    assert len(table) >= 1
    assert list(tabulate([]).columns)[-1] == list(table.columns)[-1] == "note"
    if not given.get("trials", True):
        assert table["note"].notna().all()


@pytest.mark.parametrize("tabulate", TABLES)
def test_without_runs_a_table_has_its_header_and_a_note(tabulate):
    table = tabulate([])
    assert len(table) == 1
    assert table.drop(columns="note").isna().all(axis=None)


def test_what_is_damaged_or_lost_is_named(tmp_path):
    folder = make_run(tmp_path, finals=())
    for path in (folder / "costs.csv", *folder.glob("bracket*/costs.csv")):
        path.unlink()
    row = record(tabulate_validation([read_run(folder)]))
    assert (row["note"], row["gpu_hours_per_search"]) == ("seed 0: no costs.csv", None)
    (folder / "trials.csv").write_text("trial,bracket")
    assert "trials.csv is damaged" in record(tabulate_validation([read_run(folder)]))["note"]


def test_the_same_seed_twice_is_one_line_that_says_which(tmp_path):
    runs = [run(tmp_path / "a"), run(tmp_path / "b")]
    with pytest.raises(UserError, match=r"a/digits/hnag-bohb and .* both hnag-bohb on digits"):
        group_runs(runs)


@pytest.mark.parametrize("method", ["bohb", "mobo", "random"])
def test_the_planned_trials_are_those_of_a_whole_search(tmp_path, method):
    found = run(tmp_path, method=method, finals=())
    assert count_planned(found) == len(found.trials)


def test_cells_keep_whole_numbers_and_six_digits(tmp_path):
    table = make_table([{"a": 1, "b": 1 / 3}, {"b": math.nan, "note": ""}], ["a", "b", "note"], "")
    assert table.to_csv(index=False) == "a,b,note\n1,0.333333,\n,,\n"


def test_settings_of_made_runs_are_those_of_the_schema(tmp_path):
    values = json.loads((make_run(tmp_path, method="spread") / "settings.json").read_text())
    assert (values["method"], values["source"], values["image_size"]) == ("spread", "digits", 8)
