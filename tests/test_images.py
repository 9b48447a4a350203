"""The same batches wherever the images are: in memory, mapped from the disk, or in files."""

import os
import pickle
import signal
import warnings
from dataclasses import dataclass

import numpy as np
import psutil
import pytest
import torch
from PIL import Image
from raw_data import prepare_tiny

from nago.data.datasets import read_part
from nago.data.images import LabelledImages, StoredImages, fits, join, load_images
from nago.data.transfer import read_in_processes, read_in_thread
from nago.records import RecordError

CPU = torch.device("cpu")
NUMBER, SIZE = 23, 5
PIXELS = np.random.default_rng(0).integers(0, 256, (NUMBER, 3, SIZE, SIZE), np.uint8)
LABELS = torch.arange(NUMBER) % 4
MEAN, STD = torch.tensor([0.3, 0.4, 0.5]), torch.tensor([0.2, 0.2, 0.3])
PLACES = torch.split(torch.randperm(NUMBER, generator=torch.Generator().manual_seed(1)), 4)


@dataclass(frozen=True)
class Files:
    """Images as in files, one of which may be gone."""

    pixels: np.ndarray
    gone: int = -1

    @property
    def shape(self):
        return self.pixels.shape

    def read_many(self, places):
        if self.gone in places:
            raise RecordError(f"image {self.gone} is gone; prepare the data set again")
        return self.pixels[places]


@pytest.fixture
def mapped(tmp_path):
    np.save(tmp_path / "images.npy", PIXELS)
    return np.load(tmp_path / "images.npy", mmap_mode="r")


def label(pixels):
    return LabelledImages(pixels, LABELS, MEAN, STD)


def check_batches(images, places=PLACES):
    batches = list(images.batches(places))
    assert len(batches) == len(places)
    for chosen, (pixels, labels) in zip(places, batches, strict=True):
        assert pixels.dtype == torch.uint8
        np.testing.assert_array_equal(pixels, PIXELS[chosen.numpy()])
        assert torch.equal(labels, LABELS[chosen])


def test_batches_of_a_tensor_are_its_rows():
    images = label(torch.from_numpy(PIXELS)).to(CPU)
    assert (len(images), images.stored_size, images.size) == (NUMBER, SIZE, SIZE)
    check_batches(images)


def test_batches_of_a_mapped_array_are_its_rows(mapped):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check_batches(label(StoredImages((mapped,))).to(CPU))


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_batches_from_files_come_in_order_whoever_decodes_them(workers):
    check_batches(label(StoredImages((Files(PIXELS),))).to(CPU, workers))


def test_a_batch_can_be_written_to_and_leaves_the_data_as_they_are(mapped):
    images = label(StoredImages((mapped,)))
    for pixels, _ in images.batches(PLACES):
        pixels.fill_(1)
    check_batches(images)


def test_a_device_that_holds_all_pixels_has_the_same(mapped, monkeypatch):
    monkeypatch.setattr("nago.data.images.CHUNK", 7)
    half = Files(PIXELS[9:])
    check_batches(label(StoredImages((mapped[:9], half)).load(CPU)))


def test_pixels_and_labels_are_on_the_device_of_the_training(mapped):
    device = torch.device("meta")  # one that a CPU cannot read from
    for pixels in (
        torch.from_numpy(PIXELS),
        StoredImages((mapped,)),
        StoredImages((Files(PIXELS),)),
    ):
        for batch in label(pixels).to(device).batches(PLACES):
            assert [values.device for values in batch] == [device] * 2


@pytest.mark.parametrize("kind", ["mapped", "files", "tensors", "mapped and files"])
def test_joined_parts_are_one_after_the_other(kind, mapped):
    cuts = slice(0, 9), slice(9, NUMBER)
    kinds = {
        "mapped": lambda cut: StoredImages((mapped[cut],)),
        "files": lambda cut: StoredImages((Files(PIXELS[cut]),)),
        "tensors": lambda cut: torch.from_numpy(PIXELS[cut]),
    }
    makers = [kinds[name] for name in kind.split(" and ")]
    parts = [
        LabelledImages(make(cut), LABELS[cut], MEAN, STD, image_size=4)
        for make, cut in zip((makers * 2)[:2], cuts, strict=True)
    ]
    joined = join(*parts)
    assert len(joined) == NUMBER
    assert (joined.stored_size, joined.size) == (SIZE, 4)
    check_batches(joined.to(CPU))
    whole = torch.arange(NUMBER)
    check_batches(joined, [whole[:5], whole[20:], whole.flip(0)])  # of one part, then of both


def share_memory(images, array):
    return any(np.shares_memory(piece, array) for piece in images.pixels.pieces)


def test_a_part_that_was_loaded_is_not_copied_into_the_memory_of_the_process(tmp_path):
    info = prepare_tiny("digits", None, tmp_path, image_size=8, stored_size=10, channels=1)
    train, validation = load_images(tmp_path, "train"), load_images(tmp_path, "validation")
    assert (train.stored_size, train.size) == (10, 8)
    torch.testing.assert_close(train.mean, torch.tensor(info.mean))
    joined = join(train, validation).to(CPU)
    for images in (train.to(CPU), joined):
        for piece in images.pixels.pieces:
            assert isinstance(piece, np.memmap)
            assert piece.filename.parent == tmp_path
    assert share_memory(joined, train.pixels.pieces[0])
    pixels, labels = read_part(tmp_path, "validation")
    ours = next(joined.batches([torch.tensor([len(train), len(train) + 3])]))
    np.testing.assert_array_equal(ours[0], pixels[[0, 3]])
    assert ours[1].tolist() == labels[[0, 3]].tolist()


