"""Prepared data sets against scikit-learn's arrays and images written by hand."""

import hashlib
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from nago.data.arrays import ChannelSums
from nago.data.datasets import check_source, prepare, read_info, read_part
from nago.data.pixels import DataError, to_pixels
from nago.records import RecordError, UserError

PARTS = ("train", "validation", "test")


def prepare_digits(output, **changes):
    arguments = {
        "source": "digits",
        "data_root": None,
        "image_size": 8,
        "channels": 1,
        "validation_fraction": 0.2,
        "test_fraction": 0.2,
        "seed": 0,
        "output": output,
        "name": "some digits",
    }
    return prepare(**(arguments | changes))


def prepare_folder(root, output, **changes):
    return prepare_digits(output, **({"source": "folder", "data_root": root} | changes))


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    output = tmp_path_factory.mktemp("digits")
    return output, prepare_digits(output)


@pytest.fixture
def root(tmp_path):
    """Two classes of five images of one brightness each: cats 10 to 14, dogs 100 to 104."""
    for name, first in (("dog", 100), ("cat", 10)):
        folder = tmp_path / "images" / name
        folder.mkdir(parents=True)
        for i in range(5):
            Image.new("L", (12, 9), first + i).save(folder / f"{i}.png")
    return tmp_path / "images"


def read_all(directory):
    pairs = [read_part(directory, part) for part in PARTS]
    return tuple(np.concatenate(arrays) for arrays in zip(*pairs, strict=True))


def test_images_can_be_kept_larger_than_networks_see_them(digits, tmp_path):
    info = prepare_digits(tmp_path, stored_size=10)
    assert (info.image_size, info.stored_size, info.cached) == (8, 10, True)
    assert (digits[1].image_size, digits[1].stored_size) == (8, 8)
    images, _ = read_part(tmp_path, "train")
    assert images.shape[1:] == (1, 10, 10)
    with pytest.raises(UserError, match=r"stored_size no less, .* stored_size=7"):
        prepare_digits(tmp_path, stored_size=7)


def test_parts_are_read_only(digits):
    images, _ = read_part(digits[0], "train")
    with pytest.raises(ValueError, match="read-only"):
        images[0] = 0


def test_digits_are_scikit_learns_pixel_by_pixel(digits):
    images, labels = read_all(digits[0])
    truth = load_digits()
    assert images.shape == (1797, 1, 8, 8)
    assert images.dtype == np.uint8
    assert labels.dtype == np.int64
    back = np.rint(images[:, 0] * (16 / 255))  # 0..16 again
    ours = sorted((label, *image.ravel()) for image, label in zip(back, labels, strict=True))
    theirs = zip(truth.images, truth.target, strict=True)
    assert ours == sorted((label, *image.ravel()) for image, label in theirs)
    assert (images.min(), images.max()) == (0, 255)


def test_statistics_are_those_of_the_train_part_alone(digits):
    images, _ = read_part(digits[0], "train")
    info = digits[1]
    assert info.mean[0] == pytest.approx((images / 255).mean(), rel=1e-12)
    assert info.std[0] == pytest.approx((images / 255).std(), rel=1e-12)
    assert info.mean[0] != pytest.approx((read_all(digits[0])[0] / 255).mean(), rel=1e-6)


def measure(images):
    sums = ChannelSums(images.shape[1])
    for image in images:
        sums.add(image)
    return sums.measure()


