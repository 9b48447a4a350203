"""The replication: what is kept of its searches, what is missing, and what its page shows."""

import importlib.util
import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
import yaml

from nago.report.runs import read_run
from nago.report.tables.claims import compare_memory

FOLDER = Path(__file__).parents[1] / "docs/replication"


def load():
    spec = importlib.util.spec_from_file_location("replication", FOLDER / "replication.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


replication = load()
TRAININGS = {
    **{"hnag-bohb": 78, "rnag-bohb": 78, "hnag-mobo": 64, "rnag-mobo": 64, "hnag-random": 48},
    **{"rnag-default": 1, "hnag-bohb-60": 260, "hnag-spread": 48},
}


def test_all_searches_are_kept_with_all_their_trainings_and_networks():
    assert not list(replication.list_missing(FOLDER / "runs"))
    runs = [read_run(path.parent) for path in sorted((FOLDER / "runs").glob("*/settings.json"))]
    assert len(runs) == 20
    for run in runs:
        name = run.folder.name.partition("-seed")[0]
        assert len(run.trials) == len(run.costs) == TRAININGS[name], name
        assert run.finals is None if name == "hnag-spread" else len(run.finals) == 8, name
    given = yaml.safe_load((FOLDER / "settings.yaml").read_text())
    for name in given["searches"]:
        assert sorted(run.seed for run in runs if run.contestant == name) == given["seeds"]


def test_a_search_is_missing_until_it_is_kept(tmp_path):
    (tmp_path / "hnag-bohb").mkdir()
    (tmp_path / "hnag-mobo-seed2").mkdir()
    found = list(replication.list_missing(tmp_path))
    assert [item["seeds"] for item in found] == [[0], [1], [2], [0]]
    assert "hnag-bohb" not in found[0]["searches"]
    assert "hnag-bohb" in found[1]["searches"]
    assert "hnag-mobo" not in found[2]["searches"]
    assert [*found[3]["searches"]] == ["hnag-bohb-60", "hnag-spread"]


def test_only_finished_searches_are_kept_and_what_is_kept_is_left_alone(tmp_path):
    results, kept = tmp_path / "results", tmp_path / "kept"
    for name in ("whole", "without-networks", "without-settings"):
        shutil.copytree(FOLDER / "runs/rnag-default", results / name)
    (results / "without-networks/final.csv").unlink()
    (results / "without-settings/settings.json").unlink()
    for _ in range(2):
        replication.keep_runs(results, kept)
        assert [path.name for path in kept.iterdir()] == ["whole"]
        # What comes later doesn't change it.
        (results / "whole/trials.csv").write_text("")
    assert (kept / "whole/trials.csv").read_text()
    settings = json.loads((kept / "whole/settings.json").read_text())
    assert settings["method"] == "default"


def test_the_page_shows_differences_over_seeds_at_the_end_of_the_searches():
    rows = [
        ("validation_error_percent", "hnag-bohb", "rnag-bohb", -11.0, "on the way: not tested"),
        ("validation_error_percent", "hnag-bohb", "rnag-bohb", -12.0, "3 seeds: too few"),
        ("test_accuracy_percent", "hnag-bohb", "rnag-bohb", 1.0, "networks together"),
        ("test_accuracy_percent_by_seed", "hnag-bohb", "hnag-random", -0.0, None),
        ("test_accuracy_percent_by_seed", "hnag-random", "rnag-default", 2.0, None),
        ("hypervolume_percent", "hnag-mobo", "hnag-random", None, "missing"),
    ]
    columns = ["measure", "contestant", "baseline", "difference_median", "note"]
    chosen = replication.choose_effects(pd.DataFrame(rows, columns=columns))
    assert chosen["difference_median"].tolist() == [-12.0, 0.0]
    text = replication.show(chosen, ["contestant", "difference_median"])
    assert text.splitlines()[-1] == "| hnag-bohb | 0 |"


@pytest.mark.parametrize(
    ("value", "text"), [(-0.0, "0"), (0.123456, "0.1235"), (float("nan"), "")]
)
def test_numbers_have_the_digits_that_mean_something(value, text):
    table = pd.DataFrame({"value": [value]})
    assert replication.show(table, ["value"]).splitlines()[-1] == f"| {text} |"


def test_what_the_page_calls_seen_holds_in_all_seeds():
    differences = pd.read_csv(FOLDER / "tables/differences.csv")
    chosen = replication.choose_effects(differences).set_index(
        ["measure", "contestant", "baseline"]
    )
    better = chosen["rank_biserial"]
    error, test = "validation_error_percent", "test_accuracy_percent_by_seed"
    assert better[error, "hnag-bohb", "rnag-bohb"] == better[test, "hnag-bohb", "rnag-bohb"] == 1
    assert better[test, "hnag-bohb", "hnag-mobo"] == -1
    assert chosen["difference_median"][error, "hnag-bohb", "hnag-random"] > 0
    runs = {name: FOLDER / "runs" / name for name in ("hnag-mobo", "hnag-bohb")}
    for seed in ("", "-seed1", "-seed2"):
        light, base = (read_run(path.with_name(path.name + seed)) for path in runs.values())
        assert compare_memory(light, base) < 1


def test_the_text_of_the_page_takes_its_numbers_from_the_table_of_claims():
    claims = pd.read_csv(FOLDER / "tables/claims.csv")
    said = replication.say_claims(claims)
    page = (FOLDER / "index.md").read_text()
    for name in replication.SAID:
        assert said[name] in page
    row = claims[claims["claim"].str.startswith("HNAG")].iloc[0]
    low, high = sorted(abs(row[["low", "high"]].astype(float)))
    assert said["hnag_error"] == f"{abs(row['value']):.3g} ({low:.3g} to {high:.3g})"
