"""Records on the disk: whole or not at all, and damage is found at every byte."""

import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from nago.records import (
    GeneratorSettings,
    Proposal,
    Protocol,
    RecordError,
    TrainingSettings,
    Trial,
    parse_trial_name,
    read_json,
    read_proposals,
    read_protocol,
    read_trial,
    trial_name,
    write_bytes,
    write_json,
    write_proposals,
    write_trial,
)

TRIAL = Trial(
    name="b1-r0-s2",
    configuration={"top_nodes": 8, "top_p": 0.1 + 0.2, "kind": "é"},
    budget=30,
    seed=2**32 - 1,
    origin="model",
    parent=None,
    status="ok",
    epochs=30,
    validation_error=1 / 3,
    hash="0123456789abcdef",
    width=12,
    nodes=40,
    parameters=3_999_999,
    multiply_adds=10**12,
    sample_memory_bytes=17 * 2**20,
    error=None,
    cost={"seconds": 12.5, "host": "node", "slurm_job": None},
)
PROPOSALS = [
    Proposal({"top_nodes": 8, "top_p": 5e-324}, 30, 1, "random"),
    Proposal({"top_nodes": 3, "top_p": 0.9}, 60, 2, "fallback", "no\nmodel", "b0-r0-s1"),
]
PROTOCOL = Protocol(
    generator="hnag",
    generator_settings=GeneratorSettings((1, 1, 1), (1, 1.5, 3), {"sum": 1}, {"conv3x3": 1}),
    parameter_limit=4_000_000,
    training=TrainingSettings(96, 0.025, 0.9, 3e-4, 5.0, 4, True, 16, 1),
)


def test_a_trial_comes_back_as_it_was_written(tmp_path):
    path = tmp_path / "new" / "folders" / "slot2.trial.json"
    write_trial(path, TRIAL)
    assert read_trial(path) == TRIAL
    assert os.listdir(path.parent) == [path.name]  # noqa: PTH208


def test_proposals_come_back_as_they_were_written(tmp_path):
    write_proposals(tmp_path / "rung0.proposals.json", PROPOSALS)
    assert read_proposals(tmp_path / "rung0.proposals.json") == PROPOSALS
    write_proposals(tmp_path / "none.json", [])
    assert read_proposals(tmp_path / "none.json") == []


def test_a_protocol_comes_back_as_it_was_written(tmp_path):
    write_json(tmp_path / "protocol.json", PROTOCOL.as_dict())
    again = read_protocol(tmp_path / "protocol.json")
    assert isinstance(again.generator_settings, GeneratorSettings)
    assert again == PROTOCOL
    assert json.dumps(again.as_dict()) == json.dumps(PROTOCOL.as_dict())


def test_a_protocol_without_a_limit_of_hours_is_written_as_before_there_was_one(tmp_path):
    fields = {"generator", "generator_settings", "parameter_limit", "training"}
    assert set(PROTOCOL.as_dict()) == fields
    limited = replace(PROTOCOL, max_hours=2.5)
    assert limited.as_dict() == PROTOCOL.as_dict() | {"max_hours": 2.5}
    write_json(tmp_path / "protocol.json", limited.as_dict())
    assert read_protocol(tmp_path / "protocol.json") == limited


def test_a_trial_has_a_status_that_there_is(tmp_path):
    with pytest.raises(RecordError, match=r"a status is ok, invalid, .*, got 'infrastructure'"):
        replace(TRIAL, status="infrastructure")
    write_json(tmp_path / "trial.json", TRIAL.as_dict() | {"status": "lost"})
    with pytest.raises(RecordError, match=r"trial.json is damaged \(a status is .* got 'lost'"):
        read_trial(tmp_path / "trial.json")


def test_equal_records_give_equal_bytes(tmp_path):
    turned = dict(reversed(TRIAL.as_dict().items()))
    write_trial(tmp_path / "one", TRIAL)
    write_json(tmp_path / "two", turned)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


