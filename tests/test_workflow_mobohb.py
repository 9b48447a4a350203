"""Multi-objective BOHB through the whole workflow: files, repeats, limits, bad limits."""

import csv
import json
from dataclasses import replace

import pytest
from workflow_runs import TINY, Project, build_once, make_project

from nago.data.datasets import read_info
from nago.exact import COSTS, find_task, make_costs, make_exact
from nago.objective import evaluate_proposal
from nago.records import read_protocol, read_trial
from nago.search.brackets import Rung, plan_search
from nago.search.simulate import run_search
from nago.search.steps import first_rung
from nago.search.surrogate_file import read_surrogate
from nago.seeds import derive_seed
from nago.settings import read_search
from nago.tables import tabulate, write_table

LIMIT = 0.06
"""MB; about half of the networks are above it."""

MOBOHB = TINY | {
    "method": "mobohb",
    "finalists": 2,
    "max_sample_memory_mb": LIMIT,
    "ranges": "{top_nodes: [3, 4], middle_nodes: [1, 2], bottom_nodes: [3, 4]}",
}
RESULTS = "results/digits/hnag-mobohb"


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A project whose search is finished; not to be changed."""
    return build_once(tmp_path_factory, "mobohb", make_project, MOBOHB)


def rows(project: Project, name: str) -> list[dict[str, str]]:
    with (project.folder / RESULTS / name).open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_brackets_the_front_and_networks_of_the_finalists(finished):
    trials = rows(finished, "trials.csv")
    assert [(row["bracket"], row["rung"], row["budget"]) for row in trials] == [
        *[("0", "0", "2")] * 2,
        ("0", "1", "4"),
        *[("1", "0", "4")] * 2,
    ]
    assert trials[2]["parent"] in {"b0-r0-s0", "b0-r0-s1"}
    assert {row["budget"] for row in rows(finished, "front.csv")} == {"4"}
    growth = [float(row["hypervolume"]) for row in rows(finished, "hypervolume.csv")]
    assert growth == sorted(growth)
    finalists = json.loads(finished.read(f"{RESULTS}/finalists.json"))
    assert [row["trial"] for row in rows(finished, "final.csv")] == [
        item["trial"] for item in finalists
    ]
    surrogate = read_surrogate(finished.folder / RESULTS / "bracket1/surrogate.json")
    memory = float(trials[2]["sample_memory_bytes"])
    assert surrogate["arrays"]["front"].tolist() == [
        [float(trials[2]["validation_error"]), memory]
    ]


def test_no_network_is_above_the_limit_and_what_was_counted_before_is_what_was_trained(finished):
    search = read_search(finished.folder / RESULTS / "search.json")
    assert search.limits == {"sample_memory_bytes": LIMIT * 2**20}
    costs = make_costs(
        protocol := read_protocol(finished.folder / RESULTS / "protocol.json"),
        find_task(protocol, read_info(finished.folder / "data/digits")),
    )
    for path in (finished.folder / RESULTS).glob("bracket*/rung*/slot*.trial.json"):
        trial = read_trial(path)
        assert trial.sample_memory_bytes <= LIMIT * 2**20
        counted = costs(trial.configuration, trial.seed)
        assert counted == {name: getattr(trial, name) for name in COSTS}
    # Without the limit it would have been exceeded.
    surrogate = read_surrogate(finished.folder / RESULTS / "bracket0/surrogate.json")
    free = first_rung(replace(search, limits={}), surrogate, bracket=0, rung=Rung(2, 2))
    memory = [costs(item.configuration, item.seed)["sample_memory_bytes"] for item in free]
    assert max(memory) > LIMIT * 2**20


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
        return make_exact(protocol, info, search.objectives, seed, search.limits)

    costs = make_costs(protocol, find_task(protocol, info))
    trials = run_search(search, train, plan_search(2, 2, 4, 2), 1, exact, costs=costs)
    write_table(tmp_path / "trials.csv", tabulate(trials))
    assert (tmp_path / "trials.csv").read_bytes() == finished.read(f"{RESULTS}/trials.csv")


def test_what_was_made_again_has_the_same_bytes(finished, tmp_path):
    project = finished.copy(tmp_path / "project")
    names = [
        *(f"{RESULTS}/bracket1/{name}" for name in ("surrogate.json", "surrogate.npz")),
        f"{RESULTS}/bracket0/rung1.proposals.json",
        f"{RESULTS}/bracket1/rung0.proposals.json",
    ]
    for name in names:
        (project.folder / name).unlink()
    project.finish(*names)
    for name in names:
        assert project.read(name) == finished.read(name), name


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"max_sample_memory_mb": 0.0001}, "max_sample_memory_mb is 0.0001, the least found"),
        ({"max_parameters": 10}, "none of 200 random configurations keeps the limits"),
        ({"method": "bohb", "max_multiply_adds": 3}, "max_multiply_adds is 3, the least found"),
        ({"initial": "x.csv"}, "method mobohb takes none"),
        ({"promotion": "best"}, "promotion"),
        ({"max_sample_memory_mb": 0}, "max_sample_memory_mb"),
    ],
)
def test_what_cannot_be_is_told_before_the_first_job(changes, message, finished):
    outcome = finished.run("-n", **changes)
    assert outcome.code != 0
    assert message in outcome.text
    assert "Traceback" not in outcome.text
