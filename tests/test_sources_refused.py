"""Data that cannot be used: every mistake and damage is one line that says what would be right."""

import os
import pickle
import shutil
import stat
from pathlib import Path

import numpy as np
import pytest
import raw_data
from PIL import Image
from raw_data import prepare_tiny
from scipy.io import savemat

from nago.data.datasets import check_source, read_info
from nago.data.pixels import DataError
from nago.data.sources import SOURCES
from nago.data.sources.cifar import read_pickle
from nago.records import UserError


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The root of each tiny data set, whole."""
    roots = {name: tmp_path_factory.mktemp(name) for name in SOURCES if name != "digits"}
    raw_data.write_cifar10(roots["cifar10"], per_batch=10)
    raw_data.write_cifar100(roots["cifar100"], train=200, test=100)
    raw_data.write_flowers102(roots["flowers102"], classes=4)
    raw_data.write_mit67(roots["mit67"], classes=3)
    raw_data.write_imagenet(roots["imagenet"], classes=3)
    raw_data.write_given_folders(roots["folder"])
    return roots


@pytest.fixture
def copy(whole, tmp_path):
    """Copies one of the whole data sets, to be damaged."""
    return lambda name: shutil.copytree(whole[name], tmp_path / name)


def flowers_folder(root):
    return root / raw_data.FLOWERS_FOLDER


def expect_refusal(message, source, root, output, kind=UserError, **changes):
    """The message is one line, and nothing is left that could be taken for a data set."""
    with pytest.raises(kind, match=message) as error:
        prepare_tiny(source, root, output, **changes)
    assert "\n" not in str(error.value)
    assert not list(output.glob("*.json"))
    assert not (output / ".unfinished").exists()


def expect_quick_refusal(message, *given):
    with pytest.raises(UserError, match=message) as error:
        check_source(*given)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("source", [name for name in SOURCES if name != "digits"])
def test_whole_data_pass_the_quick_check_without_being_opened(source, whole, monkeypatch):
    monkeypatch.setattr(Image, "open", None)
    monkeypatch.setattr("nago.data.checksums.hash_file", None)
    monkeypatch.setattr("nago.data.sources.cifar.read_pickle", None)
    check_source(source, whole[source], "official")


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("cifar10", "needs data_root, the directory of data_batch_1, .*download=true fetches it"),
        ("cifar100", "the directory of train, test, meta of CIFAR-100 .*www.cs.toronto.edu"),
        ("flowers102", "imagelabels.mat, setid.mat, jpg of Flowers102 .*download=true"),
        ("mit67", r"TestImages.txt of MIT67 \(get it from https://web.mit.edu"),
        ("imagenet", r"train, val of ImageNet \(get it from https://image-net.org"),
        ("folder", "a directory with a folder of images for each class, got none"),
    ],
)
def test_data_that_are_not_given_are_asked_for_with_where_they_come_from(source, message):
    expect_quick_refusal(message, source, None, "official")
    expect_quick_refusal(message, source, None, "official", True)


@pytest.mark.parametrize("source", [name for name in SOURCES if name not in ("digits", "folder")])
def test_a_directory_that_lacks_files_is_refused_with_their_names(source, tmp_path):
    names = ", ".join(SOURCES[source].required["official"])
    expect_quick_refusal(f"lacks {names} of .* as docs/data.md says", source, tmp_path, "official")
    expect_quick_refusal("there is no folder", source, tmp_path / "none", "official")
    file = tmp_path / "file"
    file.write_text("")
    expect_quick_refusal("is a file", source, file, "official")


def test_what_can_be_fetched_need_not_be_there(tmp_path):
    for source in ("cifar10", "cifar100", "flowers102"):
        check_source(source, tmp_path, "official", True)
        check_source(source, tmp_path / "none", "official", True)
    for source in ("mit67", "imagenet"):
        expect_quick_refusal("lacks .*; get it from https", source, tmp_path, "official", True)
    expect_quick_refusal("takes the folders train and test", "folder", tmp_path, "official", True)


@pytest.mark.parametrize("missing", ["data_batch_4", "batches.meta"])
def test_partly_there_is_not_there(missing, copy, tmp_path):
    root = copy("cifar10")
    (root / raw_data.CIFAR10_FOLDER / missing).unlink()
    expect_refusal(f"lacks {missing} of CIFAR-10", "cifar10", root, tmp_path / "out")


def test_a_split_that_a_source_does_not_have_is_refused(whole):
    expect_quick_refusal("split must be seeded for the source digits", "digits", None, "official")
    root = whole["imagenet"]
    expect_quick_refusal("split must be official .* imagenet", "imagenet", root, "seeded")
    expect_quick_refusal("got 'other'", "cifar10", None, "other")


def test_folders_of_parts_and_class_folders_are_not_taken_for_each_other(whole, tmp_path):
    expect_quick_refusal(
        "has the folders train, val, test with class folders in them: .*split=official",
        *("folder", whole["folder"], "seeded"),
    )
    root = raw_data.write_class_folders(tmp_path / "own", [3, 3])
    expect_quick_refusal("has 'class_00', 'class_01'; split=seeded", "folder", root, "official")


def test_classes_called_train_and_test_are_classes(tmp_path):
    for name in ("train", "test"):
        raw_data.write_class_folders(tmp_path / "own", [4], name=name)
    info = prepare_tiny("folder", tmp_path / "own", tmp_path / "out")
    assert info.class_names == ("test", "train")


def test_two_folders_for_validation_are_refused(copy, tmp_path):
    root = copy("folder")
    shutil.copytree(root / "val", root / "validation")
    expect_quick_refusal("has both val and validation; keep one", "folder", root, "official")


@pytest.mark.parametrize("source", ["imagenet", "folder"])
def test_parts_must_have_the_same_classes(source, copy, tmp_path):
    root = copy(source)
    extra = raw_data.write_class_folders(root / "train", [3], name="extra").name
    expect_quick_refusal(f"{extra} and val .* has 'extra'", source, root, "official")


def test_a_class_that_is_too_small_is_named(copy, tmp_path):
    root = copy("imagenet")
    first = sorted((root / "train").iterdir())[0]
    for path in sorted(first.iterdir())[1:]:
        path.unlink()
    expect_refusal(
        f"must hold 2 PNG or JPEG images or more .*'{first.name}' has 1",
        *("imagenet", root, tmp_path / "out"),
        split="official",
    )
    root = copy("folder")
    (root / "test" / "class_01").rename(root / "away")
    (root / "test" / "class_01").mkdir()
    expect_quick_refusal("'class_01' has 0", "folder", root, "official")


def test_a_class_too_small_for_three_parts_is_named_whatever_the_source(tmp_path):
    raw_data.write_cifar10(tmp_path, per_batch=5, classes=10)
    folder = tmp_path / raw_data.CIFAR10_FOLDER
    batch = raw_data.make_batch([0] * 5, 0, b"labels")
    raw_data.write_pickle(folder / "data_batch_1", batch)
    raw_data.write_checksums(folder)
    # counted by hand out of the labels p, p+7, p+4, p+1, p+8 of the batches p = 1, ..., 5
    small = "'class 4' has 2, 'class 6' has 2, 'class 7' has 1, 'class 8' has 2"
    message = f"each class needs 3 images or more, one for each part, but {small}"
    expect_refusal(message, "cifar10", tmp_path, tmp_path / "out", DataError)


def test_a_class_that_no_list_trains_is_named(copy, tmp_path):
    root = copy("mit67")
    path = root / "TrainImages.txt"
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line for line in lines if "scene_01/0" in line or "_01" not in line))
    expect_refusal(
        "needs 2 images or more, to train and to validate, but 'scene_01' has 1",
        *("mit67", root, tmp_path / "out"),
        split="official",
    )
    path.write_text("\n".join(lines))
    (root / "TestImages.txt").write_text("\n")
    official = {"split": "official"}
    expect_refusal("test part has no images", "mit67", root, tmp_path / "out", **official)


def test_the_published_checksums_are_demanded_of_a_copy_without_its_own(copy, tmp_path):
    root = copy("cifar10")
    (root / raw_data.CIFAR10_FOLDER / "checksums.md5").unlink()
    expect_refusal(
        "wrong checksum: .*data_batch_1 .* instead of c99cafc152244af753f735de768cd75f.*"
        "2 more; get the files again, or list .* checksums.md5",
        *("cifar10", root, tmp_path / "out"),
        kind=DataError,
    )


@pytest.mark.parametrize("damaged", ["test_batch", "batches.meta"])
def test_a_file_that_changed_since_its_checksum_is_found(damaged, copy, tmp_path):
    root = copy("cifar10")
    path = root / raw_data.CIFAR10_FOLDER / damaged
    path.write_bytes(path.read_bytes()[:-1])
    expect_refusal(f"wrong checksum: .*{damaged}", "cifar10", root, tmp_path / "out", DataError)


def test_checksums_of_ones_own_must_be_whole_and_readable(copy, tmp_path):
    root = copy("flowers102")
    path = flowers_folder(root) / "checksums.md5"
    lines = path.read_text().splitlines()
    for text, message in (
        ("\n".join(line for line in lines if "setid" not in line), "must list .*setid.mat, too"),
        ("\n".join([*lines, "0" * 32 + "  gone.txt"]), "files that are not there: .*gone.txt"),
        ("\n".join([*lines, "not a sum  jpg"]), "line 3 of .* must be an MD5 sum.*'not a sum"),
    ):
        path.write_text(text)
        expect_refusal(message, "flowers102", root, tmp_path / "out", DataError, split="official")


def test_checksums_may_be_in_the_data_root_and_name_images(copy, tmp_path):
    root = copy("flowers102")
    folder = flowers_folder(root)
    (folder / "checksums.md5").unlink()
    images = sorted((folder / "jpg").iterdir())
    raw_data.write_checksums(root, [folder / "imagelabels.mat", folder / "setid.mat", *images])
    prepare_tiny("flowers102", root, tmp_path / "good")
    raw_data.write_image(images[7], 1, 99)
    message = f"wrong checksum: .*{images[7].name}"
    expect_refusal(message, "flowers102", root, tmp_path / "out", DataError)


def test_checksums_protect_ones_own_images_as_well(tmp_path):
    root = raw_data.write_class_folders(tmp_path / "own", [3, 3])
    raw_data.write_checksums(root, sorted(root.glob("*/*.jpg")))
    prepare_tiny("folder", root, tmp_path / "good")
    (root / "class_01" / "2.jpg").unlink()
    raw_data.write_image(root / "class_01" / "3.jpg", 1, 3)
    expect_refusal("not there: .*class_01/2.jpg", "folder", root, tmp_path / "out", DataError)


class Exploit:
    """Runs a command where a pickle of it is read without care."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.system, (f"touch {self.path}",)


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_a_pickle_that_would_run_code_is_refused_and_runs_nothing(protocol, tmp_path):
    marker = tmp_path / "ran"
    path = tmp_path / "batch"
    path.write_bytes(pickle.dumps({b"data": Exploit(marker)}, protocol=protocol))
    with pytest.raises(DataError, match=r"no batch of CIFAR \(it asks for (posix|os)\.system\)"):
        read_pickle(path)
    assert not marker.exists()
    pickle.loads(path.read_bytes())
    assert marker.exists()


