"""How often the cluster is asked."""

from collections import Counter

import pytest

from snakemake_executor_plugin_submitit import pace as module
from snakemake_executor_plugin_submitit.pace import Pace

WAITING, RUNNING = Counter(PENDING=3), Counter(PENDING=2, RUNNING=1)


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still until it is set."""
    clock = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    return clock


def seconds_until_due(pace, clock):
    start = clock[0]
    while not pace.is_due():
        clock[0] += 0.25
    return clock[0] - start


def test_the_first_question_is_due_at_once(clock):
    assert Pace(10, 60).is_due()


def test_while_nothing_changes_questions_come_later_up_to_the_most(clock):
    pace = Pace(4, 15)
    gaps = []
    for _ in range(6):
        pace.note(WAITING)
        gaps.append(seconds_until_due(pace, clock))
    assert gaps == [4, 6, 9, 13.5, 15, 15]


def test_a_change_of_states_brings_the_least_time_back(clock):
    pace = Pace(4, 15)
    for _ in range(5):
        pace.note(WAITING)
    pace.note(RUNNING)
    assert seconds_until_due(pace, clock) == 4


def test_new_jobs_are_asked_for_after_the_least_time_but_nothing_is_put_off(clock):
    pace = Pace(4, 15)
    for _ in range(5):
        pace.note(WAITING)
    pace.hurry()
    assert seconds_until_due(pace, clock) == 4
    clock[0] += 1
    pace.hurry()
    assert pace.is_due()


def test_a_most_below_the_least_is_the_least(clock):
    pace = Pace(10, 2)
    for _ in range(3):
        pace.note(WAITING)
        assert seconds_until_due(pace, clock) == 10
