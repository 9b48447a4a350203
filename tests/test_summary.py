import networkx as nx
import pandas as pd
import pytest

from nago.records import Trial, trial_name
from nago.report.tables.summary import effective_neighbours, summarise
from nago.tables import read_table, tabulate, write_table

FINALS = [
    {
        "test_accuracy": 0.97,
        "parameters": 100,
        "sample_memory_bytes": 2**20,
        "hash": "aa",
        "trial": "b0-r1-s0",
    },
    {
        "test_accuracy": 0.98,
        "parameters": 200,
        "sample_memory_bytes": 2**21,
        "hash": "bb",
        "trial": "b0-r1-s0",
    },
    {
        "test_accuracy": 0.99,
        "parameters": 301,
        "sample_memory_bytes": 3 * 2**20,
        "hash": "cc",
        "trial": "b0-r1-s0",
    },
]


def make_trial(
    place, error, *, origin="random", parent=None, status="ok", budget=3, **configuration
):
    return Trial(
        name=trial_name(*place),
        configuration={"top_nodes": 4, "top_k": 5, "top_p": 0.1 + 0.2} | configuration,
        budget=budget,
        seed=1,
        origin=origin,
        parent=parent,
        status=status,
        epochs=budget,
        validation_error=error,
        hash="0",
        width=8,
        nodes=4,
        parameters=10,
        multiply_adds=10,
        sample_memory_bytes=10,
        error=None,
        cost={},
    )


def make_table(tmp_path, trials):
    """Return the table as the report reads it, after a round trip through its file."""
    write_table(tmp_path / "trials.csv", tabulate(trials))
    return read_table(tmp_path / "trials.csv")


@pytest.fixture
def table(tmp_path):
    trials = [
        make_trial((0, 0, 0), 0.01),
        make_trial((0, 0, 1), 0.5, origin="fallback"),
        make_trial((0, 0, 2), None, status="diverged"),
        make_trial((0, 0, 3), None, status="out_of_memory"),
        make_trial((0, 1, 0), 0.0456, parent="b0-r0-s0", budget=6, top_nodes=8),
        make_trial((1, 0, 0), None, origin="model", status="diverged", budget=6),
        make_trial((1, 1, 0), 0.2, origin="model", parent="b1-r0-s0", budget=6),
    ]
    return make_table(tmp_path, trials)


def values_of(summary):
    assert list(summary.columns) == ["quantity", "value"]
    assert summary["quantity"].is_unique
    return dict(zip(summary["quantity"], summary["value"], strict=True))


def test_trials_and_failures_are_counted_by_status(table):
    values = values_of(summarise(table, FINALS))
    assert values["trials"] == "7"
    assert values["trials failed"] == "3"
    assert values["trials failed: diverged"] == "2"
    assert values["trials failed: out_of_memory"] == "1"
    assert values["epochs trained"] == str(4 * 3 + 3 * 6)


def test_promoted_proposals_do_not_count_as_new(table):
    values = values_of(summarise(table, FINALS))
    assert values["new proposals"] == "5"
    assert values["new proposals from the model"] == "1"
    assert values["new proposals from the model (%)"] == "20.0"
    assert values["new proposals fallback, the model failed (%)"] == "20.0"


def test_the_lowest_error_need_not_be_the_incumbents(table):
    values = values_of(summarise(table, FINALS))
    assert values["lowest validation error at any budget (%)"] == "1.00"
    assert values["lowest validation error: trial"] == "b0-r0-s0"
    assert values["incumbent"] == "b0-r1-s0"
    assert values["incumbent: budget (epochs)"] == "6"
    assert values["incumbent: validation error (%)"] == "4.56"


def test_the_configuration_stands_with_the_effective_k_beside_the_given_one(table):
    values = values_of(summarise(table, FINALS))
    assert values["incumbent: top_nodes"] == "8"
    assert values["incumbent: top_k"] == "5"
    assert values["incumbent: top_k, effective"] == "4"
    assert values["incumbent: top_p"] == "0.3"


@pytest.mark.parametrize("nodes", range(3, 11))
@pytest.mark.parametrize("k", range(2, 6))
def test_the_effective_k_is_the_degree_of_an_unrewired_graph(nodes, k):
    ring = nx.watts_strogatz_graph(nodes, min(k, nodes - 1), 0)
    configuration = {"top_nodes": 9, "top_k": 2, "bottom_nodes": nodes, "bottom_k": k}
    neighbours = effective_neighbours(configuration)
    assert neighbours == {"top_k": 2, "bottom_k": ring.degree(0)}


def test_a_configuration_without_k_has_no_effective_k():
    assert effective_neighbours({"middle_nodes": 3, "middle_p": 0.4}) == {}


def test_final_networks_have_the_mean_and_the_sample_standard_deviation(table):
    values = values_of(summarise(table, FINALS))
    assert values["final networks"] == "3"
    assert values["test accuracy, mean (%)"] == "98.00"
    assert values["test accuracy, standard deviation (%)"] == "1.00"
    assert values["parameters, mean"] == "200"
    assert values["sample memory, mean (MB)"] == "2.00"
    assert values["final architectures"] == "aa bb cc"


def test_one_final_network_has_no_standard_deviation(table):
    values = values_of(summarise(table, FINALS[:1]))
    assert values["test accuracy, mean (%)"] == "97.00"
    assert values["test accuracy, standard deviation (%)"] == "none: fewer than two networks"


def test_without_final_networks_only_their_number_is_given(table):
    values = values_of(summarise(table, []))
    assert values["final networks"] == "0"
    assert not any("accuracy" in name for name in values)


def test_a_search_in_which_everything_failed_is_summarised_too(tmp_path):
    trials = [make_trial((0, 0, slot), None, status="invalid") for slot in range(2)]
    values = values_of(summarise(make_table(tmp_path, trials), []))
    assert values["trials failed: invalid"] == "2"
    assert values["incumbent"] == "none: no trial succeeded"
    assert "incumbent: top_k" not in values


def test_an_empty_table_is_summarised_too():
    values = values_of(summarise(tabulate([]), []))
    assert values["trials"] == "0"
    assert values["new proposals from the model (%)"] == "none"


def test_the_summary_survives_its_file(table, tmp_path):
    summary = summarise(table, FINALS)
    write_table(tmp_path / "summary.csv", summary)
    back = pd.read_csv(tmp_path / "summary.csv", dtype=str, keep_default_na=False)
    assert back.to_dict() == summary.to_dict()
