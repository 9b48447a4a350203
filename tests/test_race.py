"""Races of contestants, their fronts and budgets, against staircases and areas by hand."""

import math
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from contest_runs import draw_trials, make_trials, settings_of, write_run
from scipy.stats import spearmanr
from svg_figures import SVG, marks, texts

from nago.report.figures.budgets import draw_budgets
from nago.report.figures.front import draw_fronts
from nago.report.figures.race import (
    draw_error_race,
    draw_volume_race,
    summarise_course,
    trace_volumes,
)
from nago.report.hypervolume import Box
from nago.report.tables.correlations import rank_correlations
from nago.report.tables.front import join_histories, tabulate_fronts
from nago.search.front import trace_hypervolume

OBJECTIVES = ["validation_error", "sample_memory_bytes"]
BOX = Box(tuple(OBJECTIVES), (1.0, 100 * 2**20))
CONFIGURATION = {"top_nodes": 3}
BLUE, ORANGE = "#0072b2", "#d55e00"


def make_run(folder, *trials, contestant="hnag-mobo", seed=0, dataset="digits"):
    """Trials are (bracket, slot, budget, error, memory in MB)."""
    rows = [(b, 0, s, budget, None, *rest, CONFIGURATION) for b, s, budget, *rest in trials]
    settings = settings_of(dataset, contestant, seed)
    return write_run(folder, settings, make_trials(*rows) if rows else None)


def strokes(path, colour):
    """How many lines of a colour a figure has that are not marks."""
    paths = ET.parse(path).getroot().iter(f"{SVG}path")
    looks = [element.get("style", "").replace(" ", "") for element in paths]
    return sum("fill:none" in look and f"stroke:{colour}" in look for look in looks)


# Curves over seeds.


def test_volumes_begin_at_nothing_and_a_run_without_a_result_has_none(tmp_path):
    run = make_run(tmp_path / "run", (0, 0, 4, None, 9), (0, 1, 4, 0.5, 50), (1, 0, 4, 0.2, 80))
    failed = make_run(tmp_path / "failed", (0, 0, 4, None, 9), seed=1)
    band = summarise_course(trace_volumes([run, failed], BOX), "hypervolume")
    assert band["epochs"].tolist() == [0, 4, 8, 12]
    # .5 x .5, and then .3 x .2 below it.
    assert band["median"].tolist() == pytest.approx([0, 0, 25, 31])
    assert set(band["seeds"]) == {1}
    assert summarise_course(trace_volumes([failed], BOX), "hypervolume").empty


def test_each_contestant_has_a_median_and_a_band_of_its_seeds(tmp_path):
    runs = [
        make_run(
            tmp_path / f"{name}{seed}",
            *[(b, 0, 4, 0.5 / (b + 1) + 0.01 * seed, 50 / (b + 1)) for b in range(4)],
            contestant=name,
            seed=seed,
        )
        for name, seed in [("hnag-mobo", 0), ("hnag-mobo", 1), ("hnag-random", 0)]
    ]
    for draw, label in (
        (draw_error_race, "validation error of the incumbent (%)"),
        (draw_volume_race, "hypervolume (% of the box)"),
    ):
        draw(runs, [tmp_path / "race.svg"])
        found = texts(tmp_path / "race.svg")
        assert {label, "epochs trained, all trials together"} <= set(found)
        assert {"digits", "hnag-mobo", "hnag-random"} <= set(found)
        assert any("median and quartiles of 1 to 2 seeds" in text for text in found)
        # One line in the panel and one in the legend.
        assert strokes(tmp_path / "race.svg", BLUE) == strokes(tmp_path / "race.svg", ORANGE) == 2
        # A single seed has no band.
        assert (tmp_path / "race.svg").read_text().count(f"fill: {BLUE}; fill-opacity: 0.15") == 1
        assert f"fill: {ORANGE}; fill-opacity" not in (tmp_path / "race.svg").read_text()


# Fronts.


def test_the_front_of_all_seeds_is_measured_to_one_reference(tmp_path):
    runs = [
        make_run(tmp_path / "0", (0, 0, 4, 0.5, 50)),
        make_run(tmp_path / "1", (0, 0, 4, 0.2, 80), (0, 1, 2, 0.01, 1), seed=1),
        make_run(tmp_path / "2", (0, 0, 4, None, 1), seed=2),
        make_run(tmp_path / "3", (0, 0, 8, 0.4, 100), contestant="rnag-mobo"),
        make_run(tmp_path / "4", contestant="rnag-random"),
    ]
    table = tabulate_fronts(runs).set_index("contestant")
    assert set(table["reference_sample_memory_bytes"]) == {100 * 2**20}
    assert set(table["reference_validation_error"]) == {1.0}
    # .5 x .5, and .3 x .2 below it; what lies on the border adds nothing.
    assert table["hypervolume"].tolist() == pytest.approx([0.25 + 0.06, 0, 0])
    assert table["front"].tolist() == [2, 1, 0]
    assert table["trials"].tolist() == [2, 1, 0]
    assert table["seeds"].tolist() == [2, 1, 0]


