"""Damaged files are set aside, whole ones of every kind are left alone."""

import json

import pytest

from nago.damage import set_aside_damaged
from nago.records import Proposal, Trial, write_json, write_proposals, write_trial

PROPOSAL = Proposal(configuration={"x": 1}, budget=3, seed=5, origin="random")
TRIAL = Trial(
    name="b0-r0-s0",
    configuration={"x": 1},
    budget=3,
    seed=5,
    origin="random",
    parent=None,
    status="diverged",
    epochs=1,
    validation_error=None,
    hash=None,
    width=None,
    nodes=None,
    parameters=None,
    multiply_adds=None,
    sample_memory_bytes=None,
    error="a loss is NaN",
    cost={},
)
FILES = {
    "search.json": lambda path: write_json(path, {"seed": 1}),
    "bracket0/rung0.proposals.json": lambda path: write_proposals(path, [PROPOSAL]),
    "bracket0/rung0/slot0.trial.json": lambda path: write_trial(path, TRIAL),
    "final/0.json": lambda path: write_json(path, {"test_accuracy": 0.5}),
}


@pytest.fixture
def search(tmp_path):
    for name, write in FILES.items():
        write(tmp_path / name)
    return tmp_path


def content(search):
    return {path: path.read_bytes() for path in search.rglob("*") if path.is_file()}


def test_a_search_without_damage_is_left_as_it_is(search):
    before = content(search)
    assert set_aside_damaged(search) == []
    assert content(search) == before


def test_a_search_that_has_not_begun_has_no_damage(tmp_path):
    assert set_aside_damaged(tmp_path / "none") == []


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("share", [0, 0.5, 0.9])
def test_a_file_cut_off_anywhere_is_set_aside_and_the_others_stay(search, name, share):
    path = search / name
    before = content(search)
    cut = path.read_bytes()[: int(share * path.stat().st_size)]
    path.write_bytes(cut)
    assert set_aside_damaged(search) == [path]
    aside = path.with_name(f"{path.name}.damaged")
    assert content(search) == {p: t for p, t in before.items() if p != path} | {aside: cut}
    assert set_aside_damaged(search) == []


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "null",
        '"text"',
        "{}",
        "\x00\x00\x00",
        json.dumps(TRIAL.as_dict() | {"colour": "red"}),
        json.dumps({key: value for key, value in TRIAL.as_dict().items() if key != "seed"}),
    ],
)
def test_a_trial_that_is_json_but_no_trial_is_set_aside(search, text):
    path = search / "bracket0/rung0/slot0.trial.json"
    path.write_text(text)
    assert set_aside_damaged(search) == [path]


def test_proposals_with_one_that_lacks_a_field_are_set_aside(search):
    path = search / "bracket0/rung0.proposals.json"
    whole = PROPOSAL.as_dict()
    path.write_text(json.dumps([whole, {**whole, "seed": 1} | {"seeds": 2}]))
    assert set_aside_damaged(search) == [path]


def test_a_file_of_bytes_that_are_no_text_is_set_aside(search):
    path = search / "search.json"
    path.write_bytes(b'{"seed": "\xff\xfe"}')
    assert set_aside_damaged(search) == [path]


def test_what_a_step_is_writing_just_now_is_left_alone(search):
    path = search / "bracket0/rung0/.slot1.trial.json.123.tmp"
    path.write_text('{"name": "b0')
    assert set_aside_damaged(search) == []
    assert path.exists()


def test_a_file_that_another_run_removes_meanwhile_is_no_damage(search, monkeypatch):
    import nago.damage

    def vanish(path):
        path.unlink()
        return nago.records.read_trial(path)

    readers = nago.damage.READERS | {"*.trial.json": vanish}
    monkeypatch.setattr(nago.damage, "READERS", readers)
    assert set_aside_damaged(search) == []
