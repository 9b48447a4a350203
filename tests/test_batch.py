"""The batch that fits: by the memory counted, and by trying."""

from dataclasses import replace

import pytest
import torch
from test_loop import SETTINGS, TRAIN, Hungry, make_network

from nago.training.batch import fit_batch, probe_batch

WANTED = replace(SETTINGS, batch_size=512, learning_rate=0.1)


@pytest.mark.parametrize(
    ("megabytes", "batch_size"),
    [(1, 512), (54.6, 512), (54.7, 256), (109.4, 128), (1_000, 16), (7_000, 4), (30_000, 2)],
)
def test_a_batch_is_halved_until_the_counted_memory_has_room(megabytes, batch_size):
    settings = fit_batch(replace(WANTED, memory_gb=28.0), round(megabytes * 1e6))
    assert settings.batch_size == batch_size
    assert settings.learning_rate == pytest.approx(0.1 * batch_size / 512)


def test_without_a_bound_or_a_rate_they_stay_none():
    assert fit_batch(WANTED, 10**12) == WANTED
    settings = replace(WANTED, memory_gb=1.0, learning_rate=None)
    assert fit_batch(settings, 10**7) == replace(settings, batch_size=64)


def test_the_bound_is_for_each_process_and_each_keeps_images_for_batch_norm():
    settings = replace(WANTED, memory_gb=1.0, processes=4)
    assert fit_batch(settings, 10**7).batch_size == 256  # 64 in each
    assert fit_batch(settings, 10**12).batch_size == 8


@pytest.mark.parametrize(("most", "found"), [(100, 32), (32, 32), (31, 16), (9, 8), (1, 2)])
def test_a_probe_finds_the_largest_batch_and_leaves_the_network_as_it_was(most, found):
    network = make_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    random = torch.get_rng_state()
    hungry = Hungry(network, most, torch.OutOfMemoryError("CUDA out of memory"))
    assert probe_batch(hungry, TRAIN, SETTINGS, 32) == found
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert torch.equal(torch.get_rng_state(), random)


def test_other_errors_of_a_probe_are_not_taken_for_a_full_memory():
    hungry = Hungry(make_network(), 0, RuntimeError("shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="shapes"):
        probe_batch(hungry, TRAIN, SETTINGS, 32)