@pytest.mark.parametrize(
    ("write", "read", "content"),
    [
        (write_trial, read_trial, TRIAL),
        (write_proposals, read_proposals, PROPOSALS),
        (lambda path, protocol: write_json(path, protocol.as_dict()), read_protocol, PROTOCOL),
    ],
    ids=["trial", "proposals", "protocol"],
)
def test_a_file_cut_off_at_any_byte_is_found(write, read, content, tmp_path):
    path = tmp_path / "file.json"
    write(path, content)
    whole, value = path.read_bytes(), read(path)
    for length in range(len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(RecordError, match=r"file\.json is damaged"):
            read(path)
    path.write_bytes(whole[:-1])  # only the last end of line is gone
    assert read(path) == value


@pytest.mark.parametrize(
    "content", [b"", b"\x00" * 100, b"\xff\xfe{}", b"null", b"3", b'"text"', b"{}", b"[1]", b"[]"]
)
@pytest.mark.parametrize("read", [read_trial, read_protocol])
def test_a_file_of_something_else_is_found(read, content, tmp_path):
    path = tmp_path / "file.json"
    path.write_bytes(content)
    with pytest.raises(RecordError, match=r"file\.json is damaged"):
        read(path)


@pytest.mark.parametrize("content", ["{}", "[1]", "[null]", "[{}]", '[{"seed": 1}]', '["a"]'])
def test_proposals_of_something_else_are_found(content, tmp_path):
    path = tmp_path / "file.json"
    path.write_text(content)
    with pytest.raises(RecordError, match=r"file\.json is damaged"):
        read_proposals(path)


def test_a_field_that_is_missing_or_unknown_is_named(tmp_path):
    path = tmp_path / "file.json"
    values = TRIAL.as_dict()
    write_json(path, {key: value for key, value in values.items() if key != "epochs"})
    with pytest.raises(RecordError, match=r"missing=\['epochs'\], unknown=\[\]"):
        read_trial(path)
    write_json(path, values | {"loss": 1})
    with pytest.raises(RecordError, match=r"missing=\[\], unknown=\['loss'\]"):
        read_trial(path)


def test_a_missing_file_is_named(tmp_path):
    for read in (read_json, read_trial, read_proposals, read_protocol):
        with pytest.raises(RecordError, match=r"there is no file .*nothing\.json"):
            read(tmp_path / "nothing.json")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_does_not_have_is_refused_and_the_old_file_stays(number, tmp_path):
    path = tmp_path / "file.json"
    write_json(path, {"a": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(path, {"a": [number]})
    assert read_json(path) == {"a": 1}
    assert os.listdir(tmp_path) == ["file.json"]  # noqa: PTH208


FULL = """
import resource, signal, sys
from pathlib import Path
from nago.records import write_bytes, write_json
path, make = Path(sys.argv[1]), sys.argv[2]
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
try:
    if make == "bytes":
        write_bytes(path, bytes(1_000_000))
    elif make == "json":
        write_json(path, list(range(10_000)))
    else:
        import pandas
        from nago.tables import write_table
        write_table(path, pandas.DataFrame({"x": range(10_000)}))
except OSError as error:
    print(error.strerror)
"""


@pytest.mark.parametrize("make", ["bytes", "json", "table"])
@pytest.mark.parametrize("old", [b"old content\n", None], ids=["old", "none"])
def test_a_write_that_the_system_stops_midway_leaves_the_old_file_and_no_other(
    make, old, tmp_path
):
    path = tmp_path / "folder" / "file"
    path.parent.mkdir()
    if old is not None:
        path.write_bytes(old)
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(path), make],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "File too large\n"
    assert os.listdir(path.parent) == ([] if old is None else ["file"])  # noqa: PTH208
    if old is not None:
        assert path.read_bytes() == old


def test_a_reader_never_sees_a_part_of_a_file(tmp_path):
    path = tmp_path / "file"
    contents = {b"a" * 300_000, b"b" * 200_000}
    write_bytes(path, max(contents))
    seen, done = set(), threading.Event()

    def read():
        while not done.is_set():
            seen.add(path.read_bytes())

    reader = threading.Thread(target=read)
    reader.start()
    for _ in range(60):
        for content in contents:
            write_bytes(path, content)
    done.set()
    reader.join()
    assert seen <= contents
    assert len(seen) == 2


def test_a_folder_in_the_way_is_an_error_without_leftovers(tmp_path):
    (tmp_path / "file").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_bytes(tmp_path / "file", b"new")
    assert os.listdir(tmp_path) == ["file"]  # noqa: PTH208


def test_the_name_of_a_trial_is_its_place():
    assert trial_name(12, 0, 3) == "b12-r0-s3"
    for place in ((0, 0, 0), (12, 2, 3), (59, 1, 107)):
        assert parse_trial_name(trial_name(*place)) == place


def test_records_cannot_be_changed():
    with pytest.raises(AttributeError):
        TRIAL.status = "diverged"
