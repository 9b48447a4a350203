from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from svg_figures import marks, texts

from nago.report.figures.distributions import (
    draw_memory,
    draw_neighbours,
    draw_nodes,
    draw_variance,
    format_share,
)

COLOURS = {"hnag": "#0072b2", "rnag": "#d55e00", "darts": "#009e73"}


def make_memory(draws=20):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        [
            (generator, images, int(scale * 2**20 * rng.uniform(0.5, 2)))
            for images, scale in (("small", 20), ("large", 90))
            for generator in COLOURS
            for _ in range(draws)
        ],
        columns=["generator", "images", "sample_memory_bytes"],
    )


def make_nodes():
    rows = [
        ("hnag", 12, 171.5, 1000, 9, 1000),
        ("rnag", 32, 76, 119, 30, 120),
        ("darts", *[64] * 5),
    ]
    names = ["generator", "min", "median", "max", "possible_min", "possible_max"]
    return pd.DataFrame(rows, columns=names)


def make_configurations(count=25):
    mean = np.random.default_rng(1).uniform(8, 50, count)
    return pd.DataFrame(
        {
            "configuration": range(count),
            "draws": 8,
            "mean_mb": mean,
            "sd_mb": 0.1,
            "min_mb": mean - 0.3,
            "max_mb": mean + 0.2,
        }
    )


def make_neighbours():
    rows = [
        (p, k, k // 2 * 2, 10 * (k // 2), k // 2 + p, 3 - p)
        for p in (0.1, 0.5, 0.9)
        for k in range(2, 10)
    ]
    return pd.DataFrame(rows, columns=["p", "k", "effective_k", "edges", "depth", "input_nodes"])


FIGURES = {
    "memory": lambda path: draw_memory(make_memory(), path),
    "nodes": lambda path: draw_nodes(make_nodes(), path),
    "variance": lambda path: draw_variance(make_configurations(), 0.0371, path),
    "neighbours": lambda path: draw_neighbours(make_neighbours(), path),
}


def test_each_generator_and_kind_of_images_has_its_own_panel_and_numbers(tmp_path):
    table = make_memory()
    draw_memory(table, tmp_path / "memory.svg")
    found = texts(tmp_path / "memory.svg")
    assert {"small images", "large images", "sample memory (MB per image)"} <= set(found)
    groups = table.groupby(["generator", "images"])["sample_memory_bytes"]
    for (generator, _), memory in groups:
        middle = np.percentile(memory, 50) / 2**20
        ends = [np.percentile(memory, share) / 2**20 for share in (5, 95)]
        said = f"{generator}: median {middle:.3g}, 5 to 95 % {ends[0]:.3g} to {ends[1]:.3g} MB"
        assert said in found
    assert len(groups) == sum(": median" in text for text in found) == 6
    look = (tmp_path / "memory.svg").read_text().lower()
    assert all(f"stroke: {colour}" in look for colour in COLOURS.values())


def test_the_seen_and_the_possible_operations_are_told(tmp_path):
    draw_nodes(make_nodes(), tmp_path / "nodes.svg")
    found = texts(tmp_path / "nodes.svg")
    assert "12 to 1,000 seen, median 171.5; 9 to 1,000 possible" in found
    assert "32 to 119 seen, median 76; 30 to 120 possible" in found
    assert "64 seen, median 64; 64 possible" in found
    assert {*COLOURS, "possible", "seen, least to most", "operations of a network"} <= set(found)


def test_the_title_tells_the_share_within_a_configuration(tmp_path):
    draw_variance(make_configurations(), 0.0371, tmp_path / "variance.svg")
    found = texts(tmp_path / "variance.svg")
    title = (
        "Draws of 25 random HNAG configurations: 3.7 % of the variance lies within a configuration"
    )
    assert title in found
    assert {"sample memory (MB per image)", "from the mean (%)", "1", "10", "20"} <= set(found)
    # A circle for each standard deviation, and the one of the legend.
    assert marks(tmp_path / "variance.svg", "#d55e00") == {"filled": 0, "hollow": 25 + 1}


@pytest.mark.parametrize(
    ("share", "text"), [(0, "0 %"), (0.000371, "0.037 %"), (0.25, "25 %"), (1, "100 %")]
)
def test_a_share_has_the_digits_that_it_needs(share, text):
    assert format_share(share) == text


def test_even_k_are_filled_and_odd_ones_hollow(tmp_path):
    draw_neighbours(make_neighbours(), tmp_path / "odd_k.svg")
    for colour in COLOURS.values():  # four of each K in three panels, and one in the legend
        assert marks(tmp_path / "odd_k.svg", colour) == {"filled": 12 + 1, "hollow": 12}
    found = texts(tmp_path / "odd_k.svg")
    assert {"P = 0.1", "P = 0.5", "P = 0.9", "odd K", "input nodes, mean"} <= set(found)


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_a_figure_is_well_formed_and_drawn_without_a_warning(draw, tmp_path, recwarn):
    draw(tmp_path / "figure.svg")
    assert ET.parse(tmp_path / "figure.svg").getroot().tag.endswith("svg")
    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.parametrize("draw", FIGURES.values(), ids=FIGURES)
def test_equal_tables_give_equal_bytes_whatever_the_users_own_style_is(draw, tmp_path):
    draw(tmp_path / "first.svg")
    with mpl.rc_context({"font.size": 20, "svg.fonttype": "path"}):
        draw(tmp_path / "second.svg")
    assert (tmp_path / "first.svg").read_bytes() == (tmp_path / "second.svg").read_bytes()


def test_small_and_odd_tables_are_drawn_without_a_warning(tmp_path, recwarn):
    draw_memory(make_memory(1).head(1), tmp_path / "memory.svg")
    draw_memory(make_memory().assign(sample_memory_bytes=2**20), tmp_path / "equal.svg")
    draw_nodes(make_nodes().tail(1), tmp_path / "nodes.svg")
    single = make_configurations(1).assign(sd_mb=np.nan)
    draw_variance(single, 0.0, tmp_path / "variance.svg")
    assert [str(warning.message) for warning in recwarn] == []
