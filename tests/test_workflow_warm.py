"""Warm start in the workflow: its file, what it changes, and what it leaves as it is."""

import csv
import json

import pytest
from workflow_runs import RESULTS, TABLE, TOY, build_once, make_toy_project


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    """A project whose toy search has its table; not to be changed."""
    return build_once(tmp_path_factory, "toy", make_toy_project, TOY, TABLE)


def read_rows(project, name):
    with (project.folder / name).open() as file:
        return [*csv.DictReader(file)]


def test_a_search_learns_from_other_trials_but_has_none_of_them(toy, tmp_path):
    project = toy.copy(tmp_path / "project")
    (project.folder / "earlier").mkdir()
    (project.folder / TABLE).rename(project.folder / "earlier" / "trials.csv")
    earlier = {row["hash"] for row in read_rows(project, "earlier/trials.csv")}
    other = {"warm_start": "[earlier/trials.csv]", "seed": 4}
    project.finish(TABLE, **other)
    warm = read_rows(project, f"{RESULTS}/warm.csv")
    assert {row["budget"] for row in warm} == {"1", "18"}
    assert len(warm) == 40
    trials = read_rows(project, TABLE)
    assert len(trials) == 40
    assert not earlier & {row["hash"] for row in trials}
    surrogate = json.loads(project.read(f"{RESULTS}/bracket0/surrogate.json"))
    # The first bracket, which knows nothing otherwise, has a model of the 36 at 1 epoch.
    assert surrogate["model_budget"] == 1
    assert [row["prior"] for row in surrogate["budgets"]] == [36, 4]
    assert {row["origin"] for row in trials if row["bracket"] == "0"} == {"model", "random"}
    assert project.run(TABLE, **other).nothing_to_do


def test_without_one_nothing_runs_again(toy, tmp_path):
    project = toy.copy(tmp_path / "project")
    assert project.run(TABLE).nothing_to_do
    assert not (project.folder / RESULTS / "warm.csv").exists()
    assert "prior" not in project.read(f"{RESULTS}/bracket2/surrogate.json").decode()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"warm_start": "nowhere.csv"}, "warm_start: there is no file nowhere.csv"),
        ({"warm_start": "[x/trials.csv]", "space": "aug_v1"}, "x/trials.csv is of another space"),
        ({"warm_start": "x.csv", "method": "random"}, "method random takes none"),
        ({"warm_start": TABLE}, "it can't begin with its own trials"),
        ({"warm_start": "[]"}, "warm_start: "),
    ],
)
def test_what_cannot_be_is_told_before_the_first_job(changes, message, toy, tmp_path):
    project = toy.copy(tmp_path / "project")
    (project.folder / "x").mkdir()
    (project.folder / "x" / "trials.csv").write_bytes(project.read())
    outcome = project.run("-n", **changes)
    assert outcome.code != 0
    assert message in outcome.text
    assert "Traceback" not in outcome.text
