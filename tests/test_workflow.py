"""The whole workflow by Snakemake itself: a run to its end, and what it leaves for its user."""

import csv
import html
import json
import os
import re
import signal
import sys

import pytest
from workflow_runs import (
    RESULTS,
    ROOT,
    SNAKEMAKE,
    TABLE,
    TINY,
    build_once,
    make_project,
    run,
    wait_until,
)

import nago
from nago.data.datasets import read_part
from nago.generators.draw import GENERATORS

FIGURES = ("anytime", "correlation", "front", "hypervolume", "network")
ASKED_FOR = {
    *(f"{RESULTS}/{name}" for name in ("settings.json", "trials.csv", "costs.csv")),
    *(f"{RESULTS}/{name}" for name in ("incumbent.json", "final.csv", "summary.csv")),
    *(f"{RESULTS}/{name}" for name in ("finalists.json", "front.csv", "hypervolume.csv")),
    *(f"{RESULTS}/figures/{name}.svg" for name in FIGURES),
    f"{RESULTS}/final/0.json",
}


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A project whose tiny search is finished; not to be changed."""
    return build_once(tmp_path_factory, "finished", make_project, TINY)


def rows(project, name):
    with (project.folder / name).open(newline="") as file:
        return list(csv.DictReader(file))


def test_a_run_leaves_every_file_that_it_promised_and_nothing_half_done(finished):
    assert set(finished.modified()) >= ASKED_FOR
    assert all(finished.read(name) for name in ASKED_FOR)
    left = {name.rpartition(".")[2] for name in finished.modified()}
    assert left == {"json", "csv", "svg", "npy", "pt", "pdf", "html"}


@pytest.mark.parametrize(
    ("generator", "space", "method"),
    [("rnag", "base", "bohb"), ("darts", "base", "random"), ("hnag", "aug_v1", "bohb")],
)
def test_every_generator_goes_through_the_whole_workflow(generator, space, method, tmp_path):
    given = {"generator": generator, "space": space, "method": method}
    settings = TINY | {"iterations": 1, "learning_rate": 0.02} | given
    project = make_project(tmp_path / "project", settings)
    project.finish()
    search = f"{generator}-{method}" if space == "base" else f"{generator}-{space}-{method}"
    results = RESULTS.replace("hnag-bohb", search)
    trials = rows(project, f"{results}/trials.csv")
    hyperparameters = set(GENERATORS[generator].spaces[space])
    assert hyperparameters <= set(trials[0])
    assert {trial["status"] for trial in trials} == {"ok"}
    final = json.loads(project.read(f"{results}/final/0.json"))
    assert set(final["configuration"]) == hyperparameters
    assert json.loads(final["architecture"])["generator"] == generator
    assert nago.load(project.folder / f"{results}/final/0.pt").network.layers
    assert project.finish().nothing_to_do


def test_a_second_run_finds_nothing_to_do(finished, tmp_path):
    project = finished.copy(tmp_path / "project")
    before = project.modified()
    assert project.finish().nothing_to_do
    assert project.modified() == before


def test_the_final_network_is_what_its_result_says(finished):
    import torch

    result = json.loads(finished.final(0).read_text())
    assert result["status"] == "ok"
    assert 0 <= result["test_accuracy"] <= 1
    network = nago.load(finished.final(0).with_suffix(".pt"))
    parameters = sum(values.numel() for values in network.parameters() if values.requires_grad)
    assert parameters == result["parameters"] <= TINY["parameter_limit"]
    assert result["sample_memory_bytes"] > 0
    assert re.fullmatch("[0-9a-f]{16}", result["hash"])
    images, labels = read_part(finished.folder / "data/digits", "test")
    with torch.no_grad():
        answers = network(torch.from_numpy(images.copy())).argmax(dim=1).numpy()
    # One image may be decided by the last digit, which depends on how many are a batch.
    assert abs((answers == labels).mean() - result["test_accuracy"]) <= 1 / len(labels)


def test_the_trials_follow_the_plan_and_the_best_of_a_rung_is_promoted(finished):
    trials = {row["trial"]: row for row in rows(finished, TABLE)}
    assert list(trials) == ["b0-r0-s0", "b0-r0-s1", "b0-r1-s0", "b1-r0-s0", "b1-r0-s1"]
    assert [int(row["budget"]) for row in trials.values()] == [2, 2, 4, 4, 4]
    assert {row["status"] for row in trials.values()} == {"ok"}
    below = [trials["b0-r0-s0"], trials["b0-r0-s1"]]
    best, promoted = min(below, key=lambda row: float(row["validation_error"])), trials["b0-r1-s0"]
    assert promoted["parent"] == best["trial"]
    names = ("top_nodes", "top_k", "top_p", "middle_nodes", "bottom_p")
    assert [promoted[name] for name in names] == [best[name] for name in names]
    assert promoted["hash"] != best["hash"]
    assert promoted["epochs"] == "4"
    largest = [row for row in trials.values() if row["budget"] == "4"]
    incumbent = json.loads(finished.read(f"{RESULTS}/incumbent.json"))
    assert (
        incumbent["trial"] == min(largest, key=lambda row: float(row["validation_error"]))["trial"]
    )


def test_each_epoch_has_a_line_in_the_log_and_a_row_in_the_curve(finished):
    for trial in rows(finished, TABLE):
        place = [trial[name] for name in ("bracket", "rung", "slot")]
        curve = finished.trial(*place).with_name(f"slot{place[2]}.curve.csv")
        log = finished.training_log(trial["trial"])
        assert len(re.findall(r"^epoch \d+/", log, re.MULTILINE)) == int(trial["epochs"])
        assert curve.read_text().count("\n") == int(trial["epochs"]) + 1


def test_what_depends_on_the_day_is_in_the_costs_alone(finished):
    trials, costs = rows(finished, TABLE), rows(finished, f"{RESULTS}/costs.csv")
    assert [row["trial"] for row in costs] == [row["trial"] for row in trials]
    assert {"seconds", "host", "peak_memory_bytes"} <= set(costs[0])
    assert not {"seconds", "host", "peak_memory_bytes"} & set(trials[0])
    assert all(float(row["seconds"]) > 0 for row in costs)
    # a gigabyte is what a trial on the digits may take at most
    assert all(int(row["peak_memory_bytes"]) < 1e9 for row in costs)


def test_the_settings_of_a_run_are_beside_its_results(finished):
    values = json.loads(finished.read(f"{RESULTS}/settings.json"))
    assert TINY.items() <= values.items()
    assert values["momentum"] == 0.9


def test_the_end_of_a_run_tells_what_came_of_it(finished, tmp_path):
    project = finished.copy(tmp_path / "project")
    (project.folder / RESULTS / "summary.csv").unlink()
    text = project.finish().text
    accuracy = json.loads(finished.final(0).read_text())["test_accuracy"]
    assert f"{accuracy:.2%}" in text
    assert f"{RESULTS}/" in text


def test_a_part_of_the_files_can_be_asked_for_alone(tmp_path):
    project = make_project(tmp_path / "project", TINY)
    outcome = project.finish("data/digits/dataset.json")
    assert "Traceback" not in outcome.text
    assert "Error" not in outcome.text
    assert set(project.modified()) == {
        "data/digits/dataset.json",
        *(f"data/digits/{part}.{kind}.npy" for part in ("train", "validation", "test")
          for kind in ("images", "labels")),
    }  # fmt: skip


def test_the_report_is_one_page_with_captions_for_every_table_and_figure(finished, tmp_path):
    project = finished.copy(tmp_path / "project")
    offline = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    outcome = run(project.command("--report", "report.html"), project.folder, **offline)
    assert outcome.code == 0, outcome.text
    page = project.read("report.html").decode()
    assert not re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=.https?:", page)
    text = re.sub(r"\s+", " ", html.unescape(re.sub(r"\\n|<[^>]+>", " ", page)))
    # Neither the studies nor the spread are among the files of a search, and so not in its report;
    # the table of generators is in that of a search with replicates alone.
    others = re.findall(r"report/(\w+)\.rst", (ROOT / "rules/studies.smk").read_text())
    others += [path.stem for path in (ROOT / "workflow/report").glob("spread*.rst")]
    others.append("generators_table")
    for caption in sorted((ROOT / "workflow/report").glob("*.rst")):
        if caption.stem in others:
            continue
        plain = [
            line for line in caption.read_text().splitlines() if re.match(r"[\w ,.']+$", line)
        ]
        assert plain, caption
        assert max(plain, key=len).strip() in text, caption
    for name in ("trials.csv", "final.csv", "summary.csv"):
        assert f"{RESULTS}/{name}" in page
    for figure in FIGURES:
        assert f"{RESULTS}/figures/{figure}.svg" in page


def test_a_second_driver_in_the_folder_is_refused_and_the_first_ends_unharmed(finished, tmp_path):
    project = finished.copy(tmp_path / "project")
    path = project.trial(1, 0, 1)
    path.unlink()
    (project.folder / "logs/digits/hnag-bohb/train/b1-r0-s1.log").unlink()
    with project.started(str(path.relative_to(project.folder)), TABLE) as driver:
        assert wait_until(lambda: "epoch 1/" in project.training_log("b1-r0-s1"), driver)
        # Paused, or the first might end just as the second looks at its lock.
        os.killpg(driver.pid, signal.SIGSTOP)
        second = project.run()
        os.killpg(driver.pid, signal.SIGCONT)
        assert driver.wait(timeout=120) == 0
    assert second.code != 0
    assert "Error: Directory cannot be locked" in second.text
    assert "Traceback" not in second.text
    assert project.read() == finished.read()


def test_the_dry_run_of_60_iterations_shows_every_training(tmp_path):
    project = make_project(tmp_path / "project", {"dataset": "cifar10", "data_root": "images"})
    jobs = project.planned_jobs()
    assert jobs["train"] == 260
    assert jobs["propose"] == jobs["fit_surrogate"] == jobs["tabulate"] == 60
    assert jobs["promote"] == 20 * 2 + 20 * 1
    assert jobs["train_final"] == 8


def test_neither_the_snakefile_nor_steps_that_do_not_train_import_torch(finished):
    ask = "import sys; print('torch:', 'torch' in sys.modules)"
    program = f"import atexit; atexit.register(lambda: exec({ask!r}))\n"
    program += "import sys; from snakemake.cli import main; main(sys.argv[1:])"
    arguments = finished.command("-n", "--forceall")[len(SNAKEMAKE) :]
    outcome = run([sys.executable, "-c", program, *arguments], finished.folder)
    assert outcome.code == 0, outcome.text
    assert "torch: False" in outcome.stdout
    scripts = [str(path) for path in (ROOT / "scripts").glob("*.py") if path.stem[:5] != "train"]
    assert len(scripts) > 8
    program = f"import runpy, sys; [runpy.run_path(path) for path in sys.argv[1:]]; {ask}"
    outcome = run([sys.executable, "-c", program, *scripts], ROOT)
    assert outcome.stdout == "torch: False\n", outcome.text


def test_the_profile_of_the_cluster_is_found_as_it_is_typed(tmp_path):
    project = make_project(tmp_path / "project", {})
    settings = [f"{key}={value}" for key, value in TINY.items()]
    command = [*SNAKEMAKE, "--profile", "slurm", "-n", "--config", *settings]
    outcome = run(command, project.folder)
    assert outcome.code == 0, outcome.text
    assert "Traceback" not in outcome.text


def test_the_local_profile_starts_trainings_on_the_python_that_runs_snakemake(finished, tmp_path):
    project = finished.copy(tmp_path / "project")
    path = project.trial(0, 0, 0)
    assert json.loads(path.read_text())["cost"]["python"] == sys.version.split()[0]
    (project.folder / RESULTS / "summary.csv").unlink()
    # where `python` is another one or none at all
    bare = {"PATH": os.pathsep.join(["/usr/bin", "/bin"])}
    outcome = run(project.command(f"{RESULTS}/summary.csv"), project.folder, **bare)
    assert outcome.code == 0, outcome.text


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"iteration": 3}, ["'iteration'", "'iterations'"]),
        ({"dataset": "digit"}, ["'digit'", "digits"]),
        ({"iterations": "many"}, ["'many'", "integer"]),
        ({"max_budget": 6}, ["max_budget=6", "4 or 8"]),
    ],
)
def test_a_wrong_setting_stops_snakemake_with_one_message(tmp_path, changes, said):
    project = make_project(tmp_path / "project", TINY)
    outcome = project.run(**changes)
    assert outcome.code != 0
    assert "Traceback" not in outcome.text
    lines = [line for line in outcome.text.splitlines() if all(part in line for part in said)]
    assert len(lines) == 1, outcome.text
    assert not project.modified()


def test_random_search_runs_to_the_end_beside_the_first_search(finished, tmp_path):
    small = {"iterations": 1, "min_budget": 1, "max_budget": 2}
    project = finished.copy(tmp_path / "project", method="random", **small)
    before = project.modified()
    project.finish()
    trials = rows(project, "results/digits/hnag-random/trials.csv")
    # as many epochs as the bracket of BOHB, (2 at 1, 1 at 2), all at the largest budget
    assert [row["budget"] for row in trials] == ["2", "2"]
    assert {row["origin"] for row in trials} == {"random"}
    final = json.loads(project.read("results/digits/hnag-random/final/0.json"))
    assert 0 <= final["test_accuracy"] <= 1
    # Tables, figures and the report that compare searches are those of the latest run.
    kept = {name: moment for name, moment in before.items() if name.count("/") != 3}
    kept |= {name: moment for name, moment in before.items() if name.startswith(RESULTS)}
    assert kept.items() <= project.modified().items()
