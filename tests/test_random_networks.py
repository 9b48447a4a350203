"""Two thousand random generators of the whole search space: each gives a network that trains.

Every other one draws all merges and operations, the others sums and 3x3 convolutions.
"""

import random

import pytest
import torch
from draws import EVERYTHING, PAPER, draw, draw_configuration
from torch.nn import functional

from nago.networks.build import build_network

LIMIT = 150_000
CHUNK = 50


@pytest.mark.parametrize("chunk", range(2000 // CHUNK))
def test_random_configurations_build_and_learn(chunk):
    for seed in range(CHUNK * chunk, CHUNK * (chunk + 1)):
        configuration = draw_configuration(random.Random(seed))
        settings = EVERYTHING if seed % 2 else PAPER
        architecture = draw(seed, configuration, settings, size=8, channels=1, limit=LIMIT)
        network = build_network(architecture, seed)
        parameters = dict(network.named_parameters())
        assert sum(parameter.numel() for parameter in parameters.values()) <= LIMIT
        rng = torch.Generator().manual_seed(seed)
        logits = network(torch.randn(2, 1, 8, 8, generator=rng))
        assert logits.shape == (2, 10)
        assert logits.isfinite().all(), (seed, configuration)
        functional.cross_entropy(logits, torch.tensor([seed % 10, 3])).backward()
        # No parameter is left out of the graph, so each has a gradient, be it 0.
        without = [name for name, parameter in parameters.items() if parameter.grad is None]
        assert without == [], (seed, configuration)
        sums = torch.stack([parameter.grad.sum() for parameter in parameters.values()])
        assert sums.isfinite().all(), (seed, configuration)
