"""How a data set is written: in order, in parallel, one process at a time, whole or not at all."""

import errno
import json
import multiprocessing
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import raw_data
from PIL import Image
from raw_data import prepare_tiny

from nago.data.datasets import read_info, read_part
from nago.data.decoding import TOGETHER, read_in_order
from nago.data.files import ImageFiles
from nago.data.lock import hold_lock
from nago.data.splits import PARTS
from nago.records import RecordError

ROOT = Path(__file__).parents[1]


@pytest.fixture
def root(tmp_path):
    return raw_data.write_class_folders(tmp_path / "own", [8, 5, 6])


def read_all(directory):
    images = {}
    for part in PARTS:
        given, labels = read_part(directory, part)
        pixels = given.read_many(range(len(given))) if isinstance(given, ImageFiles) else given
        images[part] = (np.array(pixels).tobytes(), labels.tolist())
    return images


def names_in(directory):
    return sorted(path.name for path in directory.iterdir())


KEPT = {
    True: sorted(["dataset.json", *(f"{p}.{k}.npy" for p in PARTS for k in ("images", "labels"))]),
    False: sorted(
        ["dataset.json", *(f"{p}.files.json" for p in PARTS), *(f"{p}.labels.npy" for p in PARTS)]
    ),
}


def test_files_of_the_other_kind_are_removed(root, tmp_path):
    out = tmp_path / "out"
    before = None
    for cached in (True, False, True):
        info = prepare_tiny("folder", root, out, cache_gb=50 if cached else 0)
        assert info.cached == cached
        assert names_in(out) == KEPT[cached]
        assert before in (None, read_all(out))
        before = read_all(out)


def test_the_limit_of_the_cache_is_in_bytes_of_all_images_together(root, tmp_path):
    taken = 19 * 3 * 16 * 16
    exactly = prepare_tiny("folder", root, tmp_path / "out", cache_gb=taken / 1e9)
    less = prepare_tiny("folder", root, tmp_path / "out", cache_gb=(taken - 1) / 1e9)
    assert (exactly.cached, less.cached) == (True, False)


@pytest.mark.parametrize("workers", [2, 5])
def test_the_number_of_workers_changes_nothing(workers, root, tmp_path):
    one = prepare_tiny("folder", root, tmp_path / "one")
    many = prepare_tiny("folder", root, tmp_path / "many", workers=workers)
    assert one == many
    assert read_all(tmp_path / "one") == read_all(tmp_path / "many")


@pytest.mark.parametrize("workers", [1, 2, 3])
@pytest.mark.parametrize("number", [0, 1, TOGETHER, 10 * TOGETHER + 3])
def test_images_come_in_order_however_long_each_takes(workers, number):
    def read(place):
        time.sleep(0.002 * (place % 5 == 0))
        return place

    places = list(range(number))[::-1]
    assert list(read_in_order(read, places, workers)) == places


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_only_a_few_images_wait_in_memory(workers):
    started = 0
    lock = threading.Lock()

    def read(place):
        nonlocal started
        with lock:
            started += 1
        return place

    for taken, _ in enumerate(read_in_order(read, range(1000), workers), start=1):
        assert started <= taken + (2 * workers + 1) * TOGETHER
    assert started == 1000


def test_an_error_in_a_worker_reaches_the_reader():
    def read(place):
        if place == 40:
            raise MemoryError("no room")
        return place

    taken = []
    with pytest.raises(MemoryError, match="no room"):
        taken.extend(read_in_order(read, range(1000), 2))


def test_a_relative_root_is_found_from_anywhere(root, tmp_path, monkeypatch):
    monkeypatch.chdir(root.parent)
    prepare_tiny("folder", root.name, tmp_path / "out", cache_gb=0)
    monkeypatch.chdir("/")
    assert read_part(tmp_path / "out", "train")[0].read(0).shape == (3, 16, 16)


def expect_record_error(message, read):
    with pytest.raises(RecordError, match=message) as error:
        read()
    assert "\n" not in str(error.value)


def test_an_image_that_vanished_or_changed_is_one_line(root, tmp_path):
    prepare_tiny("folder", root, tmp_path / "out", cache_gb=0)
    images, _ = read_part(tmp_path / "out", "train")
    first, second, third = (root / name for name in images.files[:3])
    first.unlink()
    pattern = f"{images.files[0]} .No such file or directory. in .*; put it back, or prepare"
    expect_record_error(pattern, lambda: images.read_many([2, 0]))
    second.write_bytes(second.read_bytes()[:300])
    expect_record_error(f"cannot be read any more: {images.files[1]} ", lambda: images.read(1))
    with Image.open(third) as image:
        pixels = np.asarray(image).copy()
    Image.fromarray(255 - pixels).save(third, quality=95)
    expect_record_error(f"{third} has other pixels than when it was", lambda: images.read(2))
    assert images.read(3).shape == (3, 16, 16)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"root": "/x", "files": ["a"], "sums": [1]}', "must name 11 images, but names 1"),
        ('{"root": "/x", "files": ["a"]}', "is damaged"),
        ("[1]", "is damaged"),
        ('{"root"', "is damaged"),
    ],
)
def test_a_damaged_list_of_files_is_found(content, message, root, tmp_path):
    info = prepare_tiny("folder", root, tmp_path / "out", cache_gb=0)
    assert info.sizes["train"] == 11
    (tmp_path / "out" / "train.files.json").write_text(content)
    expect_record_error(message, lambda: read_part(tmp_path / "out", "train"))
    (tmp_path / "out" / "train.files.json").unlink()
    expect_record_error("there is no file", lambda: read_part(tmp_path / "out", "train"))


