"""How losses are standardised."""

import numpy as np
import pytest

from nago.search.judge import Scaling


def test_losses_without_outliers_get_mean_0_and_deviation_1():
    losses = np.random.default_rng(0).random((40, 2)) * [3, 50] + 7
    found = Scaling(losses, None).standardise(losses)
    assert found == pytest.approx((losses - losses.mean(axis=0)) / losses.std(axis=0))


def test_what_lies_beyond_the_fence_counts_by_the_logarithm_of_how_far():
    # Quartiles 2 and 4: the fence is at 4 + 1.5 * 2 = 7.
    losses = np.array([1.0, 2.0, 3.0, 4.0, 90.0])[:, None]
    scaling = Scaling(losses, None)
    fenced = np.array([1, 2, 3, 4, 7 + 2 * np.log1p(83 / 2)])
    expected = (fenced - fenced.mean()) / fenced.std()
    assert scaling.standardise(losses)[:, 0] == pytest.approx(expected)
    # It is continuous, keeps the order, and leaves the good end alone however far it is.
    values = scaling.standardise(np.array([[-500.0], [6.999], [7.0], [7.001], [1e6], [np.inf]]))
    assert (np.diff(values[:, 0]) > 0).all()
    assert values[3] - values[1] == pytest.approx(0.002 / fenced.std(), rel=1e-3)
    assert values[0] == pytest.approx((-500 - fenced.mean()) / fenced.std())


def test_of_losses_that_are_mostly_equal_none_is_compressed():
    losses = np.array([3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 40.0])[:, None]
    scaling = Scaling(losses, None)
    assert scaling.standardise(losses)[:, 0] == pytest.approx(
        (losses - losses.mean())[:, 0] / losses.std()
    )
    assert np.isinf(scaling.standardise(np.array([[np.inf]]))).all()
    assert np.isnan(scaling.standardise(np.array([[np.nan]]))).all()


def test_the_fence_is_one_of_logarithms_where_these_are_modelled():
    losses = np.exp(np.array([1.0, 2.0, 3.0, 4.0, 90.0]))[:, None]
    logs = Scaling(losses, [True]).standardise(losses)
    assert logs == pytest.approx(Scaling(np.log(losses), None).standardise(np.log(losses)))