@pytest.mark.parametrize("name", ["builtins.eval", "nago.records.write_bytes", "numpy.load"])
def test_a_pickle_may_ask_for_nothing_but_arrays(name, tmp_path):
    module, _, attribute = name.rpartition(".")
    (tmp_path / "batch").write_bytes(f"c{module}\n{attribute}\n.".encode())
    with pytest.raises(DataError, match=f"it asks for {name}"):
        read_pickle(tmp_path / "batch")


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_batch_that_python_3_pickled_is_read_as_well(protocol, tmp_path):
    batch = raw_data.make_batch([1, 0, 2], 0, b"labels")
    (tmp_path / "batch").write_bytes(pickle.dumps(batch, protocol=protocol))
    values = read_pickle(tmp_path / "batch")
    assert values.keys() == batch.keys()
    np.testing.assert_array_equal(values[b"data"], batch[b"data"])
    assert values[b"filenames"] == batch[b"filenames"]


def damage_batch(**changes):
    batch = raw_data.make_batch(np.arange(10) % 10, 0, b"labels")
    return batch | {key.encode(): value for key, value in changes.items()}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (damage_batch(labels=[0] * 9), r"n labels, but holds \(10, 3072\) and 9"),
        (damage_batch(data=np.zeros((10, 3071), np.uint8)), r"3072 bytes .* \(10, 3071\)"),
        (damage_batch(data=np.zeros((10, 3072))), "lacks data or labels"),
        (damage_batch(labels=[10] * 10), "must have labels from 0 to 9"),
        (damage_batch(labels=[-1] * 10), "must have labels from 0 to 9"),
        ([1, 2], "it holds a list"),
    ],
)
def test_a_batch_whose_content_does_not_fit_is_refused(values, message, copy, tmp_path):
    root = copy("cifar10")
    folder = root / raw_data.CIFAR10_FOLDER
    raw_data.write_pickle(folder / "data_batch_2", values)
    raw_data.write_checksums(folder)
    message = f"data_batch_2 .*{message}"
    expect_refusal(message, "cifar10", root, tmp_path / "out", DataError)


