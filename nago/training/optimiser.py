"""The optimiser: stochastic gradient descent with momentum, and a cosine to 0.

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


def cosine(peak: float, progress: float) -> float:
    """Return the learning rate after a share `progress` of all steps: from `peak` to 0."""
    return peak * (1 + math.cos(math.pi * progress)) / 2
