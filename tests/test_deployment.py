"""Networks in other programs: predictions, exports, latency, and networks made by name."""

import csv
import io
import json
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from draws import SMALL, draw
from PIL import Image
from workflow_runs import TINY, build_once, make_project

import nago
from nago import cli
from nago.data.datasets import DatasetInfo, read_part
from nago.deployment import export as exporting
from nago.deployment.latency import measure_latency
from nago.generators.draw import GENERATORS
from nago.networks.build import build_network
from nago.networks.weights import Classifier, save_network
from nago.records import RecordError, UserError

pytestmark = pytest.mark.xdist_group("deployment")

INFO = DatasetInfo(
    name="toy",
    source="folder",
    image_size=8,
    stored_size=10,
    cached=True,
    channels=3,
    class_names=("ant", "bee", "cat, wild", "dög", "elk", "fox", "gnu", "hen", "ibis", "jay"),
    mean=(0.1, 0.5, 0.7),
    std=(0.2, 0.3, 1.0),
    sizes={"train": 3, "validation": 2, "test": 1},
    fingerprint="0",
)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """A file of weights whose logits differ from image to image."""
    network = build_network(draw(0, SMALL, channels=3, limit=20_000), 0)
    images = torch.randn(32, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for _ in range(20):
            network(images)
    path = tmp_path_factory.mktemp("weights") / "0.pt"
    save_network(path, network, INFO, "ok")
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The weights that a tiny search ended with, and its test images and labels."""
    project = build_once(tmp_path_factory, "finished", make_project, TINY)
    path = project.folder / "results/digits/hnag-bohb/final/0.pt"
    return path, *read_part(project.folder / "data/digits", "test")


@pytest.fixture
def command(capsys, monkeypatch):
    """Run `nago` in this process; return its exit code, output and errors."""

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
def here(tmp_path, monkeypatch):
    """The folder that the command runs in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_images(folder, images):
    """Write images (N, H, W, 3) as PNG files and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{place}.png" for place in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        Image.fromarray(image).save(path)
    return paths


def random_pixels(count, size=10):
    return np.random.default_rng(1).integers(0, 256, (count, size, size, 3), dtype=np.uint8)


def share_classes(path, images):
    """The probabilities that a file's network gives to images (N, 3, H, W)."""
    with torch.no_grad():
        return nago.load(path)(torch.from_numpy(images)).softmax(1).numpy()


# Exports


def test_onnx_gives_the_class_of_the_network_on_all_test_images(trained, tmp_path, command):
    path, images, labels = trained
    code, output, _ = command("export", path, "--onnx", tmp_path / "net.onnx")
    assert code == 0
    assert "the same class for 5 of 5 random images" in output
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"))
    logits = session.run(None, {"images": np.array(images)})[0]
    with torch.no_grad():
        wanted = nago.load(path)(torch.from_numpy(np.array(images))).numpy()
    assert len(images) == len(labels) > 1000
    assert np.abs(logits - wanted).max() < 1e-4
    assert (logits.argmax(axis=1) == wanted.argmax(axis=1)).all()
    result = json.loads(path.with_suffix(".json").read_text())
    assert (logits.argmax(axis=1) == labels).mean() == pytest.approx(
        result["test_accuracy"], abs=1.5 / len(labels)
    )


@pytest.fixture(scope="module")
def exported(weights, tmp_path_factory):
    """The same network in both formats."""
    folder = tmp_path_factory.mktemp("exported")
    paths = [folder / "net.onnx", folder / "net.pt2"]
    for path in paths:
        found = exporting.export(nago.load(weights), path)
        assert found.images == found.same == exporting.EXAMPLES
        assert found.difference < 1e-5
    assert sorted(path.name for path in folder.iterdir()) == ["net.onnx", "net.pt2"]
    return paths


@pytest.mark.parametrize("count", [1, 3, 17])
def test_any_number_of_images_is_taken_by_both_formats(weights, exported, count):
    images = random_pixels(count, 8).transpose(0, 3, 1, 2).copy()
    with torch.no_grad():
        wanted = nago.load(weights)(torch.from_numpy(images)).numpy()
    session = onnxruntime.InferenceSession(str(exported[0]))
    assert session.run(None, {"images": images})[0] == pytest.approx(wanted, abs=1e-5)
    program = torch.export.load(exported[1]).module()
    found = program(torch.from_numpy(images)).detach().numpy()
    assert found == pytest.approx(wanted, abs=1e-6)


def test_both_formats_say_what_they_take_and_name_the_classes(weights, exported):
    model = onnx.load(exported[0])
    onnx.checker.check_model(model)
    told = {item.key: item.value for item in model.metadata_props}
    extra = {"nago.json": ""}
    torch.export.load(exported[1], extra_files=extra)
    assert json.loads(extra["nago.json"]) == told
    assert tuple(json.loads(told["class_names"])) == INFO.class_names
    assert told["images"] == "uint8, N x 3 x 8 x 8"
    assert told["architecture"] == nago.load(weights).network.architecture.hash


def test_a_program_runs_without_this_package(exported):
    code = (
        "import sys, torch; m = torch.export.load(sys.argv[1]).module();"
        "x = torch.zeros((4, 3, 8, 8), dtype=torch.uint8);"
        "print(tuple(m(x).shape), any(n.split('.')[0] == 'nago' for n in sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, exported[1]], capture_output=True, text=True, check=True
    )
    assert done.stdout == "(4, 10) False\n"


def test_an_export_that_computes_something_else_is_not_written(weights, tmp_path, monkeypatch):
    write, run = exporting.FORMATS[".pt2"]
    wrong = {".pt2": (write, lambda content, images: run(content, images) + 0.5)}
    monkeypatch.setattr(exporting, "FORMATS", wrong)
    with pytest.raises(UserError, match=r"net\.pt2 was not written: its logits differ by up to 0"):
        exporting.export(nago.load(weights), tmp_path / "net.pt2")
    assert not list(tmp_path.iterdir())


def test_an_export_is_compared_on_the_images_given(weights, tmp_path, command):
    paths = write_images(tmp_path / "images", random_pixels(6))
    code, output, _ = command(
        "export", weights, "--program", tmp_path / "a.pt2", "--images", *paths[:2], paths[2]
    )
    assert code == 0
    assert output.endswith("the same class for 3 of 3 images\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing to write; say --onnx"),
        (["--onnx", "net.pt"], r"--onnx takes a file that ends in .onnx, got net.pt"),
        (["--program", "net.onnx"], "--program takes a file that ends in .pt2"),
        (["--program", "here.pt2"], "here.pt2 is a folder"),
        (["--program", "a.pt2", "--images", "none.png"], "there is no file or folder none.png"),
        (["--program", "a.pt2", "--images", "here.pt2"], "no PNG or JPEG image in here.pt2"),
    ],
)
def test_an_export_that_makes_no_sense_is_refused(arguments, message, weights, command, here):
    (here / "here.pt2").mkdir()
    code, _, errors = command("export", weights, *arguments)
    assert code == 1
    assert message in errors
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            np.zeros((2, 1, 8, 8), np.uint8),
            r"uint8 \(N, 3, size, size\), got uint8 \(2, 1, 8, 8\)",
        ),
        (np.zeros((2, 3, 8, 8), np.float32), "got float32"),
        (np.zeros((2, 3, 7, 7), np.uint8), "8 pixels high and wide"),
        (np.zeros((0, 3, 8, 8), np.uint8), "8 pixels high and wide"),
    ],
)
def test_images_that_do_not_fit_are_refused(images, message, weights, tmp_path):
    with pytest.raises(UserError, match=message):
        exporting.export(nago.load(weights), tmp_path / "a.pt2", images)
    with pytest.raises(UserError, match=r"an export ends in \.onnx or \.pt2, got a\.txt"):
        exporting.export(nago.load(weights), tmp_path / "a.txt")