@pytest.mark.parametrize("seed", range(5))
def test_the_hypervolume_is_the_share_of_random_points_that_are_dominated(seed, tmp_path):
    rng = np.random.default_rng(seed)
    groups = [draw_trials(rng, "random", 3) for _ in range(2)]
    runs = [
        write_run(tmp_path / str(n), settings_of("digits", "hnag-random", n), trials)
        for n, trials in enumerate(groups)
    ]
    row = tabulate_fronts(runs).iloc[0]
    points = join_histories(runs)[OBJECTIVES].dropna().to_numpy(dtype=float)
    darts = rng.random((20_000, 2)) * [1.0, row["reference_sample_memory_bytes"]]
    hit = (points[:, None] <= darts).all(axis=2).any(axis=0).mean()
    # Four standard errors of 20,000 darts.
    assert row["hypervolume"] == pytest.approx(hit, abs=4 * 0.5 / math.sqrt(20_000))
    growth = trace_hypervolume(
        join_histories(runs), OBJECTIVES, [1.0, row["reference_sample_memory_bytes"]]
    )
    assert row["hypervolume"] == growth["hypervolume"].max()


def test_the_picture_of_fronts_has_every_trial_and_says_the_hypervolumes(tmp_path):
    runs = [
        make_run(tmp_path / "0", (0, 0, 4, 0.5, 50), (0, 1, 4, 0.6, 60)),
        make_run(tmp_path / "1", (0, 0, 4, 0.2, 80), seed=1),
        make_run(tmp_path / "2", (0, 0, 4, 0.4, 100), contestant="rnag-mobo"),
    ]
    draw_fronts(runs, [tmp_path / "front.svg"])
    # Three trials of which two are on the front, a mark of the hypervolume and one of the legend.
    assert marks(tmp_path / "front.svg", BLUE) == {"filled": 2 + 2, "hollow": 3}
    assert marks(tmp_path / "front.svg", ORANGE) == {"filled": 1 + 2, "hollow": 1}
    found = texts(tmp_path / "front.svg")
    assert {"31.0 %", "0.0 %", "sample memory (MB)", "validation error (%)"} <= set(found)
    assert any("100 % by 100 MB" in text for text in found)


# Budgets.


@pytest.mark.parametrize("seed", range(3))
def test_pairs_of_all_seeds_give_scipys_coefficient(seed):
    rng = np.random.default_rng(seed)
    tables = [draw_trials(rng, "bohb") for _ in range(3)]
    found = rank_correlations(tables)[:-1].set_index(["low_budget", "high_budget"])
    assert list(found.index) == [(3, 6), (3, 12), (6, 12)]
    pairs = []
    for table in tables:
        errors = table.set_index("trial")["validation_error"]
        rows = table[(table["budget"] == 12) & table["parent"].notna()]
        pairs += [(errors[row.parent], row.validation_error) for row in rows.itertuples()]
    pairs = np.array([pair for pair in pairs if np.isfinite(pair).all()])
    assert found.loc[(6, 12), "pairs"] == len(pairs)
    assert found.loc[(6, 12), "spearman"] == pytest.approx(spearmanr(*pairs.T).statistic)


def test_the_budgets_figure_has_a_mark_per_trial_and_its_coefficients(tmp_path):
    rows = []
    for chain, errors in enumerate([(0.5, 0.4), (0.4, 0.3), (0.3, 0.35), (0.6, None)]):
        for rung, error in enumerate(errors):
            parent = f"b{chain}-r0-s0" if rung else None
            rows.append((chain, rung, 0, 3 * 2**rung, parent, error, 4, CONFIGURATION))
    runs = [
        write_run(tmp_path / "0", settings_of("digits", "hnag-bohb", 0), make_trials(*rows)),
        make_run(tmp_path / "1", (0, 0, 12, 0.5, 5), contestant="hnag-random"),
    ]
    draw_budgets(runs, [tmp_path / "budgets.svg"])
    found = texts(tmp_path / "budgets.svg")
    # Ranks 3 2 1 against 3 1 2: 1 - 6 (0 + 1 + 1) / (3 (9 - 1)) = 0.5.
    assert {"0.50", "n = 3", "digits hnag-bohb", "3 epochs", "6 epochs"} <= set(found)
    assert not any("random" in text for text in found)
    assert marks(tmp_path / "budgets.svg", BLUE)["filled"] == 4 + 1
    assert marks(tmp_path / "budgets.svg", ORANGE)["filled"] == 3 + 1
