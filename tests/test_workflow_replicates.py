"""Replicates through the whole workflow: the table of generators, repeats, and who has none."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from pages import read_page
from workflow_runs import Project, build_once, make_project

from nago.report.page.writing import find_runs, write_page

ONCE = {
    "seed": 6,
    "method": "mobo",
    "surrogate": "gp",
    "initial_points": 16,
    "mobo_iterations": 2,
    "mobo_batch": 4,
    "mobo_budget": 1,
    "finalists": 2,
    "parameter_limit": 60000,
    "ranges": "{top_nodes: [3, 4], middle_nodes: [1, 2], bottom_nodes: [3, 6]}",
}
ADAPTIVE = ONCE | {"replicates": "adaptive"}
RESULTS = "results/digits/hnag-mobo"
FINALISTS, GENERATORS = f"{RESULTS}/finalists.json", f"{RESULTS}/generators.csv"


def make_noisy_project(folder, settings):
    """A project whose trainings are a noisy function and take no time."""
    project = make_project(folder, settings)
    train = Path(__file__).with_name("noisy_train.py")
    shutil.copy(train, folder / "scripts" / "train.py")
    return project


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A project whose search with replicates is finished; not to be changed."""
    return build_once(tmp_path_factory, "replicates", make_noisy_project, ADAPTIVE, "search")


def rows(project: Project, name: str) -> list[dict[str, str]]:
    with (project.folder / RESULTS / name).open(newline="") as file:
        return list(csv.DictReader(file))


def test_replicates_have_a_parent_and_a_seed_of_their_own_and_are_in_the_table(finished):
    trials = {row["trial"]: row for row in rows(finished, "trials.csv")}
    again = [row for row in trials.values() if row["origin"] == "replicate"]
    assert again
    assert all(row["seed"] != trials[row["parent"]]["seed"] for row in again)
    generators = rows(finished, "generators.csv")
    assert len(generators) == len(trials) - len(again)
    draws = {row["trial"]: int(row["draws"]) for row in generators}
    for row in again:
        assert draws[row["parent"]] == 1 + sum(row["parent"] == r["parent"] for r in again)
    probabilities = [float(row["probability_pareto_optimal"]) for row in generators]
    assert probabilities == sorted(probabilities, reverse=True)


def test_the_page_shows_the_likeliest_generators_as_the_table_has_them(finished, tmp_path):
    write_page(find_runs([finished.folder / "results"]), tmp_path / "index.html", version="0")
    page, name = read_page(tmp_path / "index.html"), "generators-digits-hnag-mobo-6"
    probable = [
        row
        for row in rows(finished, "generators.csv")
        if float(row["probability_pareto_optimal"]) >= 0.01
    ][:15]
    assert len(probable) > 1
    assert page.column(name, "generator") == [row["trial"] for row in probable]
    assert page.column(name, "draws") == [row["draws"] for row in probable]
    shown = [float(text.rstrip("%")) for text in page.column(name, "Pareto-optimal")]
    likely = [100 * float(row["probability_pareto_optimal"]) for row in probable]
    assert shown == pytest.approx(likely, abs=0.005)
    errors = [float(text.rstrip("%")) for text in page.column(name, "expected error")]
    expected = [100 * float(row["expected_validation_error"]) for row in probable]
    assert errors == pytest.approx(expected, abs=0.005)
    assert all("top_nodes" in text for text in page.column(name, "configuration"))


def test_the_finalists_have_the_lowest_expected_error_not_that_of_a_trial(finished):
    finalists = json.loads(finished.read(FINALISTS))
    generators = rows(finished, "generators.csv")
    best = min(generators, key=lambda row: float(row["expected_validation_error"]))
    assert finalists[0]["trial"] == best["trial"]
    assert len({item["trial"] for item in finalists}) == 2


def test_what_was_made_again_has_the_same_bytes_and_nothing_else_runs(finished, tmp_path):
    project = finished.copy(tmp_path / "project")
    assert project.run("search").nothing_to_do
    names = [
        f"{RESULTS}/bracket2/rung0.proposals.json",
        *(f"{RESULTS}/{name}" for name in ("surrogate.json", "surrogate.npz")),
        GENERATORS,
        FINALISTS,
    ]
    for name in names:
        (project.folder / name).unlink()
    project.finish(*names)
    for name in names:
        assert project.read(name) == finished.read(name), name


def test_once_is_the_default_and_leaves_no_trace(finished, tmp_path):
    project = make_noisy_project(tmp_path / "project", ONCE)
    shutil.copytree(finished.folder / "data", project.folder / "data")
    project.finish(FINALISTS)
    for name in ("generators.csv", "surrogate.json"):
        assert not (project.folder / RESULTS / name).exists()
    trials = rows(project, "trials.csv")
    assert {row["origin"] for row in trials} == {"random", "model"}
    for name in ("search.json", "bracket2/surrogate.json"):
        assert "replicates" not in project.read(f"{RESULTS}/{name}").decode()
        assert "tried" not in project.read(f"{RESULTS}/{name}").decode()
    assert project.run(FINALISTS, replicates="once").nothing_to_do


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"replicates": "twice"}, "replicates: 'twice' is not one of once, adaptive"),
        ({"method": "bohb"}, "method bohb draws each generator once: leave it away"),
        ({"method": "mobohb", "mobohb_model": "surrogate"}, "is for method mobo, whose trials"),
        ({"exact_objectives": "false"}, "exact_objectives must be true, got false"),
    ],
)
def test_what_cannot_be_is_told_before_the_first_job(changes, message, finished):
    outcome = finished.run("-n", **changes)
    assert outcome.code != 0
    assert message in outcome.text
    assert "Traceback" not in outcome.text