# Predictions


def test_predictions_are_those_of_the_classifier_on_the_same_pixels(weights, tmp_path, command):
    pixels = random_pixels(5)
    paths = write_images(tmp_path, pixels)
    wanted = share_classes(weights, pixels.transpose(0, 3, 1, 2).copy())
    code, output, _ = command("predict", weights, *paths, "--top", "3", "--csv")
    assert code == 0
    rows = list(csv.DictReader(io.StringIO(output)))
    assert [row["image"] for row in rows] == [str(path) for path in paths for _ in range(3)]
    for place, shares in enumerate(wanted):
        best = np.argsort(-shares)[:3]
        found = rows[3 * place : 3 * place + 3]
        assert [row["rank"] for row in found] == ["1", "2", "3"]
        assert [row["class"] for row in found] == [INFO.class_names[one] for one in best]
        assert [float(row["probability"]) for row in found] == pytest.approx(
            shares[best], abs=1e-5
        )


def test_a_folder_is_predicted_whole_and_in_order(weights, tmp_path, command):
    paths = write_images(tmp_path / "some" / "deeper", random_pixels(70, 12))
    (tmp_path / "some" / "notes.txt").write_text("no image")
    code, output, _ = command("predict", weights, tmp_path / "some")
    assert code == 0
    lines = output.splitlines()
    assert [line.split()[0] for line in lines] == sorted(str(path) for path in paths)
    assert all(line.endswith("%") for line in lines)


