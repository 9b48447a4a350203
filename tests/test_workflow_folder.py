"""Images of one's own through the workflow, and folders that are refused before any training."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from workflow_runs import make_project

CLASSES = ("eight", "one", "zero")
SMALL = {
    "dataset": "folder",
    "image_size": 16,
    "crop_padding": 2,
    "cutout": 4,
    "iterations": 1,
    "min_budget": 1,
    "max_budget": 1,
    "batch_size": 16,
    "parameter_limit": 60000,
    "final_networks": 1,
    "final_epochs": 1,
    "seed": 2768,
}


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Folders of 20 digits each: PNG and JPEG, grey and coloured, of several sizes."""
    root = tmp_path_factory.mktemp("pictures")
    digits, rng = load_digits(), np.random.default_rng(0)
    for name, digit in zip(CLASSES, (8, 1, 0), strict=True):
        (root / name).mkdir()
        for place, pixels in enumerate(digits.images[digits.target == digit][:20]):
            image = Image.fromarray((pixels * 15).astype(np.uint8))
            image = image.resize((16 + place % 3, 20 + 5 * (place % 4)))
            if place % 2:
                colour = rng.uniform(0.5, 1, size=3)
                image = Image.fromarray((np.asarray(image)[..., None] * colour).astype(np.uint8))
            ending = ("png", "jpg", "JPEG")[place % 3]
            image.save(root / name / f"{place}.{ending}")
    (root / "one" / "Thumbs.db").write_bytes(b"no image")
    (root / ".hidden").mkdir()
    return root


def test_a_folder_of_images_goes_through_the_whole_workflow(pictures, tmp_path):
    project = make_project(tmp_path / "project", SMALL)
    # a path as people have them
    root = project.folder / "Ann's own pictures"
    shutil.copytree(pictures, root)
    outcome = project.finish(data_root=root.name)
    assert "Traceback" not in outcome.text
    info = json.loads(project.read("data/folder/dataset.json"))
    assert tuple(info["class_names"]) == CLASSES
    assert info["channels"] == 3
    assert info["sizes"] == {"train": 39, "validation": 9, "test": 12}
    assert "ignored" in project.read("logs/folder/prepare.log").decode()
    final = json.loads(project.read("results/folder/hnag-bohb/final/0.json"))
    assert 0 <= final["test_accuracy"] <= 1
    assert project.finish(data_root=root.name).nothing_to_do


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, ["data_root", "directory", "got none"]),
        ({"data_root": "no/such/folder"}, ["data_root", "no/such/folder"]),
        ({"data_root": "empty"}, ["empty", "two class folders", "none"]),
        ({"data_root": "single"}, ["single", "two class folders", "'birds'"]),
        ({"data_root": "bare"}, ["bare", "3", "'birds' has 0"]),
        ({"data_root": "config/config.yaml"}, ["config/config.yaml", "is a file"]),
        ({"dataset": "digits", "data_root": "single"}, ["digits", "'single'"]),
    ],
)
def test_a_folder_that_cannot_be_used_stops_the_run_before_its_first_job(
    pictures, tmp_path, given, said
):
    project = make_project(tmp_path / "project", SMALL)
    for name in ("empty", "single/birds", "bare/birds", "bare/planes"):
        (project.folder / name).mkdir(parents=True)
    shutil.copy(pictures / "one/0.png", project.folder / "single/birds")
    outcome = project.run(**given)
    assert outcome.code != 0
    assert "Traceback" not in outcome.text
    lines = [line for line in outcome.text.splitlines() if all(part in line for part in said)]
    assert len(lines) == 1, outcome.text
    assert not project.modified()
    again = project.run(**given)
    assert lines[0] in again.text  # and not that the folder is locked


def test_broken_images_are_all_named_before_any_training(pictures, tmp_path):
    project = make_project(tmp_path / "project", SMALL)
    root = project.folder / "pictures"
    shutil.copytree(pictures, root)
    (root / "one/3.png").write_bytes((root / "one/3.png").read_bytes()[:60])
    (root / "zero/1.jpg").write_text("this is no image")
    outcome = project.run(data_root="pictures")
    assert outcome.code != 0
    assert "Traceback" not in outcome.text
    lines = [line for line in outcome.text.splitlines() if "one/3.png" in line]
    assert len(lines) == 1, outcome.text
    assert "zero/1.jpg" in lines[0]
    assert "2 of 60 images cannot be read" in lines[0]
    assert not (project.folder / "logs/folder/hnag-bohb/train").exists()
    assert not list((project.folder / "data").rglob("*.npy"))