def test_reading_a_mapped_part_takes_no_private_memory(tmp_path):
    size = 40_000_000
    array = np.lib.format.open_memmap(
        tmp_path / "images.npy", mode="w+", dtype=np.uint8, shape=(size // 1000, 10, 10, 10)
    )
    array[:] = 1
    array.flush()
    del array
    mapped = np.load(tmp_path / "images.npy", mmap_mode="r")
    number = len(mapped)
    images = LabelledImages(StoredImages((mapped,)), torch.zeros(number), MEAN, STD).to(CPU)
    before = count_anonymous_memory()
    seen = sum(int(pixels.sum()) for pixels, _ in images.batches(torch.arange(number).split(100)))
    assert seen == size
    assert count_anonymous_memory() - before < size / 4


def count_anonymous_memory():
    """Bytes of this process that no file stands behind."""
    return sum(entry.anonymous for entry in psutil.Process().memory_maps())


@pytest.mark.parametrize("workers", [0, 2])
def test_an_image_that_is_gone_is_one_line_that_says_so(workers):
    images = label(StoredImages((Files(PIXELS, gone=int(PLACES[3][0])),))).to(CPU, workers)
    batches = images.batches(PLACES)
    for _ in range(3):
        next(batches)
    with pytest.raises(RecordError) as raised:
        next(batches)
    line = f"image {PLACES[3][0]} is gone; prepare the data set again"
    assert str(raised.value) == line


def test_images_in_files_give_the_pixels_that_the_cache_would_have(tmp_path):
    rng = np.random.default_rng(3)
    for number in range(12):
        folder = tmp_path / "raw" / "ab"[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 256, (12, 15, 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    parts = {}
    for name, cache in (("cached", 50.0), ("files", 0.0)):
        options = {"image_size": 6, "stored_size": 8, "cache_gb": cache}
        prepare_tiny("folder", tmp_path / "raw", tmp_path / name, **options)
        parts[name] = load_images(tmp_path / name, "train").to(CPU, 2)
    assert [images.pixels.in_files for images in parts.values()] == [False, True]
    places = [torch.tensor([3, 0]), torch.tensor([1])]
    pairs = zip(*(images.batches(places) for images in parts.values()), strict=True)
    for cached, decoded in pairs:
        assert torch.equal(cached[0], decoded[0])
        assert torch.equal(cached[1], decoded[1])
    for file in (tmp_path / "raw").rglob("*.png"):
        file.unlink()
    with pytest.raises(RecordError, match="cannot be read any more") as raised:
        list(parts["files"].batches(places))
    assert "\n" not in str(raised.value)


def test_decoding_leaves_the_random_numbers_of_the_training_alone():
    images = label(StoredImages((Files(PIXELS),))).to(CPU, 1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        before = torch.random.get_rng_state()
        check_batches(images)
        assert torch.equal(torch.random.get_rng_state(), before)


def test_processes_that_decode_are_not_ended_by_the_signal_for_the_training():
    images = label(StoredImages((Files(PIXELS),))).to(CPU, 2)
    batches = images.batches(PLACES)
    seen = [next(batches), next(batches)]  # one of each process
    for process in psutil.Process().children():
        if process.cmdline() == psutil.Process().cmdline():
            process.send_signal(signal.SIGTERM)
    for chosen, (pixels, _) in zip(PLACES, [*seen, *batches], strict=True):
        np.testing.assert_array_equal(pixels, PIXELS[chosen.numpy()])


def test_no_process_stays_when_the_training_ends_in_the_middle():
    before = set(psutil.Process().children())
    batches = label(StoredImages((Files(PIXELS),))).to(CPU, 2).batches(PLACES)
    next(batches)
    started = set(psutil.Process().children()) - before
    assert len(started) >= 2
    batches.close()
    _, alive = psutil.wait_procs(started, timeout=20)
    assert [process for process in alive if process.name() == psutil.Process().name()] == []


def test_a_thread_reads_ahead_in_order_and_hands_on_its_errors():
    read, items = [], list(range(9))

    def invert(item):
        read.append(item)
        return 1 / (item - 6)

    readings = read_in_thread(invert, items)
    assert [next(readings) for _ in range(6)] == [1 / (item - 6) for item in range(6)]
    assert read == items[: len(read)]
    with pytest.raises(ZeroDivisionError):
        next(readings)


def test_processes_read_elsewhere():
    own = os.getpid()
    readings = read_in_processes(
        lambda item: torch.tensor([item, os.getpid()]), range(4), 1, pinned=False
    )
    items, places = torch.stack(list(readings)).unbind(dim=1)
    assert items.tolist() == [0, 1, 2, 3]
    assert own not in places.tolist()


def test_a_gpu_holds_images_that_take_a_quarter_of_what_is_free(monkeypatch):
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (4_000_000, 9_000_000))
    gpu = torch.device("cuda", 0)
    assert fits((1000, 10, 10, 10), gpu)
    assert not fits((1001, 10, 10, 10), gpu)
    assert not fits((1, 1, 1, 1), CPU)


def test_images_in_files_can_be_sent_to_another_process():
    images = pickle.loads(pickle.dumps(StoredImages((Files(PIXELS),))))
    np.testing.assert_array_equal(images.read(PLACES[0]), PIXELS[PLACES[0].numpy()])
