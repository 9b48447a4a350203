"""Adaptive stochastic gradient Hamiltonian Monte Carlo: many chains as one computation.

A chain is a row of one matrix, so a step costs a few calls of numpy for all of them. During the
burn-in every parameter finds its own step size from moving averages of its gradient; after it
the step sizes stay, and points are kept at equal distances.
Source: Springenberg et al. 2016, NeurIPS (equations 8 to 10); Chen, Fox and Guestrin 2014, ICML.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float32]

BLOCK = 25
"""Steps whose noise is drawn in one call."""

UNIT = np.float32((12 / (2**32 - 1)) ** 0.5)
"""Makes the variance of uniform 16-bit integers 1."""

LEAST_VARIANCE = 1e-16
"""Of the noise in a step, where that of the gradient alone is already too large."""


class Target(Protocol):
    """What is sampled: minus the log of a density, up to a constant, for every chain."""

    parameters: Numbers
    """(chains, p), changed in place by the sampler."""

    gradient: Numbers
    """(chains, p), an estimate of the gradient at the parameters."""

    def prepare(self, steps: int) -> None:
        """Draw the minibatches of the next steps."""
        ...

    def differentiate(self, step: int) -> None:
        """Write the gradient at the parameters, from the minibatch of one of these steps."""
        ...


@dataclass(frozen=True, slots=True)
class Schedule:
    """Steps of the burn-in, steps after it, and after how many of these one point is kept.

    Within the burn-in the rate falls by equal factors from `first_rate`, which is by default the
    `rate` that holds afterwards: large steps find where the density is, small ones follow it.
    """

    burn_in: int
    steps: int
    keep_every: int
    rate: float = 1e-2
    friction: float = 0.05
    first_rate: float | None = None

    @property
    def kept(self) -> int:
        """The points kept of one chain."""
        return self.steps // self.keep_every

    def rate_at(self, step: int) -> float:
        """Return the rate at a step of the burn-in."""
        share = step / self.burn_in
        return float((self.first_rate or self.rate) ** (1 - share) * self.rate**share)


def sample(
    target: Target, schedule: Schedule, rngs: Sequence[np.random.Generator], noisy: bool
) -> Numbers:
    """Return the kept points of every chain: (chains, kept, p).

    Args:
        target: its parameters hold the starting points, and the last points afterwards.
        schedule: how long, and how fast.
        rngs: each draws the noise of as many chains, in order, so chains of one generator don't
            depend on those of another.
        noisy: whether the gradients are of minibatches: their noise then replaces a part of
            that which is added.
    """
    sampler = _Sampler(target, schedule, rngs, noisy)
    sampler.adapt()
    return sampler.collect()


class _Sampler:
    """The state of all chains; every array that a step needs is allocated once."""

    def __init__(
        self,
        target: Target,
        schedule: Schedule,
        rngs: Sequence[np.random.Generator],
        noisy: bool,
    ) -> None:
        shape = target.parameters.shape
        self.target, self.schedule, self.rngs = target, schedule, rngs
        self.momentum = np.zeros(shape, np.float32)
        self.noise = np.empty((BLOCK, *shape), np.float32)
        self.window = np.ones(shape, np.float32)
        self.average = np.ones(shape, np.float32)
        self.square = np.ones(shape, np.float32)
        self.pull = np.empty(shape, np.float32)
        self.spread = np.empty(shape, np.float32)
        self.noisy = noisy

    def adapt(self) -> None:
        """Go through the burn-in."""
        done = 0
        for steps in _split(self.schedule.burn_in):
            rate = self.schedule.rate_at(done)
            done += steps
            self._draw(steps)
            self.target.prepare(steps)
            for step in range(steps):
                self.target.differentiate(step)
                self._observe()
                self._settle(rate)
                self.noise[step] *= self.spread
                self._move(step)

    def collect(self) -> Numbers:
        """Go through the steps after the burn-in and return what is kept."""
        self._settle(self.schedule.rate)
        keep_every = self.schedule.keep_every
        chains, p = self.target.parameters.shape
        points = np.empty((chains, self.schedule.kept, p), np.float32)
        done = 0
        for steps in _split(self.schedule.steps):
            self._draw(steps)
            self.noise[:steps] *= self.spread
            self.target.prepare(steps)
            for step in range(steps):
                self.target.differentiate(step)
                self._move(step)
                done += 1
                if done % keep_every == 0:
                    points[:, done // keep_every - 1] = self.target.parameters
        return points

    def _draw(self, steps: int) -> None:
        chains, p = self.target.parameters.shape
        each = chains // len(self.rngs)
        for i, rng in enumerate(self.rngs):
            count = steps * each * p
            drawn = rng.bit_generator.random_raw(-(-count // 4)).view(np.int16)[:count]
            part = self.noise[:steps, i * each : (i + 1) * each]
            np.multiply(drawn.reshape(part.shape), UNIT, out=part)

    def _observe(self) -> None:
        """Follow the gradient's mean and mean square, over a window of its own per parameter."""
        share, work = self.pull, self.spread
        gradient = self.target.gradient
        np.add(self.window, 1, out=share)
        np.reciprocal(share, out=share)
        np.square(self.average, out=work)
        np.divide(work, self.square, out=work)
        np.subtract(1, work, out=work)
        self.window *= work
        self.window += 1
        np.subtract(gradient, self.average, out=work)
        work *= share
        self.average += work
        np.square(gradient, out=work)
        work -= self.square
        work *= share
        self.square += work
        np.maximum(self.square, 1e-20, out=self.square)

    def _settle(self, rate: float) -> None:
        """Set the step sizes, and the noise that belongs to them."""
        np.sqrt(self.square, out=self.pull)
        np.divide(np.float32(rate**2), self.pull, out=self.pull)
        np.multiply(self.pull, np.float32(2 * self.schedule.friction), out=self.spread)
        if self.noisy:
            self.spread -= np.float32(rate**4)
        np.maximum(self.spread, np.float32(LEAST_VARIANCE), out=self.spread)
        np.sqrt(self.spread, out=self.spread)

    def _move(self, step: int) -> None:
        """Take one step; the gradient is spent."""
        gradient, momentum = self.target.gradient, self.momentum
        gradient *= self.pull
        momentum *= np.float32(1 - self.schedule.friction)
        momentum -= gradient
        momentum += self.noise[step]
        self.target.parameters += momentum


def _split(steps: int) -> Iterator[int]:
    whole, rest = divmod(steps, BLOCK)
    yield from [BLOCK] * whole
    if rest:
        yield rest
