"""What runs again: what is missing, damaged or set otherwise, all that depends on it, no more."""

import json
import shutil

import pytest
from workflow_runs import (
    RESULTS,
    ROOT,
    TABLE,
    TINY,
    TOY,
    build_once,
    make_project,
    make_toy_project,
    wait_until,
)

COSTS = f"{RESULTS}/costs.csv"
DATA = {"data/digits/dataset.json"} | {
    f"data/digits/{part}.labels.npy" for part in ("train", "validation", "test")
}
FINAL = {f"{RESULTS}/final/0.{ending}" for ending in ("json", "pt", "curve.csv")}
# What compares searches, and the report, are made again if anything that they tell of was.
TABLES = ("table1-surrogates", "table2-validation", "table3-generators", "table4-test")
TABLES += ("table6-expanded", "failures", "anytime", "correlations", "differences", "claims")
FIGURES = ("anytime", "hypervolume", "front", "improvement", "memory", "budgets", "test")
COMPARED = {
    *(f"results/digits/tables/{name}.csv" for name in TABLES),
    *(f"results/digits/figures/{name}.{end}" for name in FIGURES for end in ("svg", "pdf")),
    *(f"results/digits/figures/{name}" for name in ("front.csv", "improvement.csv")),
    *("results/digits/figures/winners.svg", "results/digits/report/index.html"),
}
AFTER_FINAL = COMPARED | {
    f"{RESULTS}/{name}" for name in ("final.csv", "summary.csv", "figures/network.svg")
}
AFTER_TRIALS = {
    TABLE,
    COSTS,
    *(f"{RESULTS}/{name}.json" for name in ("incumbent", "finalists")),
    *(f"{RESULTS}/{name}.csv" for name in ("front", "hypervolume")),
    *(f"{RESULTS}/figures/{name}.svg" for name in ("anytime", "correlation")),
    *(f"{RESULTS}/figures/{name}.svg" for name in ("front", "hypervolume")),
    *FINAL,
    *AFTER_FINAL,
}
SETTINGS = f"{RESULTS}/settings.json"


def trial(bracket, rung, slot):
    stem = f"{RESULTS}/bracket{bracket}/rung{rung}/slot{slot}"
    return {f"{stem}.trial.json", f"{stem}.curve.csv"}


def tables(bracket):
    return {f"{RESULTS}/bracket{bracket}/{kind}.csv" for kind in ("trials", "costs")}


def proposals(bracket, rung):
    return {f"{RESULTS}/bracket{bracket}/rung{rung}.proposals.json"}


def surrogate(bracket):
    return {f"{RESULTS}/bracket{bracket}/surrogate.json"}


