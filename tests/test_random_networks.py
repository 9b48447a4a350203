"""Random configurations of all generators: each gives an architecture, and networks that train.

Every other one draws all merges and operations, the others those that the generator has by
itself.
"""

import random

import pytest
import torch
from draws import draw, draw_configuration, own_settings
from torch.nn import functional

from nago.generators.complexity import count_complexity
from nago.generators.draw import GENERATORS, find_resolutions
from nago.networks.build import build_network

LIMIT = 150_000
CHUNK = 50
NETWORKS = {"hnag": 2000, "rnag": 300, "darts": 300}
DRAWS = 10_000


def draw_random(generator, seed, limit=LIMIT):
    """A draw of a random configuration of one of the generator's spaces."""
    spaces = [*GENERATORS[generator].spaces]
    space = spaces[seed // 2 % len(spaces)]
    configuration = draw_configuration(random.Random(seed), generator, space)
    settings = own_settings(generator, everything=seed % 2 == 1)
    return draw(seed, configuration, settings, generator=generator, limit=limit)


@pytest.mark.parametrize("part", range(10))
@pytest.mark.parametrize("generator", GENERATORS)
def test_every_random_configuration_gives_an_architecture_within_its_limit(generator, part):
    share = DRAWS // 10
    for seed in range(share * part, share * (part + 1)):
        architecture = draw_random(generator, seed)
        assert {cell.stage for cell in architecture.cells} == {0, 1, 2}
        assert min(architecture.widths) >= 1
        if seed % 10 == 0:
            assert min(find_resolutions(architecture)) >= 1
            assert 0 < count_complexity(architecture).parameters <= LIMIT


@pytest.mark.parametrize(
    ("generator", "chunk"),
    [(name, chunk) for name, number in NETWORKS.items() for chunk in range(number // CHUNK)],
)
def test_random_configurations_build_and_learn(generator, chunk):
    for seed in range(CHUNK * chunk, CHUNK * (chunk + 1)):
        architecture = draw_random(generator, seed)
        network = build_network(architecture, seed)
        parameters = dict(network.named_parameters())
        assert sum(parameter.numel() for parameter in parameters.values()) <= LIMIT
        rng = torch.Generator().manual_seed(seed)
        logits = network(torch.randn(2, 1, 8, 8, generator=rng))
        assert logits.shape == (2, 10)
        assert logits.isfinite().all(), seed
        functional.cross_entropy(logits, torch.tensor([seed % 10, 3])).backward()
        # No parameter is left out of the graph, so each has a gradient, be it 0.
        without = [name for name, parameter in parameters.items() if parameter.grad is None]
        assert without == [], seed
        sums = torch.stack([parameter.grad.sum() for parameter in parameters.values()])
        assert sums.isfinite().all(), seed
