"""Every source on a tiny copy in its published form, against torchvision's own readers."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import raw_data
from raw_data import SIZE, prepare_tiny
from torchvision import datasets as torchvision_datasets

from nago.data.datasets import read_info, read_part
from nago.data.pixels import to_pixels
from nago.data.splits import PARTS

ROOT = Path(__file__).parents[1]


WRITERS = {
    "cifar10": raw_data.write_cifar10,
    "cifar100": raw_data.write_cifar100,
    "flowers102": raw_data.write_flowers102,
    "mit67": raw_data.write_mit67,
    "imagenet": raw_data.write_imagenet,
    "folder": raw_data.write_given_folders,
    "sport8": lambda root: raw_data.write_class_folders(root, [5, 6, 7]),
}
CASES = [
    *[(name, "official") for name in WRITERS if name != "sport8"],
    *[(name, "seeded") for name in ("cifar10", "cifar100", "flowers102", "mit67", "sport8")],
]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    """The root of each tiny data set; not to be changed."""
    roots = {name: tmp_path_factory.mktemp(name) for name in WRITERS}
    for name, write in WRITERS.items():
        write(roots[name])
    return roots


def source_of(name):
    return "folder" if name == "sport8" else name


def count(images, labels):
    """How often each pair of pixels and label occurs, whatever the order."""
    pairs = [
        (hashlib.sha256(np.ascontiguousarray(image).tobytes()).hexdigest(), int(label))
        for image, label in zip(images, labels, strict=True)
    ]
    assert len(set(pairs)) == len(pairs)  # else this would not show a mix-up
    return set(pairs)


def count_theirs(dataset, relabel=lambda label: label):
    pairs = [(to_pixels(image, SIZE, 3), relabel(label)) for image, label in dataset]
    return count(*zip(*pairs, strict=True))


def count_ours(directory, *parts):
    pairs = [read_part(directory, part) for part in parts]
    return count(*(np.concatenate(arrays) for arrays in zip(*pairs, strict=True)))


def read_cifar(kind, folder, train):
    """torchvision's reader, with the sums of the tiny files in place of those published."""

    def sums(names):
        return [[name, hashlib.md5((folder / name).read_bytes()).hexdigest()] for name, _ in names]

    meta = kind.meta | {"md5": sums([[kind.meta["filename"], ""]])[0][1]}
    lists = {name: sums(getattr(kind, name)) for name in ("train_list", "test_list")}
    reader = type(kind.__name__, (kind,), lists | {"meta": meta})
    return reader(folder.parent, train=train)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar_is_torchvisions_image_by_image(name, tiny, tmp_path):
    info = prepare_tiny(name, tiny[name], tmp_path, split="official")
    kind = getattr(torchvision_datasets, name.upper())
    folder = tiny[name] / kind.base_folder
    train, test = (read_cifar(kind, folder, train) for train in (True, False))
    assert list(info.class_names) == train.classes
    assert count_ours(tmp_path, "train", "validation") == count_theirs(train)
    assert count_ours(tmp_path, "test") == count_theirs(test)


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar_at_its_own_size_is_left_as_it_is(name, tiny, tmp_path):
    prepare_tiny(name, tiny[name], tmp_path, split="official", image_size=32)
    kind = getattr(torchvision_datasets, name.upper())
    theirs = read_cifar(kind, tiny[name] / kind.base_folder, False)
    images, labels = read_part(tmp_path, "test")
    np.testing.assert_array_equal(images.transpose(0, 2, 3, 1), theirs.data)
    assert labels.tolist() == theirs.targets


def test_cifar_can_be_split_anew_out_of_all_its_images(tiny, tmp_path):
    info = prepare_tiny("cifar10", tiny["cifar10"], tmp_path)
    kind = torchvision_datasets.CIFAR10
    folder = tiny["cifar10"] / kind.base_folder
    theirs = [count_theirs(read_cifar(kind, folder, train)) for train in (True, False)]
    assert count_ours(tmp_path, *PARTS) == theirs[0] | theirs[1]
    # 12 images of each class: a fifth, rounded up, tests
    assert info.sizes["test"] == 10 * 3


def test_the_files_of_cifar_may_be_right_in_the_data_root(tiny, tmp_path):
    inner = tiny["cifar10"] / raw_data.CIFAR10_FOLDER
    one, two = (prepare_tiny("cifar10", root, tmp_path) for root in (tiny["cifar10"], inner))
    renamed = shutil.copytree(inner, tmp_path / "renamed")
    three = prepare_tiny("cifar10", renamed, tmp_path)
    assert one == two == three