def test_a_trained_network_predicts_files_as_well_as_its_test_images(trained, tmp_path, command):
    path, images, labels = trained
    files = []
    for place in range(60):
        files.append(tmp_path / f"{place:02}.png")
        Image.fromarray(np.array(images[place, 0])).save(files[-1])
    code, output, _ = command("predict", path, *files, "--csv")
    assert code == 0
    found = [int(row["class"]) for row in csv.DictReader(io.StringIO(output))]
    with torch.no_grad():
        wanted = nago.load(path)(torch.from_numpy(np.array(images[:60]))).argmax(1).tolist()
    assert found == wanted
    assert np.mean(found == labels[:60]) > 0.2


def test_files_that_are_no_images_are_named_all_at_once(weights, tmp_path, command):
    paths = write_images(tmp_path, random_pixels(3))
    paths[0].write_text("text")
    paths[2].write_bytes(paths[2].read_bytes()[:50])
    code, output, errors = command("predict", weights, *paths)
    assert (code, output) == (1, "")
    assert "2 files can't be read" in errors
    assert all(str(paths[place]) in errors for place in (0, 2))
    assert errors.count("\n") == 1
    code, _, errors = command("predict", tmp_path / "none.pt", paths[1])
    assert code == 1
    assert "there is no file" in errors
    code, _, errors = command("predict", weights, paths[1], "--top", "0")
    assert code == 2
    assert "above 0, got '0'" in errors


# Latency


def test_latency_is_measured_for_each_way_and_batch(weights, command):
    found = measure_latency(nago.load(weights), [1, 16], onnx=True, seconds=0.05)
    ways = ("torch", "torch, channels last", "ONNX Runtime")
    assert [(one.way, one.batch) for one in found] == [(w, b) for b in (1, 16) for w in ways]
    for one in found:
        assert 0 < one.low <= one.median <= one.high
        assert one.images_per_second == pytest.approx(one.batch / one.median)
    with pytest.raises(UserError, match="above 0"):
        measure_latency(nago.load(weights), [0])
    code, _, errors = command("latency", weights, "--device", "nowhere")
    assert code == 1
    assert "torch can't use the device 'nowhere'" in errors
    assert errors.count("\n") == 1


def test_the_latency_table_has_a_row_for_each(weights, command):
    code, output, _ = command("latency", weights, "--batch", "2")
    assert code == 0
    lines = output.splitlines()
    assert [line.split("  ")[0] for line in lines[1:]] == ["torch", "torch, channels last"]


# Networks for other training code


def test_a_named_network_is_that_of_the_sample_command(command):
    network = nago.create("cifar10-bohb", seed=3, num_classes=20)
    code, output, _ = command(
        *("sample", "--named", "cifar10-bohb", "--seed", "3", "--classes", "20", "--json")
    )
    assert code == 0
    sampled = json.loads(output)
    assert network.architecture.hash == sampled["hash"]
    assert sum(p.numel() for p in network.parameters()) == sampled["parameters"]
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 20)
    assert network.training


