"""Costs counted without building, against what torch counts in the built network.

Parameters: the numbers in the module. Multiply-adds: half of torch's floating-point operations.
Sample memory: the bytes of what autograd saves, parameters apart, for a batch of 3 less a batch
of 2.
"""

import dataclasses
import random

import pytest
import torch
from draws import EVERYTHING, PAPER, SMALL, draw, draw_configuration, own_settings
from kept_bytes import extra_bytes, saved_bytes
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry

from nago.generators.architecture import MERGES, Cell, MiddleNode, Operation
from nago.generators.complexity import (
    PRECISIONS,
    count_complexity,
    count_parts,
    count_sample_memory,
)
from nago.generators.draw import GENERATORS
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


def assert_counted_as_built(architecture):
    counted = count_complexity(architecture)
    network = build_network(architecture, 0)
    shape = (architecture.image_channels, architecture.image_size, architecture.image_size)
    with FlopCounter() as counter:
        network(torch.ones(2, *shape))
    built = {
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "sample_memory_bytes": extra_bytes(lambda images: saved_bytes(network, images), *shape),
        "multiply_adds": counter.flops / 2 / 2,
    }
    assert built == dataclasses.asdict(counted)
    parts = count_parts(architecture)
    for name, value in built.items():
        assert sum(getattr(part, name) for part in parts) == value
    return counted


def draw_any(seed, generator, space):
    """A draw of a random configuration, at a random size, limit and choice of settings."""
    rng = random.Random(seed)
    size, channels = SIZES[seed % len(SIZES)]
    settings = dataclasses.replace(
        own_settings(generator, everything=seed % 4 != 0),
        channel_ratios=rng.choice([(1, 2, 4), (1, 1, 1), (1, 1.5, 3)]),
    )
    options = {"size": size, "channels": channels, "limit": int(10 ** rng.uniform(4.9, 5.3))}
    configuration = draw_configuration(rng, generator, space)
    return draw(seed, configuration, settings, generator=generator, **options)


def test_multiply_adds_are_half_of_what_torchs_flop_counter_shows():
    architecture = draw(3, SMALL, size=40, channels=3)
    network = build_network(architecture, 0).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.ones(1, 3, 40, 40))
    assert counter.get_total_flops() == 2 * count_complexity(architecture).multiply_adds


@pytest.mark.parametrize("chunk", range(20))
@pytest.mark.parametrize("generator", GENERATORS)
def test_counts_of_random_draws_are_those_of_the_built_network(generator, chunk):
    spaces = [*GENERATORS[generator].spaces]
    for seed in range(10 * chunk, 10 * chunk + 10):
        space = spaces[0] if seed % 2 else spaces[seed // 2 % len(spaces)]
        assert_counted_as_built(draw_any(seed, generator, space))


@pytest.mark.parametrize("chunk", range(20))
@pytest.mark.parametrize("generator", GENERATORS)
def test_sample_memory_in_mixed_precision_and_without_the_stem_is_that_of_the_built_network(
    generator, chunk
):
    for seed in range(10 * chunk, 10 * chunk + 10):
        architecture = draw_any(seed, generator, "base")
        network = build_network(architecture, 0)
        shape = (architecture.image_channels, architecture.image_size, architecture.image_size)
        for precision in PRECISIONS:
            three, two = (
                measure_whole_and_trunk(network, torch.ones(number, *shape), precision)
                for number in (3, 2)
            )
            counted = [
                count_sample_memory(architecture, precision, stem=stem) for stem in (True, False)
            ]
            assert [more - less for more, less in zip(three, two, strict=True)] == counted


def measure_whole_and_trunk(network, images, precision):
    """The bytes that the whole network keeps, and those of all behind the stem."""
    with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
        whole = saved_bytes(network, images)
        return whole, saved_bytes(network, network.stem(images), network.trunk)


def test_a_precision_that_is_unknown_is_an_error():
    with pytest.raises(ValueError, match="must be one of float32, bfloat16, got 'half'"):
        count_sample_memory(draw(0, SMALL), "half")


def test_parts_stand_where_they_belong():
    # Two cells of one operation each in the first two stages, by hand.
    architecture = dataclasses.replace(
        draw(0, SMALL, size=8, channels=1),
        widths=(2, 3, 5),
        head_width=7,
        cells=tuple(
            Cell(stage, inputs, None, (MiddleNode((), None, (Operation(kind, (), None),)),))
            for stage, inputs, kind in (
                (0, (), "conv3x3"),
                (1, (0,), "conv1x1"),
                (2, (1,), "skip"),
            )
        ),
    )
    found = {(part.level, part.stage): part.parameters for part in count_parts(architecture)}
    assert found == {
        ("stem", 0): 9 * 2 + 4 + 9 * 4 + 4,
        ("bottom", 0): 9 * 4 + 4,
        ("top", 1): 2 * 3,
        ("bottom", 1): 9 + 6,
        ("top", 2): 3 * 5,
        ("head", 2): 5 * 7 + 14 + 7 * 10 + 10,
    }


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
