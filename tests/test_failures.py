"""The classes of failures: which become results, which models learn from, which run again."""

import re
from pathlib import Path

import pytest

from nago.failures import CLASSES, FAILED, LEARNT, STATUSES, find_class
from snakemake_executor_plugin_submitit.states import Cause

ROOT = Path(__file__).parents[1]
CLUSTER = [found for found in CLASSES if found.causes]


def test_a_result_is_learnt_from_and_what_the_cluster_does_is_neither():
    assert STATUSES == ("ok", "invalid", "out_of_memory", "diverged", "timed_out")
    assert set(FAILED) == LEARNT
    assert not LEARNT & {found.name for found in CLUSTER}
    assert len({found.name for found in CLASSES}) == len(CLASSES)
    with pytest.raises(KeyError):
        find_class("ok")


def test_every_cause_of_the_executor_is_of_one_class():
    named = [cause for found in CLUSTER for cause in found.causes]
    assert sorted(named) == sorted(cause.name for cause in Cause)


def test_the_executor_sends_again_what_the_classes_say():
    again = {cause.name for cause in Cause if cause.is_of_cluster}
    assert set(find_class("infrastructure").causes) == again
    assert find_class("host_memory").causes == (Cause.OUT_OF_MEMORY.name,)
    text = (ROOT / "snakemake_executor_plugin_submitit/settings.py").read_text()
    for found in CLUSTER:
        for option in re.findall(r"at most (\S+) times", found.rule):
            assert f"{option.replace('-', '_')}: int" in text


def test_the_training_ends_with_no_status_that_there_is_not():
    said = set()
    for module in ("training/loop", "objective"):
        text = (ROOT / f"nago/{module}.py").read_text()
        said |= set(re.findall(r"_outcome\(\"(\w+)\"", text))
        said |= set(re.findall(r"status=\"(\w+)\"", text))
    assert said == set(STATUSES)


def test_the_documentation_has_the_table_of_the_classes():
    text = (ROOT / "docs/failures.md").read_text()
    for found in CLASSES:
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{found.name}` |")]
        cells = [cell.strip() for cell in row.strip("| ").split("|")]
        assert cells == [f"`{found.name}`", found.what, found.rule, found.effect]
