"""The nago command: its numbers, its files, and what it says to a user who is wrong."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest
from workflow_runs import ROOT, TINY, build_once, make_project

from nago import __version__, cli

TABLE_ROWS = ("operations", "parameters", "multiply-adds", "sample memory")
EXAMPLE = [
    *["--generator", "hnag", "--top", "8,5,0.6", "--middle", "1,0.7", "--bottom", "5,4,0.2"],
    *["--limit", "4e6", "--image", "32", "--classes", "10", "--seed", "0"],
]


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A project whose tiny search is finished; not to be changed."""
    return build_once(tmp_path_factory, "finished", make_project, TINY)


@pytest.fixture
def nago(capsys, monkeypatch):
    """Run the command in this process; return its exit code, output and errors."""

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["nago", *map(str, arguments)])
        try:
            cli.main()
            code, message = 0, ""
        except SystemExit as leave:
            text = isinstance(leave.code, str)
            code, message = (1, f"{leave.code}\n") if text else (leave.code or 0, "")
        printed = capsys.readouterr()
        return code, printed.out, printed.err + message

    return run


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A folder with the project's settings, where the command runs."""
    for part in ("config", "workflow/schemas"):
        shutil.copytree(ROOT / part, tmp_path / part)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def sample(nago, *arguments):
    code, output, _ = nago("sample", "--json", *arguments)
    assert code == 0
    assert output.count("\n") == 1
    return json.loads(output)


def test_a_sample_without_options_is_a_draw_of_a_random_configuration(nago):
    code, output, errors = nago("sample")
    assert (code, errors) == (0, "")
    for row in TABLE_ROWS:
        assert re.search(rf"^{row} +[\d,.]+", output, re.MULTILINE), row
    drawn = sample(nago)
    assert drawn["hash"] in output
    assert f"{drawn['parameters']:,} of 4,000,000" in output
    assert sample(nago, "--seed", 1)["configuration"] != drawn["configuration"]


def test_a_sample_as_json_has_what_it_was_asked_for(nago):
    drawn = sample(nago, *EXAMPLE)
    wanted = {"parameters", "multiply_adds", "sample_memory_bytes", "hash", "nodes"}
    assert wanted <= set(drawn)
    assert drawn["nodes"] == 8 * 1 * 5
    assert 3_500_000 < drawn["parameters"] <= 4_000_000
    configuration = {"top_nodes": 8, "top_k": 5, "top_p": 0.6, "middle_nodes": 1, "middle_p": 0.7}
    configuration |= {"bottom_nodes": 5, "bottom_k": 4, "bottom_p": 0.2}
    assert drawn["configuration"] == configuration


def test_a_level_that_is_not_given_is_drawn_and_one_that_is_given_is_kept(nago):
    free, bound = sample(nago, "--seed", 4), sample(nago, "--seed", 4, "--middle", "2,0.25")
    assert (bound["configuration"]["middle_nodes"], bound["configuration"]["middle_p"]) == (
        2,
        0.25,
    )
    for name in ("top_nodes", "top_p", "bottom_k"):
        assert bound["configuration"][name] == free["configuration"][name]


def test_other_merges_operations_and_ratios_give_other_networks(nago):
    plain = sample(nago, *EXAMPLE)
    options = [
        ["--merges", "concat"],
        ["--operations", "conv1x1=1,avgpool3x3=2"],
        ["--stage-ratios", "2,1,1"],
        ["--channel-ratios", "1,1,1"],
    ]
    hashes = {sample(nago, *EXAMPLE, *option)["hash"] for option in options}
    assert len(hashes | {plain["hash"]}) == len(options) + 1
    assert len(set(sample(nago, *EXAMPLE, *options[3])["widths"])) == 1