# The graph of the tiny search by hand: bracket 0 is (2, 1), bracket 1 is (2) and learns from 0.
BRACKET_1 = surrogate(1) | proposals(1, 0) | trial(1, 0, 0) | trial(1, 0, 1) | tables(1)
RUNG_1 = proposals(0, 1) | trial(0, 1, 0)
BRACKET_0 = surrogate(0) | proposals(0, 0) | trial(0, 0, 0) | trial(0, 0, 1) | RUNG_1 | tables(0)
AFTER_BRACKET_0 = tables(0) | BRACKET_1 | AFTER_TRIALS


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A project whose tiny search is finished; not to be changed."""
    return build_once(tmp_path_factory, "finished", make_project, TINY)


@pytest.fixture(scope="session")
def toy(tmp_path_factory):
    """A project whose toy search has its table; not to be changed."""
    return build_once(tmp_path_factory, "toy", make_toy_project, TOY, TABLE)


@pytest.fixture
def project(finished, tmp_path):
    return finished.copy(tmp_path / "project")


def changed(before, after):
    return {name for name, moment in after.items() if before.get(name) != moment}


@pytest.mark.parametrize(
    ("place", "dependent"),
    [
        ((1, 0, 1), tables(1) | AFTER_TRIALS),
        ((0, 1, 0), AFTER_BRACKET_0),
        ((0, 0, 0), RUNG_1 | AFTER_BRACKET_0),
        ((0, 0, 1), RUNG_1 | AFTER_BRACKET_0),
    ],
)
def test_a_deleted_trial_is_planned_again_with_exactly_what_depends_on_it(
    project, place, dependent
):
    assert project.pending() == set()
    project.trial(*place).unlink()
    assert project.pending() == trial(*place) | dependent


def test_a_deleted_trial_is_trained_again_and_all_else_follows(project, finished):
    before = project.modified()
    project.trial(1, 0, 1).unlink()
    assert project.planned_jobs() == {
        **dict.fromkeys(("train", "tabulate", "join_tables", "select"), 1),
        **dict.fromkeys(("train_final", "tabulate_final", "summarise"), 1),
        **dict.fromkeys(("draw_trials", "draw_front", "draw_network", "all"), 1),
        **dict.fromkeys(("compare_surrogates", "compare"), 1),
        **dict.fromkeys(("draw_comparison", "write_report"), 1),
    }
    project.finish()
    assert changed(before, project.modified()) == trial(1, 0, 1) | tables(1) | AFTER_TRIALS
    assert project.read() == finished.read()
    for name in ("final.csv", "summary.csv", "incumbent.json", "figures/network.svg"):
        assert project.read(f"{RESULTS}/{name}") == finished.read(f"{RESULTS}/{name}"), name
    assert project.finish().nothing_to_do


def test_a_deleted_trial_that_was_promoted_reruns_the_brackets_that_learnt_from_it(toy, tmp_path):
    project = toy.copy(tmp_path / "project")
    parent = json.loads(project.trial(2, 1, 0).read_text())["parent"]
    slot = int(parent.rpartition("s")[2])
    before = project.modified()
    path = project.trial(2, 0, slot)
    path.unlink()
    project.finish(str(path.relative_to(project.folder)), TABLE)
    expected = trial(2, 0, slot) | proposals(2, 1) | trial(2, 1, 0) | tables(2) | {TABLE, COSTS}
    assert changed(before, project.modified()) == expected
    assert project.read() == toy.read()


def test_deleted_weights_of_a_final_network_are_made_again(project, finished):
    project.final(0).with_suffix(".pt").unlink()
    assert project.pending() == FINAL | AFTER_FINAL


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"iterations": 3},
            surrogate(2) | proposals(2, 0) | trial(2, 0, 0) | trial(2, 0, 1)
            | proposals(2, 1) | trial(2, 1, 0) | tables(2) | AFTER_TRIALS | {SETTINGS},
        ),
        ({"final_epochs": 2}, FINAL | AFTER_FINAL | {SETTINGS}),
        (
            {"final_learning_rate": 0.2},
            FINAL | AFTER_FINAL | {SETTINGS, f"{RESULTS}/final/protocol.json"},
        ),
        (
            {"learning_rate": 0.2},
            {SETTINGS, f"{RESULTS}/protocol.json"} | trial(0, 0, 0) | trial(0, 0, 1) | RUNG_1
            | AFTER_BRACKET_0,
        ),
        (
            {"samples": 32},
            {SETTINGS, f"{RESULTS}/search.json"} | BRACKET_0 | BRACKET_1 | AFTER_TRIALS,
        ),
        (
            {"seed": 5},
            {SETTINGS, f"{RESULTS}/search.json"} | DATA | BRACKET_0 | BRACKET_1 | AFTER_TRIALS,
        ),
        ({"seconds_per_epoch": 3}, {SETTINGS} | COMPARED),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)  # fmt: skip
def test_a_changed_setting_reruns_exactly_what_it_changes(finished, changes, expected):
    assert finished.pending(**changes) == expected


def test_an_iteration_more_keeps_all_that_was_done(toy, tmp_path):
    project = toy.copy(tmp_path / "project", iterations=4)
    before = project.modified()
    project.finish(TABLE)
    new = surrogate(3) | proposals(3, 0) | trial(3, 0, 0) | trial(3, 0, 1) | tables(3)
    assert changed(before, project.modified()) == new | {TABLE, COSTS}
    assert project.read().startswith(toy.read())


def test_a_comment_or_an_edit_of_code_reruns_nothing(project):
    shutil.copytree(ROOT / "nago", project.folder / "nago")
    for part in ("scripts", "rules", "workflow", "nago"):
        for path in (project.folder / part).rglob("*"):
            if path.suffix in {".py", ".smk"} or path.name == "Snakefile":
                path.write_text(f"{path.read_text()}\n# This comment is new.\n")
    text = (project.folder / "nago/objective.py").read_text()
    (project.folder / "nago/objective.py").write_text(text.replace("accuracy", "exactness"))
    before = project.modified()
    assert project.finish().nothing_to_do
    assert project.modified() == before


@pytest.mark.parametrize(
    ("name", "length", "made"),
    [
        ("bracket1/rung0/slot1.trial.json", 100, trial(1, 0, 1)),
        ("bracket1/rung0/slot0.trial.json", 0, trial(1, 0, 0)),
        ("bracket1/rung0.proposals.json", 300, proposals(1, 0) | trial(1, 0, 0) | trial(1, 0, 1)),
    ],
)
def test_a_file_that_was_cut_off_is_set_aside_and_made_again_in_the_same_run(
    toy, tmp_path, name, length, made
):
    project = toy.copy(tmp_path / "project")
    before = project.modified()
    path = project.folder / RESULTS / name
    path.write_bytes(path.read_bytes()[:length])
    outcome = project.finish(f"{RESULTS}/{name}", TABLE)
    assert f"{RESULTS}/{name} is damaged" in outcome.text
    assert path.with_name(f"{path.name}.damaged").stat().st_size == length
    new = changed(before, project.modified()) - {f"{RESULTS}/{name}.damaged"}
    # bracket 2 learns from bracket 0 alone
    assert new == made | tables(1) | {TABLE, COSTS}
    assert project.read() == toy.read()


def test_a_damaged_trial_of_a_finished_search_is_made_again_by_the_next_run(project):
    path = project.trial(1, 0, 1)
    path.write_bytes(path.read_bytes()[:200])
    assert project.pending() == trial(1, 0, 1) | tables(1) | AFTER_TRIALS


def test_a_damaged_checkpoint_is_not_used_and_changes_no_result(project, finished):
    checkpoint = project.trial(1, 0, 0).with_name("slot0.checkpoint")
    project.trial(1, 0, 0).unlink()
    with project.started() as driver:
        assert wait_until(checkpoint.exists, driver)
    assert checkpoint.exists()
    checkpoint.write_bytes(checkpoint.read_bytes()[: checkpoint.stat().st_size // 2])
    project.finish("--unlock")
    project.finish(str(project.trial(1, 0, 0).relative_to(project.folder)), TABLE)
    log = project.training_log("b1-r0-s0")
    assert "slot0.checkpoint is damaged (cut off or altered); starting anew" in log
    assert "goes on" not in log
    assert project.read() == finished.read()
