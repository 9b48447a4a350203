"""The figures of a comparison in any state of its searches."""

import itertools
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pytest
from contest_runs import (
    make_contest,
    make_spread,
    make_trials,
    settings_of,
    write_run,
)
from svg_figures import marks, texts

from nago.report.figures.comparison import FIGURES, draw_comparison
from nago.report.figures.looks import DASHED, choose_looks
from nago.report.figures.memory import draw_trial_memory, read_memory
from nago.report.figures.strips import draw_tests
from nago.report.figures.winners import draw_winners, list_winners
from nago.report.runs import read_run

ROOT = Path(__file__).parents[1]
SIX = ["hnag-bohb", "hnag-mobo", "rnag-bohb", "rnag-mobo", "rnag-default", "hnag-random"]
FIVE = ["cifar10", "cifar100", "sport8", "mit67", "flowers102"]
NAMES = [*FIGURES, "test", "winners"]
CONFIGURATION = {"top_nodes": 3}
BLUE = "#0072b2"


@pytest.fixture(scope="module")
def contest(tmp_path_factory):
    """Six contestants with three seeds on one data set."""
    return make_contest(tmp_path_factory.mktemp("contest"), ["digits"], SIX, 3)


def one_trial(folder, error=0.2, contestant="hnag-bohb", accuracies=(0.8,), seed=0):
    trials = make_trials((0, 0, 0, 3, None, error, 4, CONFIGURATION))
    return write_run(folder, settings_of("digits", contestant, seed), trials, accuracies)


def no_files(folder, contestant="hnag-random"):
    return write_run(folder, settings_of("digits", contestant, 0))


# Looks.


def test_contestants_differ_without_their_colours_and_only_random_search_is_dashed(tmp_path):
    names = [f"{g}{n}-{m}" for n in range(6) for g in "ab" for m in ("bohb", "random", "mobo")]
    looks = choose_looks([no_files(tmp_path / name, name) for name in names])
    assert list(looks) == names
    pairs = itertools.combinations(looks.values(), 2)
    assert all((a.colour, a.marker) != (b.colour, b.marker) for a, b in pairs)
    assert len({look.marker for look in list(looks.values())[:6]}) == 6
    for name, look in looks.items():
        assert (look.line == DASHED) == name.endswith("random")


# Memory, tests and winners.


def test_memory_is_of_all_trials_that_drew_a_network(tmp_path):
    trials = make_trials(
        (0, 0, 0, 3, None, 0.2, 4, CONFIGURATION), (0, 0, 1, 3, None, None, 6, CONFIGURATION)
    )
    trials = trials.astype({"sample_memory_bytes": "Int64"})
    trials.loc[2] = trials.loc[1].to_dict() | {"trial": "b0-r0-s2", "sample_memory_bytes": None}
    run = write_run(tmp_path / "run", settings_of("digits", "hnag-bohb", 0), trials)
    assert read_memory([run, no_files(tmp_path / "none")]).tolist() == [4.0, 6.0]


def test_each_histogram_says_its_median_and_who_has_no_trials(contest, tmp_path):
    runs = [*contest[:3], no_files(tmp_path / "none")]
    draw_trial_memory(runs, [tmp_path / "memory.svg"])
    found = texts(tmp_path / "memory.svg")
    median = np.median(np.concatenate([run.trials["sample_memory_bytes"] for run in contest[:3]]))
    assert any(text.startswith(f"hnag-bohb: median {median / 2**20:.3g},") for text in found)
    assert "hnag-random: no trials" in found
    assert "sample memory (MB per image)" in found


def test_the_strip_has_a_mark_per_tested_network_and_published_values_are_hollow(tmp_path):
    runs = [
        one_trial(tmp_path / "0", accuracies=(0.8, 0.82, None)),
        one_trial(tmp_path / "1", accuracies=(0.9,), seed=1),
        one_trial(tmp_path / "2", contestant="rnag-bohb", accuracies=()),
    ]
    published = {("digits", "rnag-bohb"): 94.3, ("digits", "other"): 1.0, ("mnist", "a"): 2.0}
    draw_tests(runs, [tmp_path / "test.svg"], published)
    assert marks(tmp_path / "test.svg", BLUE) == {"filled": 0, "hollow": 3}
    found = texts(tmp_path / "test.svg")
    assert {"hnag-bohb", "rnag-bohb: none", "published", "test accuracy (%)"} <= set(found)
    draw_tests(runs, [tmp_path / "without.svg"])
    assert "published" not in texts(tmp_path / "without.svg")