def test_a_named_configuration_brings_its_limit_images_and_classes(nago):
    named = sample(nago, "--named", "cifar10-bohb", "--seed", 0)
    assert named["hash"] == sample(nago, *EXAMPLE)["hash"]
    large = sample(nago, "--named", "mit67-mobo")
    task = {"image_size": 224, "image_channels": 3, "classes": 67, "parameter_limit": 6_000_000}
    assert large["task"] == task
    other = sample(nago, "--named", "rnag-d", "--classes", 7, "--limit", "1e6")
    assert other["generator"] == "rnag"
    assert (other["task"]["classes"], other["task"]["parameter_limit"]) == (7, 1_000_000)
    assert other["parameters"] <= 1_000_000
    assert other["nodes"] == 96


def test_all_named_configurations_are_listed_and_can_be_drawn(nago):
    code, output, _ = nago("sample", "--named", "list")
    names = [line.split()[0] for line in output.splitlines()]
    assert code == 0
    assert len(names) == len(set(names)) >= 11 + 6 + 2
    for name in names:
        drawn = sample(nago, "--named", name)
        assert 0.8 * drawn["task"]["parameter_limit"] < drawn["parameters"]


def test_stages_of_rnag_are_given_for_all_or_for_each(nago):
    alike = sample(nago, "--generator", "rnag", "--stage", "12,4,0.5")
    assert alike["nodes"] == 36
    each = sample(nago, "--generator", "rnag", "--stage", "12,4,.5", "13,2,0", "14,6,1")
    assert [each["configuration"][f"stage{stage}_k"] for stage in (1, 2, 3)] == [4, 2, 6]
    assert each["nodes"] == 12 + 13 + 14


def test_hyperparameters_are_given_by_name_in_any_space(nago):
    given = ["--space", "aug_v1", "--set", "merge_sum=0", "operation_conv1x1=1", "top_nodes=5"]
    configuration = sample(nago, *given)["configuration"]
    assert len(configuration) == 15
    names = ("merge_sum", "operation_conv1x1", "top_nodes")
    assert [configuration[name] for name in names] == [0, 1, 5]


@pytest.mark.parametrize("generator", ["hnag", "rnag", "darts"])
def test_the_table_has_the_costs_by_level_and_stage_and_they_add_up(nago, generator):
    code, output, _ = nago("sample", "--generator", generator, "--table", "--seed", 2)
    lines = output.splitlines()
    start = next(place for place, line in enumerate(lines) if line.startswith("level"))
    rows = [re.split(r"  +", line) for line in lines[start + 1 :]]
    assert code == 0
    assert [rows[0][0], rows[-2][0], rows[-1][0]] == ["stem", "head", "all"]

    def column(place):
        return [float(row[place].replace(",", "")) for row in rows[:-1]]

    total = [float(text.replace(",", "")) for text in rows[-1][1:]]
    shift = [place - len(rows[0]) for place in (1, 3, 5)]  # rows of cells have a stage more
    for place, sum_, tolerance in zip(shift, total, (0, 0, 0.01 * len(rows)), strict=True):
        assert sum(column(place)) == pytest.approx(sum_, abs=tolerance)
        assert sum(column(place + 1)) == pytest.approx(100, abs=0.05 * len(rows))
    assert f"parameters     {int(total[0]):,} of" in output


def test_two_processes_draw_the_same_architecture_and_print_the_same_bytes():
    command = [sys.executable, "-m", "nago.cli", "sample", "--json", "--seed", "5"]
    runs = [
        subprocess.run(
            command, capture_output=True, check=True, env={**os.environ, "PYTHONHASHSEED": seed}
        )
        for seed in ("1", "2")
    ]
    assert runs[0].stdout == runs[1].stdout
    assert runs[0].stderr == runs[1].stderr == b""


def test_a_sample_is_drawn_into_a_file_that_is_svg(nago, tmp_path):
    path = tmp_path / "network.svg"
    code, output, _ = nago("sample", *EXAMPLE, "--draw", path)
    assert code == 0
    assert "parameters" in output
    assert ElementTree.parse(path).getroot().tag == "{http://www.w3.org/2000/svg}svg"


