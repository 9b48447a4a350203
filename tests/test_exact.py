"""Exact objectives, against the network that is built."""

from functools import partial

import numpy as np
import pytest
from draws import SMALL
from test_complexity import extra_bytes, saved_bytes

from nago.data.datasets import prepare
from nago.exact import find_task, make_costs, make_exact, read_known, refuse_unmet_limits
from nago.objective import draw_network
from nago.records import UserError, write_json
from nago.search.steps import Search
from nago.seeds import derive_seed
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


def test_what_is_above_a_limit_counts_as_a_configuration_without_a_network(digits, protocol):
    memory = make_exact(protocol, digits, OBJECTIVES, 7)([SMALL])[0, 1]
    for limit, finite in ((memory, True), (memory - 1, False)):
        limits = {"sample_memory_bytes": limit}
        losses = make_exact(protocol, digits, OBJECTIVES, 7, limits)([SMALL])
        assert np.isposinf(losses).all() != finite
    # One that is no objective limits as well.
    losses = make_exact(protocol, digits, OBJECTIVES, 7, {"multiply_adds": 1.0})([SMALL])
    assert np.isposinf(losses).all()


def test_the_costs_of_a_trial_are_those_of_the_network_that_it_trains(digits, protocol):
    costs = make_costs(protocol, find_task(protocol, digits))
    for seed in (1, 2):
        drawn = draw_network(SMALL, protocol, digits, seed)
        network = drawn.network
        assert costs(SMALL, seed)["sample_memory_bytes"] == extra_bytes(
            partial(saved_bytes, network), 1, 8, 8
        )


def test_limits_that_no_draw_keeps_are_refused_with_and_without_the_data(
    digits, protocol, tmp_path
):
    ranges = {name: (value, value + 1) for name, value in SMALL.items() if isinstance(value, int)}
    ranges |= {n: (v / 2, v) for n, v in SMALL.items() if isinstance(v, float)}
    write_json(tmp_path / "data/dataset.json", digits.as_dict())
    for data in (tmp_path / "data", tmp_path / "nowhere"):
        given = {"seed": 1, "data": data, "image_size": 8, "channels": 1}
        refuse_unmet_limits(protocol, ranges, {"multiply_adds": 1e12}, **given)
        with pytest.raises(UserError, match="max_multiply_adds is 5, the least found"):
            refuse_unmet_limits(protocol, ranges, {"multiply_adds": 5.0}, **given)


def test_a_step_knows_what_its_files_say_and_no_more(digits, protocol, tmp_path):
    write_json(tmp_path / "protocol.json", protocol.as_dict())
    write_json(tmp_path / "dataset.json", digits.as_dict())
    search = Search("mobo", None, 3, {}, objectives=OBJECTIVES)
    files = (tmp_path / "protocol.json", tmp_path)
    known = read_known(search, *files, 4, modelled=False)
    seed = derive_seed(3, "exact", 4)
    expected = make_exact(protocol, digits, OBJECTIVES, seed)([SMALL])
    np.testing.assert_array_equal(known.exact([SMALL]), expected)
    assert known.costs(SMALL, seed)["sample_memory_bytes"] == expected[0, 1]
    limits_alone = read_known(search, *files, 4, modelled=True)
    assert limits_alone.exact is None
    assert limits_alone.costs(SMALL, seed) == known.costs(SMALL, seed)
    nothing = read_known(search, None, None, 4, modelled=False)
    assert (nothing.exact, nothing.costs) == (None, None)
