"""Merges that learn: several inputs of one shape into one of the same shape."""

import torch
from torch import Tensor, nn


class WeightedSum(nn.Module):
    """The sum of the inputs, each with a learnt weight in (0, 1) that starts at sigmoid(1)."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.gates = nn.Parameter(torch.ones(inputs))

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return one batch (N, C, H, W) of several."""
        gates = self.gates.sigmoid()
        total = inputs[0] * gates[0]
        for x, gate in zip(inputs[1:], gates[1:], strict=True):
            total = torch.addcmul(total, x, gate)
        return total


class AttentionSum(nn.Module):
    """The sum of the inputs, weighted by a softmax over scores of each sample's own features.

    The score of an input is a learnt linear function of its mean over the pixels, so a sample's
    output never depends on the others in its batch.
    """

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(inputs, channels))
        self.bias = nn.Parameter(torch.zeros(inputs))

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return one batch (N, C, H, W) of several."""
        means = torch.stack([x.mean((2, 3)) for x in inputs], 1)  # (N, inputs, C)
        scores = (means * self.weight).sum(2) + self.bias  # (N, inputs)
        # In mixed precision scores are wide; the inputs' own type keeps the sum as narrow as them.
        shares = scores.softmax(1).to(inputs[0].dtype)[:, :, None, None, None]
        total = inputs[0] * shares[:, 0]
        for place, x in enumerate(inputs[1:], 1):
            total = torch.addcmul(total, x, shares[:, place])
        return total