def test_a_recorded_sample_is_rebuilt_and_one_that_was_altered_is_found_out(nago, tmp_path):
    path = tmp_path / "sample.json"
    drawn = sample(nago, *EXAMPLE)
    path.write_text(json.dumps(drawn))
    code, output, errors = nago("rebuild", path)
    assert (code, errors) == (0, "")
    assert drawn["hash"] in output
    assert "the same as recorded" in output
    assert json.loads(nago("rebuild", path, "--json")[1]) == drawn

    path.write_text(json.dumps(drawn | {"hash": "0" * 16}))
    code, _, errors = nago("rebuild", path)
    assert code == 1
    assert errors.count("\n") == 1
    assert "0" * 16 in errors
    assert drawn["hash"] in errors

    path.write_text(json.dumps(drawn | {"seed": 1}))
    assert nago("rebuild", path)[0] == 1


def test_a_trial_and_a_final_network_are_rebuilt_from_their_place_in_the_results(
    nago, finished, tmp_path, monkeypatch
):
    for path in (finished.trial(0, 1, 0), finished.trial(1, 0, 1), finished.final(0)):
        code, output, errors = nago("rebuild", path)
        assert (code, errors) == (0, ""), path
        assert json.loads(path.read_text())["hash"] in output
        rebuilt = json.loads(nago("rebuild", path, "--json")[1])
        assert rebuilt["parameters"] == json.loads(path.read_text())["parameters"]
    monkeypatch.chdir(finished.folder)
    assert nago("rebuild", finished.final(0).relative_to(finished.folder))[0] == 0


def test_a_tampered_trial_is_found_out(nago, finished, tmp_path):
    project = finished.copy(tmp_path / "project")
    path = project.trial(0, 0, 0)
    trial = json.loads(path.read_text())
    trial["configuration"]["top_nodes"] += 1
    path.write_text(json.dumps(trial))
    code, _, errors = nago("rebuild", path)
    assert code == 1
    assert trial["hash"] in errors


def test_the_forecast_of_the_paper_s_search_on_cifar10(nago, project):
    code, output, errors = nago("forecast", "--config", "dataset=cifar10")
    assert (code, errors) == (0, "")
    for number in ("260", "19,200", "60", "4,800"):
        assert re.search(rf"(?<![\d,]){number}(?![\d,])", output), number
    values = json.loads(nago("forecast", "--json", "--config", "dataset=cifar10")[1])
    assert (values["brackets"], values["trainings"], values["epochs"]) == (60, 260, 19_200)
    assert values["trainings_by_budget"] == {"30": 80, "60": 80, "120": 100}
    # 12.8 GPU-days, as the paper reports for HNAG-BOHB on CIFAR10
    assert values["search_gpu_hours"] == pytest.approx(12.8 * 24, rel=0.01)


def test_a_forecast_goes_by_the_seconds_it_is_given_then_those_measured(nago, project):
    def hours(*arguments):
        return json.loads(nago("forecast", "--json", *arguments)[1])["search_gpu_hours"]

    settings = ["--config", "dataset=digits", "iterations=1", "min_budget=1", "max_budget=2"]
    assert hours("--epoch-seconds", 1800, *settings) == pytest.approx(2)  # 4 epochs
    assert hours(*settings, "seconds_per_epoch=900") == pytest.approx(1)
    table = project / "results/digits/hnag-bohb/costs.csv"
    table.parent.mkdir(parents=True)
    table.write_text("trial,epochs,seconds\na,1,3600\nb,3,3600\n")
    assert hours(*settings, "seconds_per_epoch=900") == pytest.approx(2)
    assert hours(*settings, "continue=true") == pytest.approx(1.5)  # 3 epochs


