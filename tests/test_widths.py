"""Widths: the widest network within the limit, found again by trying every base in turn.

Then in whole vectors of 8 channels where they leave 19 twentieths of the width.
"""

import dataclasses
import random
import re
from itertools import count

import pytest
import torch
from draws import EVERYTHING, PAPER, SMALL, SPACES, draw, draw_configuration, own_settings

from nago.generators.architecture import Task
from nago.generators.draw import GENERATORS, fit_cells, write_program
from nago.generators.hnag import draw_cells
from nago.generators.spaces import open_settings
from nago.generators.widths import choose_head_width, scale_widths, solve_widths
from nago.generators.widths import count_parameters as count_program_parameters
from nago.networks.build import Network
from nago.records import UserError

RATIOS = [(1, 2, 4), (1, 1, 1), (1, 1.5, 3), (1.5, 1.4, 2.9), (4, 2, 1), (0.3, 0.4, 1)]


def count_parameters(architecture):
    return count_program_parameters(write_program(architecture), architecture.widths)


def widen(architecture, base, ratios):
    widths = tuple(max(1, int(base * ratio)) for ratio in ratios)
    return dataclasses.replace(architecture, widths=widths)


def in_vectors(widest):
    """The rule, in whole numbers: the width that the widest one within the limit becomes."""
    multiples = [width for width in range(8, widest + 1, 8) if 20 * width >= 19 * widest]
    return max(multiples, default=widest)


def built_parameters(architecture):
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in Network(architecture).parameters())


def find_widest(architecture, ratios, limit):
    """The last width, from the architecture's on, whose built network is within the limit."""
    return next(
        base
        for base in count(architecture.widths[0])
        if built_parameters(widen(architecture, base + 1, ratios)) > limit
    )


@pytest.mark.parametrize("chunk", range(10))
def test_the_widths_are_the_widest_within_the_limit_in_whole_vectors(chunk):
    for seed in range(30 * chunk, 30 * chunk + 30):
        rng = random.Random(seed)
        ratios, limit = RATIOS[seed % len(RATIOS)], int(10 ** rng.uniform(4.6, 5.5))
        base_settings = EVERYTHING if seed % 2 else PAPER
        settings = dataclasses.replace(base_settings, channel_ratios=ratios)
        size, channels = rng.choice([(8, 1), (32, 3), (45, 3)])
        architecture = draw(seed, None, settings, size=size, channels=channels, limit=limit)
        sizes = {}
        for base in count(1):  # and some more, should the count go up and down
            sizes[base] = count_parameters(widen(architecture, base, ratios))
            if sizes[base] > 1.5 * limit:
                break
        best = max(base for base, size in sizes.items() if size <= limit)
        assert architecture.widths == widen(architecture, in_vectors(best), ratios).widths
        assert count_parameters(architecture) <= limit < sizes[best + 1]


