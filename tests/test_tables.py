"""Tables of trials: through CSV and back nothing changes, not the last bit of a float."""

import dataclasses
import math
import random
import struct

import numpy as np
import pandas as pd
import pytest
from test_records import TRIAL

from nago.records import RecordError
from nago.tables import (
    configuration_of,
    hyperparameters,
    join_tables,
    observations,
    read_table,
    tabulate,
    tabulate_costs,
    tabulate_finals,
    write_table,
)

MEASURED = {"width": 12, "nodes": 40, "parameters": 3, "multiply_adds": 4}
FAILED = {
    **{"status": "diverged", "validation_error": None, "epochs": 0, "error": "loss became NaN"},
}
INVALID = {
    **dict.fromkeys(
        ("hash", "width", "nodes", "parameters", "multiply_adds", "sample_memory_bytes")
    ),
    **{"status": "invalid", "validation_error": None, "epochs": 0},
}


def make_trial(slot, **changes):
    return dataclasses.replace(TRIAL, name=f"b1-r0-s{slot}", **changes)


def through_csv(table, tmp_path):
    write_table(tmp_path / "table.csv", table)
    return read_table(tmp_path / "table.csv")


def random_floats(number, seed):
    """Floats of all magnitudes: any 64 bits, and some that are hard to print."""
    rng = random.Random(seed)
    floats = [0.1 + 0.2, 1 / 3, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308, -0.0]
    floats += [1e22, 1e23, 9007199254740993.0, 123456789012345680.0, 1.0, 0.0, 2.0**-1074]
    while len(floats) < number:
        (value,) = struct.unpack("<d", rng.randbytes(8))
        if math.isfinite(value):
            floats += [value, rng.random(), rng.uniform(0.1, 0.9), rng.random() * 10**-5]
    return floats


@pytest.mark.parametrize("seed", range(5))
def test_floats_come_back_bit_for_bit(seed, tmp_path):
    floats = random_floats(2000, seed)
    trials = [
        make_trial(slot, validation_error=x, configuration={"top_p": -x})
        for slot, x in enumerate(floats)
    ]
    again = through_csv(tabulate(trials), tmp_path)
    for column, expected in (("validation_error", floats), ("top_p", [-x for x in floats])):
        bits = again[column].to_numpy(dtype=float).view(np.uint64)
        assert (bits == np.array(expected).view(np.uint64)).all()


def test_a_table_comes_back_with_its_kinds_and_gaps(tmp_path):
    trials = [make_trial(0), make_trial(1, **FAILED), make_trial(2, **INVALID, error="no, it's")]
    table = tabulate(trials)
    again = through_csv(table, tmp_path)
    assert list(again.columns) == list(table.columns)
    assert again["parameters"].dtype == "Int64"
    assert again["parameters"].tolist() == [3_999_999, 3_999_999, pd.NA]
    assert again["multiply_adds"].tolist() == [10**12, 10**12, pd.NA]
    assert again["seed"].tolist() == [2**32 - 1] * 3
    assert again["validation_error"].isna().tolist() == [False, True, True]
    assert again["error"].fillna("").tolist() == ["", "loss became NaN", "no, it's"]
    assert again["parent"].isna().all()
    assert again["trial"].tolist() == ["b1-r0-s0", "b1-r0-s1", "b1-r0-s2"]


def test_columns_stand_in_their_order_with_the_configuration_in_the_middle():
    table = tabulate([make_trial(3)])
    assert ",".join(table.columns) == (
        "trial,bracket,rung,slot,budget,epochs,origin,parent,seed,"
        "top_nodes,top_p,kind,"
        "status,validation_error,hash,width,nodes,parameters,multiply_adds,sample_memory_bytes,"
        "error"
    )
    assert table.iloc[0][["bracket", "rung", "slot"]].tolist() == [1, 0, 3]
    assert hyperparameters(table) == ["top_nodes", "top_p", "kind"]


def test_whole_numbers_are_written_without_a_point_beside_gaps(tmp_path):
    write_table(tmp_path / "table.csv", tabulate([make_trial(0), make_trial(1, **INVALID)]))
    lines = (tmp_path / "table.csv").read_text().splitlines()
    assert ",3999999,1000000000000,17825792," in lines[1]
    assert lines[2].endswith(",invalid,,,,,,,,")


@pytest.mark.parametrize("change", [{}, FAILED, INVALID], ids=["ok", "diverged", "invalid"])
def test_a_table_written_read_and_written_again_has_the_same_bytes(change, tmp_path):
    table = tabulate([make_trial(slot, **change) for slot in range(3)])
    again = through_csv(table, tmp_path)
    first = (tmp_path / "table.csv").read_bytes()
    write_table(tmp_path / "table.csv", join_tables([again]))
    assert (tmp_path / "table.csv").read_bytes() == first


def test_texts_come_back_whatever_is_in_them(tmp_path):
    texts = ['a, "b"\nc', "NA", "nan", "None", "null", "é", " spaces ", "1.0", "#N/A", "line\r\nx"]
    trials = [
        make_trial(slot, status="diverged", error=text, configuration={"kind": text})
        for slot, text in enumerate(texts)
    ]
    again = through_csv(tabulate(trials), tmp_path)
    assert again["error"].tolist() == texts
    assert again["kind"].tolist() == texts


@pytest.mark.parametrize("text", ["1234567890123456", "12345e6789012345", "0000000000000001"])
def test_a_hash_of_digits_stays_a_text(text, tmp_path):
    again = through_csv(tabulate([make_trial(0, hash=text), make_trial(1, hash=text)]), tmp_path)
    assert again["hash"].tolist() == [text, text]