def test_a_batch_that_is_no_pickle_is_refused(copy, tmp_path):
    root = copy("cifar100")
    folder = root / raw_data.CIFAR100_FOLDER
    for content in (b"", b"\x80\x02}q\x00(U", b"garbage"):
        (folder / "meta").write_bytes(content)
        raw_data.write_checksums(folder)
        message = r"meta is no batch of CIFAR \("
        expect_refusal(message, "cifar100", root, tmp_path / "out", DataError)


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("imagelabels.mat", {"labels": [[1, 2, 3, 4] * 5]}, "20 labels, but jpg has 24 images"),
        ("imagelabels.mat", {"labels": [[1, 2, 3, 4] * 7]}, "images are missing for .*00025.jpg"),
        ("imagelabels.mat", {"labels": [[0, 2, 3, 4] * 6]}, "must hold labels from 1 on"),
        ("imagelabels.mat", {"label": [[1] * 24]}, "a row of numbers named labels"),
        ("imagelabels.mat", {"labels": "text"}, "a row of numbers named labels"),
        ("imagelabels.mat", {"labels": [[1, 2, 3, 5] * 6]}, "'4' has 0"),
        ("setid.mat", {"trnid": [[1]], "valid": [[2]]}, "a row of numbers named tstid"),
        (
            "setid.mat",
            {"trnid": [range(1, 9)], "valid": [range(8, 17)], "tstid": [range(17, 25)]},
            "name each of 24 images once, but names 24 in 25 entries",
        ),
        (
            "setid.mat",
            {"trnid": [range(1, 9)], "valid": [range(9, 17)], "tstid": [range(17, 26)]},
            "name each of 24 images once, but names 25 in 25 entries",
        ),
    ],
)
def test_a_mat_file_that_does_not_fit_its_images_is_refused(name, values, message, copy, tmp_path):
    root = copy("flowers102")
    folder = flowers_folder(root)
    values = {
        key: value if isinstance(value, str) else np.array([list(row) for row in value])
        for key, value in values.items()
    }
    savemat(folder / name, values)
    raw_data.write_checksums(folder)
    expect_refusal(message, "flowers102", root, tmp_path / "out", DataError, split="official")


