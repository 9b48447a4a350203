"""Data sets through Snakemake: found, fetched or refused, prepared once and again when it must."""

import json
import tarfile

import pytest
import raw_data
from workflow_runs import make_project, run

from nago.data.datasets import read_part
from nago.data.splits import PARTS

DATASETS = ("digits", "cifar10", "cifar100", "flowers102", "sport8", "mit67", "imagenet", "folder")
INFO = "data/flowers102/dataset.json"
ROOT_OF_FLOWERS = "flowers' root"
"""As people call their folders."""


@pytest.fixture
def project(tmp_path):
    project = make_project(tmp_path / "project", {"dataset": "flowers102", "image_size": 32})
    raw_data.write_flowers102(project.folder / ROOT_OF_FLOWERS, classes=3)
    project.settings |= {"data_root": ROOT_OF_FLOWERS, "cutout": 8}
    return project


def read_all(project):
    parts = [read_part(project.folder / "data/flowers102", part) for part in PARTS]
    return [
        (labels.tolist(), getattr(images, "files", None), images.shape) for images, labels in parts
    ]


def kinds(project):
    names = {path.name.partition(".")[2] for path in (project.folder / "data").rglob("*.*")}
    return names - {"json"}


def test_the_jobs_of_every_data_set_can_be_listed_without_its_files(tmp_path):
    short = {"iterations": 1, "min_budget": 1, "max_budget": 1}
    project = make_project(tmp_path / "project", short)
    for dataset in DATASETS:
        jobs = project.planned_jobs(dataset=dataset)
        assert jobs["prepare"] == 1
        assert jobs["train"] > 0


def test_settings_of_the_data_prepare_them_again_and_the_way_they_came_does_not(project):
    project.finish(INFO)
    info = json.loads(project.read(INFO))
    # the statistics are those of config/datasets/flowers102.yaml; 32 * 256 / 224 is 36.6
    assert (info["stored_size"], info["image_size"]) == (37, 32)
    assert (info["mean"], info["std"]) == ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    assert info["sizes"] == {"train": 9, "validation": 3, "test": 6}
    assert kinds(project) == {"images.npy", "labels.npy"}
    assert project.finish(INFO, download="true").nothing_to_do
    cached = read_all(project)
    project.finish(INFO, cache_gb=0)
    assert kinds(project) == {"files.json", "labels.npy"}
    left = read_all(project)
    assert [part[::2] for part in left] == [part[::2] for part in cached]
    assert json.loads(project.read(INFO))["fingerprint"] == info["fingerprint"]
    project.finish(INFO, split="official")
    assert kinds(project) == {"images.npy", "labels.npy"}
    sizes = json.loads(project.read(INFO))["sizes"]
    assert sizes == {"train": 6, "validation": 6, "test": 6}


def test_what_is_missing_is_fetched_by_the_workflow(project, tmp_path):
    folder = project.folder / ROOT_OF_FLOWERS / raw_data.FLOWERS_FOLDER
    with tarfile.open(tmp_path / "102flowers.tgz", "w:gz") as archive:
        archive.add(folder / "jpg", "jpg")
    for name in ("imagelabels.mat", "setid.mat"):
        (folder / name).rename(tmp_path / name)
    # one list for what is fetched and what is kept, in the data root
    raw_data.write_checksums(tmp_path)
    (tmp_path / "checksums.md5").rename(project.folder / "new.md5")
    new = project.folder / "new"
    new.mkdir()
    text = (project.folder / "new.md5").read_text()
    kept = text.replace("  imagelabels", "  flowers-102/imagelabels")
    (new / "checksums.md5").write_text(kept.replace("  setid", "  flowers-102/setid"))
    refused = project.run(INFO, data_root="new")
    assert "lacks imagelabels.mat, jpg of Flowers102; download=true fetches it" in refused.text
    assert not (project.folder / "logs").exists()
    command = project.command(INFO, data_root="new", download="true")
    outcome = run(command, project.folder, NAGO_MIRROR=tmp_path.as_uri())
    assert outcome.code == 0, outcome.text
    log = project.read("logs/flowers102/prepare.log").decode()
    assert f"fetch {tmp_path.as_uri()}/102flowers.tgz\n" in log
    assert "'test': 6" in log
    assert len(list((new / "flowers-102" / "jpg").iterdir())) == 18


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            {"dataset": "cifar10"},
            "download=true fetches it, or get it from https://www.cs.toronto",
        ),
        (
            {"dataset": "cifar100", "data_root": "empty"},
            "empty/cifar-100-python lacks train, test",
        ),
        ({"dataset": "imagenet", "data_root": "empty", "download": "true"}, "lacks train, val of"),
        (
            {"dataset": "imagenet", "split": "seeded"},
            "split must be official for the source image",
        ),
        ({"dataset": "digits", "split": "official"}, "split must be seeded for the source digits"),
    ],
)
def test_data_that_cannot_be_had_stop_a_run_before_its_first_job(given, said, tmp_path):
    project = make_project(tmp_path / "project", given)
    (project.folder / "empty").mkdir()
    outcome = project.run()
    assert outcome.code != 0
    assert "Traceback" not in outcome.text
    assert len([line for line in outcome.text.splitlines() if said in line]) == 1, outcome.text
    assert not (project.folder / "logs").exists()
    assert not project.modified()
