"""The optimiser against torch's own, and the cosine against its known values."""

import copy
from dataclasses import replace

import pytest
import torch
from torch import nn

from nago.records import TrainingSettings
from nago.training.optimiser import MomentumSGD, choose_peak, schedule

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


def test_the_rate_falls_along_a_cosine_from_the_peak_to_zero():
    for epochs, share in ((0, 1), (20, 0.75), (30, 0.5), (40, 0.25), (60, 0)):
        assert schedule(0.2, epochs, 60, 0) == pytest.approx(0.2 * share)


def test_a_warm_up_rises_on_a_line_and_the_cosine_begins_at_its_end():
    for epochs, share in ((0, 0), (1, 0.2), (2.5, 0.5), (5, 1), (15, 0.75), (20, 0.5), (35, 0)):
        assert schedule(0.2, epochs, 35, 5) == pytest.approx(0.2 * share)


def test_the_schedule_is_that_of_torch():
    parameter = nn.Parameter(torch.zeros(()))
    optimiser = torch.optim.SGD([parameter], lr=0.3)
    torchs = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=24)
    for step in range(24):
        assert schedule(0.3, step / 4, 6, 0) == pytest.approx(optimiser.param_groups[0]["lr"])
        optimiser.step()
        torchs.step()


@pytest.mark.parametrize(
    ("batch_size", "rate"), [(512, 0.1), (96, 0.025), (304, 0.0625), (48, 0.0125), (24, 0.00625)]
)
def test_a_rate_that_is_not_given_goes_with_the_batch(batch_size, rate):
    settings = replace(SETTINGS, learning_rate=None, batch_size=512)
    assert choose_peak(settings, batch_size) == pytest.approx(rate)


def test_a_rate_that_is_given_goes_in_proportion_to_a_smaller_batch():
    assert choose_peak(SETTINGS, 8) == 0.1
    assert choose_peak(SETTINGS, 2) == pytest.approx(0.025)
