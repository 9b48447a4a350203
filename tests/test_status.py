"""The status of a search is counted from its files, and what it found from its results."""

import os
from pathlib import Path

import pytest
from test_damage import TRIAL

from nago.paths import checkpoint_file, state_file, trial_file
from nago.records import RecordError, write_json, write_trial
from nago.search.brackets import Rung
from nago.status import (
    STALE_SECONDS,
    count_status,
    describe_result,
    describe_results,
    describe_status,
    list_running,
)

PLAN = ((Rung(4, 1), Rung(2, 2)), (Rung(3, 2),))
NOW = 1_700_000_000.0
NO_LOGS = Path("no logs")


@pytest.fixture
def search(tmp_path):
    """Bracket 0: 2 done, 1 failed, 1 running, 1 interrupted, 1 missing; of bracket 1 nothing."""

    def write(slot, error):
        values = TRIAL.as_dict() | {"validation_error": error}
        values |= {"status": "diverged" if error is None else "ok"}
        write_trial(trial_file(tmp_path, 0, 0, slot), type(TRIAL).from_dict(values))

    write(0, 0.25)
    write(1, None)
    write(2, 0.0)
    for slot, age in ((3, STALE_SECONDS - 1), (1, STALE_SECONDS + 1)):
        rung = 0 if slot == 3 else 1
        path = checkpoint_file(trial_file(tmp_path, 0, rung, slot))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (NOW - age, NOW - age))
    return tmp_path


def test_trials_are_counted_by_what_their_files_say(search):
    first, second = count_status(search, PLAN, NO_LOGS, NOW)
    assert (first.bracket, first.planned) == (0, 6)
    assert (first.done, first.failed, first.running, first.interrupted) == (2, 1, 1, 1)
    assert first.missing == 1
    assert (first.failures, second.failures) == ({"diverged": 1}, {})
    assert (second.planned, second.missing) == (3, 3)


def test_a_trial_that_is_done_counts_as_done_though_its_checkpoint_is_still_there(search):
    checkpoint_file(trial_file(search, 0, 0, 0)).touch()
    assert count_status(search, PLAN, NO_LOGS, NOW)[0].done == 2


def test_a_trial_that_was_cut_off_counts_as_missing(search):
    path = trial_file(search, 0, 0, 0)
    path.write_bytes(path.read_bytes()[:50])
    first = count_status(search, PLAN, NO_LOGS, NOW)[0]
    assert (first.done, first.missing) == (1, 2)


def test_trainings_at_work_are_listed_with_the_last_that_they_said(search, tmp_path):
    logs = tmp_path / "logs"
    logs.mkdir()
    assert list_running(search, PLAN, logs, NOW) == [("b0-r0-s3", "")]
    last = "epoch 2/4  128/1150 images  loss 1.2  300 images/s  9 s left"
    (logs / "b0-r0-s3.log").write_text(
        f"b0-r0-s3: architecture\nepoch 1/4  loss 2\n{last}\nnote\n"
    )
    running = list_running(search, PLAN, logs, NOW)
    assert running == [("b0-r0-s3", last)]
    text = describe_status("digits", count_status(search, PLAN, NO_LOGS, NOW), running)
    assert text.splitlines()[-1] == f"b0-r0-s3  {last}"


def test_a_training_in_a_long_epoch_is_known_by_its_log(search, tmp_path):
    log = tmp_path / "b0-r1-s1.log"  # whose checkpoint is old
    for age, running, interrupted in ((STALE_SECONDS + 1, 1, 1), (STALE_SECONDS - 1, 2, 0)):
        log.touch()
        os.utime(log, (NOW - age, NOW - age))
        first = count_status(search, PLAN, tmp_path, NOW)[0]
        assert (first.running, first.interrupted) == (running, interrupted)


def test_trials_beyond_the_plan_are_not_counted(search):
    write_trial(trial_file(search, 7, 0, 0), TRIAL)
    assert [status.planned for status in count_status(search, PLAN, NO_LOGS, NOW)] == [6, 3]


def test_a_search_that_has_not_begun_is_all_missing(tmp_path):
    statuses = count_status(tmp_path / "none", PLAN, NO_LOGS)
    assert [status.missing for status in statuses] == [6, 3]