def test_a_forecast_has_ranges_a_wall_time_arrays_and_a_lag(nago, project):
    values = json.loads(nago("forecast", "--json", "--workers", 2, "--gpus", 8)[1])
    assert values["source"] == "1 s an epoch, the setting seconds_per_epoch"
    for name in ("search_gpu_hours_range", "final_gpu_hours_range", "gpu_hours"):
        assert values[name]["low"] < values[name]["median"] < values[name]["high"]
    assert [*values["wall_hours"]] == ["2"]
    assert values["arrays"][0] == 6  # lag 2: 4 and 2
    assert len(values["lag_hours"]) == 8
    assert 0 < values["busy_gpus"] <= 1
    assert values["disk"]["weights"] > 0
    lines = nago("forecast", "--workers", 2, "--gpus", 8)[1].splitlines()
    heads = ("known from", "all GPU-hours", "a training", "wall time", "lag", "Slurm arrays")
    for head in (*heads, "disk"):
        assert [line for line in lines if line.startswith(f"{head:16}")], head
    assert "with 2 trainings at a time" in "\n".join(lines)


def test_several_searches_are_forecast_and_followed_each_and_together(nago, project):
    settings = ["--config", "searches=[hnag-bohb,rnag-default]", "seeds=[0,1]", "iterations=1"]
    settings += ["min_budget=1", "max_budget=2", "final_epochs=10", "final_networks=2"]
    code, output, errors = nago("forecast", *settings)
    assert (code, errors) == (0, "")
    names = ["digits, hnag-bohb", "digits, hnag-bohb-seed1"]
    names += ["digits, rnag-default", "digits, rnag-default-seed1"]
    blocks = output.strip().split("\n\n")
    assert [block.splitlines()[0] for block in blocks] == [*names, "all 4 searches"]
    # Of each seed: 2 trials of 1 epoch, 1 of 2, the default of 2; two networks of 10 epochs each.
    for row in ("trainings       8", "epochs          12", "8 with 80 epochs together"):
        assert row in blocks[-1]
    assert "GPU-hours       0.0256" in blocks[-1]  # 92 epochs of a second
    assert list(json.loads(nago("forecast", "--json", *settings)[1])) == names
    statuses = json.loads(nago("status", "--json", *settings)[1])
    assert [statuses[name][0]["planned"] for name in names] == [3, 3, 1, 1]
    assert nago("status", *settings)[1].count("bracket") == 4


def test_a_search_of_own_images_has_a_forecast_though_no_hours(nago, project):
    code, output, _ = nago("forecast", "--config", "dataset=folder")
    assert code == 0
    assert "260" in output
    assert "unknown" in output


def test_the_status_of_a_search_that_has_not_begun_and_of_one_that_is_done(
    nago, project, finished, monkeypatch
):
    options = ["--config", *[f"{key}={value}" for key, value in TINY.items()]]
    statuses = json.loads(nago("status", "--json", *options)[1])
    assert [status["planned"] for status in statuses] == [3, 2]
    assert [status["done"] for status in statuses] == [0, 0]
    monkeypatch.chdir(finished.folder / "results")
    code, output, _ = nago("status", *options)
    assert code == 0
    header, *rows = [line.split() for line in output.splitlines()[1:]]
    assert header == ["bracket", "planned", "done", "running", "interrupted", "missing", "failed"]
    assert rows == [line.split() for line in ("0 3 3 0 0 0 0", "1 2 2 0 0 0 0", "all 5 5 0 0 0 0")]


def test_the_status_tells_a_training_at_work_from_one_that_was_cut_off(nago, project):
    rung = project / "results/digits/hnag-bohb/bracket0/rung0"
    rung.mkdir(parents=True)
    for slot, age in ((0, 10), (1, 3600)):
        path = rung / f"slot{slot}.checkpoint"
        path.touch()
        os.utime(path, (time.time() - age, time.time() - age))
    output = nago("status", "--config", "iterations=1", "min_budget=1", "max_budget=2")[1]
    assert output.splitlines()[2].split() == ["0", "3", "0", "1", "1", "1", "0"]


