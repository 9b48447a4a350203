"""The optimiser against torch's own, and the cosine against its known values."""

import copy

import pytest
import torch
from torch import nn

from nago.records import TrainingSettings
from nago.training.optimiser import MomentumSGD, cosine

SETTINGS = TrainingSettings(
    batch_size=8,
    learning_rate=0.1,
    momentum=0.9,
    weight_decay=0.01,
    gradient_clip=0.5,
    crop_padding=0,
    flip=False,
    cutout=0,
    threads=1,
)


def test_steps_are_those_of_torch_bit_for_bit():
    rng = torch.Generator().manual_seed(0)
    ours = nn.Sequential(nn.Linear(6, 5), nn.BatchNorm1d(5), nn.Linear(5, 3), nn.Linear(3, 2))
    ours[2].bias.requires_grad_(False)
    theirs = copy.deepcopy(ours)
    mine = MomentumSGD(ours.parameters(), SETTINGS)
    torchs = torch.optim.SGD(theirs.parameters(), lr=1.0, momentum=0.9, weight_decay=0.01)
    for step in range(20):
        inputs = torch.randn(8, 6, generator=rng) * 10
        depth = 4 if step % 3 else 3  # the last layer has no gradient in some steps
        for network in (ours, theirs):
            network.zero_grad()
            network[:depth](inputs).square().mean().backward()
        mine.step(0.1 / (step + 1))
        nn.utils.clip_grad_norm_(theirs.parameters(), 0.5)
        torchs.param_groups[0]["lr"] = 0.1 / (step + 1)
        torchs.step()
        for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
            assert torch.equal(a, b)


def test_momentum_of_another_network_is_refused():
    optimiser = MomentumSGD(nn.Linear(2, 2).parameters(), SETTINGS)
    with pytest.raises(ValueError, match="shorter"):
        optimiser.load([torch.zeros(2, 2)])


def test_the_cosine_falls_from_the_peak_to_zero():
    assert cosine(0.2, 0) == 0.2
    assert cosine(0.2, 1 / 3) == pytest.approx(0.15)
    assert cosine(0.2, 0.5) == pytest.approx(0.1)
    assert cosine(0.2, 1) == 0