@pytest.mark.parametrize("content", [b"", b"garbage" * 50])
def test_a_mat_file_that_is_none_is_refused(content, copy, tmp_path):
    root = copy("flowers102")
    folder = flowers_folder(root)
    (folder / "imagelabels.mat").write_bytes(content)
    raw_data.write_checksums(folder)
    message = r"imagelabels.mat must hold a row of numbers named labels \("
    expect_refusal(message, "flowers102", root, tmp_path / "out", DataError)


def test_lists_that_name_missing_images_or_one_twice_are_refused(copy, tmp_path):
    root = copy("mit67")
    path = root / "TestImages.txt"
    text = path.read_text()
    gone = "".join(f"\r\nscene_00/gone {number}.jpg" for number in range(7))
    path.write_text(text + gone)
    expect_refusal(
        "the lists name 7 images that are not in .*: scene_00/gone 0.jpg of TestImages.txt,"
        ".* 2 more",
        *("mit67", root, tmp_path / "out", DataError),
        split="official",
    )
    path.write_text(text + "\nscene_00/0.jpg\n")
    message = "name 1 images twice: scene_00/0.jpg"
    expect_refusal(message, "mit67", root, tmp_path / "out", DataError, split="official")
    prepare_tiny("mit67", root, tmp_path / "all")  # which takes no lists


