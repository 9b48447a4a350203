"""Fetching published files, from a directory or a server of this machine in place of theirs."""

import hashlib
import http.server
import io
import shutil
import tarfile
import threading

import pytest
import raw_data
from raw_data import prepare_tiny

from nago.data.checksums import CHECKSUMS_FILE
from nago.data.datasets import check_source
from nago.data.download import MIRROR
from nago.data.pixels import DataError
from nago.records import UserError

ARCHIVES = {
    "cifar10": "cifar-10-python.tar.gz",
    "cifar100": "cifar-100-python.tar.gz",
    "flowers102": "102flowers.tgz",
}
FOLDERS = {
    "cifar10": raw_data.CIFAR10_FOLDER,
    "cifar100": raw_data.CIFAR100_FOLDER,
    "flowers102": raw_data.FLOWERS_FOLDER,
}
WRITERS = {
    "cifar10": lambda root: raw_data.write_cifar10(root, checksums=False),
    "cifar100": lambda root: raw_data.write_cifar100(root, train=200, checksums=False),
    "flowers102": lambda root: raw_data.write_flowers102(root, classes=5, checksums=False),
}


@pytest.fixture(scope="module")
def mirrors(tmp_path_factory):
    """For each source a directory as its publisher's, and the data root that comes of it."""
    made = {}
    for source, write in WRITERS.items():
        root, mirror = tmp_path_factory.mktemp("root"), tmp_path_factory.mktemp("mirror")
        folder = write(root)
        with tarfile.open(mirror / ARCHIVES[source], "w:gz") as archive:
            if source == "flowers102":
                archive.add(folder / "jpg", "jpg")
            else:
                archive.add(folder, folder.name)
        for path in folder.glob("*.mat"):
            shutil.copy(path, mirror)
        made[source] = mirror, root
    return made


@pytest.fixture
def given(mirrors, tmp_path, monkeypatch):
    """Set the mirror of a source and return an empty data root with its checksums."""

    def give(source, url=None):
        mirror, root = mirrors[source]
        monkeypatch.setenv(MIRROR, url or mirror.as_uri())
        empty = tmp_path / "empty"
        empty.mkdir(exist_ok=True)
        needed = [path for path in (root / FOLDERS[source]).iterdir() if path.is_file()]
        lines = [(path, path.relative_to(root)) for path in needed]
        lines += [(mirror / ARCHIVES[source], ARCHIVES[source])]
        sums = [f"{hashlib.md5(path.read_bytes()).hexdigest()}  {name}" for path, name in lines]
        (empty / CHECKSUMS_FILE).write_text("\n".join(sums))
        return empty

    return give


