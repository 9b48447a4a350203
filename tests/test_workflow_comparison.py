"""Several searches in one run: each as if alone, none disturbed by another; targets by name."""

import csv
import json

import pytest
from workflow_runs import TINY, TOY, build_once, make_project, make_toy_project

SEARCHES = (
    "{hnag-bohb: {}, hnag-random: {}, wide: {lag: 3},"
    " hnag-mobo: {initial: hnag-random, initial_points: 3, mobo_budget: 4, mobo_iterations: 2,"
    " mobo_batch: 2, surrogate: gp}, hnag-spread: {mobo_budget: 2, spread_configurations: 3,"
    " spread_draws: 2}}"
)
SMALL = TOY | {"iterations": 2, "max_budget": 4, "eta": 4}
"""Brackets (4, 1) and (2)."""

SEARCHED = SMALL | {"searches": SEARCHES, "seeds": "[3, 8]"}

COMPARED = TINY | {
    "max_budget": 2,
    "searches": "{hnag-bohb: {}, hnag-random: {}, rnag-default: {},"
    " hnag-spread: {mobo_budget: 2, spread_configurations: 2, spread_draws: 2}}",
}


@pytest.fixture(scope="session")
def searched(tmp_path_factory):
    """A project with the searches of two seeds, on a toy objective; not to be changed."""
    return build_once(tmp_path_factory, "searched", make_toy_project, SEARCHED, "search")


@pytest.fixture(scope="session")
def compared(tmp_path_factory):
    """A project with real trainings of four searches, compared; not to be changed."""
    return build_once(tmp_path_factory, "compared", make_project, COMPARED)


def rows(project, name):
    with (project.folder / name).open(newline="") as file:
        return list(csv.DictReader(file))


def table(search):
    return f"results/digits/{search}/trials.csv"


@pytest.mark.parametrize(
    ("search", "alone"),
    [
        ("hnag-bohb", {}),
        ("hnag-bohb-seed8", {"seed": 8, "data_seed": 3}),
        ("hnag-random-seed8", {"method": "random", "seed": 8, "data_seed": 3}),
        ("wide", {"lag": 3}),
    ],
)
def test_a_search_among_others_has_the_bytes_of_the_same_search_alone(
    search, alone, searched, tmp_path
):
    settings = SMALL | alone
    project = make_toy_project(tmp_path / "project", settings)
    name = f"hnag-{settings.get('method', 'bohb')}"
    project.finish(table(name))
    assert project.read(table(name)) == searched.read(table(search))
    assert searched.read(table("hnag-bohb")) != searched.read(table("hnag-bohb-seed8"))


def test_a_search_that_begins_with_another_takes_its_trials_of_the_same_seed(searched):
    for end in ("", "-seed8"):
        other = rows(searched, table(f"hnag-random{end}"))
        begun = rows(searched, f"results/digits/hnag-mobo{end}/initial.csv")
        assert [row["parent"] for row in begun] == [row["trial"] for row in other][:3]
        assert {row["origin"] for row in rows(searched, table(f"hnag-mobo{end}"))} == {"model"}


def test_a_spread_has_several_networks_of_each_configuration(searched):
    trials = rows(searched, table("hnag-spread"))
    names = [name for name in trials[0] if name.startswith(("top_", "middle_", "bottom_"))]
    of_bracket = {}
    for row in trials:
        of_bracket.setdefault(row["bracket"], set()).add(tuple(row[name] for name in names))
    assert [len(found) for found in of_bracket.values()] == [1, 1, 1]
    assert len(set.union(*of_bracket.values())) == 3
    assert len({row["seed"] for row in trials}) == len(trials) == 6


def test_settings_of_another_search_or_seed_run_nothing_of_the_finished_ones(searched):
    assert searched.run("search", "-n").nothing_to_do
    more = searched.planned_jobs("search", seeds="[3, 8, 9]", searches="[hnag-bohb]")
    # Only the search of seed 9.
    assert (more["train"], more["tabulate"], more["prepare"]) == (7, 2, 0)


def test_a_run_of_several_ends_with_tables_figures_and_a_report(compared):
    tables = compared.folder / "results/digits/tables"
    names = {path.name for path in tables.glob("*.csv")}
    assert {"table2-validation.csv", "table4-test.csv", "claims.csv", "spread.csv"} <= names
    found = {
        row["contestant"]: row for row in rows(compared, "results/digits/tables/failures.csv")
    }
    assert set(found) == {"hnag-bohb", "hnag-random", "rnag-default", "hnag-spread"}
    for name in ("anytime", "front", "test", "winners", "spread"):
        path = compared.folder / f"results/digits/figures/{name}.svg"
        assert path.read_text().startswith("<?xml"), name
    page = compared.read("results/digits/report/index.html").decode()
    for name in found:
        assert name in page


def test_the_default_is_trained_as_often_as_the_others_but_not_searched(compared):
    (trial,) = rows(compared, table("rnag-default"))
    assert (trial["origin"], trial["stage1_nodes"], trial["budget"]) == ("given", "32", "2")
    assert len(rows(compared, "results/digits/rnag-default/final.csv")) == 1
    settings = json.loads(compared.read("results/digits/rnag-default/settings.json"))
    assert settings["contestant"] == "rnag-default"
    assert not (compared.folder / "results/digits/hnag-spread/final").exists()


def test_targets_are_parts_of_the_whole(compared):
    assert compared.run("-n").nothing_to_do
    for name in ("search", "final", "tables", "figures", "report"):
        assert compared.run(name, "-n").nothing_to_do, name
    changed = {"final_epochs": 2}
    assert compared.planned_jobs("search", **changed) == {"write_settings": 4, "search": 1}
    finals = compared.planned_jobs("final", **changed)
    assert (finals["train_final"], finals["train"], finals["compare"]) == (3, 0, 0)
    tables = compared.planned_jobs("tables", **changed)
    assert (tables["compare"], tables["write_report"], tables["draw_comparison"]) == (1, 0, 0)
    assert compared.planned_jobs("report", **changed)["write_report"] == 1
