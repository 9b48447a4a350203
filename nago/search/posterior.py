"""The posterior of networks given points: its gradient for many chains, from minibatches.

Losses are standardised. A network's outputs are the mean y(x) and q(x), where the variance of
the noise is v exp(-2 q) with v its prior's median. Weights have normal priors.
Sources: Springenberg et al. 2016, NeurIPS; Ru, Esperança and Carlucci 2020, NeurIPS.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nago.search.models import Array
from nago.search.perceptron import Numbers, Perceptrons, describe_weights

Rows = NDArray[np.int64]

BOUND = 4.5
"""Of q; beyond it, minus the log of the likelihood goes on linearly."""


@dataclass(frozen=True, slots=True)
class Data:
    """Standardised features (n, d) and losses (n, m), and by what they were moved and scaled."""

    features: Array
    losses: Array
    shifts: dict[str, Array]


def standardise(features: Array, losses: Array) -> Data:
    """Return both with mean 0 and variance 1 in every column; constant columns become 0."""
    shifts: dict[str, Array] = {}

    def move(name: str, array: Array) -> Array:
        peaks = np.abs(array).max(axis=0)
        peaks = np.where(peaks > 0, peaks, 1.0)
        relative = array / peaks
        means, scales = relative.mean(axis=0) * peaks, relative.std(axis=0)
        constant = scales <= 1e-12
        scales = np.where(constant, 1.0, scales * peaks)
        shifts[f"{name}_means"], shifts[f"{name}_scales"] = means, scales
        return np.where(constant, 0.0, (array - means) / scales)

    return Data(move("feature", features), move("loss", losses), shifts)


@dataclass(frozen=True, slots=True)
class Member:
    """A chain: the points that it knows, and the column of its loss."""

    rows: Rows
    column: int


class Posterior:
    """Minus the log posterior of every chain's network, a `Target` of the sampler.

    The noise is an output of the network if it `depends` on the point, else one more number q
    of every chain. Each generator belongs to as many members, in order.
    """

    def __init__(
        self,
        data: Data,
        members: Sequence[Member],
        options: Mapping[str, Any],
        rngs: Sequence[np.random.Generator],
        depends: bool,
    ) -> None:
        self.members, self.depends = members, depends
        self.rngs = [rng for rng in rngs for _ in range(len(members) // len(rngs))]
        points = np.column_stack([data.features, np.ones(len(data.features))])
        self.points, self.losses = points.astype(np.float32), data.losses.astype(np.float32)
        self.columns = np.array([[member.column] for member in members])
        counts = np.array([[len(member.rows)] for member in members])
        self.batch = min(options["batch"], int(counts.min()))
        self.noisy = bool((counts > self.batch).any())
        self.share = (counts / self.batch).astype(np.float32)
        self.unit = np.sqrt(self.share / np.float32(options["noise_variance"]))
        self.widths = (data.features.shape[1], *options["hidden"], 2 if depends else 1)
        deviations, starts = _describe_priors(self.widths, options, depends)
        self.decay = (deviations**-2).astype(np.float32)
        drawn = [rng.standard_normal(len(starts)) * starts for rng in self.rngs]
        self.parameters: Numbers = np.stack(drawn).astype(np.float32)
        self.gradient: Numbers = np.zeros_like(self.parameters)
        self.network = Perceptrons(self.parameters, self.gradient, self.widths, self.batch)
        self.queues: list[Rows] = [member.rows[:0] for member in members]
        self._allocate()

    def _allocate(self) -> None:
        chains = len(self.members)
        self.scratch = np.empty_like(self.parameters)
        self.delta = np.empty_like(self.network.outputs)
        self.error = np.empty((chains, self.batch), np.float32)
        self.weight = np.empty((chains, self.batch if self.depends else 1), np.float32)

    def prepare(self, steps: int) -> None:
        """Draw the minibatches of the next steps: every point once before any comes twice."""
        rows = np.stack([self._take(chain, steps) for chain in range(len(self.members))], axis=1)
        self.inputs = np.ascontiguousarray(self.points[rows].swapaxes(2, 3))
        self.targets = self.losses[rows, self.columns]

    def _take(self, chain: int, steps: int) -> Rows:
        need = steps * self.batch
        rows, queue = self.members[chain].rows, self.queues[chain]
        if len(queue) < need:
            rounds = -(-(need - len(queue)) // len(rows))
            mixed = self.rngs[chain].permuted(np.tile(rows, (rounds, 1)), axis=1)
            queue = np.concatenate([queue, mixed.ravel()])
        self.queues[chain] = queue[need:]
        return queue[:need].reshape(steps, self.batch)

    def differentiate(self, step: int) -> None:
        """Write the gradient at the parameters, from the minibatch of one step.

        Of one point, minus the log likelihood is (e exp(q))^2 / 2 - q with e the error over the
        root of v; the square's half gives e exp(2 q) for the mean and the square - 1 for q.
        """
        inputs = self.inputs[step]
        outputs = self.network.predict(inputs)
        error, weight, delta = self.error, self.weight, self.delta
        np.subtract(outputs[:, 0], self.targets[step], out=error)
        np.minimum(outputs[:, 1] if self.depends else self.parameters[:, -1:], BOUND, out=weight)
        np.exp(weight, out=weight)
        weight *= self.unit
        error *= weight
        np.multiply(error, weight, out=delta[:, 0])
        np.square(error, out=error)
        if self.depends:
            np.subtract(error, self.share, out=delta[:, 1])
        else:
            self.gradient[:, -1] = error.sum(axis=1) - self.batch * self.share[:, 0]
        self.network.differentiate(inputs, delta)
        np.multiply(self.parameters, self.decay, out=self.scratch)
        self.gradient += self.scratch


def _describe_priors(
    widths: Sequence[int], options: Mapping[str, Any], depends: bool
) -> tuple[Array, Array]:
    """Return the standard deviations of the prior and of the starting points, (p,) each."""
    inputs, biases = describe_weights(widths)
    deviations = np.where(biases, options["bias_deviation"], options["weight_deviation"])
    starts = np.where(biases, 0.0, np.maximum(inputs, 1.0) ** -0.5)
    # q is minus half of the logarithm of the variance.
    noise = options["noise_deviation"] / 2
    if not depends:
        return np.append(deviations, noise), np.append(starts, 0.0)
    deviations[-widths[-2] - 1 :] *= 0.5
    deviations[-1] = noise
    return deviations, starts
