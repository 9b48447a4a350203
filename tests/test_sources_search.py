"""Trials on data sets in their published forms: they learn, and never see a test image."""

import dataclasses
import json

import pytest
import raw_data
from test_objective import PROPOSAL, PROTOCOL, train

COLOURED = dataclasses.replace(
    PROTOCOL,
    training=dataclasses.replace(PROTOCOL.training, batch_size=16, crop_padding=2, flip=True),
)
SHORT = dataclasses.replace(PROPOSAL, budget=2)


@pytest.fixture(scope="module")
def imagenet(tmp_path_factory):
    """The tiny ImageNet, and the trial on it with all files in place."""
    root = tmp_path_factory.mktemp("root")
    raw_data.write_imagenet(root, train=20, classes=4)
    cached = tmp_path_factory.mktemp("cached")
    raw_data.prepare_tiny("imagenet", root, cached, split="official")
    trial = train(cached, tmp_path_factory.mktemp("trial"), protocol=COLOURED, proposal=SHORT)
    return root, trial


def test_a_trial_learns_the_classes_by_their_colours(imagenet):
    trial, _ = imagenet[1]
    assert trial.status == "ok"
    assert trial.validation_error < 0.5  # 0.75 by chance


def test_a_trial_on_files_is_that_on_arrays_without_a_single_test_image(imagenet, tmp_path):
    root, expected = imagenet
    out = tmp_path / "out"
    raw_data.prepare_tiny("imagenet", root, out, split="official", cache_gb=0)
    for file in json.loads((out / "test.files.json").read_text())["files"]:
        (root / file).unlink()
    (out / "test.files.json").write_text("garbage")
    (out / "test.labels.npy").unlink()
    assert train(out, tmp_path, protocol=COLOURED, proposal=SHORT) == expected


def test_a_trial_on_cifar_needs_no_file_of_the_test_part(tmp_path):
    root, out = tmp_path / "root", tmp_path / "out"
    raw_data.write_cifar10(root, per_batch=20, classes=4)
    raw_data.prepare_tiny("cifar10", root, out, split="official")
    with_all = train(out, tmp_path / "a", protocol=COLOURED, proposal=SHORT)
    for path in out.glob("test.*"):
        path.write_bytes(b"garbage")
    assert train(out, tmp_path / "b", protocol=COLOURED, proposal=SHORT) == with_all
    assert with_all[0].status == "ok"
