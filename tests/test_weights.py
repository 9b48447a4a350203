"""Weights on the disk: a file becomes the module that was saved, or says why not."""

import dataclasses

import numpy as np
import pytest
import torch
from draws import SMALL, draw

import nago
from nago.data.datasets import DatasetInfo
from nago.networks.build import build_network
from nago.networks.weights import Classifier, load_network, save_network
from nago.records import RecordError

INFO = DatasetInfo(
    name="toy",
    source="folder",
    image_size=8,
    stored_size=8,
    cached=True,
    channels=3,
    class_names=tuple(f"class {number}" for number in range(10)),
    mean=(0.1, 0.5, 0.7),
    std=(0.2, 0.3, 1.0),
    sizes={"train": 3, "validation": 2, "test": 1},
    fingerprint="0",
)


@pytest.fixture(scope="module")
def network():
    """A network whose statistics and gates are no longer the first ones."""
    made = build_network(draw(0, SMALL, channels=3, limit=20_000), 0)
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=rng))
        made(torch.randn(16, 3, 8, 8, generator=rng))
    return made.eval()


@pytest.fixture
def path(network, tmp_path):
    save_network(tmp_path / "final" / "0.pt", network, INFO, "ok")
    return tmp_path / "final" / "0.pt"


def random_images():
    return np.random.default_rng(0).integers(0, 256, (5, 3, 8, 8), dtype=np.uint8)


@pytest.mark.parametrize("kind", [str, lambda path: path], ids=["text", "path"])
def test_a_saved_network_comes_back_ready_for_bytes(network, path, kind):
    images = random_images()
    loaded = nago.load(kind(path))
    assert isinstance(loaded, Classifier)
    assert not loaded.training
    assert loaded.class_names == INFO.class_names
    mean, std = (np.array(values)[:, None, None] for values in (INFO.mean, INFO.std))
    normalised = torch.from_numpy((images / 255 - mean) / std).float()
    with torch.no_grad():
        logits = loaded(torch.from_numpy(images))
        torch.testing.assert_close(logits, network(normalised), rtol=1e-4, atol=1e-4)
    assert [file.name for file in path.parent.iterdir()] == ["0.pt"]


def test_of_larger_images_the_network_sees_the_centre(path):
    images = np.random.default_rng(1).integers(0, 256, (5, 3, 11, 12), dtype=np.uint8)
    loaded = nago.load(path)
    with torch.no_grad():
        logits = loaded(torch.from_numpy(images))
        centre = loaded(torch.from_numpy(images[:, :, 2:10, 2:10].copy()))
    torch.testing.assert_close(logits, centre)


def test_every_number_comes_back(network, path):
    loaded, saved = load_network(path).network.state_dict(), network.state_dict()
    assert list(loaded) == list(saved)
    assert all(torch.equal(loaded[name], saved[name]) for name in saved)
    assert load_network(path).network.architecture == network.architecture


def test_loading_leaves_torchs_random_state(path):
    torch.manual_seed(3)
    before = torch.get_rng_state()
    load_network(path)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("status", ["diverged", "out_of_memory"])
def test_a_network_whose_training_came_to_nothing_is_not_loaded(network, status, tmp_path):
    save_network(tmp_path / "0.pt", network, INFO, status)
    with pytest.raises(RecordError, match=f"training ended as {status}"):
        nago.load(tmp_path / "0.pt")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RecordError, match=r"there is no file .*none\.pt"):
        nago.load(tmp_path / "none.pt")


def test_a_file_cut_off_or_of_another_kind_is_named(path, network):
    whole = path.read_bytes()
    lengths = (0, 1, 4, 100, len(whole) // 2, len(whole) - 1000, len(whole) - 1)
    contents = [whole[:length] for length in lengths] + [b"garbage\n", b"{}", bytes(5000)]
    for content in contents:
        path.write_bytes(content)
        with pytest.raises(RecordError, match=r"0\.pt is not a network saved by nago \(."):
            nago.load(path)


@pytest.mark.parametrize("change", ["list", "state", "architecture", "weights", "info"])
def test_a_file_of_torch_that_is_no_such_network_is_named(change, path, network):
    content = torch.load(path, weights_only=True)
    if change == "list":
        content = [torch.ones(3)]
    elif change == "state":
        content = network.state_dict()
    elif change == "architecture":
        wider = dataclasses.replace(network.architecture, widths=(9, 18, 36))
        content["architecture"] = wider.to_json()
    elif change == "weights":
        content["weights"].popitem()
    else:
        del content["info"]["mean"]
    torch.save(content, path)
    with pytest.raises(RecordError, match="is not a network saved by nago"):
        nago.load(path)


def test_a_file_with_code_in_it_is_not_run(path, network):
    torch.save(network, path)  # a module, a pickle with classes
    with pytest.raises(RecordError, match="is not a network saved by nago"):
        nago.load(path)


def test_a_folder_is_no_network(tmp_path):
    with pytest.raises(RecordError, match="is not a network saved by nago"):
        nago.load(tmp_path)
