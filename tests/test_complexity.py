"""Costs counted without building, against what torch counts in the built network.

Parameters: the numbers in the module. Multiply-adds: half of torch's floating-point operations.
Sample memory: the bytes of what autograd saves, parameters apart, for a batch of 3 less a batch
of 2.
"""

import dataclasses
import random

import pytest
import torch
from draws import EVERYTHING, PAPER, SMALL, draw, draw_configuration
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from nago.generators.architecture import MERGES
from nago.generators.complexity import count_complexity
from nago.networks.build import build_network

SIZES = [(8, 1), (13, 3), (31, 3), (32, 1), (39, 3), (40, 3), (45, 1), (63, 3)]


class FlopCounter(TorchDispatchMode):
    """Adds up torch's own formulas; its FlopCounterMode does too, but follows modules, slowly."""

    def __init__(self):
        super().__init__()
        self.flops = 0

    def __torch_dispatch__(self, operator, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        result = operator(*args, **kwargs)
        formula = flop_registry.get(operator._overloadpacket)
        if formula is not None:
            self.flops += formula(*args, **kwargs, out_val=result)
        return result


def saved_bytes(network, images):
    own = [*network.parameters(), *network.buffers()]
    own_storages = {tensor.untyped_storage().data_ptr() for tensor in own}
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(
        lambda tensor: kept.append(tensor) or tensor, lambda tensor: tensor
    ):
        logits = network(images)
    assert logits.requires_grad
    storages = {
        tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes() for tensor in kept
    }
    return sum(size for place, size in storages.items() if place not in own_storages)


def assert_counted_as_built(architecture):
    counted = count_complexity(architecture)
    network = build_network(architecture, 0)
    size, channels = architecture.image_size, architecture.image_channels
    two, three = (torch.ones(number, channels, size, size) for number in (2, 3))
    with FlopCounter() as counter:
        memory_of_two = saved_bytes(network, two)
    built = {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "sample_memory_bytes": saved_bytes(network, three) - memory_of_two,
        "multiply_adds": counter.flops / 2 / len(two),
    }
    assert built == dataclasses.asdict(counted)
    return counted


def test_multiply_adds_are_half_of_what_torchs_flop_counter_shows():
    architecture = draw(3, SMALL, size=40, channels=3)
    network = build_network(architecture, 0).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.ones(1, 3, 40, 40))
    assert counter.get_total_flops() == 2 * count_complexity(architecture).multiply_adds


@pytest.mark.parametrize("chunk", range(20))
def test_counts_of_random_draws_are_those_of_the_built_network(chunk):
    for seed in range(10 * chunk, 10 * chunk + 10):
        size, channels = SIZES[seed % len(SIZES)]
        rng = random.Random(seed)
        settings = EVERYTHING if seed % 4 else PAPER
        settings = dataclasses.replace(
            settings, channel_ratios=rng.choice([(1, 2, 4), (1, 1, 1), (1, 1.5, 3)])
        )
        limit = int(10 ** rng.uniform(4.7, 5.3))
        configuration = draw_configuration(rng)
        assert_counted_as_built(
            draw(seed, configuration, settings, size=size, channels=channels, limit=limit)
        )


@pytest.mark.parametrize("seed", range(3))
def test_counts_are_those_of_the_built_network_at_the_limit_of_small_images(seed):
    configuration = draw_configuration(random.Random(seed)) | {"middle_nodes": 2}
    counted = assert_counted_as_built(
        draw(seed, configuration, size=32, channels=3, limit=4_000_000)
    )
    assert counted.parameters <= 4_000_000


@pytest.mark.parametrize("settings", [PAPER, EVERYTHING], ids=["paper", "everything"])
def test_counts_are_those_of_the_built_network_at_the_limit_of_large_images(settings):
    configuration = SMALL | {"middle_nodes": 1}
    counted = assert_counted_as_built(
        draw(4, configuration, settings, size=224, channels=3, limit=6_000_000)
    )
    assert counted.parameters <= 6_000_000


@pytest.mark.parametrize("merge", MERGES)
@pytest.mark.parametrize("operation", EVERYTHING.operations)
def test_counts_are_those_of_the_built_network_for_each_merge_and_operation(merge, operation):
    settings = dataclasses.replace(PAPER, merges={merge: 1}, operations={operation: 1})
    configuration = SMALL | {"middle_nodes": 3, "middle_p": 1, "bottom_nodes": 4}
    assert_counted_as_built(draw(0, configuration, settings, limit=50_000))


def test_counts_are_those_of_the_built_network_at_the_smallest_width():
    architecture = draw(1, SMALL, size=40, channels=3)
    for base in (1, 2, 3):  # half of it is the width within a large stem, and at least 1
        widths = (base, 2 * base, 4 * base)
        assert_counted_as_built(dataclasses.replace(architecture, widths=widths, head_width=1))