def test_joined_tables_have_all_rows_in_their_order(tmp_path):
    good, bad = tabulate([make_trial(0), make_trial(1)]), tabulate([make_trial(2, **INVALID)])
    joined = through_csv(join_tables([bad, good]), tmp_path)
    pd.testing.assert_frame_equal(
        joined,
        through_csv(tabulate([make_trial(2, **INVALID), *map(make_trial, (0, 1))]), tmp_path),
    )
    assert joined["slot"].tolist() == [2, 0, 1]
    assert joined["width"].tolist() == [pd.NA, 12, 12]


def test_a_table_of_no_trials_has_its_columns(tmp_path):
    again = through_csv(tabulate([]), tmp_path)
    assert len(again) == 0
    assert list(again.columns) == [c for c in tabulate([TRIAL]) if c not in TRIAL.configuration]


def test_a_last_line_cut_off_anywhere_is_found(tmp_path):
    path = tmp_path / "table.csv"
    write_table(path, tabulate([make_trial(0), make_trial(1)]))
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    ends = {0, len(lines[0]), len(lines[0] + lines[1])}
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        if length in ends and length:
            assert len(read_table(path)) == (length > len(lines[0]))  # whole lines only
            continue
        with pytest.raises(RecordError, match=r"table\.csv is damaged"):
            read_table(path)


def test_a_missing_table_and_one_of_something_else_are_named(tmp_path):
    with pytest.raises(RecordError, match=r"there is no file .*none\.csv"):
        read_table(tmp_path / "none.csv")
    for content in (b"\n", b"\xff\xfe\x00\n", b'a,b\n1,"open\n', b"a,b\n1,2,3\n1,2,3,4\n"):
        (tmp_path / "table.csv").write_bytes(content)
        with pytest.raises(RecordError, match=r"table\.csv is damaged"):
            read_table(tmp_path / "table.csv")


@pytest.mark.parametrize("from_file", [False, True])
def test_observations_are_the_rows_in_order_and_failed_trials_infinite(from_file, tmp_path):
    trials = [
        make_trial(5, validation_error=0.25, budget=60),
        make_trial(0, **FAILED),
        make_trial(1, **INVALID),
        make_trial(
            2, validation_error=0.1 + 0.2, configuration=dict(TRIAL.configuration, top_p=1.0)
        ),
    ]
    table = tabulate(trials)
    if from_file:
        table = through_csv(table, tmp_path)
    seen = observations(table)
    assert [observation.loss for observation in seen] == [0.25, math.inf, math.inf, 0.1 + 0.2]
    assert [observation.budget for observation in seen] == [60, 30, 30, 30]
    assert [observation.configuration for observation in seen] == [
        trial.configuration for trial in trials
    ]
    for observation in seen:
        kinds = {name: type(value) for name, value in observation.configuration.items()}
        assert kinds == {"top_nodes": int, "top_p": float, "kind": str}
        assert (type(observation.budget), type(observation.loss)) == (int, float)


@pytest.mark.parametrize("status", ["infrastructure", "host_memory", "lost"])
def test_what_is_no_result_of_a_training_never_reaches_a_model(status):
    table = tabulate([make_trial(0)]).assign(status=status, validation_error=math.nan)
    with pytest.raises(RecordError, match=rf"learns from trials whose status is ok, .*{status}"):
        observations(table)


def test_observations_of_trials_that_all_failed_are_all_infinite(tmp_path):
    table = through_csv(tabulate([make_trial(slot, **FAILED) for slot in range(3)]), tmp_path)
    assert [observation.loss for observation in observations(table)] == [math.inf] * 3
    assert observations(through_csv(tabulate([]), tmp_path)) == []


def test_several_objectives_are_observed_where_they_are_asked_for():
    table = tabulate([make_trial(0), make_trial(1, **INVALID)])
    names = ("validation_error", "sample_memory_bytes")
    losses = [item.losses for item in observations(table, names)]
    error = table["validation_error"][0]
    assert losses == [(error, 17 * 2**20), (math.inf, math.inf)]


def test_the_configuration_of_a_row_has_pythons_own_numbers(tmp_path):
    row = through_csv(tabulate([make_trial(0)]), tmp_path).iloc[0]
    configuration = configuration_of(row)
    assert configuration == TRIAL.configuration
    assert [type(value) for value in configuration.values()] == [int, float, str]


def test_costs_have_a_row_per_trial_and_are_not_in_the_other_table(tmp_path):
    trials = [make_trial(0), make_trial(1, cost={"seconds": 1 / 3, "host": "b"})]
    costs = through_csv(tabulate_costs(trials), tmp_path)
    assert costs["trial"].tolist() == ["b1-r0-s0", "b1-r0-s1"]
    assert costs["seconds"].tolist() == [12.5, 1 / 3]
    assert costs["host"].tolist() == ["node", "b"]
    assert not {"seconds", "host"} & set(tabulate(trials).columns)


def test_final_networks_have_a_row_each(tmp_path):
    left_out = {"configuration": {"a": 1}, "architecture": "{}", "cost": {"seconds": 1.0}}
    finals = [
        {"status": "ok", "test_accuracy": 0.1 + 0.2, **MEASURED, **left_out},
        {"status": "diverged", "test_accuracy": None, **MEASURED, **left_out},
    ]
    again = through_csv(tabulate_finals(finals), tmp_path)
    assert list(again.columns) == ["network", "status", "test_accuracy", *MEASURED]
    assert again["network"].tolist() == [0, 1]
    assert again["test_accuracy"][0] == 0.1 + 0.2
    assert math.isnan(again["test_accuracy"][1])
    assert again["parameters"].tolist() == [3, 3]
