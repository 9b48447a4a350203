"""Checkpoints that are whole are read back; those cut off, altered or foreign are not."""

import os

import pytest
import torch

from nago.records import RecordError
from nago.training.checkpoint import keep_state, read_checkpoint, read_state, write_checkpoint

STATE = {
    "network": {"weight": torch.arange(12.0).reshape(3, 4), "steps": torch.tensor(5)},
    "epoch": 3,
    "curve": [(1, 0.1, None), (2, 1 / 3, 0.25)],
}


def assert_equal(state, expected=STATE):
    assert state["epoch"] == expected["epoch"]
    assert [tuple(row) for row in state["curve"]] == expected["curve"]
    for name, value in expected["network"].items():
        assert torch.equal(state["network"][name], value)
        assert state["network"][name].dtype == value.dtype


@pytest.fixture
def path(tmp_path):
    write_checkpoint(tmp_path / "folder" / "state.pt", STATE, "mine")
    return tmp_path / "folder" / "state.pt"


def test_a_state_comes_back_as_it_was_written(path):
    lines = []
    assert_equal(read_checkpoint(path, "mine", lines.append))
    assert_equal(read_state(path))
    assert lines == []
    assert os.listdir(path.parent) == [path.name]  # noqa: PTH208


def test_no_checkpoint_is_no_news(tmp_path):
    lines = []
    assert read_checkpoint(tmp_path / "none", "mine", lines.append) is None
    assert lines == []


def test_a_checkpoint_of_another_training_is_not_used(path):
    lines = []
    assert read_checkpoint(path, "yours", lines.append) is None
    assert len(lines) == 1
    assert "is of another training" in lines[0]


def test_a_file_cut_off_anywhere_is_found(path):
    whole = path.read_bytes()
    for length in (0, 1, 20, whole.index(b"\n"), whole.index(b"\n") + 1, 500, len(whole) - 1):
        path.write_bytes(whole[:length])
        lines = []
        assert read_checkpoint(path, "mine", lines.append) is None
        assert len(lines) == 1
        assert lines[0].endswith("; starting anew")
        with pytest.raises(RecordError, match="damaged"):
            read_state(path)


def test_a_single_altered_bit_is_found(path):
    whole = path.read_bytes()
    for place in range(0, len(whole), 97):
        altered = bytearray(whole)
        altered[place] ^= 1
        path.write_bytes(altered)
        lines = []
        assert read_checkpoint(path, "mine", lines.append) is None
        assert len(lines) == 1


@pytest.mark.parametrize("line", [b"[]\n", b"null\n", b'{"sha256": 1}\n', b"\xff\xfe\n"])
def test_a_first_line_of_another_kind_is_found(path, line):
    path.write_bytes(line + b"payload")
    with pytest.raises(RecordError, match="first line is damaged"):
        read_state(path)


def test_a_failed_write_leaves_the_old_checkpoint(path, monkeypatch):
    def fail(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space"):
        write_checkpoint(path, STATE | {"epoch": 4}, "mine")
    assert_equal(read_checkpoint(path, "mine"))


def test_a_kept_state_outlives_its_checkpoint(path, tmp_path):
    keep_state(path, tmp_path / "kept")
    path.unlink()
    assert_equal(read_state(tmp_path / "kept"))
    with pytest.raises(RecordError, match="there is no file"):
        keep_state(path, tmp_path / "again")


def test_a_checkpoint_runs_no_code(path):
    write_checkpoint(path, {"epoch": os.system}, "mine")
    with pytest.raises(Exception, match=r"(?i)weights.only"):
        read_state(path)
