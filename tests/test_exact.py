"""Exact objectives, against the network that is built."""

from functools import partial

import numpy as np
import pytest
from draws import SMALL
from test_complexity import extra_bytes, saved_bytes

from nago.data.datasets import prepare
from nago.exact import make_exact
from nago.objective import draw_network
from nago.settings import find_root, load_settings

OBJECTIVES = ("validation_error", "sample_memory_bytes", "parameters")


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    return prepare(
        "digits",
        None,
        image_size=8,
        channels=1,
        validation_fraction=0.2,
        test_fraction=0.2,
        seed=0,
        output=tmp_path_factory.mktemp("digits"),
        name="digits",
        report=lambda line: None,
    )


@pytest.fixture
def protocol(request):
    root = find_root(request.config.rootpath)
    return load_settings({"dataset": "digits"}, root).search_protocol


def test_the_exact_objectives_are_those_of_the_network_that_the_seed_draws(digits, protocol):
    losses = make_exact(protocol, digits, OBJECTIVES, 7)([SMALL])
    network = draw_network(SMALL, protocol, digits, 7).network
    assert np.isnan(losses[0, 0])
    assert losses[0, 1] == extra_bytes(partial(saved_bytes, network), 1, 8, 8)
    assert losses[0, 2] == sum(v.numel() for v in network.parameters() if v.requires_grad)


def test_a_configuration_without_a_network_is_infinitely_bad(digits, protocol):
    import dataclasses

    tiny = dataclasses.replace(protocol, parameter_limit=50)
    assert np.isposinf(make_exact(tiny, digits, OBJECTIVES, 7)([SMALL])).all()


def test_equal_seeds_give_equal_values(digits, protocol):
    first, again = (make_exact(protocol, digits, OBJECTIVES, 7)([SMALL] * 2) for _ in "ab")
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first[0], first[1])
