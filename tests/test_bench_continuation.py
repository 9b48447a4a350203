"""What `continue` saves, by closed forms, and the noise of the benchmark where it is known."""

import math

import numpy as np
import pandas as pd
import pytest
from benchmark_modules import load

from nago.forecast import forecast
from nago.records import Proposal
from nago.search.brackets import plan_search

(continuation,) = load("beyond_continuation")


def test_going_on_saves_18_75_percent_at_the_papers_setting():
    plan = plan_search(60, 30, 120, 2)
    assert continuation.count_saving(plan) == 0.1875
    counted = [
        forecast(plan, continues=continues, final_networks=0, final_epochs=0, seconds_per_epoch=1)
        for continues in (False, True)
    ]
    assert [one.epochs for one in counted] == [19_200, 15_600]
    assert counted[1].search_gpu_hours == pytest.approx((1 - 0.1875) * 19_200 / 3600)


@pytest.mark.parametrize(("eta", "halvings"), [(2, 1), (2, 2), (2, 3), (3, 2), (3, 4), (4, 2)])
def test_the_saving_of_whole_cycles_is_a_closed_form(eta, halvings):
    # Every rung of a bracket spends the same, n_s times the largest budget. All but the first save
    # a share of 1 / eta of that: what their parents have trained.
    plan = plan_search(2 * (halvings + 1), 5, 5 * eta**halvings, eta)
    sizes = [(halvings + 1) // (s + 1) for s in range(halvings + 1)]
    saved = sum(size * s for s, size in enumerate(sizes)) / eta
    spent = sum(size * (s + 1) for s, size in enumerate(sizes))
    assert continuation.count_saving(plan) == pytest.approx(saved / spent)


def test_searches_that_keep_have_as_many_brackets_more_as_spend_the_same_epochs():
    number = continuation.count_brackets(keep=True)
    spent = continuation.count_epochs(plan_search(30, 30, 120, 2), continues=False)
    assert continuation.count_brackets(keep=False) == 30

    def kept(brackets):
        return continuation.count_epochs(plan_search(brackets, 30, 120, 2), continues=True)

    assert kept(number - 1) < spent <= kept(number)


def test_an_architecture_keeps_its_noise_at_all_budgets_and_a_training_doesnt():
    noisy = continuation.Noisy("counting ones 4+4", 0.5, 3)
    deviation = continuation.measure_deviation("counting ones 4+4")
    ones = dict.fromkeys(noisy.function.space, 1)
    architectures, trainings = [], []
    for seed in range(400):
        pair = [
            noisy.train(f"b{seed}-r{rung}-s0", Proposal(ones, 30, seed, "random", None))
            for rung in (0, 1)
        ]
        first, second = (trial.validation_error / deviation for trial in pair)
        offset = noisy.rate_network(pair[:1])
        assert noisy.rate(pair) == 0
        assert noisy.rate_network(pair[1:]) == offset
        architectures.append(offset)
        trainings += [first - offset, second - offset]
    assert np.std(architectures) == pytest.approx(0.5, rel=0.1)
    assert np.std(trainings) == pytest.approx(continuation.TRAINING, rel=0.1)
    assert abs(np.corrcoef(trainings[::2], trainings[1::2])[0, 1]) < 0.15


def test_the_noise_of_promoted_trials_is_found_where_it_is_known():
    rng = np.random.default_rng(0)
    count, noise = 4000, 0.5
    values = 3 + rng.standard_normal(count)
    rows = []
    for place, value in enumerate(values):
        for rung, budget in enumerate((1, 2)):
            error = value + noise * rng.standard_normal()
            parent = f"b{place}-r0-s0" if rung else None
            rows.append((f"b{place}-r{rung}-s0", parent, budget, "ok", error))
    rows.append(("b0-r2-s0", "b0-r1-s0", 4, "diverged", math.nan))
    columns = ["trial", "parent", "budget", "status", "validation_error"]
    found = continuation.measure_noise(pd.DataFrame(rows, columns=columns))
    (row,) = found.itertuples()
    assert (row.below, row.above, row.pairs) == (1, 2, count)
    assert row.correlation == pytest.approx(1 / (1 + noise**2), abs=0.02)
    assert row.noise == pytest.approx(noise, abs=0.03)


def test_pairs_are_counted_and_their_gain_is_what_keeping_saves():
    fresh, kept = np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.5, 2.0, 2.0, 4.5])
    counts, gain, _ = continuation.compare_pairs(fresh, kept)
    assert (counts, gain) == ("2, 1, 1", "+0.25")
    assert continuation.compare_pairs(fresh, fresh) == ("0, 4, 0", "+0.00", "1.000")


def test_a_search_is_made_once_and_its_epochs_are_the_same_with_and_without(monkeypatch, tmp_path):
    monkeypatch.setattr(continuation, "TABLE", tmp_path / "table.csv")
    monkeypatch.setattr(continuation, "ITERATIONS", 3)
    for _ in range(2):
        for keep in (False, True):
            continuation.measure_search("Hartmann 6", "hyperband", 0.5, keep=keep, seed=1)
    table = pd.read_csv(continuation.TABLE)
    assert table["epochs"].tolist() == [480, 960] * 2
    assert table["keep"].tolist() == [False, False, True, True]


def test_the_saving_is_told_from_the_plan():
    text = continuation.describe_saving()
    # A cycle waits for 30 + 60 + 120, 60 + 120 and 120 epochs, or 120 of each bracket.
    for said in ("15,600", "19,200", "18.75%", "7,200", "10,200", "29% sooner"):
        assert said in text


def test_a_search_without_its_pair_is_not_compared():
    rows = [("bohb", "Hartmann 6", 0.5, keep, seed) for keep, seed in ((False, 0), (True, 0))]
    rows.append(("bohb", "Hartmann 6", 0.5, False, 1))
    table = pd.DataFrame(rows, columns=["search", "function", "architecture", "keep", "seed"])
    assert continuation.keep_pairs(table)["seed"].tolist() == [0, 0]
