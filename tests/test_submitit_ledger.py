"""What a driver notes of submitted jobs, for the next one."""

import json
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from snakemake_executor_plugin_submitit.ledger import (
    Entry,
    Ledger,
    Submission,
    fingerprint,
    identify,
    newest,
    write_atomically,
)
from snakemake_executor_plugin_submitit.task import log_folder


def fake_job(rule="train", output=("a.json",), **values):
    """What the ledger looks at of a job of Snakemake."""
    default = {"input": ("in.txt",), "shellcmd": "python train.py", "params": {}, "wildcards": {}}
    values = default | values
    return SimpleNamespace(
        name=rule,
        rule=SimpleNamespace(name=rule),
        output=list(output),
        wildcards_dict=values.pop("wildcards"),
        is_group=lambda: False,
        **values,
    )


def fake_group(*jobs):
    return SimpleNamespace(name="group", jobs=list(jobs), is_group=lambda: True)


def make_submission(name, number=2):
    return Submission(
        name, [Entry(f"job{n}", f"what{n}", f"train/slot={n}") for n in range(number)]
    )


def test_a_submission_is_read_as_it_was_written(tmp_path):
    ledger = Ledger(tmp_path)
    first = make_submission(ledger.name_submission("train"))
    ledger.write(first)
    assert Ledger(tmp_path).read_all() == [first]
    first.ids, first.cancelled = ["12_0", "12_1"], True
    second = make_submission(ledger.name_submission("test"), 1)
    ledger.write(first)
    ledger.write(second)
    found = {one.name: one for one in Ledger(tmp_path).read_all()}
    assert found == {first.name: first, second.name: second}


def test_a_submission_that_is_forgotten_is_gone_and_the_others_stay(tmp_path):
    ledger = Ledger(tmp_path)
    names = [ledger.name_submission("train") for _ in range(3)]
    for name in names:
        ledger.write(make_submission(name))
    ledger.forget(names[1])
    ledger.forget(names[1])
    assert {one.name for one in ledger.read_all()} == {names[0], names[2]}
    for name in names:
        ledger.forget(name)
    assert ledger.read_all() == []
    assert list(ledger.submissions.iterdir()) == []


def test_when_a_submission_was_first_written_is_kept_and_by_the_clock_of_the_files(tmp_path):
    ledger = Ledger(tmp_path)
    before = tmp_path / "before"
    before.touch()
    submission = make_submission(ledger.name_submission("train"))
    ledger.write(submission)
    after = tmp_path / "after"
    after.touch()
    written = submission.written
    assert before.stat().st_mtime_ns <= written <= after.stat().st_mtime_ns
    submission.ids = ["1", "2"]
    ledger.write(submission)
    assert [one.written for one in Ledger(tmp_path).read_all()] == [written]


def test_a_driver_that_died_between_the_two_writes_left_a_time_as_well(tmp_path):
    ledger = Ledger(tmp_path)
    submission = make_submission(ledger.name_submission("train"))
    ledger.write(submission)
    path = ledger.submissions / f"{submission.name}.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"written": 0}))
    assert [one.written for one in ledger.read_all()] == [path.stat().st_mtime_ns]


def test_a_half_written_submission_is_never_read(tmp_path, monkeypatch):
    ledger = Ledger(tmp_path)
    submission = make_submission(ledger.name_submission("train"))
    ledger.write(submission)
    whole = ledger.read_all()

    def die(path, target):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "replace", die)
    submission.ids = ["1", "2"]
    with pytest.raises(KeyboardInterrupt):
        ledger.write(submission)
    assert len(list(ledger.submissions.iterdir())) == 2
    assert ledger.read_all() == whole
    for path in ledger.submissions.glob(".*"):
        path.write_text(path.read_text()[:20])
    assert ledger.read_all() == whole


def test_a_file_is_replaced_whole(tmp_path):
    path = tmp_path / "new" / "file.txt"
    write_atomically(path, "first, longer")
    with path.open() as reader:
        write_atomically(path, "second")
        assert reader.read() == "first, longer"
    assert path.read_text() == "second"
    assert list(path.parent.iterdir()) == [path]


