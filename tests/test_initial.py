"""Initial points from an earlier search: what is taken, and what is refused."""

import json
import re

import pandas as pd
import pytest

from nago.records import UserError
from nago.search.initial import read_initial
from nago.tables import observations, read_table, write_table

RANGES = {"top_nodes": (3, 10), "top_p": (0.1, 0.9)}
OBJECTIVES = ("validation_error", "sample_memory_bytes")


def write_trials(folder, rows, **settings):
    """Rows are (rung, slot, budget, nodes, p, validation error)."""
    table = pd.DataFrame(
        {
            "trial": [f"b0-r{rung}-s{slot}" for rung, slot, *_ in rows],
            "bracket": 0,
            "rung": [row[0] for row in rows],
            "slot": [row[1] for row in rows],
            "budget": [row[2] for row in rows],
            "epochs": [row[2] for row in rows],
            "origin": "random",
            "parent": None,
            "seed": 1,
            "top_nodes": [row[3] for row in rows],
            "top_p": [row[4] for row in rows],
            "status": ["ok" if row[5] is not None else "diverged" for row in rows],
            "validation_error": [row[5] for row in rows],
            "hash": "ab",
            "width": 8,
            "nodes": 9,
            "parameters": 7,
            "multiply_adds": 6,
            "sample_memory_bytes": 5,
            "error": None,
        }
    )
    write_table(folder / "trials.csv", table)
    if settings:
        (folder / "settings.json").write_text(json.dumps(settings))
    return folder / "trials.csv"


ROWS = [
    (0, 0, 30, 4, 0.5, 0.4),
    (1, 1, 60, 5, 0.25, 0.3),
    (1, 0, 60, 3, 0.1, None),
    (1, 2, 60, 10, 0.9, 0.2),
    (1, 3, 60, 6, 0.6, 0.1),
]


def read(path, **changes):
    given = {
        "ranges": RANGES,
        "objectives": OBJECTIVES,
        "dataset": "x",
        "budget": 60,
        "points": 50,
    }
    return read_initial(path, **(given | changes))


def test_the_trials_of_the_budget_are_taken_in_the_order_of_their_plan(tmp_path):
    table = read(write_trials(tmp_path, ROWS, name=None, dataset="x"))
    assert list(table["parent"]) == ["b0-r1-s0", "b0-r1-s1", "b0-r1-s2", "b0-r1-s3"]
    assert list(table["trial"]) == ["initial-0", "initial-1", "initial-2", "initial-3"]
    assert set(table["bracket"]) == {-1}
    assert set(table["origin"]) == {"initial"}
    assert list(table["top_nodes"]) == [3, 5, 10, 6]


def test_they_are_learnt_from_like_trials_of_the_search_itself(tmp_path):
    write_table(tmp_path / "initial.csv", read(write_trials(tmp_path, ROWS)))
    seen = observations(read_table(tmp_path / "initial.csv"), OBJECTIVES)
    assert [item.losses for item in seen][1:] == [(0.3, 5), (0.2, 5), (0.1, 5)]
    assert seen[0].losses == (float("inf"), float("inf"))
    assert seen[1].configuration == {"top_nodes": 5, "top_p": 0.25}


def test_of_too_many_the_first_are_taken(tmp_path):
    assert list(read(write_trials(tmp_path, ROWS), points=3)["top_nodes"]) == [3, 5, 10]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"budget": 120},
            "must have 2 results or more after 120 epochs, it has 0; its budgets are 30, 60",
        ),
        ({"budget": 30}, "must have 2 results or more after 30 epochs, it has 1"),
        ({"points": 2}, "must have 2 results or more after 60 epochs, it has 1"),
        ({"dataset": "y"}, "is of the data set x, not of y"),
        (
            {"ranges": RANGES | {"top_k": (2, 5)}},
            "is of another space: it has top_nodes, top_p, this search top_nodes, top_p, top_k",
        ),
        (
            {"ranges": RANGES | {"top_p": (0.1, 0.5)}},
            "is of another space: top_p goes from 0.1 to 0.5 here, b0-r1-s2 has 0.9",
        ),
        ({"objectives": (*OBJECTIVES, "latency")}, "has no column latency"),
    ],
)
def test_what_a_search_cannot_begin_with_is_refused_in_one_line(changes, message, tmp_path):
    path = write_trials(tmp_path, ROWS, name="x", dataset="folder")
    with pytest.raises(UserError, match=re.escape(message)) as caught:
        read(path, **changes)
    assert "\n" not in str(caught.value)


def test_a_missing_or_damaged_table_is_named(tmp_path):
    with pytest.raises(UserError, match=r"initial: there is no file .*trials\.csv"):
        read(tmp_path / "trials.csv")
    path = write_trials(tmp_path, ROWS)
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(UserError, match=r"initial: .* is damaged"):
        read(path)
