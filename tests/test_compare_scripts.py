import os
import subprocess
import sys
from pathlib import Path

import pytest
from report_runs import make_run

ROOT = Path(__file__).parents[1]
TABLES = {
    *("table2-validation.csv", "table3-generators.csv", "table4-test.csv", "table6-expanded.csv"),
    *("failures.csv", "differences.csv", "anytime.csv", "correlations.csv", "claims.csv"),
}


def call(script, *arguments):
    command = [sys.executable, ROOT / "scripts" / script, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, check=False, cwd=ROOT
    )


@pytest.fixture
def runs(tmp_path):
    return [
        make_run(tmp_path / "results"),
        make_run(tmp_path / "results", method="random", seed=1, finished=False),
        make_run(tmp_path / "results", method="mobo", trials=()),
    ]


def test_all_tables_are_written_and_repeat(tmp_path, runs):
    rated = tmp_path / "table1-surrogates.csv"
    done = call("compare_surrogates.py", "--runs", *runs, "--output", rated)
    assert (done.returncode, done.stderr) == (0, "")
    contents = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        done = call("compare.py", "--runs", *runs, "--surrogates", rated, "--output", folder)
        assert (done.returncode, done.stderr) == (0, "")
        assert {path.name for path in folder.iterdir()} == TABLES
        contents.append({path.name: path.read_bytes() for path in folder.iterdir()})
    assert contents[0] == contents[1]


def test_a_folder_that_is_no_search_is_one_line(tmp_path):
    done = call("compare.py", "--runs", tmp_path, "--output", tmp_path / "tables")
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {tmp_path} holds no search")
    assert done.stderr.count("\n") == 1
