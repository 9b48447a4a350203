import math

import numpy as np
import pandas as pd
import pytest
from report_runs import make_final, make_run, make_trial

from nago.report.runs import read_run
from nago.report.tables.anytime import tabulate_anytime
from nago.report.tables.correlations import tabulate_correlations
from nago.report.tables.differences import tabulate_differences

OBJECTIVES = ["validation_error", "sample_memory_bytes"]


def run(*args, **kwargs):
    return read_run(make_run(*args, **kwargs))


def at_one_budget(errors, memories=None):
    memories = memories or [2**20] * len(errors)
    return [
        make_trial((place, 0, 0), error, memory=memory)
        for place, (error, memory) in enumerate(zip(errors, memories, strict=True))
    ]


def search(folder, errors, **more):
    """A search of trials at 4 epochs each, with these errors."""
    trials = at_one_budget(errors, more.pop("memories", None))
    return run(folder, trials=trials, **{"finals": (), **more})


def select(table, **chosen):
    for name, value in chosen.items():
        table = table[table[name] == value]
    return table


def test_anytime_is_the_quartiles_over_seeds(tmp_path):
    curves = [[0.5, 0.2, 0.2], [0.4, 0.4, 0.3], [0.6, 0.1, 0.1]]
    runs = [
        search(tmp_path, errors, seed=seed, method="random", iterations=1)
        for seed, errors in enumerate(curves)
    ]
    table = tabulate_anytime(runs).set_index("epochs")
    assert list(table.index) == [4, 8, 12]
    for place, epochs in enumerate(table.index):
        best = [100 * min(curve[: place + 1]) for curve in curves]
        low, median, high = np.quantile(best, [0.25, 0.5, 0.75])
        row = table.loc[epochs]
        assert (row["seeds"], row["budget_epochs"]) == (3, 4)
        for name in ("validation_error_percent", "best_any_budget_percent"):
            found = [row[f"{name}_{part}"] for part in ("low", "median", "high")]
            assert found == pytest.approx([low, median, high])


def test_an_unfinished_search_counts_up_to_its_end(tmp_path):
    runs = [
        run(tmp_path, seed=0, finals=()),
        run(tmp_path, seed=1, finished=False),
    ]
    table = tabulate_anytime(runs)
    end = int(runs[1].trials["epochs"].sum())
    assert set(table.loc[table["epochs"] <= end, "seeds"]) == {2}
    assert set(table.loc[table["epochs"] > end, "seeds"]) == {1}
    assert int(table["epochs"].max()) == int(runs[0].trials["epochs"].sum())
    assert table["note"].str.contains(r"seed 1: 13 of 20 trials").all()


def test_correlations_come_with_the_papers(tmp_path):
    budgets = {"min_budget": 30, "max_budget": 120, "iterations": 6}
    found = run(tmp_path, dataset="cifar10", finals=(), **budgets)
    table = tabulate_correlations([found]).set_index("low_budget_epochs")
    published = select(table.reset_index(), high_budget_epochs=120)["published_spearman"]
    assert published.tolist() == [0.86, 0.82]
    errors = found.trials.set_index("trial")["validation_error"]
    pairs = found.trials[(found.trials["budget"] == 60) & found.trials["parent"].notna()]
    expected = (
        errors[pairs["trial"]]
        .reset_index(drop=True)
        .corr(errors[pairs["parent"]].reset_index(drop=True), method="spearman")
    )
    assert select(table.reset_index(), high_budget_epochs=60)["spearman"].item() == pytest.approx(
        expected, rel=1e-5
    )


def test_a_single_budget_has_no_correlation(tmp_path):
    table = tabulate_correlations([run(tmp_path, method="random", finals=())])
    assert table["note"].tolist() == ["a single budget"]


def test_searches_are_compared_at_equal_epochs_and_paired_by_seed(tmp_path):
    own = [[0.5, 0.3, 0.2], [0.4, 0.3, 0.1], [0.2, 0.2, 0.2]]
    other = [[0.5, 0.4, 0.4, 0.01], [0.3, 0.3, 0.3], [0.1, 0.1, 0.1]]
    runs = [search(tmp_path, errors, seed=seed) for seed, errors in enumerate(own)]
    runs += [
        search(tmp_path, errors, seed=seed, method="random") for seed, errors in enumerate(other)
    ]
    runs.append(search(tmp_path, [0.001], seed=9, method="random"))
    table = select(
        tabulate_differences(runs), measure="validation_error_percent", baseline="hnag-random"
    )
    assert table["epochs"].tolist() == [3, 6, 9, 12]
    last = table.iloc[-1]
    # The fourth trial of seed 0 came after 12 epochs, seed 9 has no partner.
    differences = [20 - 40, 10 - 30, 20 - 10]
    assert last["values"] == 3
    assert last["difference_median"] == np.median(differences)
    assert last["difference_high"] == pytest.approx(np.quantile(differences, 0.75))
    # 20, 10, 20 against 40, 30, 10: 2 + 2.5 + 2 of 9 pairs are won.
    assert last["a12"] == pytest.approx(6.5 / 9, rel=1e-5)
    assert "without a partner: seeds 9" in last["note"]
    assert "3 seeds: too few for p < 0.05" in last["note"]
    assert table["values"].tolist() == [0, 3, 3, 3]


