import math
import statistics

import numpy as np
import pandas as pd
import pytest
from benchmark_modules import load
from ConfigSpace import ConfigurationSpace
from scipy.stats import norm

from nago.search.models import Prediction

problems, runs, quality, own, models, tables, digits, noise = load(
    "search_problems",
    "search_runs",
    "search_quality",
    "search_own",
    "search_models",
    "search_tables",
    "search_digits",
    "search_noise",
)


def evaluate_toy(configurations):
    points = np.array([[values["a"], values["b"]] for values in configurations])
    return np.column_stack([points[:, 0], 1 - points[:, 0] + points[:, 1]])


def make_toy():
    space = ConfigurationSpace({"a": (0.0, 1.0), "b": (0.0, 1.0)})
    # The front is the line from (0, 1) to (1, 0), below (2, 2).
    return problems.Problem("toy", space, evaluate_toy, (2.0, 2.0), 3.5, (5, 12, 30), (1,))


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.setitem(problems.PROBLEMS, "toy", make_toy)
    return make_toy()


class Recorder:
    """Asks for the middle, and notes how much is asked for together."""

    def __init__(self):
        self.counts = []

    def ask(self, count):
        self.counts.append(count)
        return [{"a": 0.5, "b": 0.0}] * count

    def tell(self, configurations, losses):
        assert len(configurations) == len(losses) == self.counts[-1]


def test_the_shares_of_the_fronts_of_zdt1_and_dtlz2_are_one():
    x = np.linspace(0, 1, 20001)
    zdt1 = np.column_stack([x, 1 - np.sqrt(x)])
    assert problems.share_hypervolume(zdt1, (11, 11), 121 - 1 / 3) == pytest.approx(1, abs=1e-5)
    circle = np.column_stack([np.cos(x * math.pi / 2), np.sin(x * math.pi / 2)])
    largest = 1.1**2 - math.pi / 4
    assert problems.share_hypervolume(circle, (1.1, 1.1), largest) == pytest.approx(1, abs=1e-3)


def test_points_that_do_not_reach_the_reference_have_no_share():
    losses = np.array([[0.5, 3.0], [2.0, 0.0]])
    assert problems.share_hypervolume(losses, (2, 2), 1.0) == 0
    assert problems.share_hypervolume(np.array([[0.5, 1.0], *losses]), (2, 2), 3.0) == 0.5


def test_an_architecture_has_its_mean_error_and_the_logarithm_of_its_size():
    known = {"val_acc": [90.0, 92.0], "model_size": [math.e, math.e]}
    assert problems.measure_architecture(known) == (9.0, 1.0)


def test_exact_losses_hide_what_only_an_evaluation_gives(toy):
    exact = toy.compute_exact([{"a": 0.25, "b": 0.5}])
    assert math.isnan(exact[0, 0])
    assert exact[0, 1] == 1.25


def test_no_batch_goes_beyond_the_design_and_the_shares_stand_at_the_checkpoints(toy):
    recorder = Recorder()
    rows = runs.follow(recorder, toy, 8)
    assert recorder.counts == [6, 8, 8, 8]
    # One point at (0.5, 0.5) dominates the square up to (2, 2).
    assert [row[:2] for row in rows] == [(n, pytest.approx(2.25 / 3.5)) for n in (5, 12, 30)]
    recorder = Recorder()
    runs.follow(recorder, toy, 1)
    assert recorder.counts == [1] * 30


def test_runs_that_are_there_are_not_made_again(toy, tmp_path):
    make = (["random"], ["toy"], ["batch8"])
    runs.make_missing(*make, 2, tmp_path)
    path = runs.locate_runs(tmp_path, "random")
    table = pd.read_csv(path)
    assert table.groupby("seed").size().to_dict() == {0: 3, 1: 3}
    before = path.read_bytes()
    runs.make_missing(*make, 2, tmp_path)
    assert path.read_bytes() == before
    table[table["seed"] == 1].to_csv(path, index=False)
    runs.make_missing(*make, 3, tmp_path)
    again = pd.read_csv(path)
    assert sorted(again["seed"].unique()) == [0, 1, 2]
    shares = [t[t["seed"] == 0]["share"].tolist() for t in (table, again)]
    assert shares[0] == shares[1]


def test_our_search_starts_from_the_design_that_all_models_share(toy):
    searcher = own.make_own("gp", toy, 3)
    assert searcher.ask(4) + searcher.ask(2) == toy.draw_design(3)
    assert toy.draw_design(4) != toy.draw_design(3)


def test_our_search_proposes_new_points_after_the_design(toy):
    searcher = own.make_own("gp, exact", toy, 0)
    design = searcher.ask(6)
    searcher.tell(design, toy.evaluate(design))
    asked = searcher.ask(8)
    assert len({tuple(point.values()) for point in [*design, *asked]}) == 14


def make_runs(shares):
    """Return the last rows of runs on ZDT1, from shares by contestant."""
    keys = {"problem": "ZDT1", "mode": "batch8", "evaluations": 60}
    return pd.DataFrame(
        [
            keys | {"contestant": name, "seed": seed, "share": share, "seconds": seconds}
            for name, (seconds, values) in shares.items()
            for seed, share in enumerate(values)
        ]
    )


def test_the_table_of_ends_gives_medians_quartiles_and_the_number_of_seeds():
    values = [0.3, 0.9, 0.5, 0.6, 0.8]
    text = quality.describe_ends(make_runs({"TPE": (4.0, values)}), ["TPE"])
    low, middle, high = statistics.quantiles(values, n=4, method="inclusive")
    assert f"| {middle:.3f} ({low:.3f} to {high:.3f}) [5] |" in text
    assert "| 4.0 |" in text


