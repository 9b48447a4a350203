"""The size of a space: the paper's numbers, and small ones counted one by one."""

from itertools import product

import pytest

from nago.generators.space_size import (
    PAPER_DARTS,
    PAPER_HNAG,
    count_cells,
    count_hierarchical,
    count_wirings,
)


def test_the_papers_numbers_are_its_numbers():
    assert f"{PAPER_HNAG:.3e}" == "4.581e+56"
    assert f"{PAPER_DARTS:.2e}" == "4.40e+12"
    assert PAPER_DARTS == 8**14


def list_wirings(nodes):
    """All graphs: for each node, which of the input (-1) and the nodes before it it takes."""
    places = [(source, target) for target in range(nodes) for source in range(-1, target)]
    return [
        frozenset(place for place, kept in zip(places, choice, strict=True) if kept)
        for choice in product((0, 1), repeat=len(places))
    ]


@pytest.mark.parametrize(("lowest", "highest"), [(1, 1), (1, 3), (2, 4), (4, 4)])
def test_wirings_are_those_listed_one_by_one(lowest, highest):
    listed = [set(list_wirings(nodes)) for nodes in range(lowest, highest + 1)]
    assert count_wirings(lowest, highest) == sum(map(len, listed))


def test_a_hierarchical_space_is_the_product_of_its_levels_and_operations():
    wirings = [
        sum(len(list_wirings(n)) for n in range(low, high + 1)) for low, high in ((1, 2), (2, 3))
    ]
    assert count_hierarchical([(1, 2), (2, 3)], 2) == wirings[0] * wirings[1] * 2**3


def test_cells_are_those_listed_one_by_one():
    edges = [(source, node) for node in range(2) for source in range(-2, node)]
    listed = set(product(range(3), repeat=len(edges)))
    assert count_cells(nodes=2, inputs=2, operations=3) == len(listed)


@pytest.mark.parametrize(("lowest", "highest"), [(0, 3), (3, 2)])
def test_limits_that_are_none_are_an_error(lowest, highest):
    with pytest.raises(ValueError, match="rising order"):
        count_wirings(lowest, highest)