@pytest.mark.parametrize(
    ("widest", "width"),
    [
        *((width, width) for width in (1, 2, 7, 8, 9, 15, 16, 17, 22, 24, 40, 47, 48, 160, 168)),
        *((24 + 1, 24), (24 + 2, 24 + 2)),  # 24/25 is 96%, 24/26 is 92%
        *((40 + 1, 40), (40 + 2, 40), (40 + 3, 40 + 3)),  # 40/42 is 95.2%
        *((48 + 1, 48), (48 + 2, 48), (48 + 3, 48 + 3)),
        *((56 + 2, 56), (56 + 3, 56 + 3), (64 + 3, 64)),  # 56/59 is 94.9%
        *((72 + 4, 72 + 4), (80 + 4, 80), (88 + 5, 88 + 5), (96 + 5, 96)),
        *((112 + 6, 112 + 6), (120 + 6, 120), (128 + 7, 128 + 7), (136 + 7, 136)),
        *((160 + more, 160) for more in range(1, 8)),
    ],
)
def test_a_width_is_rounded_down_to_vectors_where_a_twentieth_at_most_is_lost(widest, width):
    program, ratios = write_program(draw(0, SMALL, PAPER)), (1, 2, 4)
    least, too_much = (
        count_program_parameters(program, scale_widths(base, ratios))
        for base in (widest, widest + 1)
    )
    for limit in (least, (least + too_much) // 2, too_much - 1):
        assert solve_widths(program, ratios, limit) == (width, 2 * width, 4 * width)
    assert in_vectors(widest) == width


@pytest.mark.parametrize("generator", GENERATORS)
def test_whole_vectors_leave_at_least_85_percent_of_a_limit_that_was_used(generator):
    rounded = []
    for seed in range(60):
        limit = int(10 ** random.Random(seed).uniform(6.4, 7.2))
        settings = own_settings(generator, everything=seed % 2 == 0)
        architecture = draw(seed, None, settings, generator=generator, limit=limit)
        width, used = architecture.widths[0], count_parameters(architecture)
        wider = (widen(architecture, width + more, (1, 2, 4)) for more in range(1, 8))
        most = max([size for size in map(count_parameters, wider) if size <= limit], default=used)
        assert used <= most <= limit
        if most > used:
            assert width % 8 == 0
            rounded.append(used / limit)
        if most >= 0.97 * limit:
            assert used >= 0.85 * limit
    assert len(rounded) > 5


@pytest.mark.parametrize("seed", [236, 256, 293])
def test_the_limit_is_kept_where_a_narrower_network_has_more_parameters(seed):
    ratios = (1, 1.5, 1.49)  # 49 channels give 73 in both later stages, 48 give 72 and 71
    settings = dataclasses.replace(
        PAPER, channel_ratios=ratios, operations={"avgpool3x3": 1, "avgpool5x5": 1}
    )
    architecture = draw(seed, None, settings, size=64, limit=10**6)
    more, less = (count_parameters(widen(architecture, base, ratios)) for base in (48, 49))
    assert less < more
    for limit in (less, (less + more) // 2, more - 1, more):
        widths = solve_widths(write_program(architecture), ratios, limit)
        assert count_parameters(dataclasses.replace(architecture, widths=widths)) <= limit


@pytest.mark.parametrize(("size", "limit"), [(32, 4_000_000), (224, 6_000_000)])
@pytest.mark.parametrize("ratios", [(1, 2, 4), (1, 1, 1), (1, 1.5, 3)])
@pytest.mark.parametrize("seed", range(3))
def test_the_built_network_is_within_the_papers_limits_and_the_next_wider_vector_is_not(
    seed, ratios, size, limit
):
    settings = dataclasses.replace(EVERYTHING, channel_ratios=ratios)
    architecture = draw(seed, None, settings, size=size, channels=3, limit=limit)
    base = architecture.widths[0]  # of ratio 1
    assert architecture == widen(architecture, base, ratios)
    assert built_parameters(architecture) <= limit
    widest = find_widest(architecture, ratios, limit)
    assert base == in_vectors(widest)


@pytest.mark.parametrize("base", range(2, 13))
def test_a_limit_met_exactly_is_met_and_one_less_gives_a_narrower_network(base):
    architecture = draw(0, SMALL)
    limits = []
    for head_width in range(1, 400):  # the head follows the limit: look for one that fits both
        found = widen(dataclasses.replace(architecture, head_width=head_width), base, (1, 2, 4))
        limit = count_parameters(found)
        if choose_head_width(limit) == choose_head_width(limit - 1) == head_width:
            limits.append(limit)
    assert limits
    for limit in limits:
        at, below = (
            fit_cells("hnag", architecture.cells, (1, 2, 4), Task(8, 1, 10, given)).widths
            for given in (limit, limit - 1)
        )
        assert (at[0], below[0]) == (base, base - 1)


def test_the_head_is_the_papers_at_its_limit_and_smaller_below():
    assert [choose_head_width(limit) for limit in (6_000_000, 4_000_000)] == [1280, 1280]
    assert choose_head_width(1_000_000) == 640
    assert choose_head_width(40_000) == 128
    assert choose_head_width(1) == 1


@pytest.mark.parametrize("limit", [1, 300, 1500])
def test_a_limit_too_small_for_any_width_is_an_error_that_says_what_is_needed(limit):
    architecture = draw(0, SMALL, PAPER)
    narrowest = dataclasses.replace(
        architecture, widths=(1, 2, 4), head_width=choose_head_width(limit)
    )
    needed = f"{built_parameters(narrowest):,}"
    with pytest.raises(
        UserError, match=f"has {needed} parameters, over the limit of {limit:,};"
    ) as caught:
        fit_cells("hnag", architecture.cells, (1, 2, 4), Task(8, 1, 10, limit))
    enough = int(re.search(r"raise the limit to ([\d,]+)", str(caught.value))[1].replace(",", ""))
    assert fit_cells("hnag", architecture.cells, (1, 2, 4), Task(8, 1, 10, enough)).widths[0] == 1
    with pytest.raises(UserError):
        fit_cells("hnag", architecture.cells, (1, 2, 4), Task(8, 1, 10, enough - 1))


@pytest.mark.parametrize(("size", "enough"), [(3, False), (4, True), (40, True), (41, True)])
def test_images_too_small_for_the_stages_are_an_error(size, enough):
    cells = draw_cells(SMALL, PAPER, 0)
    task = Task(size, 1, 10, 100_000)
    if enough:
        assert fit_cells("hnag", cells, (1, 2, 4), task)
    else:
        with pytest.raises(UserError, match=r"images of 3 pixels .* at least 4"):
            fit_cells("hnag", cells, (1, 2, 4), task)


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize(("generator", "space"), SPACES)
def test_no_draw_is_smaller_than_the_smallest_cells(generator, space, seed):
    rng, known = random.Random(seed), GENERATORS[generator]
    operations = {name: rng.randint(0, 1) for name in known.known_operations}
    operations[rng.choice(known.known_operations)] = 1
    ratios = rng.choice([(1, 2, 4), (1, 1, 1), (1, 5, 9)])
    settings = dataclasses.replace(
        own_settings(generator, everything=True), operations=operations, channel_ratios=ratios
    )
    configuration, ranges = draw_configuration(rng, generator, space), known.spaces[space]
    if seed % 2:  # near the smallest
        configuration |= {name: low for name, (low, _) in ranges.items() if name[-6:] == "_nodes"}
    if seed % 3 == 0:  # of one searched operation only
        weights = [name for name in configuration if name.startswith("operation_")]
        configuration |= dict.fromkeys(weights, 0)
        configuration |= {name: 1 for name in weights if name == rng.choice(weights)}
        configuration |= dict.fromkeys(weights[-1:], 1)
    drawn = draw(seed, configuration, settings, generator=generator, limit=10**7)
    opened = open_settings(settings, ranges)
    narrowest = scale_widths(1, opened.channel_ratios)
    smallest = dataclasses.replace(
        drawn, cells=known.smallest_cells(ranges, opened), widths=narrowest
    )
    drawn = dataclasses.replace(drawn, widths=narrowest)
    assert count_parameters(smallest) <= count_parameters(drawn)


@pytest.mark.parametrize("generator", GENERATORS)
def test_every_generator_is_as_wide_as_the_limit_allows(generator):
    for seed in range(40):
        limit = 120_000 + 5_000 * seed
        settings = own_settings(generator, everything=seed % 2 == 0)
        architecture = draw(seed, None, settings, generator=generator, limit=limit)
        assert built_parameters(architecture) == count_parameters(architecture) <= limit
        widest = find_widest(architecture, (1, 2, 4), limit)
        assert architecture.widths[0] == in_vectors(widest)