@pytest.mark.parametrize("cache_gb", [0, 50])
def test_a_full_disk_is_one_line_and_leaves_the_old_data_set(cache_gb, root, tmp_path):
    """The disk is full by a limit on the size of files: the system itself refuses to write."""
    out = tmp_path / "out"
    before = prepare_tiny("folder", root, out, cache_gb=cache_gb)
    code = (
        "import resource, signal, sys; sys.argv = sys.argv[:1] + sys.argv[2:];"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200));"
        "sys.path.insert(0, 'scripts'); import prepare;"
        "prepare.run_script(prepare.main)"
    )
    given = {
        "--source": "folder",
        "--data-root": root,
        "--name": "tiny",
        "--image-size": 16,
        "--image-channels": 3,
        "--validation-fraction": 0.2,
        "--test-fraction": 0.2,
        "--seed": 1,
        "--cache-gb": cache_gb,
        "--output": out,
    }
    options = [str(text) for pair in given.items() for text in pair]
    done = subprocess.run(
        [sys.executable, "-c", code, "prepare", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("error: a file: ")
    assert "too large" in done.stderr
    assert read_info(out) == before
    assert names_in(out) == KEPT[before.cached]


def test_a_full_disk_at_any_write_leaves_the_old_data_set(root, tmp_path, monkeypatch):
    before = prepare_tiny("folder", root, tmp_path / "out")
    content = read_all(tmp_path / "out")

    def fail(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    for name in (
        "nago.data.writing.write_images",
        "nago.data.writing.write_bytes",
        "nago.data.datasets.write_json",
        "os.fsync",
    ):
        with monkeypatch.context() as patch:
            patch.setattr(name, fail)
            with pytest.raises(OSError, match="No space"):
                prepare_tiny("folder", root, tmp_path / "out", seed=1)
        assert read_info(tmp_path / "out") == before
        assert read_all(tmp_path / "out") == content
        assert names_in(tmp_path / "out") == KEPT[True]


def prepare_often(root, out, seed, failures):
    for _ in range(6):
        info = prepare_tiny("folder", root, out, seed=seed, cache_gb=50 * (seed % 2))
        if info.sizes["train"] != 11:
            failures.put(info)


def test_two_at_once_in_one_place_give_the_data_set_of_one_of_them(root, tmp_path):
    """They differ in their parts and in how images are kept, so a mixture would not be read."""
    expected = {}
    for seed in (1, 2):
        info = prepare_tiny("folder", root, tmp_path / str(seed), seed=seed)
        expected[info.fingerprint] = read_all(tmp_path / str(seed))
    context = multiprocessing.get_context("spawn")
    failures = context.Queue()
    out = tmp_path / "out"
    processes = [
        context.Process(target=prepare_often, args=(root, out, seed, failures)) for seed in (1, 2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(120)
    assert [process.exitcode for process in processes] == [0, 0]
    assert failures.empty()
    info = read_info(out)
    assert read_all(out) == expected[info.fingerprint]
    assert names_in(out) == KEPT[info.cached]


def test_the_second_says_that_it_waits(root, tmp_path):
    out = tmp_path / "out"
    lines = []
    done = threading.Event()

    def second():
        prepare_tiny("folder", root, out, report=lines.append)
        done.set()

    with hold_lock(out / ".lock", print):
        thread = threading.Thread(target=second)
        thread.start()
        while not lines:
            time.sleep(0.01)
        assert not done.is_set()
        assert names_in(out) == [".lock"]
    thread.join(30)
    assert lines == [f"another process is at work in {out}; waiting until it is done"]
    assert names_in(out) == KEPT[True]


def test_the_lock_of_a_killed_process_is_free(root, tmp_path):
    out = tmp_path / "out"
    code = (
        "import time; from pathlib import Path; from nago.data.lock import hold_lock\n"
        f"with hold_lock(Path({str(out / '.lock')!r}), print):\n"
        "    print('held', flush=True); time.sleep(60)"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        process.send_signal(signal.SIGKILL)
    lines = []
    prepare_tiny("folder", root, out, report=lines.append)
    assert lines == []
    assert names_in(out) == KEPT[True]


def test_a_lock_keeps_others_out_while_many_want_it(tmp_path):
    inside, most, entries = 0, 0, 0

    def enter():
        nonlocal inside, most, entries
        for _ in range(20):
            with hold_lock(tmp_path / ".lock", lambda _: None):
                inside += 1
                most = max(most, inside)
                entries += 1
                time.sleep(0.0005)
                inside -= 1

    threads = [threading.Thread(target=enter) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (most, entries) == (1, 120)
    assert names_in(tmp_path) == []


def test_files_left_by_a_killed_run_are_not_in_the_data_set(root, tmp_path):
    out = tmp_path / "out"
    prepare_tiny("folder", root, out)
    shutil.copytree(out, out / ".unfinished")
    (out / "dataset.json").unlink()
    with pytest.raises(RecordError, match="there is no file"):
        read_part(out, "train")
    info = prepare_tiny("folder", root, out, cache_gb=0)
    assert names_in(out) == KEPT[False]
    assert json.loads((out / "dataset.json").read_text())["fingerprint"] == info.fingerprint