def test_hyperparameters_that_are_missing_are_drawn_by_the_seed():
    given = {"top_nodes": 6, "middle_nodes": 2, "bottom_nodes": 6}
    options = {"num_classes": 5, "image_size": 16, "in_chans": 1, "limit": 50_000}
    one, same, other = (nago.create(given, seed=seed, **options) for seed in (1, 1, 2))
    assert one.architecture == same.architecture != other.architecture
    weights = zip(one.state_dict().values(), same.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in weights)
    assert len(one.architecture.cells) == 6
    assert one(torch.zeros(2, 1, 16, 16)).shape == (2, 5)
    assert sum(p.numel() for p in one.parameters()) <= 50_000


@pytest.mark.parametrize("generator", GENERATORS)
def test_every_generator_makes_networks_that_train(generator):
    options = {"generator": generator, "num_classes": 4, "image_size": 16, "limit": 100_000}
    network = nago.create(seed=1, **options)
    loss = torch.nn.functional.cross_entropy(
        network(torch.randn(4, 3, 16, 16)), torch.tensor([0, 1, 2, 3])
    )
    loss.backward()
    gradients = [p.grad for p in network.parameters() if p.grad is not None]
    assert gradients
    assert all(torch.isfinite(gradient).all() for gradient in gradients)


def test_weights_of_a_file_are_taken_with_or_without_the_classifier(weights):
    saved = nago.load(weights).network.state_dict()
    whole = nago.create(pretrained=weights).state_dict()
    assert all(torch.equal(whole[name], values) for name, values in saved.items())
    changed = nago.create(pretrained=weights, num_classes=4, seed=7)
    other = changed.state_dict()
    assert list(other) == list(saved)
    head = [name for name in saved if saved[name].shape != other[name].shape]
    assert len(head) == 2
    assert all(torch.equal(other[name], saved[name]) for name in saved if name not in head)
    assert changed.training
    assert changed(torch.zeros(2, 3, 8, 8)).shape == (2, 4)
    again = nago.create(pretrained=weights, num_classes=4, seed=7).state_dict()
    assert all(torch.equal(other[name], again[name]) for name in head)
    assert any(
        not torch.equal(other[name], values)
        for name, values in nago.create(pretrained=weights, num_classes=4).state_dict().items()
    )


def test_weights_of_another_architecture_are_refused(tmp_path):
    given = {"top_nodes": 5, "middle_nodes": 1, "bottom_nodes": 5}
    options = {"image_size": 8, "limit": 50_000}
    network = nago.create(given, seed=4, **options)
    save_network(tmp_path / "0.pt", network, INFO, "ok")
    path = tmp_path / "0.pt"
    same = nago.create(given, seed=4, pretrained=path, num_classes=3, **options)
    assert same.architecture.widths == network.architecture.widths
    with pytest.raises(
        UserError, match=f"weights of the architecture {network.architecture.hash}"
    ):
        nago.create(given, seed=5, pretrained=path, **options)
    with pytest.raises(UserError, match="is fixed; leave image_size, limit away"):
        nago.create(pretrained=path, **options)
    with pytest.raises(UserError, match="num_classes must be 2 or more, got 1"):
        nago.create(pretrained=path, num_classes=1)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(RecordError, match="is not a network saved by nago"):
        nago.create(pretrained=path)


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (["cifar10-boh"], {}, "did you mean 'cifar10-bohb'"),
        ([{"top": 3}], {}, "top"),
        ([], {"generator": "resnet"}, "resnet"),
        ([], {"space": "huge"}, "huge"),
        ([], {"num_classes": 1}, "must be 2 or more"),
        ([], {"limit": 10}, "10"),
    ],
)
def test_a_network_that_cannot_be_is_refused(arguments, options, message):
    with pytest.raises(UserError, match=message):
        nago.create(*arguments, **options)


def test_a_classifier_knows_the_size_at_which_files_are_stored(weights):
    loaded = nago.load(weights)
    assert isinstance(loaded, Classifier)
    assert (loaded.image_size, loaded.stored_size) == (8, 10)
