"""The page's tables of cost: what was foreseen beside what was spent."""

import csv
import json
import shutil
from pathlib import Path

import pytest
from pages import read_page
from report_runs import make_run

from nago.report.page.writing import find_runs, write_page

ROOT = Path(__file__).parents[1]


def show(folder):
    output = folder / "report" / "index.html"
    write_page(find_runs([folder / "results"]), output, root=ROOT, version="0")
    return read_page(output)


def read_rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_cost_is_that_of_the_tables_beside_what_was_foreseen(tmp_path):
    run = make_run(tmp_path / "results", seconds_per_epoch=2)
    page = show(tmp_path)
    trials, costs = read_rows(run / "trials.csv"), read_rows(run / "costs.csv")
    epochs = sum(int(row["epochs"]) for row in trials)
    seconds = sum(float(row["seconds"]) for row in costs)
    finals = [json.loads(path.read_text()) for path in run.glob("final/*.json")]
    whole = seconds + sum(final["cost"]["seconds"] for final in finals)
    # (4 of 1, 2 of 2, 1 of 4), (2 of 2, 1 of 4), (3 of 4), and the first again.
    foreseen = 2 * (4 + 4 + 4) + (4 + 4) + 12
    assert page.column("cost-table", "trainings") == [f"{len(trials)} of 20"]
    assert page.column("cost-table", "epochs") == [f"{epochs} of {foreseen}"]
    assert page.column("cost-table", "final epochs") == ["24 of 24"]
    spent, plan = (
        page.column("cost-table", "seconds per epoch (foreseen)")[0].strip(")").split(" (")
    )
    assert float(spent) == pytest.approx(seconds / epochs, rel=0.005)
    assert float(plan) == 2
    spent, plan = page.column("cost-table", "device-hours (foreseen)")[0].strip(")").split(" (")
    assert float(spent) == pytest.approx(whole / 3600, rel=0.005)
    assert float(plan) == pytest.approx(2 * (foreseen + 24) / 3600, rel=0.005)


def test_the_forecast_of_a_run_is_held_against_what_its_later_trainings_took(tmp_path):
    runs = tmp_path / "results"
    shutil.copytree(ROOT / "docs/replication/runs/hnag-bohb", runs / "hnag-bohb")
    shutil.copytree(ROOT / "docs/replication/runs/rnag-default", runs / "rnag-default")
    page = show(tmp_path)
    # One training is too few to learn from.
    assert page.column("forecast-table", "contestant") == ["hnag-bohb"]
    assert page.column("forecast-table", "trainings foreseen") == ["58"]
    rows = read_rows(runs / "hnag-bohb/costs.csv")
    taken = sum(float(row["seconds"]) for row in rows[20:])
    assert page.column("forecast-table", "took") == [f"{taken / 60:.1f} minutes"]
    foreseen = float(page.column("forecast-table", "foreseen (5 to 95%)")[0].split()[0])
    missed = float(page.column("forecast-table", "off by")[0].strip("%"))
    assert missed == pytest.approx(100 * (60 * foreseen / taken - 1), abs=1)
