"""The cap on GPU-hours in the workflow: refused before the first job, and nothing runs again."""

import re

import pytest
from workflow_runs import RESULTS, TINY, build_once, make_project


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A project whose tiny search is finished; not to be changed."""
    return build_once(tmp_path_factory, "finished", make_project, TINY)


def test_a_run_over_the_cap_is_refused_before_its_first_job(tmp_path):
    project = make_project(tmp_path / "project", TINY)
    outcome = project.run(seconds_per_epoch=3600, max_gpu_hours=12)
    assert outcome.code != 0
    (line,) = [line for line in outcome.text.splitlines() if "max_gpu_hours is" in line]
    taken = float(re.search(r"is 12, and the run would take ([\d.]+) GPU-hours", line)[1])
    assert taken == pytest.approx(8 + 8 + 1, rel=0.2)  # epochs of two brackets and the final
    assert "iterations=1 would fit" in line
    assert "Traceback" not in outcome.text
    assert not (project.folder / "results").exists()
    assert not (project.folder / "data").exists()


def test_setting_or_changing_the_cap_runs_nothing_again(finished, tmp_path):
    project = finished.copy(tmp_path / "project")
    before = project.modified()
    for hours in (1000, 2000):
        assert project.finish(max_gpu_hours=hours).nothing_to_do
    assert project.pending(max_gpu_hours=1000, calibration=RESULTS) == set()
    assert project.modified() == before


def test_a_finished_run_is_what_the_cap_of_the_next_goes_by(finished, tmp_path):
    project = finished.copy(tmp_path / "project")
    outcome = project.run("--forcerun", "select", max_gpu_hours=1e-9)
    assert outcome.code != 0
    assert "max_gpu_hours must be at least one training" in outcome.text