def test_official_flowers_are_torchvisions_image_by_image(tiny, tmp_path, monkeypatch):
    info = prepare_tiny("flowers102", tiny["flowers102"], tmp_path, split="official")
    kind = torchvision_datasets.Flowers102
    monkeypatch.setattr(kind, "_check_integrity", lambda self: True)
    for part, theirs in zip(PARTS, ("train", "val", "test"), strict=True):
        expected = count_theirs(kind(tiny["flowers102"], split=theirs))
        assert count_ours(tmp_path, part) == expected
    assert info.class_names == tuple(str(number) for number in range(1, 103))
    assert info.sizes == {"train": 204, "validation": 204, "test": 204}


def test_seeded_flowers_are_all_of_them_a_fifth_of_each_class_tested(tiny, tmp_path, monkeypatch):
    info = prepare_tiny("flowers102", tiny["flowers102"] / raw_data.FLOWERS_FOLDER, tmp_path)
    kind = torchvision_datasets.Flowers102
    monkeypatch.setattr(kind, "_check_integrity", lambda self: True)
    splits = [count_theirs(kind(tiny["flowers102"], split=split)) for split in kind._splits_map]
    assert count_ours(tmp_path, *PARTS) == set().union(*splits)
    assert info.sizes["test"] == 102 * 2  # of 6


def test_imagenet_is_torchvisions_image_by_image(tiny, tmp_path):
    info = prepare_tiny("imagenet", tiny["imagenet"], tmp_path, split="official")
    train, test = (
        torchvision_datasets.ImageFolder(tiny["imagenet"] / name) for name in ("train", "val")
    )
    assert list(info.class_names) == train.classes == test.classes
    assert count_ours(tmp_path, "train", "validation") == count_theirs(train)
    assert count_ours(tmp_path, "test") == count_theirs(test)
    assert info.sizes == {"train": 15, "validation": 5, "test": 10}


def test_class_folders_are_torchvisions_image_by_image(tiny, tmp_path):
    info = prepare_tiny("folder", tiny["sport8"], tmp_path)
    theirs = torchvision_datasets.ImageFolder(tiny["sport8"])
    assert list(info.class_names) == theirs.classes
    assert count_ours(tmp_path, *PARTS) == count_theirs(theirs)


@pytest.mark.parametrize("validation_name", ["val", "validation", None])
def test_given_folders_are_torchvisions_image_by_image(validation_name, tmp_path):
    size = 2 if validation_name else 0
    root = raw_data.write_given_folders(
        tmp_path / "own", train=5, validation=size, validation_name=validation_name
    )
    info = prepare_tiny("folder", root, tmp_path / "out", split="official")

    def theirs(part):
        return count_theirs(torchvision_datasets.ImageFolder(root / part))

    assert count_ours(tmp_path / "out", "test") == theirs("test")
    if validation_name:
        assert count_ours(tmp_path / "out", "train") == theirs("train")
        assert count_ours(tmp_path / "out", "validation") == theirs(validation_name)
    else:
        assert count_ours(tmp_path / "out", "train", "validation") == theirs("train")
        assert info.sizes == {"train": 12, "validation": 3, "test": 9}


def test_mit67_takes_the_images_of_its_lists_or_all_of_its_folders(tiny, tmp_path):
    root = tiny["mit67"]
    everything = torchvision_datasets.ImageFolder(root / "Images")
    info = prepare_tiny("mit67", root, tmp_path / "lists", split="official")
    numbers = {"TrainImages.txt": {"0", "1", "2"}, "TestImages.txt": {"3", "4"}}
    for name, parts in (
        ("TrainImages.txt", ("train", "validation")),
        ("TestImages.txt", ("test",)),
    ):
        chosen = [
            place
            for place, (path, _) in enumerate(everything.samples)
            if Path(path).stem in numbers[name]
        ]
        assert len(chosen) == 67 * len(numbers[name])
        theirs = count_theirs(everything[place] for place in chosen)
        assert count_ours(tmp_path / "lists", *parts) == theirs
    assert list(info.class_names) == everything.classes
    prepare_tiny("mit67", root, tmp_path / "all")
    assert count_ours(tmp_path / "all", *PARTS) == count_theirs(everything)