def test_names_are_unique_and_recognised_by_their_folder_alone(tmp_path):
    ledger, other = Ledger(tmp_path / "a"), Ledger(tmp_path / "b")
    names = [ledger.name_submission("train") for _ in range(1000)]
    assert len(set(names)) == 1000
    assert all(ledger.is_ours(name) and not other.is_ours(name) for name in names)
    assert not ledger.is_ours("train")
    assert not ledger.is_ours("interactive")


def test_a_name_shows_its_rule_and_fits_into_a_file_name(tmp_path):
    ledger = Ledger(tmp_path)
    assert ledger.name_submission("train").startswith("train.")
    long = ledger.name_submission("r" * 300)
    ledger.write(make_submission(long))
    assert [one.name for one in ledger.read_all()] == [long]


def test_a_working_folder_keeps_its_name_in_the_queue(tmp_path):
    first = Ledger(tmp_path / "a")
    assert first.run
    assert Ledger(tmp_path / "a").run == first.run
    assert Ledger(tmp_path / "b").run != first.run


def test_a_job_is_the_same_whatever_it_runs_and_in_whatever_order_its_outputs_stand():
    job = fake_job(output=["a", "b"])
    assert identify(job) == identify(fake_job(output=["b", "a"], shellcmd="other", input=["x"]))
    others = [
        fake_job("test", ["a", "b"]),
        fake_job(output=["a"]),
        fake_job(output=["a", "c"]),
        fake_job(output=["ab"]),
    ]
    assert len({identify(one) for one in (job, *others)}) == 5


def test_a_job_that_runs_something_else_is_known_by_it():
    jobs = [
        fake_job(),
        fake_job(shellcmd="python train.py --epochs 2"),
        fake_job(input=["other.txt"]),
        fake_job(input=["in.txt", "other.txt"]),
        fake_job(shellcmd=None, params={"epochs": 1}),
        fake_job(shellcmd=None, params={"epochs": 2}),
        fake_job(shellcmd=None, params={"rate": 1}),
        fake_job(shellcmd=None, params=["1"]),
    ]
    assert len({fingerprint(job) for job in jobs}) == len(jobs)
    assert fingerprint(fake_job(input=["b", "a"])) == fingerprint(fake_job(input=["a", "b"]))


def test_a_parameter_that_is_an_object_is_the_same_in_another_process():
    first, second = (fake_job(shellcmd=None, params={"model": object()}) for _ in range(2))
    assert fingerprint(first) == fingerprint(second)


def test_a_group_is_its_jobs_in_any_order():
    jobs = [fake_job(output=[name]) for name in "abc"]
    group = fake_group(*jobs)
    assert identify(group) == identify(fake_group(*reversed(jobs)))
    assert fingerprint(group) == fingerprint(fake_group(*reversed(jobs)))
    assert identify(group) != identify(fake_group(*jobs[:2]))
    assert identify(fake_group(jobs[0])) == identify(jobs[0])


def test_the_newest_of_files_is_found_and_missing_ones_are_none(tmp_path):
    for number, name in enumerate(["a", "b", "c"]):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, ns=(0, [5, 9, 7][number]))
    assert newest([str(tmp_path / name) for name in ("a", "b", "c", "missing")]) == 9
    assert newest([str(tmp_path / "missing")]) == 0
    assert newest([]) == 0


def test_every_job_has_a_folder_of_its_own_for_its_logs(tmp_path):
    values = ["a/b", "a_b", "a b", "ä", "ö", "", "x" * 300, "x" * 301, "字" * 200, "..", "a"]
    folders = [log_folder(fake_job(wildcards={"name": value})) for value in values]
    assert len(set(folders)) == len(values)
    for folder in folders:
        (tmp_path / folder).mkdir(parents=True)
    assert {path.parent for path in tmp_path.glob("*/*")} == {tmp_path / "train"}
    assert log_folder(fake_job()) == "train/all"
    assert log_folder(fake_job(wildcards={"rung": "1", "slot": "2"})) == "train/rung=1,slot=2"