def names_in(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def fetch(source, root, output, **changes):
    return prepare_tiny(source, root, output, split="official", download=True, **changes)


@pytest.mark.parametrize("source", ARCHIVES)
def test_what_is_missing_is_fetched_once(source, mirrors, given, tmp_path, monkeypatch):
    root = given(source)
    check_source(source, root, "official", True)
    lines = []
    fetched = fetch(source, root, tmp_path / "a", report=lines.append)
    assert any(ARCHIVES[source] in line for line in lines)
    original = mirrors[source][1]
    assert names_in(root) == sorted([CHECKSUMS_FILE, *names_in(original)])
    shutil.copy(root / CHECKSUMS_FILE, tmp_path)
    copied = shutil.copytree(original, tmp_path / "copied")
    shutil.copy(root / CHECKSUMS_FILE, copied)
    assert fetched == prepare_tiny(source, copied, tmp_path / "b", split="official")
    monkeypatch.setenv(MIRROR, "file:///nowhere")
    assert fetch(source, root, tmp_path / "c") == fetched


def test_files_come_from_a_server_as_well(mirrors, given, tmp_path):
    class Handler(http.server.SimpleHTTPRequestHandler):
        def __init__(self, *args, **kwargs):
            super().__init__(*args, directory=str(mirrors["cifar10"][0]), **kwargs)

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            root = given("cifar10", f"http://127.0.0.1:{server.server_port}/")
            assert fetch("cifar10", root, tmp_path / "out").sizes["test"] == 20
        finally:
            server.shutdown()
            thread.join()


def test_folders_of_other_data_beside_them_are_not_taken_for_files(given, tmp_path):
    root = given("cifar100")
    raw_data.write_given_folders(root)
    fetch("cifar100", root, tmp_path / "out")
    assert (root / FOLDERS["cifar100"] / "train").is_file()
    assert (root / "train" / "class_00").is_dir()


def test_only_what_is_missing_is_put_in_its_place(mirrors, given, tmp_path):
    root = given("cifar10")
    folder = shutil.copytree(mirrors["cifar10"][1] / FOLDERS["cifar10"], root / FOLDERS["cifar10"])
    (folder / "data_batch_3").unlink()
    before = (folder / "data_batch_2").stat().st_ino
    fetch("cifar10", root, tmp_path / "out")
    assert (folder / "data_batch_2").stat().st_ino == before
    assert (folder / "data_batch_3").exists()


def expect_failure(message, root, output, kind=UserError, source="cifar10"):
    with pytest.raises(kind, match=message) as error:
        fetch(source, root, output)
    assert "\n" not in str(error.value)
    assert names_in(root) == [CHECKSUMS_FILE]
    assert not (root / ".download").exists()
    assert names_in(output) == []


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9", "file:///nowhere", "nonsense", "http://no.such.host.invalid"]
)
def test_no_network_is_one_line_that_says_what_to_do(url, given, tmp_path, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    root = given("cifar10", url)
    message = f"cannot fetch {url}/cifar-10-python.tar.gz .*get CIFAR-10 from https://.*data.md"
    expect_failure(message, root, tmp_path / "out")


def test_an_archive_cut_off_on_its_way_is_not_kept(mirrors, given, tmp_path, monkeypatch):
    root = given("cifar10")
    half = tmp_path / "half"
    half.mkdir()
    whole = (mirrors["cifar10"][0] / ARCHIVES["cifar10"]).read_bytes()
    (half / ARCHIVES["cifar10"]).write_bytes(whole[:-100])
    monkeypatch.setenv(MIRROR, half.as_uri())
    message = "has the wrong checksum, .*; nothing of it is kept, start again"
    expect_failure(message, root, tmp_path / "out", DataError)


def test_without_checksums_of_ones_own_those_published_are_demanded(given, tmp_path):
    root = given("cifar10")
    (root / CHECKSUMS_FILE).unlink()
    with pytest.raises(DataError, match="instead of c58f30108f718f92721af3b95e74349a"):
        fetch("cifar10", root, tmp_path / "out")
    assert names_in(root) == []


def test_checksums_of_ones_own_must_list_the_archive(given, tmp_path):
    root = given("cifar10")
    text = (root / CHECKSUMS_FILE).read_text()
    lines = [line for line in text.splitlines() if ARCHIVES["cifar10"] not in line]
    (root / CHECKSUMS_FILE).write_text("\n".join(lines))
    message = "must list the sum of cifar-10-python.tar.gz, too"
    expect_failure(message, root, tmp_path / "out", DataError)


def write_archive(root, mirror, names):
    """Write an archive of empty files under names, and its sum into the checksums of `root`."""
    path = mirror / ARCHIVES["cifar10"]
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            archive.addfile(tarfile.TarInfo(name), io.BytesIO())
    md5 = hashlib.md5(path.read_bytes()).hexdigest()
    lines = (root / CHECKSUMS_FILE).read_text().splitlines()
    kept = [line for line in lines if ARCHIVES["cifar10"] not in line]
    (root / CHECKSUMS_FILE).write_text("\n".join([*kept, f"{md5}  {path.name}"]))


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["../../escaped"], "cannot be unpacked .*outside the destination"),
        (["cifar-10-batches-py/data_batch_1"], "lacks cifar-10-batches-py/data_batch_2"),
    ],
)
def test_an_archive_of_another_content_is_refused(names, message, given, tmp_path, monkeypatch):
    root, mirror = given("cifar10"), tmp_path / "other"
    mirror.mkdir()
    write_archive(root, mirror, names)
    monkeypatch.setenv(MIRROR, mirror.as_uri())
    with pytest.raises(DataError, match=message):
        fetch("cifar10", root, tmp_path / "out")
    assert not (tmp_path / "escaped").exists()
    assert not (root / ".download").exists()


def test_a_full_disk_leaves_nothing_of_a_download(given, tmp_path, monkeypatch):
    root = given("cifar10")

    def fail(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tarfile.TarFile, "extractall", fail)
    expect_failure("No space", root, tmp_path / "out", OSError)


def test_leftovers_of_a_killed_download_do_no_harm(given, tmp_path):
    root = given("flowers102")
    (root / ".download" / "unpacked").mkdir(parents=True)
    (root / ".download" / "102flowers.tgz").write_text("half")
    fetch("flowers102", root, tmp_path / "out")
    assert not (root / ".download").exists()


def test_images_that_are_partly_there_are_told_how_to_be_renewed(mirrors, given, tmp_path):
    root = given("flowers102")
    folder = shutil.copytree(
        mirrors["flowers102"][1] / FOLDERS["flowers102"], root / FOLDERS["flowers102"]
    )
    (folder / "jpg" / "image_00004.jpg").unlink()
    message = "image_00004.jpg; if jpg is not whole, remove it and start again with download=true"
    with pytest.raises(DataError, match=message):
        fetch("flowers102", root, tmp_path / "out")
    shutil.rmtree(folder / "jpg")
    assert sum(fetch("flowers102", root, tmp_path / "out").sizes.values()) == 30
