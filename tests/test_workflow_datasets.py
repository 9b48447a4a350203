"""The whole workflow on a tiny copy of each data set in its true form: search, winner, report."""

import csv
import json

import pytest
import raw_data
from workflow_runs import make_project

SMALL = {
    # A seed that draws small networks.
    "seed": 2768,
    "iterations": 2,
    "min_budget": 1,
    "max_budget": 2,
    "image_size": 16,
    "cutout": 4,
    "parameter_limit": 60000,
    "batch_size": 32,
    "learning_rate": 0.1,
    "final_networks": 1,
    "final_epochs": 4,
    "final_batch_size": 16,
    "final_learning_rate": 0.1,
}
"""Brackets of 2 trials and 1, then 2."""

LARGE = {"colour_jitter": "[0.1,0.1,0.1,0]"}
"""A tiny image is a colour: to change it much would hide its class."""


def write_cifar10(root):
    raw_data.write_cifar10(root, per_batch=20)
    return {"crop_padding": 2}, {"train": 80, "validation": 20, "test": 20}, 10


def write_cifar100(root):
    raw_data.write_cifar100(root, train=300, test=100)
    return {"crop_padding": 2}, {"train": 200, "validation": 100, "test": 100}, 100


def write_flowers102(root):
    raw_data.write_flowers102(root, per_class=6)
    parts = {"train": 204, "validation": 204, "test": 204}
    return {"split": "official", **LARGE}, parts, 102


def write_sport8(root):
    raw_data.write_class_folders(root, [10, 7, 12, 9, 10, 12, 9, 9])
    # a fifth of each, rounded up: 2, 2, 3, 2, 2, 3, 2, 2
    return LARGE | {"final_epochs": 8}, {"train": 48, "validation": 12, "test": 18}, 8


def write_mit67(root):
    raw_data.write_mit67(root, per_class=4)
    return LARGE, {"train": 134, "validation": 67, "test": 67}, 67


def write_imagenet(root):
    raw_data.write_imagenet(root, train=8, validation=3)
    return {**LARGE, "cache_gb": 0}, {"train": 30, "validation": 10, "test": 15}, 5


def write_folder(root):
    raw_data.write_given_folders(root, train=6, validation=3, test=4)
    return {"split": "official", "cache_gb": 0}, {"train": 18, "validation": 9, "test": 12}, 3


@pytest.mark.parametrize(
    "write",
    [
        *(write_cifar10, write_cifar100, write_flowers102, write_sport8),
        *(write_mit67, write_imagenet, write_folder),
    ],
    ids=lambda write: write.__name__.removeprefix("write_"),
)
def test_a_data_set_goes_through_the_whole_workflow(write, tmp_path):
    name = write.__name__.removeprefix("write_")
    changes, sizes, classes = write(tmp_path / "images")
    settings = SMALL | changes | {"dataset": name, "data_root": tmp_path / "images"}
    project = make_project(tmp_path / "project", settings)
    done = project.finish()
    assert "test accuracy " in done.text
    info = json.loads(project.read(f"data/{name}/dataset.json"))
    assert info["sizes"] == sizes
    assert len(info["class_names"]) == classes
    results = f"results/{name}/hnag-bohb"
    rows = list(csv.DictReader(project.read(f"{results}/trials.csv").decode().splitlines()))
    assert [row["trial"] for row in rows] == [
        "b0-r0-s0", "b0-r0-s1", "b0-r1-s0", "b1-r0-s0", "b1-r0-s1",
    ]  # fmt: skip
    assert {row["status"] for row in rows} == {"ok"}
    final = json.loads(project.read(f"{results}/final/0.json"))
    assert final["status"] == "ok"
    assert 0 <= final["test_accuracy"] <= final["test_top5_accuracy"] <= 1
    # Where a guess is right with five of few classes, a handful of images tells no more than that.
    better = 1.5 if classes > 20 else 1
    assert final["test_top5_accuracy"] >= min(1, better * 5 / classes)
    project.finish("--report", "report.html")
    assert "trials.csv" in (project.folder / "report.html").read_text()
    assert project.finish().nothing_to_do
