"""The optimiser: stochastic gradient descent with momentum, and how its learning rate goes.

Written out because `torch.optim` brings in the whole compiler of torch, which takes as long as a
short training on small images does.
"""

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from nago.records import TrainingSettings


class MomentumSGD:
    """Gradient descent with momentum, weight decay and a bound on the norm of the gradients.

    The steps are those of `torch.optim.SGD` after `clip_grad_norm_`.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], settings: TrainingSettings) -> None:
        self.parameters = [parameter for parameter in parameters if parameter.requires_grad]
        self.velocities = [torch.zeros_like(parameter) for parameter in self.parameters]
        self.settings = settings

    def clear(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """Move the parameters that have a gradient."""
        nn.utils.clip_grad_norm_(self.parameters, self.settings.gradient_clip)
        moving: list[Tensor] = []
        gradients: list[Tensor] = []
        velocities: list[Tensor] = []
        for parameter, velocity in zip(self.parameters, self.velocities, strict=True):
            if parameter.grad is not None:
                moving.append(parameter)
                gradients.append(parameter.grad)
                velocities.append(velocity)
        torch._foreach_add_(gradients, moving, alpha=self.settings.weight_decay)
        torch._foreach_mul_(velocities, self.settings.momentum)
        torch._foreach_add_(velocities, gradients)
        torch._foreach_add_(moving, velocities, alpha=-learning_rate)

    @torch.no_grad()
    def load(self, velocities: Sequence[Tensor]) -> None:
        """Take over the momentum of another run of the same network."""
        for mine, other in zip(self.velocities, velocities, strict=True):
            mine.copy_(other)


def choose_peak(settings: TrainingSettings, batch_size: int) -> float:
    """Return the highest learning rate of a training with batches of a size.

    That of the settings, in proportion where the batch is not theirs; or, where they have none,
    the one that goes with the batch.
    """
    if settings.learning_rate is None:
        return scale_learning_rate(batch_size)
    return settings.learning_rate * batch_size / settings.batch_size


def scale_learning_rate(batch_size: int) -> float:
    """Return the learning rate that goes with a batch size.

    0.025 at 96 and 0.1 at 512 as in the paper, on a line through both; below 96 in proportion
    to the batch, since that line would reach zero.
    """
    if batch_size < 96:
        return 0.025 * batch_size / 96
    return 0.025 + (0.1 - 0.025) * (batch_size - 96) / (512 - 96)


def schedule(peak: float, epochs: float, budget: int, warmup: int) -> float:
    """Return the learning rate after a number of epochs.

    On a line from 0 to the peak within the first `warmup` epochs, then along a cosine to 0 at the
    end of the budget.
    Source: Loshchilov and Hutter 2017, arXiv:1608.03983; Goyal et al. 2017, arXiv:1706.02677, for
    the warm-up.
    """
    if epochs < warmup:
        return peak * epochs / warmup
    return peak * (1 + math.cos(math.pi * (epochs - warmup) / (budget - warmup))) / 2