def test_the_aims_name_the_best_of_ours_and_compare_share_and_time():
    shares = {name: (1.0, [0.5]) for name in ("NSGA-II", "TPE", "TPE, multivariate")}
    shares |= {"qLogNEHVI": (100.0, [0.8]), "gp": (5.0, [0.79]), "bnn": (9.0, [0.7])}
    text = quality.describe_aims(make_runs(shares))
    assert "| ZDT1 | gp | 0.790 | 0.500 | 0.500 | 0.500 | yes | 98.8 % | 5.0 % | yes |" in text
    assert "A BNN is not the best of ours on ZDT1." in text
    shares["qLogNEHVI"] = (40.0, [0.9])
    text = quality.describe_aims(make_runs(shares))
    assert "| yes | 87.8 % | 12.5 % | **no** |" in text


def test_exact_objectives_do_not_compete_with_the_peers():
    shares = {name: (1.0, [0.5]) for name in ("NSGA-II", "TPE", "TPE, multivariate")}
    shares |= {"bnn, exact": (1.0, [0.9]), "bnn": (1.0, [0.4])}
    text = quality.describe_aims(make_runs(shares))
    assert "| ZDT1 | bnn | 0.400 | 0.500 | 0.500 | 0.500 | **no** |" in text


def test_ablations_count_the_seeds_that_are_above():
    shares = {"bnn": (1.0, [0.5, 0.6, 0.7]), "bnn, top": (1.0, [0.4, 0.65, 0.9])}
    text = quality.describe_ablations(make_runs(shares))
    assert "0.650 (2 of 3)" in text


def test_every_ablation_is_of_searches_that_compete():
    names = {name for base, others in quality.ABLATIONS.values() for name in (base, *others)}
    assert names <= set(own.OWN)
    assert set(own.SEQUENTIAL) <= set(quality.COMPARED) <= set(own.OWN)


def test_likelihood_error_and_coverage_are_those_of_normal_distributions():
    rng = np.random.default_rng(0)
    mean, losses = rng.normal(size=(2, 50))
    variances = rng.uniform(0.1, 2, size=(2, 50))
    prediction = Prediction(mean[:, None], variances[0][:, None], variances[1][:, None])
    nll, rmse = models.rate(prediction, losses)
    deviation = np.sqrt(variances.sum(axis=0))
    assert nll == pytest.approx(-norm.logpdf(losses, mean, deviation).mean())
    assert rmse == pytest.approx(math.sqrt(((losses - mean) ** 2).mean()))
    low, high = norm.interval(0.9, mean, deviation)
    assert models.cover(prediction, losses) == ((low <= losses) & (losses <= high)).mean()


def test_rows_that_were_measured_are_found_by_their_key(tmp_path):
    path = tmp_path / "table.csv"
    assert not tables.is_measured(tables.read_measured(path, ["a", "b"]), {"a": 1, "b": "x"})
    for row in ({"a": 1, "b": "x", "c": 0.1 + 0.2}, {"a": 2, "b": "x", "c": 1.0}):
        tables.add_measured(path, [row])
    found = tables.read_measured(path, [])
    assert found["c"].tolist() == [0.1 + 0.2, 1.0]
    assert tables.is_measured(found, {"a": 2, "b": "x"})
    assert not tables.is_measured(found, {"a": 2, "b": "y"})


def make_search(points):
    return pd.DataFrame(
        {
            "status": ["ok" if error is not None else "diverged" for error, _ in points],
            "validation_error": [math.nan if error is None else error for error, _ in points],
            "sample_memory_bytes": [memory for _, memory in points],
            "epochs": [4] * len(points),
        }
    )


def test_searches_on_digits_are_compared_in_the_box_up_to_the_largest_memory():
    better = [(0.5, 50.0), (None, 1.0), (0.25, 100.0)] + [(0.9, 90.0)] * 5
    worse = [(0.5, 100.0)] * 8
    one, other = make_search(better), make_search(worse)
    assert digits.find_reference([one, other]) == (1.0, 100.0)
    curve = digits.trace(one, (1.0, 100.0))
    assert curve[:3].tolist() == pytest.approx([0.25, 0.25, 0.25])
    named = {("mobo", seed): one for seed in range(3)}
    named |= {("random", seed): other for seed in range(3)}
    text = digits.compare_searches(named)
    assert "| 8 | 0.2500 | 0.0000 |" in text
    assert "yes; in 3 of 3 seeds" in text


def test_noise_that_ranks_as_the_deviations_do_has_a_correlation_of_one():
    rng = np.random.default_rng(0)
    deviations = rng.permutation(np.linspace(0.1, 5, 200))
    errors = 40 + deviations[:, None] * np.array([-1, 0, 1])
    errors[:50] = 99 + deviations[:50, None] * np.array([-1, 0, 1])
    ranked = noise.rank_noise(deviations**2, errors, 99.0)
    assert ranked == {key: pytest.approx(1) for key in ranked}
    assert set(ranked) < set(noise.COLUMNS)
    # What learns nothing counts in the first number, but not in the second.
    said = np.where(np.arange(200) < 50, 0.0, deviations)
    ranked = noise.rank_noise(said, errors, 99.0)
    assert ranked["of_learners"] == pytest.approx(1)
    assert ranked["correlation"] < 0.9