def test_six_seeds_that_agree_have_a_p_and_holm_corrects_it(tmp_path):
    runs = []
    for seed in range(6):
        shift = 0.01 * seed
        runs.append(search(tmp_path, [0.2 + shift / 2], seed=seed))
        runs.append(search(tmp_path, [0.3 + shift], seed=seed, method="random"))
        runs.append(search(tmp_path, [0.3 + shift], seed=seed, generator="rnag"))
    table = select(tabulate_differences(runs), measure="validation_error_percent")
    tested = table[table["p"].notna()]
    assert tested["baseline"].tolist() == ["hnag-random", "rnag-bohb"]
    assert tested["p"].tolist() == [2 / 64, 2 / 64]
    assert tested["p_holm"].tolist() == [4 / 64, 4 / 64]
    assert tested["rank_biserial"].tolist() == [1, 1]
    assert table["note"].str.contains("rnag-random is missing").any()


def test_a_larger_hypervolume_is_better(tmp_path):
    memories = [2**20, 2**21]
    runs = [
        search(tmp_path, [0.1, 0.2], memories=memories, method="mobo"),
        search(tmp_path, [0.3, 0.3], memories=memories, method="random"),
    ]
    table = select(tabulate_differences(runs), measure="hypervolume_percent", epochs=8)
    # (.1, 1/2) and (.3, 1/2) of the box; the larger networks lie on its border.
    row = table.iloc[0]
    assert (row["median"], row["baseline_median"]) == (45, 35)
    assert (row["difference_median"], row["difference_low"], row["a12"]) == (10, 10, 1)
    assert row["note"].startswith("one seed: no claim")


def test_networks_of_one_search_are_tested_with_a_warning(tmp_path):
    good, bad = [0.95, 0.96, 0.97, 0.98], [0.90, 0.91, 0.92, 0.93]
    runs = [
        search(tmp_path, [0.2], finals=[make_final(a) for a in good]),
        search(tmp_path, [0.2], method="random", finals=[make_final(a) for a in bad]),
    ]
    table = tabulate_differences(runs)
    row = select(table, measure="test_accuracy_percent").iloc[0]
    assert (row["values"], row["a12"], row["test"]) == (4, 1, "Mann-Whitney")
    assert row["difference_median"] == pytest.approx(5)
    assert row["p"] == pytest.approx(2 / 70, rel=1e-5)
    assert row["note"] == "one seed: of these generators, not of the methods"
    by_seed = select(table, measure="test_accuracy_percent_by_seed").iloc[0]
    assert pd.isna(by_seed["p"])
    assert by_seed["note"] == "one seed: no claim"


def test_ranks_need_three_contestants_on_five_data_sets(tmp_path):
    methods = {"bohb": 0.9, "mobo": 0.8, "random": 0.7}
    runs = [
        search(tmp_path, [0.2], method=method, name=f"set{k}", finals=[make_final(a + 0.01 * k)])
        for k in range(5)
        for method, a in methods.items()
    ]
    row = tabulate_differences(runs[:12]).iloc[-1]
    assert row["note"] == "3 contestants tested on all of 4 data sets: ranks need 3 on 5"
    table = select(tabulate_differences(runs), dataset="all")
    assert table["contestant"].tolist() == ["hnag-bohb", "hnag-mobo", "hnag-random"]
    assert table["mean_rank"].tolist() == [1, 2, 3]
    assert table["p"].tolist() == pytest.approx([math.exp(-5)] * 3, rel=1e-5)


@pytest.mark.parametrize(
    "given",
    [
        {"trials": ()},
        {"trials": [make_trial((0, 0, 0), 0.2)], "finals": ()},
        {"trials": [make_trial((0, 0, slot), None) for slot in range(3)]},
        {"finished": False},
        {"finals": [make_final(None)]},
    ],
)
@pytest.mark.parametrize("method", ["bohb", "mobo", "random", "spread", "default"])
def test_runs_at_any_point_have_all_statistics(tmp_path, method, given):
    runs = [run(tmp_path, method=method, **given)]
    runs += [run(tmp_path, method=name, seed=1) for name in {method, "random"}]
    for tabulate in (tabulate_anytime, tabulate_correlations, tabulate_differences):
        assert list(tabulate(runs).columns) == list(tabulate([]).columns)
        assert tabulate([])["note"].tolist() == ["no runs were given"]
