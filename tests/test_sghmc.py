"""The sampler on densities whose moments are known."""

import numpy as np
import pytest

from nago.search.convergence import compare_chains
from nago.search.sghmc import Schedule, sample

PRECISION = np.array([[4.0, 1.5, 0.0], [1.5, 2.0, 0.5], [0.0, 0.5, 1.0]])
CENTRE = np.array([1.0, -2.0, 0.5])


class Gaussian:
    """A normal density with exact gradients; every chain starts far away."""

    def __init__(self, chains):
        self.parameters = np.full((chains, 3), 5.0, np.float32)
        self.gradient = np.empty_like(self.parameters)

    def prepare(self, steps):
        pass

    def differentiate(self, step):
        self.gradient[:] = (self.parameters - CENTRE) @ PRECISION


class Regression:
    """The weights of a straight line, from minibatches of its points."""

    def __init__(self, chains, batch):
        rng = np.random.default_rng(1)
        self.points = np.column_stack([np.ones(60), rng.uniform(-1, 2, 60)])
        self.values = self.points @ [0.5, -1.0] + 0.7 * rng.standard_normal(60)
        self.rng, self.batch = rng, batch
        self.parameters = np.zeros((chains, 2), np.float32)
        self.gradient = np.empty_like(self.parameters)

    def prepare(self, steps):
        self.rows = self.rng.integers(0, 60, (steps, len(self.parameters), self.batch))

    def differentiate(self, step):
        points, values = self.points[self.rows[step]], self.values[self.rows[step]]
        errors = np.einsum("cbk,ck->cb", points, self.parameters) - values
        self.gradient[:] = np.einsum("cb,cbk->ck", errors, points) * 60 / self.batch / 0.49


def rngs(count=1):
    return [np.random.default_rng(seed) for seed in range(count)]


def test_a_normal_density_has_its_mean_and_covariance():
    schedule = Schedule(burn_in=1500, steps=4000, keep_every=20, rate=0.1)
    points = sample(Gaussian(50), schedule, rngs(), noisy=False)
    assert points.shape == (50, 200, 3)
    drawn = points.reshape(-1, 3)
    covariance = np.linalg.inv(PRECISION)
    assert drawn.mean(axis=0) == pytest.approx(CENTRE, abs=0.08)
    assert np.cov(drawn.T) == pytest.approx(covariance, abs=0.1)


def test_minibatches_give_the_posterior_of_a_regression():
    target = Regression(50, 20)
    schedule = Schedule(burn_in=1500, steps=3000, keep_every=20, rate=0.02)
    drawn = sample(target, schedule, rngs(), noisy=True).reshape(-1, 2)
    covariance = 0.49 * np.linalg.inv(target.points.T @ target.points)
    mean = np.linalg.lstsq(target.points, target.values, rcond=None)[0]
    spread = np.sqrt(np.diag(covariance))
    assert (drawn.mean(axis=0) - mean) / spread == pytest.approx([0, 0], abs=0.15)
    assert drawn.std(axis=0) / spread == pytest.approx([1, 1], abs=0.1)


def test_the_noise_has_mean_0_and_variance_1():
    class Flat(Gaussian):
        def differentiate(self, step):
            self.gradient[:] = 0

    target = Flat(2000)
    target.parameters[:] = 0
    # One step from rest, where the mean square of the gradient is still 1.
    schedule = Schedule(burn_in=0, steps=1, keep_every=1, rate=0.1, friction=0.05)
    drawn = sample(target, schedule, rngs(), noisy=False).ravel() / (2 * 0.1**2 * 0.05) ** 0.5
    assert drawn.mean() == pytest.approx(0, abs=0.05)
    assert drawn.var() == pytest.approx(1, abs=0.05)


def test_chains_of_one_generator_do_not_depend_on_those_of_another():
    schedule = Schedule(burn_in=40, steps=30, keep_every=10)
    both = sample(Gaussian(4), schedule, rngs(2), noisy=False)
    one = sample(Gaussian(2), schedule, rngs(1), noisy=False)
    assert (both[:2] == one).all()
    assert not (both[2:] == one).any()


def test_the_rate_falls_by_equal_factors_within_the_burn_in():
    schedule = Schedule(burn_in=200, steps=1, keep_every=1, rate=0.01, first_rate=0.04)
    rates = [schedule.rate_at(step) for step in (0, 50, 100, 150, 200)]
    assert rates == pytest.approx([0.04, 0.04 / 2**0.5, 0.02, 0.02 / 2**0.5, 0.01])
    assert Schedule(burn_in=200, steps=1, keep_every=1, rate=0.03).rate_at(77) == pytest.approx(
        0.03
    )


@pytest.mark.parametrize(("steps", "keep_every", "kept"), [(100, 10, 10), (59, 20, 2), (3, 1, 3)])
def test_every_so_many_steps_a_point_is_kept(steps, keep_every, kept):
    schedule = Schedule(burn_in=7, steps=steps, keep_every=keep_every)
    target = Gaussian(2)
    points = sample(target, schedule, rngs(), noisy=False)
    assert points.shape == (2, kept, 3)
    assert (points[:, -1] == target.parameters).all() == (steps % keep_every == 0)


def test_r_hat_is_1_for_chains_that_agree_and_large_for_those_that_do_not():
    draws = np.random.default_rng(0).standard_normal((4, 500, 3))
    draws[0, :, 1] += 3
    draws[:, :250, 2] += 3
    r_hat, _ = compare_chains(draws)
    assert r_hat[0] == pytest.approx(1, abs=0.01)
    assert r_hat[1] > 1.5
    assert r_hat[2] > 1.5


@pytest.mark.parametrize("memory", [0.0, 0.6, 0.9])
def test_the_effective_draws_of_an_autoregression_are_those_of_its_closed_form(memory):
    rng = np.random.default_rng(3)
    draws = np.empty((8, 1000, 40))
    draws[:, 0] = rng.standard_normal((8, 40))
    for step in range(1, 1000):
        fresh = rng.standard_normal((8, 40))
        draws[:, step] = memory * draws[:, step - 1] + (1 - memory**2) ** 0.5 * fresh
    _, found = compare_chains(draws)
    assert np.median(found) == pytest.approx(8000 * (1 - memory) / (1 + memory), rel=0.15)


def test_what_never_moves_and_what_is_too_short_is_undefined():
    assert np.isnan(compare_chains(np.ones((4, 20, 2)))).all()
    assert np.isnan(compare_chains(np.random.default_rng(0).random((4, 3, 2)))).all()