def test_the_winners_are_the_first_network_of_the_first_seed_that_has_one(tmp_path):
    runs = [
        no_files(tmp_path / "0", "hnag-bohb"),
        one_trial(tmp_path / "1", accuracies=(0.8, 0.9), seed=1),
        one_trial(tmp_path / "2", accuracies=(0.95,), seed=2),
        one_trial(tmp_path / "3", contestant="rnag-bohb", accuracies=(None,)),
    ]
    (first, _), (second, _) = list_winners(runs)
    assert first == (
        "digits hnag-bohb, seed 1: 12 operations, 2 MB per image, test accuracy 80.0 %"
    )
    assert second.endswith("not tested")
    draw_winners(runs, tmp_path / "winners.svg")
    assert "(b) digits rnag-bohb" in " ".join(texts(tmp_path / "winners.svg"))


def test_thirty_winners_have_a_panel_each(tmp_path):
    runs = [
        write_run(tmp_path / dataset / name, settings_of(dataset, name, 0), accuracies=[0.5])
        for dataset in FIVE
        for name in SIX
    ]
    draw_winners(runs, tmp_path / "winners.svg")
    panels = ET.parse(tmp_path / "winners.svg").getroot().iterfind(".//*[@class='panel']")
    assert [panel.get("id") for panel in panels][-5:] == ["z", "aa", "ab", "ac", "ad"]


# All figures together.


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_script_writes_every_figure_twice_alike_and_without_a_date(contest, tmp_path):
    """Another process with another hash seed, and the user's own style, change no byte."""
    folders = [str(run.folder) for run in contest]
    script = [sys.executable, "scripts/draw_comparison.py", "--runs", *folders]
    environment = os.environ | {"PYTHONHASHSEED": "7", "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [*script, "--output", str(tmp_path / "there")], check=True, cwd=ROOT, env=environment
    )
    with mpl.rc_context({"font.size": 20, "svg.fonttype": "path", "pdf.fonttype": 3}):
        draw_comparison(contest, tmp_path / "here")
    there, here = files_of(tmp_path / "there"), files_of(tmp_path / "here")
    names = {f"{name}.{kind}" for name in NAMES for kind in ("svg", "pdf")} - {"winners.pdf"}
    assert set(here) == names | {"front.csv", "improvement.csv"}
    assert here == there
    for name, content in here.items():
        assert b"Date" not in content, name
        assert not name.endswith(".pdf") or content.startswith(b"%PDF")


def test_five_data_sets_have_a_panel_each(tmp_path):
    runs = make_contest(tmp_path, FIVE, ["hnag-bohb", "hnag-random"], 1, 1)
    for name in ("anytime", "front", "improvement", "memory"):
        FIGURES[name](runs, [tmp_path / f"{name}.svg"])
        assert set(FIVE) <= set(texts(tmp_path / f"{name}.svg")), name


def make_states(root):
    """Comparisons in which something is missing, and what each figure must say in words."""
    failed = make_trials(
        (0, 0, 0, 3, None, None, 4, CONFIGURATION),
        (0, 1, 0, 6, "b0-r0-s0", None, 4, CONFIGURATION),
    )
    settings = settings_of("digits", "hnag-bohb", 0)
    return {
        "one trial": [one_trial(root / "one")],
        "all failed": [write_run(root / "failed", settings, failed, [None])],
        "unfinished": [no_files(root / "unfinished")],
        "mixed": [one_trial(root / "mixed"), no_files(root / "too")],
        "no search": [make_spread(root, 2, 2)],
    }


NOTHING = {
    "one trial": {"budgets": "nothing to compare", "improvement": "no random search"},
    "all failed": {
        **dict.fromkeys(("anytime", "hypervolume", "front"), "no trial has a result yet"),
        **{"budgets": "all trials failed", "test": "no final network has been tested"},
    },
    "unfinished": {
        **{"anytime": "no trial has a result yet", "memory": "hnag-random: no trials"},
        **{"improvement": "random search alone", "winners": "no final network yet"},
    },
    "mixed": {"anytime": "no result: hnag-random", "improvement": "no test accuracies to compare"},
    "no search": dict.fromkeys(("anytime", "front", "memory", "test"), "no search to compare"),
}


@pytest.mark.parametrize("state", NOTHING)
def test_a_figure_with_nothing_to_show_says_so_in_words(state, tmp_path, recwarn):
    draw_comparison(make_states(tmp_path)[state], tmp_path / "figures")
    for name, words in NOTHING[state].items():
        found = " ".join(texts(tmp_path / "figures" / f"{name}.svg"))
        assert words in found, name
    assert [str(warning.message) for warning in recwarn] == []


def test_a_damaged_table_counts_as_missing(tmp_path):
    one_trial(tmp_path / "run")
    path = tmp_path / "run" / "trials.csv"
    path.write_bytes(path.read_bytes()[:-3])
    draw_comparison([read_run(tmp_path / "run")], tmp_path / "figures")
    assert "no trial has a result yet" in texts(tmp_path / "figures" / "anytime.svg")


def test_a_folder_without_a_search_is_one_line_of_error(tmp_path):
    script = [sys.executable, "scripts/draw_comparison.py", "--runs", str(tmp_path / "none")]
    done = subprocess.run(
        [*script, "--output", str(tmp_path)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