@pytest.mark.parametrize(
    ("source", "split"),
    [("flowers102", "seeded"), ("mit67", "official"), ("imagenet", "official")],
)
@pytest.mark.parametrize("cache_gb", [0, 50])
def test_images_that_do_not_decode_are_all_named(source, split, cache_gb, copy, tmp_path):
    root = copy(source)
    paths = sorted(path for path in root.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg"))
    # by the lists of MIT67 the last image of a class is in neither part
    chosen = [paths[0], paths[-1] if source != "mit67" else paths[-2]]
    for path in chosen:
        path.write_bytes(path.read_bytes()[:200])
    pattern = f"^2 of .*repair or remove .*{chosen[0].name} .*{chosen[1].name}"
    settings = {"split": split, "cache_gb": cache_gb, "workers": 2}
    expect_refusal(pattern, source, root, tmp_path / "out", DataError, **settings)


def refuse_reading(monkeypatch, folder):
    """Take the right to read away from everyone, also from root, who has it always."""
    for module, name in ((os, "scandir"), (os, "stat"), (Path, "stat")):
        original = getattr(module, name)

        def guarded(path, *args, original=original, **kwargs):
            if str(path).startswith(str(folder)):
                raise PermissionError(13, "Permission denied", str(path))
            return original(path, *args, **kwargs)

        monkeypatch.setattr(module, name, guarded)


@pytest.mark.parametrize("source", [name for name in SOURCES if name != "digits"])
def test_a_directory_that_may_not_be_read_is_one_line(source, whole, monkeypatch):
    refuse_reading(monkeypatch, whole[source])
    expect_quick_refusal(
        f"data_root cannot be read: {whole[source]}.*: Permission denied",
        *(source, whole[source], "official"),
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_directory_of_mode_0_is_one_line(copy):
    root = copy("folder")
    root.chmod(0)
    try:
        expect_quick_refusal("data_root cannot be read: .*denied", "folder", root, "official")
    finally:
        root.chmod(stat.S_IRWXU)


def test_an_image_that_may_not_be_read_is_named(copy, tmp_path, monkeypatch):
    root = copy("folder")
    original = Image.open

    def guarded(path, *args, **kwargs):
        if path.name == "1.jpg":
            raise PermissionError(13, "Permission denied", str(path))
        return original(path, *args, **kwargs)

    monkeypatch.setattr(Image, "open", guarded)
    message = r"3 of 27 .*train/class_00/1.jpg \(Permission denied\), train/class_01/1.jpg"
    expect_refusal(message, "folder", root, tmp_path / "out", DataError, split="official")


def test_a_refusal_leaves_an_older_data_set_as_it_was(copy, tmp_path):
    root = copy("mit67")
    before = prepare_tiny("mit67", root, tmp_path / "out")
    (root / "Images" / "scene_00" / "0.jpg").write_text("no image")
    with pytest.raises(DataError, match=r"scene_00/0\.jpg \(not a PNG or JPEG\)"):
        prepare_tiny("mit67", root, tmp_path / "out", seed=1)
    assert read_info(tmp_path / "out") == before
