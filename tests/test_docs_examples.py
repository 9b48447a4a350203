"""The examples of docs/extending.md: each is applied to a copy of the project, and then runs."""

import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits
from workflow_runs import ROOT, make_project, run

from nago.data.datasets import read_info, read_part
from nago.generators.hnag import BASE
from nago.generators.rnag import PARAMETERS

EXAMPLES = sorted((ROOT / "docs/examples").glob("*.diff"))
LONGEST = 40

SIMULATION = """
import json
from nago.generators.hnag import BASE
from nago.generators.spaces import make_space
from nago.search.brackets import Rung
from nago.search.simulate import simulate
from nago.search.steps import Search

def miss(proposal):
    values = proposal.configuration
    return abs(values["top_nodes"] - 7) / 10 + abs(values["bottom_p"] - 0.3)

search = Search("climb", make_space(BASE), seed=0, options={})
trials = simulate(search, miss, [(Rung(4, 1),)] * 8, lag=1)
print(json.dumps([[t.origin, t.validation_error, t.configuration] for t in trials]))
"""


@pytest.fixture
def extend(tmp_path):
    """A copy of the project and its package, to which an example is applied."""

    def apply(name):
        project = make_project(tmp_path / "project", {})
        shutil.copytree(
            ROOT / "nago", project.folder / "nago", ignore=shutil.ignore_patterns("__pycache__")
        )
        example = ROOT / f"docs/examples/{name}.diff"
        # Out of any repository, or git would look for the files from its root.
        apart = {"GIT_CEILING_DIRECTORIES": str(tmp_path)}
        done = run(["git", "apply", "--verbose", str(example)], project.folder, **apart)
        assert done.code == 0, done.text
        return project.folder

    return apply


def python(folder: Path, *arguments: str) -> str:
    """What a command of the copy prints; its package comes before the installed one."""
    environment = {"PYTHONPATH": os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])}
    done = run([sys.executable, *arguments], folder, **environment)
    assert done.code == 0, done.text
    return done.stdout


def test_there_is_an_example_of_each_kind_and_none_is_long():
    assert [path.stem for path in EXAMPLES] == ["dataset", "generator", "method"]
    for path in EXAMPLES:
        lines = path.read_text().splitlines()
        assert len(lines) < LONGEST, path
        assert max(map(len, lines)) <= 100, path


@pytest.mark.parametrize("name", [path.stem for path in EXAMPLES])
def test_an_example_is_in_the_style_of_the_project(extend, name):
    folder = extend(name)
    shutil.copy(ROOT / "pyproject.toml", folder)
    ruff = partial(subprocess.run, cwd=folder, capture_output=True, text=True, check=False)
    for command in (["check", "nago"], ["format", "--check", "nago"]):
        done = ruff([sys.executable, "-m", "ruff", *command])
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_new_generator_draws_networks_that_are_searched_by_its_three_numbers(extend):
    folder = extend("generator")
    given = ["--set", "all_nodes=12", "all_k=4", "all_p=0.75"]
    text = python(folder, "-m", "nago.cli", "sample", "--generator", "even", *given, "--json")
    record = json.loads(text)
    assert record["nodes"] == 3 * 12
    assert record["parameters"] <= 4_000_000
    # What it should be: RNAG with these numbers three times, and the same seed.
    same = ["sample", "--generator", "rnag", "--stage", "12,4,0.75", "--json"]
    rnag = json.loads(python(folder, "-m", "nago.cli", *same))
    costs = ("nodes", "widths", "parameters", "multiply_adds", "sample_memory_bytes")
    assert [record[name] for name in costs] == [rnag[name] for name in costs]
    table = python(folder, "-m", "nago.cli", "space", "even").splitlines()[1:4]
    limits = [(f"all_{name}", *map(str, ends)) for name, ends in PARAMETERS["base"].items()]
    assert [tuple(line.split()) for line in table] == limits
    plan = python(folder, "-m", "snakemake", "-n", "--config", "generator=even", "iterations=1")
    assert "results/digits/even-bohb/trials.csv" in plan


def test_the_new_method_walks_from_the_best_configuration_to_its_neighbours(extend):
    folder = extend("method")
    trials = json.loads(python(folder, "-c", SIMULATION))
    assert [origin for origin, _, _ in trials] == ["random"] * 4 + ["model"] * 28
    for place, (origin, _, configuration) in enumerate(trials):
        assert set(configuration) == set(BASE)
        if origin == "model":
            seen = trials[: place // 4 * 4]
            _, _, best = min(seen, key=lambda trial: trial[1])
            assert sum(configuration[name] != best[name] for name in BASE) == 1
    assert trials == json.loads(python(folder, "-c", SIMULATION))
    plan = python(folder, "-m", "snakemake", "-n", "--config", "method=climb", "iterations=2")
    assert "results/digits/hnag-climb/trials.csv" in plan


def test_the_new_form_of_images_is_prepared(extend):
    folder = extend("dataset")
    digits = load_digits()
    np.savez(folder / "images.npz", images=digits.images * 15, labels=digits.target)
    (folder / "config/datasets/mine.yaml").write_text("source: npz\ndata_root: .\n")
    settings = ["dataset=mine", "image_size=8", "image_channels=1", "crop=padded", "cutout=2"]
    target = "data/mine/dataset.json"
    python(folder, "-m", "snakemake", "--cores", "1", target, "--config", *settings)
    info = read_info(folder / "data/mine")
    assert (info.source, info.channels, len(info.class_names)) == ("npz", 1, 10)
    labels = [read_part(folder / "data/mine", part)[1] for part in info.sizes]
    counted = sum(np.bincount(part, minlength=10) for part in labels)
    assert counted.tolist() == np.bincount(digits.target).tolist()