@pytest.mark.parametrize(("name", "split"), CASES)
def test_images_left_in_their_files_are_those_of_the_arrays(name, split, tiny, tmp_path):
    cached = prepare_tiny(source_of(name), tiny[name], tmp_path / "a", split=split)
    given = {"split": split, "cache_gb": 0, "workers": 3}
    left = prepare_tiny(source_of(name), tiny[name], tmp_path / "b", **given)
    assert cached.cached
    assert left.cached == name.startswith("cifar")  # whose images have no files of their own
    assert left.fingerprint == cached.fingerprint
    assert (left.mean, left.std, left.sizes) == (cached.mean, cached.std, cached.sizes)
    for part in PARTS:
        arrays, labels = read_part(tmp_path / "a", part)
        images, same_labels = read_part(tmp_path / "b", part)
        np.testing.assert_array_equal(labels, same_labels)
        assert images.shape == arrays.shape
        assert len(images) == len(arrays)
        if not left.cached:
            np.testing.assert_array_equal(images.read_many(range(len(images))), arrays)
            np.testing.assert_array_equal(images.read(1), arrays[1])
            np.testing.assert_array_equal(images.read_many([2, 0]), arrays[[2, 0]])
            assert images.read_many([]).shape == (0, 3, SIZE, SIZE)


@pytest.mark.parametrize(("name", "split"), [case for case in CASES if "cifar" not in case[0]])
def test_what_a_search_is_given_names_no_test_image(name, split, tiny, tmp_path):
    prepare_tiny(source_of(name), tiny[name], tmp_path, split=split, cache_gb=0)
    files = {
        part: json.loads((tmp_path / f"{part}.files.json").read_text())["files"] for part in PARTS
    }
    total = sum(map(len, files.values()))
    assert total == sum(read_info(tmp_path).sizes.values())
    assert len({name for names in files.values() for name in names}) == total
    for part in ("train", "validation"):
        text = (tmp_path / f"{part}.files.json").read_text()
        assert not [name for name in files["test"] if f'"{name}"' in text]
    if split == "official":
        names = {"imagenet": "val/", "folder": "test/"}
        assert all(file.startswith(names.get(name, "")) for file in files["test"])


@pytest.mark.parametrize(("name", "split"), [("sport8", "seeded"), ("imagenet", "official")])
def test_a_search_needs_neither_test_images_nor_their_names(name, split, tiny, tmp_path):
    root = shutil.copytree(tiny[name], tmp_path / "root")
    prepare_tiny(source_of(name), root, tmp_path / "out", split=split, cache_gb=0)
    before = [read_part(tmp_path / "out", part)[0] for part in ("train", "validation")]
    before = [images.read_many(range(len(images))) for images in before]
    for file in json.loads((tmp_path / "out" / "test.files.json").read_text())["files"]:
        (root / file).unlink()
    (tmp_path / "out" / "test.files.json").write_text("garbage")
    (tmp_path / "out" / "test.labels.npy").unlink()
    for part, expected in zip(("train", "validation"), before, strict=True):
        images, _ = read_part(tmp_path / "out", part)
        np.testing.assert_array_equal(images.read_many(range(len(images))), expected)


def test_the_script_of_the_workflow_passes_every_setting_on(tiny, tmp_path):
    settings = {
        "--source": "imagenet",
        "--data-root": tiny["imagenet"],
        "--name": "tiny",
        "--image-size": 14,
        "--stored-size": 16,
        "--image-channels": 3,
        "--split": "official",
        "--validation-fraction": 0.4,
        "--test-fraction": 0.1,
        "--seed": 5,
        "--cache-gb": 0.0,
        "--workers": 2,
        "--output": tmp_path / "script",
    }
    options = [str(text) for pair in settings.items() for text in pair]
    statistics = ["--channel-mean", "0.1", "0.2", "0.3", "--channel-std", "0.4", "0.5", "0.6"]
    command = [sys.executable, "scripts/prepare.py", *options, *statistics, "--download", "1"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert done.stdout == (
        "5 classes, images: {'train': 10, 'validation': 10, 'test': 10}, kept as names of files,"
        " read at every epoch\n"
    )
    expected = prepare_tiny(
        "imagenet",
        tiny["imagenet"],
        tmp_path / "call",
        image_size=14,
        stored_size=16,
        split="official",
        validation_fraction=0.4,
        seed=5,
        channel_mean=(0.1, 0.2, 0.3),
        channel_std=(0.4, 0.5, 0.6),
        cache_gb=0,
    )
    assert read_info(tmp_path / "script") == expected