def test_the_table_for_people_has_a_line_per_bracket_and_the_sum(search):
    text = describe_status("digits, hnag-bohb", count_status(search, PLAN, NO_LOGS, NOW))
    title, header, *rows, failures = text.splitlines()
    assert title == "digits, hnag-bohb"
    names = ["bracket", "planned", "done", "running", "interrupted", "missing", "failed"]
    assert header.split() == names
    assert [row.split() for row in rows] == [
        ["0", "6", "2", "1", "1", "1", "1"],
        ["1", "3", "0", "0", "0", "3", "0"],
        ["all", "9", "2", "1", "1", "4", "1"],
    ]
    assert len({len(line) for line in (header, *rows)}) == 1
    assert failures == "failed: 1 diverged"


def test_failures_are_counted_by_their_class(search):
    values = TRIAL.as_dict() | {"status": "timed_out", "validation_error": None}
    for slot in range(2):
        path = trial_file(search, 1, 0, slot)
        write_trial(path, type(TRIAL).from_dict(values))
    statuses = count_status(search, PLAN, NO_LOGS, NOW)
    assert [status.failures for status in statuses] == [{"diverged": 1}, {"timed_out": 2}]
    text = describe_status("digits", statuses)
    assert text.splitlines()[-1] == "failed: 1 diverged, 2 timed out"
    # Where nothing failed there is no such line.
    assert "failed:" not in describe_status("digits", count_status(search / "none", PLAN, NO_LOGS))


def test_a_file_of_a_trial_and_what_belongs_to_it_are_found_by_their_place(tmp_path):
    trial = trial_file(tmp_path, 3, 1, 2)
    assert trial.relative_to(tmp_path).as_posix() == "bracket3/rung1/slot2.trial.json"
    assert checkpoint_file(trial) == trial.with_name("slot2.checkpoint")
    assert state_file(trial.parent, "b3-r1-s2") == trial.with_name("slot2.state")


BEST = {
    "configuration": {"top_nodes": 4, "top_p": 0.123456},
    "trial": "b1-r0-s2",
    "validation_error": 0.125,
    "budget": 4,
    "sample_memory_bytes": 3 * 2**20,
}


def write_results(folder, finalists, finals):
    write_json(folder / "finalists.json", finalists)
    for network, (trial, accuracy) in enumerate(finals):
        write_json(folder / f"final/{network}.json", {"trial": trial, "test_accuracy": accuracy})
    write_json(folder / "final/protocol.json", {})
    return describe_results(folder)


def test_the_end_of_a_search_tells_its_best_generator_and_the_mean_of_its_networks(tmp_path):
    text = write_results(tmp_path, [BEST], [("b1-r0-s2", value) for value in (0.9, None, 0.8)])
    for part in ("top_nodes 4", "top_p 0.123", "12.50%", "after 4 epochs", "b1-r0-s2", "3 MB"):
        assert part in text
    assert "85.00%, mean of 2 networks" in text
    assert "front: " not in text
    assert str(tmp_path) in text


def test_along_a_front_each_generator_has_the_mean_of_its_own_networks(tmp_path):
    small = BEST | {"trial": "b2-r0-s0", "sample_memory_bytes": 2**19, "validation_error": 0.25}
    finals = [("b1-r0-s2", 0.9), ("b1-r0-s2", 0.8), ("b2-r0-s0", 0.7), ("b2-r0-s0", None)]
    lines = write_results(tmp_path, [BEST, small], finals).splitlines()
    assert "2" in lines[0]
    assert "85.00%, mean of 2" in lines[3]
    assert "0.5 MB" in lines[5]
    assert "70.00%, mean of 1" in lines[6]


def test_networks_that_all_failed_are_said_to_have_failed(tmp_path):
    text = write_results(tmp_path, [BEST], [("b1-r0-s2", None)] * 3)
    assert "none of the final networks" in text


def test_among_several_a_search_has_one_line_of_its_first_generator(tmp_path):
    small = BEST | {"trial": "b2-r0-s0", "validation_error": 0.25}
    write_results(tmp_path, [BEST, small], [("b1-r0-s2", 0.9), ("b2-r0-s0", 0.1)])
    line = f"{tmp_path}/: validation error 12.50%, test accuracy 90.00% (mean of 1)"
    assert describe_result(tmp_path) == line
    # A spread completes no network.
    write_json(tmp_path / "spread/finalists.json", [small])
    assert describe_result(tmp_path / "spread") == f"{tmp_path}/spread/: validation error 25.00%"


def test_without_results_there_is_nothing_to_tell(tmp_path):
    with pytest.raises(RecordError, match="finalists"):
        describe_results(tmp_path)