def test_a_search_is_followed_until_all_its_trials_are_done(nago, project, finished, monkeypatch):
    options = ["--config", *[f"{key}={value}" for key, value in TINY.items()]]
    pauses = []

    def wait(seconds):
        pauses.append(seconds)
        if len(pauses) == 3:  # until then nothing changes, and nothing is printed
            shutil.copytree(finished.folder / "results", project / "results")

    monkeypatch.setattr("nago.cli.progress.time.sleep", wait)
    code, output, errors = nago("status", "--follow", 0.5, *options)
    assert (code, errors, pauses) == (0, "", [0.5] * 3)
    lines = [line.split() for line in output.splitlines() if line.strip().startswith("all")]
    assert lines == [["all", "5", "0", "0", "0", "5", "0"], ["all", "5", "5", "0", "0", "0", "0"]]


def test_following_ends_quietly_when_it_is_interrupted(nago, project, monkeypatch):
    def interrupt(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("nago.cli.progress.time.sleep", interrupt)
    code, output, errors = nago("status", "--follow")
    assert (code, errors) == (0, "")
    assert "missing" in output


def test_help_and_version_are_there_for_every_command(nago):
    for command in ([], ["sample"], ["rebuild"], ["forecast"], ["status"]):
        code, output, _ = nago(*command, "--help")
        assert code == 0
        assert "usage: nago" in output
    assert nago("--version") == (0, f"nago {__version__}\n", "")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["sample", "--top", "8,5,1.5"], 1, ["1.5", "from 0 to 1"]),
        (["sample", "--middle", "3,-0.1"], 1, ["-0.1", "from 0 to 1"]),
        (["sample", "--top", "8,5"], 1, ["--top", "'8,5'", "8,5,0.6"]),
        (["sample", "--bottom", "a,b,c"], 1, ["--bottom", "'a,b,c'", "5,4,0.2"]),
        (["sample", "--top", "2,2,0.5"], 1, ["2", "at least 3"]),
        (["sample", "--middle", "0,0.5"], 1, ["0", "at least 1"]),
        (["sample", "--limit", "100"], 1, ["100", "narrowest network", "raise the limit"]),
        (["sample", "--limit", "4.5"], 2, ["--limit", "'4.5'", "4e6"]),
        (["sample", "--image", "2"], 1, ["2 pixels", "at least 4"]),
        (["sample", "--classes", "1"], 1, ["--classes", "2 or more", "got 1"]),
        (["sample", "--channels", "0"], 1, ["--channels", "1 or more", "0"]),
        (["sample", "--merges", "add=1"], 1, ["'add'", "sum, attention, concat"]),
        (["sample", "--operations", "conv3x3=-1"], 1, ["operations", "-1"]),
        (["sample", "--merges", "sum=x"], 2, ["--merges", "'sum=x'", "sum=1"]),
        (["sample", "--stage-ratios", "1,1"], 2, ["--stage-ratios", "'1,1'", "three"]),
        (["sample", "--stage-ratios", "50,1,1"], 1, ["50", "empty", "[1, 1, 1]"]),
        (["sample", "--channel-ratios", "0,1,2"], 2, ["--channel-ratios", "'0,1,2'", "above 0"]),
        (["sample", "--channel-ratios", "nan,1,2"], 2, ["--channel-ratios", "'nan,1,2'"]),
        (["sample", "--draw", "config/config.yaml/x.svg"], 1, ["config/config.yaml"]),
        (["sample", "--generator", "dart"], 2, ["'dart'", "hnag", "rnag", "darts"]),
        (["sample", "--generator", "darts", "--top", "8,5,0.5"], 1, ["'top_k'", "darts"]),
        (["sample", "--generator", "darts", "--merges", "sum=1"], 1, ["'sum'", "no choice"]),
        (
            ["sample", "--generator", "rnag", "--stage", "9,4"],
            1,
            ["--stage", "'9,4'", "nodes,k,p"],
        ),
        (["sample", "--generator", "rnag", "--stage", "9,4,.1", "9,4,.1"], 1, ["each of three"]),
        (["sample", "--generator", "rnag", "--stage", "9,9,.1"], 1, ["K must be less than N"]),
        (["sample", "--generator", "rnag", "--space", "aug_v1"], 1, ["'aug_v1'", "base, er, ba"]),
        (["sample", "--top", "5,5,0.5"], 1, ["--top", "K must be less than N", "5 nodes"]),
        (["sample", "--set", "top_nodes=x"], 1, ["--set", "'top_nodes=x'", "top_nodes=5"]),
        (["sample", "--set", "top_node=5"], 1, ["'top_node'", "top_nodes"]),
        (["sample", "--named", "cifar10-boh"], 1, ["'cifar10-boh'", "'cifar10-bohb'"]),
        (["sample", "--named", "zzz"], 1, ["'zzz'", "--named list"]),
        (["sample", "--named", "rnag-d", "--generator", "hnag"], 1, ["rnag-d", "its own"]),
        (["sample", "--named", "rnag-d", "--space", "er"], 1, ["rnag-d", "its own"]),
        (
            ["sample", "--space", "aug_v1", "--set", "merge_sum=0", "merge_concat=0"],
            1,
            ["above 0"],
        ),
        (["rebuild", "/no/such/file"], 1, ["/no/such/file"]),
        (["rebuild", "config/config.yaml"], 1, ["config/config.yaml"]),
        (["rebuild", "."], 1, ["directory"]),
        (["forecast", "--config", "dataset=cifar11"], 1, ["'cifar11'", "cifar10"]),
        (["forecast", "--config", "dataset"], 1, ["'dataset'", "key=value"]),
        (["forecast", "--config", "iteration=3"], 1, ["'iteration'", "'iterations'"]),
        (["forecast", "--config", "max_budget=5"], 1, ["max_budget=5", "4 or 8"]),
        (["forecast", "--config", "name=["], 1, ["'['"]),
        (["forecast", "--epoch-seconds", "-3"], 2, ["--epoch-seconds", "'-3'", "above 0"]),
        (["forecast", "--calibrate", "/no/such"], 1, ["/no/such has no costs.csv", "give the"]),
        (["forecast", "--gpus", "0"], 2, ["--gpus", "1 or more", "'0'"]),
        (["forecast", "--gpus", "1", "--config", "gpus_per_trial=2"], 1, ["--gpus", "2", "got 1"]),
        (["forecast", "--workers", "many"], 2, ["--workers", "'many'"]),
        (["forecast", "--device", "A100"], 1, ["--device", "'A100'", "none"]),
        (["forecast", "--config", "max_gpu_hours=0"], 1, ["max_gpu_hours", "0"]),
        (["status", "--config", "iterations=many"], 1, ["'many'", "integer"]),
        (["statu"], 2, ["'statu'"]),
        ([], 2, ["COMMAND"]),
    ],
)
def test_an_error_of_the_user_is_one_line_that_says_what_would_be_right(
    nago, project, arguments, code, said
):
    returned, output, errors = nago(*arguments)
    assert (returned, output) == (code, "")
    message = errors.splitlines()[-1]
    assert "error: " in message
    if code == 1:  # argparse puts the usage above its line
        assert errors.count("\n") == 1
    for part in said:
        assert part in message


def test_outside_a_project_the_command_says_so(nago, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, errors = nago("status")
    assert code == 1
    assert "not in a project" in errors


def test_a_reader_that_stops_early_is_no_error():
    command = Path(sys.executable).with_name("nago")
    pipe = f"{command} sample | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", pipe], capture_output=True, text=True, check=True)
    assert done.stderr == ""
