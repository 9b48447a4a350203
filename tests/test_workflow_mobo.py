"""Multi-objective search through the whole workflow: files, repeats, another search as start."""

import csv
import json

import numpy as np
import pytest
from workflow_runs import TINY, Project, build_once, make_project

from nago.data.datasets import read_info
from nago.exact import make_exact
from nago.objective import evaluate_proposal
from nago.records import read_protocol
from nago.search.brackets import plan_rounds
from nago.search.simulate import run_search
from nago.search.surrogate_file import read_surrogate
from nago.seeds import derive_seed
from nago.settings import read_search
from nago.tables import tabulate, write_table

MOBO = TINY | {
    "method": "mobo",
    "initial_points": 4,
    "mobo_iterations": 2,
    "mobo_batch": 2,
    "mobo_budget": 2,
    "finalists": 2,
    "ranges": "{top_nodes: [3, 4], middle_nodes: [1, 2], bottom_nodes: [3, 4]}",
}
RESULTS = "results/digits/hnag-mobo"
CHOICES = ("front.csv", "hypervolume.csv", "incumbent.json", "finalists.json")


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A project whose multi-objective search is finished; not to be changed."""
    return build_once(tmp_path_factory, "mobo", make_project, MOBO)


def rows(project: Project, name: str) -> list[dict[str, str]]:
    with (project.folder / RESULTS / name).open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_rounds_the_front_and_networks_of_the_finalists(finished):
    trials = rows(finished, "trials.csv")
    assert [row["bracket"] for row in trials] == ["0"] * 4 + ["1"] * 2 + ["2"] * 2
    assert [row["origin"] for row in trials] == ["random"] * 4 + ["model"] * 4
    assert {row["budget"] for row in trials} == {"2"}
    names = [name for name in trials[0] if name.startswith(("top_", "middle_", "bottom_"))]
    assert len({tuple(row[name] for name in names) for row in trials}) == len(trials)
    front = {row["trial"] for row in rows(finished, "front.csv")}
    finalists = json.loads(finished.read(f"{RESULTS}/finalists.json"))
    assert finalists[0]["trial"] in front
    networks = rows(finished, "final.csv")
    assert [row["trial"] for row in networks] == [item["trial"] for item in finalists]
    assert {row["status"] for row in networks} == {"ok"}
    for figure in ("front", "hypervolume"):
        assert finished.read(f"{RESULTS}/figures/{figure}.svg").startswith(b"<?xml")


def test_the_hypervolume_never_shrinks_and_counts_all_trials(finished):
    growth = rows(finished, "hypervolume.csv")
    assert [int(row["trials"]) for row in growth] == [4, 6, 8]
    values = [float(row["hypervolume"]) for row in growth]
    assert values == sorted(values)
    assert 0 < values[-1] < 1


def test_the_surrogate_is_data_with_its_diagnostics(finished):
    folder = finished.folder / RESULTS
    surrogate = read_surrogate(folder / "bracket2/surrogate.json")
    assert surrogate["observations"] == 6
    assert surrogate["options"]["surrogate"] == "bnn"
    assert all(np.isfinite(array).all() for array in surrogate["arrays"].values())
    assert "rhat" in json.dumps(surrogate["model"]).lower().replace("_", "")


def test_one_process_without_snakemake_gives_the_same_bytes(finished, tmp_path):
    folder = finished.folder
    search = read_search(folder / RESULTS / "search.json")
    protocol, data = read_protocol(folder / RESULTS / "protocol.json"), folder / "data/digits"
    info = read_info(data)

    def train(name, proposal):
        checkpoint = tmp_path / f"{name}.checkpoint"
        trial, _ = evaluate_proposal(
            name=name, proposal=proposal, protocol=protocol, data=data, checkpoint=checkpoint
        )
        return trial

    def exact(bracket):
        seed = derive_seed(search.seed, "exact", bracket)
        return make_exact(protocol, info, search.objectives, seed)

    plan = plan_rounds(4, 2, 2, 2)
    write_table(tmp_path / "trials.csv", tabulate(run_search(search, train, plan, 1, exact)))
    assert (tmp_path / "trials.csv").read_bytes() == finished.read(f"{RESULTS}/trials.csv")


def test_what_was_made_again_has_the_same_bytes(finished, tmp_path):
    project = finished.copy(tmp_path / "project")
    names = [
        *(f"{RESULTS}/bracket2/{name}" for name in ("surrogate.json", "surrogate.npz")),
        f"{RESULTS}/bracket2/rung0.proposals.json",
        *(f"{RESULTS}/{name}" for name in CHOICES),
    ]
    for name in names:
        (project.folder / name).unlink()
    project.finish(*names)
    for name in names:
        assert project.read(name) == finished.read(name), name


def test_the_sizes_of_the_proposed_are_computed_unless_the_paper_is_followed(finished, tmp_path):
    project = finished.copy(tmp_path / "project")
    assert project.planned_jobs(exact_objectives="false")["propose"] == 3
    log = (project.folder / "logs/digits/hnag-mobo/propose/b2.log").read_text()
    assert "model" in log


def test_a_search_begins_with_another_ones_table(finished, tmp_path):
    project = finished.copy(tmp_path / "project")
    (project.folder / "earlier").mkdir()
    for name in ("trials.csv", "settings.json"):
        path = project.folder / "earlier" / name
        path.write_bytes(project.read(f"{RESULTS}/{name}"))
    given = {"initial": "earlier/trials.csv", "initial_points": 5, "mobo_iterations": 1}
    project.finish(f"{RESULTS}/front.csv", **given)
    initial = rows(project, "initial.csv")
    assert [row["parent"] for row in initial] == [f"b0-r0-s{slot}" for slot in range(4)] + [
        "b1-r0-s0"
    ]
    assert [row["bracket"] for row in rows(project, "trials.csv")] == ["0", "0"]
    surrogate = read_surrogate(project.folder / RESULTS / "bracket0/surrogate.json")
    assert surrogate["observations"] == 5
    known = {row["trial"] for row in [*initial, *rows(project, "trials.csv")]}
    assert {row["trial"] for row in rows(project, "front.csv")} <= known
    assert [row["bracket"] for row in rows(project, "hypervolume.csv")] == ["-1", "0"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"initial": "nowhere/trials.csv"}, "initial: there is no file nowhere/trials.csv"),
        ({"initial": f"{RESULTS}/trials.csv", "mobo_budget": 4}, "its budgets are 2"),
        ({"initial": f"{RESULTS}/trials.csv", "space": "aug_v1"}, "is of another space"),
        ({"method": "bohb", "initial": "x.csv"}, "method bohb takes none"),
        ({"objectives": "[parameters, validation_error]"}, "must begin with validation_error"),
        ({"reference": "[1]"}, "reference must have a value for each of"),
        ({"finalists": 9}, "finalists must be at most the 8 trials, got 9"),
    ],
)
def test_what_cannot_be_is_told_before_the_first_job(changes, message, finished):
    outcome = finished.run("-n", **changes)
    assert outcome.code != 0
    assert message in outcome.text
    assert "Traceback" not in outcome.text
