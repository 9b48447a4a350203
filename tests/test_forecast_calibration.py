"""What is learnt from earlier trainings: known coefficients come back, ranges cover, bad input."""

import numpy as np
import pandas as pd
import pytest
from forecast_runs import BATCH, IMAGES, TRUE, make_trainings, true_seconds, write_search

from nago.forecast.calibration import (
    Work,
    calibrate,
    find_folders,
    read_trainings,
    training_columns,
)
from nago.forecast.outlook import spread
from nago.forecast.population import Population
from nago.forecast.regression import fit_seconds
from nago.records import UserError

COEFFICIENTS = [*TRUE.values()]


@pytest.fixture
def learn(tmp_path):
    """Return what is learnt from a table once it was written and read."""

    def learn(table, **options):
        return calibrate(read_trainings([write_search(tmp_path / "search", table)]), **options)

    return learn


def test_coefficients_come_back_from_exact_seconds(learn):
    speed = learn(make_trainings(60))
    assert speed.coefficients == pytest.approx(COEFFICIENTS, rel=1e-6)
    assert (speed.trainings, speed.images, speed.device) == (60, IMAGES, "V100")


def test_coefficients_come_back_when_a_tenth_was_slowed_down_tenfold(learn):
    speed = learn(make_trainings(300, noise=0.05, slow=0.1))
    assert speed.coefficients == pytest.approx(COEFFICIENTS, rel=0.15)


def test_none_is_negative_where_plain_least_squares_has_one():
    rng = np.random.default_rng(1)
    columns = rng.random((30, 3))
    seconds = columns @ [2.0, 0.0, 1.0] + 0.2 * rng.random(30) * (1 - columns[:, 1])
    assert np.linalg.lstsq(columns, seconds, rcond=None)[0].min() < 0
    assert fit_seconds(columns, seconds).min() == 0


def test_a_prediction_is_the_formula_at_the_networks_of_a_population(learn):
    speed = learn(make_trainings(60))
    new = make_trainings(5, seed=9)
    names = ("nodes", "multiply_adds", "sample_memory_bytes", "nodes")
    population = Population(*(new[name].to_numpy(float) for name in names))
    starts, rates = speed.predict(population, Work(IMAGES, BATCH))
    assert starts + new["epochs"][0] * rates[:, 0] == pytest.approx(true_seconds(new)[0], rel=1e-6)
    assert rates.shape == (200, 5)
    assert speed.draw_ratios(np.random.default_rng(0), 7) == pytest.approx(1.0)


def test_nine_of_ten_totals_are_in_their_range(tmp_path):
    inside = 0
    for seed in range(40):
        table = make_trainings(60, noise=0.3, seed=seed)
        trainings = read_trainings([write_search(tmp_path / str(seed), table)])
        speed = calibrate(trainings.iloc[:20])
        rest = trainings.iloc[20:]
        expected = speed.fits.coefficients @ training_columns(rest).T
        ratios = speed.draw_ratios(np.random.default_rng(0), len(rest))
        total = spread((expected * ratios).sum(axis=1))
        inside += total.low <= rest["seconds"].sum() <= total.high
    # Binomial(40, 0.9): 31 to 40 with a probability of 99%; too wide a range would never miss.
    assert 31 <= inside < 40


def test_without_different_budgets_there_is_no_start(learn):
    table = make_trainings(40)
    table["epochs"] = 4
    table["seconds"] = true_seconds(table)
    table["images_per_second"] = IMAGES * 4 / table["seconds"]
    assert learn(table).coefficients[0] == 0


def test_failed_trainings_and_those_without_epochs_are_left_out(learn):
    table = make_trainings(30)
    table.loc[0, "status"] = "diverged"
    table.loc[1, ["epochs", "seconds"]] = 0
    assert learn(table).trainings == 28


def test_each_device_has_its_own_seconds(learn):
    slow = make_trainings(20, device="CPU")
    slow["seconds"] *= 7
    slow["images_per_second"] /= 7
    both = pd.concat([make_trainings(30, seed=1), slow], ignore_index=True)
    both["trial"] = [f"b{place}-r0-s0" for place in range(50)]
    assert learn(both).device == "V100"


def test_a_device_can_be_named_and_must_have_trainings(tmp_path):
    slow = make_trainings(20, device="CPU")
    slow[["seconds"]] *= 7
    slow["images_per_second"] /= 7
    folders = [
        write_search(tmp_path / "a", make_trainings(30)),
        write_search(tmp_path / "b", slow),
    ]
    trainings = read_trainings(folders)
    named = calibrate(trainings, "CPU")
    assert named.coefficients == pytest.approx([7 * value for value in COEFFICIENTS], rel=1e-6)
    with pytest.raises(UserError, match="'A100'; there are 30 on V100, 20 on CPU"):
        calibrate(trainings, "A100")


def test_too_few_trainings_teach_nothing(learn):
    assert learn(make_trainings(7)) is None


def test_brackets_that_are_done_count_while_a_search_goes_on(tmp_path):
    folder = tmp_path / "results/digits/hnag-bohb"
    for bracket in (2, 0, 10):
        table = make_trainings(6, seed=bracket).assign(bracket=bracket)
        write_search(folder / f"bracket{bracket}", table)
    assert find_folders(tmp_path, "digits") == [folder]
    assert [*read_trainings([folder])["bracket"]] == [0] * 6 + [2] * 6 + [10] * 6
    write_search(tmp_path / "whole", make_trainings(9))
    assert len(read_trainings([tmp_path / "whole" / "costs.csv"])) == 9


def test_bad_tables_are_one_line(tmp_path):
    with pytest.raises(UserError, match=r"no costs.csv with a trials.csv beside it; give"):
        read_trainings([tmp_path])
    folder = write_search(tmp_path / "search", make_trainings(9))
    (folder / "costs.csv").write_text("trial,bracket\nb0-r0-s0,0\n")
    with pytest.raises(UserError, match=r"costs.csv is no table of costs: .*epochs"):
        read_trainings([folder])
    (folder / "costs.csv").write_text("trial,bracket")
    with pytest.raises(UserError, match="last line is cut off"):
        read_trainings([folder])
