"""The improvement over random draws, by hand and by repeating the experiment."""

import math

import numpy as np
import pytest
from contest_runs import make_final, settings_of, write_run
from svg_figures import marks, texts

from nago.report.figures.improvement import draw_improvement
from nago.report.finals import Estimate, estimate_accuracy, read_accuracies
from nago.report.tables.improvement import improve, tabulate_improvement

NAN = float("nan")


def make_run(folder, contestant, accuracies, seed=0, dataset="digits"):
    return write_run(folder, settings_of(dataset, contestant, seed), accuracies=accuracies)


def test_the_mean_of_seeds_is_the_mean_of_their_means(tmp_path):
    runs = [
        make_run(tmp_path / "0", "hnag-bohb", [0.8, 0.9]),
        make_run(tmp_path / "1", "hnag-bohb", [0.95, None], seed=1),
        make_run(tmp_path / "2", "hnag-bohb", [None], seed=2),
    ]
    found = estimate_accuracy(runs)
    # Means of 85 and 95: their standard deviation is sqrt(50), and two of them have sqrt(50 / 2).
    assert (found.mean, found.seeds, found.networks) == (pytest.approx(90), 2, 3)
    assert found.error == pytest.approx(5)


def test_a_single_seed_is_as_sure_as_its_networks(tmp_path):
    found = estimate_accuracy([make_run(tmp_path / "0", "hnag-bohb", [0.8, 0.9])])
    assert (found.mean, found.error) == (pytest.approx(85), pytest.approx(5))
    one = estimate_accuracy([make_run(tmp_path / "1", "hnag-bohb", [0.8])])
    assert math.isnan(one.error)
    assert estimate_accuracy([make_run(tmp_path / "2", "hnag-bohb", [])]) is None


def test_only_the_networks_of_the_first_finalist_count(tmp_path):
    finals = [make_final(0.9, 0, "b1-r0-s0"), make_final(0.5, 1, "b2-r0-s0")]
    run = make_run(tmp_path / "run", "hnag-mobo", finals)
    assert read_accuracies(run) == [pytest.approx(90)]


def test_the_improvement_is_the_one_by_hand():
    value, error = improve(Estimate(96.6, 0.3, 2, 8), Estimate(92.0, 0.4, 2, 8))
    assert value == pytest.approx(5.0)  # 4.6 of 92
    # 100 / 92 sqrt(.3^2 + (1.05 x .4)^2) = 1.08696 x .516140
    assert error == pytest.approx(0.561022, rel=1e-5)


def test_no_right_image_at_random_gives_no_improvement():
    assert all(math.isnan(v) for v in improve(Estimate(50, 1, 1, 2), Estimate(0, 0, 1, 2)))


def test_an_error_of_unknown_size_stays_unknown():
    assert math.isnan(improve(Estimate(50, NAN, 1, 1), Estimate(40, 1, 1, 2))[1])


def test_the_standard_error_is_the_spread_of_many_repeated_experiments():
    rng = np.random.default_rng(0)
    own, other = rng.normal(90, 0.7, 200_000), rng.normal(80, 0.9, 200_000)
    _, error = improve(Estimate(90, 0.7, 3, 3), Estimate(80, 0.9, 3, 3))
    assert np.std(100 * (own - other) / other) == pytest.approx(error, rel=0.01)


def test_each_contestant_is_set_against_random_draws_of_its_own_generator(tmp_path):
    names = [
        ("hnag-bohb", [0.9]),
        ("hnag-random", [0.8]),
        ("hnag-aug_v1-bohb", [0.7]),  # no random search of this space
        ("rnag-bohb", [0.6]),
        ("rnag-random", [0.5]),
        ("rnag-mobo", [None]),
    ]
    runs = [make_run(tmp_path / name, name, values) for name, values in names]
    runs.append(make_run(tmp_path / "other", "rnag-mobo", [0.9], dataset="mnist"))
    table = tabulate_improvement(runs)
    assert table["contestant"].tolist() == ["hnag-bohb", "rnag-bohb"]
    assert table["baseline"].tolist() == ["hnag-random", "rnag-random"]
    assert table["improvement"].tolist() == pytest.approx([12.5, 20.0])
    draw_improvement(runs, [tmp_path / "improvement.svg"])
    found = texts(tmp_path / "improvement.svg")
    assert {"relative improvement (%)", "test accuracy (%)"} <= set(found)
    assert "no random search to compare with" in found  # on the other data set
    assert any("hnag-aug_v1-bohb" in text for text in found)
    assert marks(tmp_path / "improvement.svg", "#0072b2")["filled"] == 1 + 1


def test_random_search_alone_gives_an_empty_table_with_its_columns(tmp_path):
    table = tabulate_improvement([make_run(tmp_path / "run", "hnag-random", [0.8])])
    assert table.empty
    assert list(table.columns[:3]) == ["dataset", "contestant", "baseline"]