def test_statistics_of_colour_are_per_channel():
    images = np.random.default_rng(0).integers(0, 256, (150, 3, 4, 5), dtype=np.uint8)
    images[:, 1] //= 3
    mean, std = measure(images)
    np.testing.assert_allclose(mean, (images / 255).mean(axis=(0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(std, (images / 255).std(axis=(0, 2, 3)), rtol=1e-12)


def test_a_channel_of_one_value_has_no_deviation_to_divide_by():
    assert measure(np.full((3, 1, 2, 2), 51, np.uint8)) == ((0.2,), (1.0,))


def test_statistics_of_bright_images_don_t_overflow():
    assert measure(np.full((2, 1, 300, 300), 255, np.uint8)) == ((1.0,), (1.0,))


def test_given_statistics_take_the_place_of_those_of_the_train_part(digits, tmp_path):
    measured = digits[1]
    mean = prepare_digits(tmp_path, channel_mean=[0.25])
    assert (mean.mean, mean.std) == ((0.25,), measured.std)
    both = prepare_digits(tmp_path, channel_mean=[0.25], channel_std=[0.5])
    assert (both.mean, both.std) == ((0.25,), (0.5,))
    assert read_info(tmp_path) == both
    # a checkpoint of other statistics must not be taken for one of these
    assert len({measured.fingerprint, mean.fingerprint, both.fingerprint}) == 3


def test_the_description_is_read_back_as_it_was_written(digits):
    assert read_info(digits[0]) == digits[1]
    assert digits[1].name == "some digits"
    assert digits[1].class_names == tuple("0123456789")
    assert sum(digits[1].sizes.values()) == 1797


def test_preparing_twice_gives_the_same_bytes_and_another_seed_others(digits, tmp_path):
    prepare_digits(tmp_path)
    assert hash_files(tmp_path) == hash_files(digits[0])
    other = prepare_digits(tmp_path, seed=1)
    assert other.fingerprint != digits[1].fingerprint
    assert hash_files(tmp_path) != hash_files(digits[0])


def hash_files(directory):
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in directory.iterdir()
    }


def test_preparing_imports_no_torch(tmp_path):
    code = (
        "import sys; from pathlib import Path; from nago.data.datasets import prepare;"
        "prepare('digits', None, image_size=8, channels=1, validation_fraction=.2,"
        f"test_fraction=.2, seed=0, output=Path({str(tmp_path)!r}), name='digits');"
        "sys.exit('torch' in sys.modules)"
    )
    root = Path(__file__).parents[1]
    assert subprocess.run([sys.executable, "-c", code], check=False, cwd=root).returncode == 0


def test_a_folders_classes_are_in_the_order_of_their_names(root, tmp_path):
    info = prepare_folder(root, tmp_path / "out")
    assert info.class_names == ("cat", "dog")
    images, labels = read_all(tmp_path / "out")
    assert sorted(images[labels == 0, 0, 0, 0]) == [10, 11, 12, 13, 14]
    assert sorted(images[labels == 1, 0, 0, 0]) == [100, 101, 102, 103, 104]
    assert info.sizes == {"train": 6, "validation": 2, "test": 2}


def test_kinds_of_images_become_one_kind(root, tmp_path):
    kinds = root / "kinds"
    kinds.mkdir()
    Image.new("RGB", (30, 20), (200, 100, 50)).save(kinds / "colour.jpg", quality=95)
    Image.new("L", (7, 40), 77).save(kinds / "tall.PNG")
    Image.new("RGBA", (8, 8), (9, 9, 9, 0)).save(kinds / "clear.png")
    Image.new("P", (8, 8), 0).save(kinds / "palette.png")
    Image.new("1", (5, 5), 1).save(kinds / "bits.png")
    Image.new("CMYK", (9, 9), (0, 0, 0, 255)).save(kinds / "print.jpeg", quality=95)
    Image.fromarray(np.full((6, 6), 50_000, np.uint16)).save(kinds / "deep.png")
    prepare_folder(root, tmp_path / "out", image_size=6, channels=3)
    images, labels = read_all(tmp_path / "out")
    assert images.shape[1:] == (3, 6, 6)
    colours = sorted(image[:, 3, 3].tolist() for image in images[labels == 2])
    expected = [
        [0, 0, 0],  # palette
        [0, 0, 0],  # print
        [77, 77, 77],
        [195, 195, 195],  # deep: 50000 / 256
        [200, 100, 50],
        [255, 255, 255],  # bits
        [255, 255, 255],  # clear
    ]
    np.testing.assert_allclose(colours, expected, atol=2)  # JPEG is not exact


def test_colour_becomes_grey_by_its_luminance():
    image = Image.new("RGB", (4, 4), (200, 100, 50))
    grey = 0.299 * 200 + 0.587 * 100 + 0.114 * 50
    assert to_pixels(image, 4, 1).ravel().tolist() == pytest.approx([grey] * 16, abs=1)


def test_the_shorter_side_is_resized_and_the_centre_cut_out():
    image = Image.effect_noise((100, 40), 90)
    resized = np.asarray(image.resize((20, 8), Image.Resampling.BILINEAR))
    np.testing.assert_allclose(to_pixels(image, 8, 1)[0], resized[:, 6:14], atol=1)
    turned = image.transpose(Image.Transpose.ROTATE_90)
    resized = np.asarray(turned.resize((8, 20), Image.Resampling.BILINEAR))
    np.testing.assert_allclose(to_pixels(turned, 8, 1)[0], resized[6:14], atol=1)


def test_an_image_of_the_right_size_is_left_as_it_is():
    pixels = np.random.default_rng(0).integers(0, 256, (11, 11, 3), dtype=np.uint8)
    np.testing.assert_array_equal(
        to_pixels(Image.fromarray(pixels), 11, 3), np.moveaxis(pixels, 2, 0)
    )


def test_an_image_is_turned_as_its_camera_says(tmp_path):
    pixels = np.zeros((8, 8), np.uint8)
    pixels[:4] = 200  # bright above
    exif = Image.Exif()
    exif[0x0112] = 3  # upside down
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=exif)
    with Image.open(tmp_path / "turned.png") as image:
        assert to_pixels(image, 8, 1)[0, :, 0].tolist() == [0] * 4 + [200] * 4


def test_hidden_files_are_passed_over_and_others_reported(root, tmp_path):
    (root / "cat" / ".DS_Store").write_text("hidden")
    (root / "cat" / "._0.png").write_text("hidden")
    (root / ".git").mkdir()
    (root / "cat" / "notes.txt").write_text("no image")
    (root / "dog" / "moving.GIF").write_text("no PNG")
    lines = []
    info = prepare_folder(root, tmp_path / "out", report=lines.append)
    assert sum(info.sizes.values()) == 10
    assert len(lines) == 1
    assert lines[0].endswith("1 .gif, 1 .txt")


def break_images(root):
    cut = root / "cat" / "1.png"
    Image.effect_noise((50, 50), 80).save(cut)
    cut.write_bytes(cut.read_bytes()[:600])
    cut_jpeg = root / "cat" / "cut.jpg"
    Image.effect_noise((50, 50), 80).save(cut_jpeg)
    cut_jpeg.write_bytes(cut_jpeg.read_bytes()[:-300])
    (root / "dog" / "0.png").write_text("not an image")
    (root / "dog" / "2.png").write_bytes(b"")
    Image.new("L", (5, 5)).save(root / "dog" / "moving.gif")
    (root / "dog" / "moving.gif").rename(root / "dog" / "moving.png")
    write_bomb(root / "dog" / "bomb.png")
    return ["cat/1.png", "cat/cut.jpg", "dog/0.png", "dog/2.png", "dog/bomb.png", "dog/moving.png"]


def write_bomb(path):
    """Write the start of a PNG that says it has 10**10 pixels."""

    def chunk(kind, content):
        checked = kind + content
        return len(content).to_bytes(4, "big") + checked + zlib.crc32(checked).to_bytes(4, "big")

    header = (100_000).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b""))


def test_all_broken_images_are_named_in_one_error_and_nothing_is_written(root, tmp_path):
    names = break_images(root)
    with pytest.raises(DataError) as error:
        prepare_folder(root, tmp_path / "out")
    message = str(error.value)
    assert message.startswith(f"{len(names)} of 13 images")
    assert all(name in message for name in names)
    assert "cat/0.png" not in message
    assert "\n" not in message
    assert list((tmp_path / "out").iterdir()) == []


def test_a_failed_preparation_leaves_the_old_data_set(root, tmp_path, monkeypatch):
    before = prepare_folder(root, tmp_path / "out")
    bytes_before = hash_files(tmp_path / "out")

    def fail(*_):
        raise OSError(28, "No space left on device")

    for module_name in (
        "os.fsync",
        "nago.data.datasets.write_parts",
        "nago.data.datasets.write_json",
    ):
        with monkeypatch.context() as patch:
            patch.setattr(module_name, fail)
            with pytest.raises(OSError, match="No space"):
                prepare_folder(root, tmp_path / "out", seed=1)
        assert hash_files(tmp_path / "out") == bytes_before
        assert read_info(tmp_path / "out") == before


def test_leftovers_of_a_killed_preparation_do_no_harm(root, tmp_path):
    (tmp_path / "out" / ".unfinished").mkdir(parents=True)
    (tmp_path / "out" / ".unfinished" / "train.images.npy").write_text("half")
    prepare_folder(root, tmp_path / "out")
    assert len(list((tmp_path / "out").iterdir())) == 7


def test_a_damaged_or_missing_part_is_found(root, tmp_path):
    out = tmp_path / "out"
    prepare_folder(root, out)
    path = out / "train.images.npy"
    whole = path.read_bytes()
    for damaged in (whole[:-1], whole[:40], b""):
        path.write_bytes(damaged)
        with pytest.raises(RecordError, match=r"train\.images\.npy is damaged"):
            read_part(out, "train")
    np.save(path, np.zeros((5, 1, 8, 8), np.uint8))
    with pytest.raises(RecordError, match=r"must hold uint8 \(6, 1, 8, 8\), but holds"):
        read_part(out, "train")
    path.unlink()
    with pytest.raises(RecordError, match=r"there is no file .*train\.images\.npy"):
        read_part(out, "train")
    (out / "dataset.json").write_text('{"name": "x"}')
    with pytest.raises(RecordError, match=r"dataset\.json is damaged"):
        read_part(out, "train")
    with pytest.raises(ValueError, match="part must be one of train, validation, test, got 'all'"):
        read_part(out, "all")


@pytest.mark.parametrize(
    ("source", "make", "message"),
    [
        ("cifar", None, "source must be one of digits, cifar10, .*, folder, got 'cifar'"),
        ("folder", None, "needs data_root"),
        ("folder", "missing", "there is no "),
        ("folder", "file", "is a file"),
        ("folder", "empty", "there is none"),
        ("folder", "one", "there is 'cat'"),
        ("folder", "few", "'dog' has 2"),
        ("digits", "empty", "take no data_root"),
    ],
)
def test_a_wrong_source_is_refused_before_any_image_is_opened(
    source, make, message, root, monkeypatch
):
    monkeypatch.setattr(Image, "open", None)
    given = {name: root.parent / name for name in ("missing", "file", "empty")}
    given["file"].write_text("")
    given["empty"].mkdir()
    if make == "one":
        (root / "dog").rename(root / ".dog")
    if make == "few":
        for i in range(3):
            (root / "dog" / f"{i}.png").rename(root / "dog" / f"{i}.txt")
    with pytest.raises(UserError, match=message) as error:
        check_source(source, None if make is None else given.get(make, root))
    assert "\n" not in str(error.value)


def test_right_sources_pass(root, monkeypatch):
    monkeypatch.setenv("HOME", str(root.parent))
    check_source("digits", None)
    check_source("folder", root)
    check_source("folder", "~/images")
