import json
import math
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from workflow_runs import count_jobs, make_project

from nago.cli import make_parser
from nago.records import RecordError, UserError
from nago.studies.draws import GALLERY, draw_table, repeat_draws, sample_for_gallery
from nago.studies.rings import compare_neighbours, find_depth
from nago.studies.summaries import (
    DRAWS,
    find_possible_nodes,
    read_draws,
    split_variance,
    summarise_memory,
    summarise_nodes,
    summarise_repeats,
)
from nago.tables import read_table, write_table

ROOT = Path(__file__).parents[1]
COSTS = ["nodes", "parameters", "multiply_adds", "sample_memory_bytes", "hash"]
LIMITS = {"hnag": (9, 1000), "rnag": (30, 120), "darts": (64, 64)}
"""Operations: 3 * 1 * 3 to 10 * 10 * 10, 3 * 10 to 3 * 40, and 8 cells * 4 nodes * 2."""

STUDY_FILES = [
    *(
        f"{study}.{kind}"
        for study in ("memory", "nodes", "variance", "odd_k")
        for kind in ("csv", "svg")
    ),
    *("variance-shares.csv", "gallery.svg"),
    *(f"draws/{generator}-{images}.csv" for generator in LIMITS for images in ("small", "large")),
    *(f"repeats/{chunk}.csv" for chunk in range(2)),
    *(f"gallery/{name}.json" for name in GALLERY),
]


def sample_by_command(capsys, *options):
    """What `nago sample --json` says."""
    arguments = make_parser().parse_args(["sample", *options, "--json"])
    arguments.run(arguments)
    return json.loads(capsys.readouterr().out)


def make_draws(seed=0, draws=30):
    """Made-up draws of two generators for two kinds of images."""
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        [
            (generator, images, draw, int(rng.integers(9, 120)), int(rng.integers(1, 2**28)))
            for images in ("small", "large")
            for generator in ("hnag", "rnag")
            for draw in range(draws)
        ],
        columns=DRAWS,
    )


def make_repeats(*memories):
    """Draws of configurations, from lists of their memory in MB."""
    rows = [
        (number, draw, int(memory * 2**20))
        for number, group in enumerate(memories)
        for draw, memory in enumerate(group)
    ]
    return pd.DataFrame(rows, columns=["configuration", "draw", "sample_memory_bytes"])


# The draws.


@pytest.mark.parametrize("generator", ["hnag", "rnag"])
@pytest.mark.parametrize(
    ("images", "task"),
    [
        ("small", []),
        ("large", ["--image", "224", "--classes", "8", "--limit", "6000000"]),
    ],
)
def test_the_command_line_draws_each_row_again_from_its_seed(generator, images, task, capsys):
    for row in draw_table(generator, images, 3, seed=5).to_dict("records"):
        again = sample_by_command(
            capsys, "--generator", generator, "--seed", str(row["seed"]), *task
        )
        assert {name: row[name] for name in COSTS} == {name: again[name] for name in COSTS}
        assert {name: row[name] for name in again["configuration"]} == again["configuration"]


def test_darts_has_equal_weights_and_draws_that_differ():
    table = draw_table("darts", "small", 4, seed=0)
    weights = table[[name for name in table.columns if name.startswith("operation_")]]
    assert weights.shape == (4, 7)
    assert (weights == 1).all(axis=None)
    assert table["hash"].nunique() == 4


@pytest.mark.parametrize("generator", LIMITS)
def test_a_table_has_its_rows_and_keeps_within_the_limits(generator):
    table = draw_table(generator, "large", 12, seed=1)
    assert table["draw"].tolist() == list(range(12))
    assert list(table.columns[:4]) == ["generator", "images", "draw", "seed"]
    assert list(table.columns[-5:]) == COSTS
    assert table["nodes"].between(*LIMITS[generator]).all()
    assert table["parameters"].between(0.5 * 6e6, 6e6).all()


def test_a_draw_is_the_same_however_many_there_are():
    few, many = (draw_table("rnag", "small", draws, seed=2) for draws in (2, 5))
    pd.testing.assert_frame_equal(few, many.head(2))


def test_no_two_draws_of_any_table_share_a_seed():
    tables = [draw_table(g, i, 4, seed=0) for g in ("rnag", "darts") for i in ("small", "large")]
    seeds = [seed for table in tables for seed in table["seed"]]
    assert len(set(seeds)) == len(seeds) == 16


def test_repeated_draws_share_their_configuration_and_nothing_else():
    table = repeat_draws([4, 7], 5, seed=0)
    names = [name for name in table.columns if name.startswith(("top_", "middle_", "bottom_"))]
    assert len(names) == 8
    assert [
        len(group[names].drop_duplicates()) for _, group in table.groupby("configuration")
    ] == [1, 1]
    assert len(table[names].drop_duplicates()) == 2
    assert table["hash"].nunique() == 10


def test_a_chunk_holds_what_the_whole_would():
    whole, part = repeat_draws([0, 1], 2, seed=3), repeat_draws([1], 2, seed=3)
    pd.testing.assert_frame_equal(part, whole.tail(2).reset_index(drop=True))


def test_equal_draws_give_equal_bytes(tmp_path):
    for name in ("first.csv", "second.csv"):
        write_table(tmp_path / name, draw_table("hnag", "small", 3, seed=0))
    assert (tmp_path / "first.csv").read_bytes() == (tmp_path / "second.csv").read_bytes()


@pytest.mark.parametrize("name", GALLERY)
def test_a_sample_is_what_the_command_line_prints(name, capsys):
    found = json.loads(json.dumps(sample_for_gallery(name, seed=0)))
    named = not name.startswith("random")
    values = [f"{key}={value}" for key, value in found["configuration"].items()]
    options = ["--named", name] if named else ["--set", *values]
    assert sample_by_command(capsys, *options, "--seed", str(found["seed"])) == found
    if not named:
        assert found["configuration"]["middle_nodes"] > 2


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        (
            lambda: draw_table("nasbench", "small", 3, 0),
            "one of hnag, rnag, darts, got 'nasbench'",
        ),
        (lambda: draw_table("hnag", "huge", 3, 0), "one of small, large, got 'huge'"),
        (lambda: draw_table("hnag", "small", 0, 0), "draws must be 1 or more, got 0"),
        (lambda: repeat_draws([0], 0, 0), "draws must be 1 or more, got 0"),
        (lambda: compare_neighbours(-1, 0), "draws must be 1 or more, got -1"),
        (lambda: sample_for_gallery("rnag-e", 0), "no sample 'rnag-e'; it has rnag-d, hnag-as-"),
        (lambda: find_possible_nodes("nasbench"), "one of hnag, rnag, darts, got 'nasbench'"),
        (lambda: split_variance(make_repeats([1, 2], [3])), "as many draws, got [1, 2]"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(draw, said):
    with pytest.raises(UserError) as caught:
        draw()
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


# The summaries.


def quantile(values, share):
    """On the line between the sorted values."""
    values = sorted(values)
    place = share * (len(values) - 1)
    low = math.floor(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (place - low) * (values[high] - values[low])


def test_quantiles_are_those_computed_by_hand():
    draws = make_draws()
    found = summarise_memory(draws)
    assert list(zip(found["generator"], found["images"], strict=True)) == [
        ("hnag", "small"),
        ("rnag", "small"),
        ("hnag", "large"),
        ("rnag", "large"),
    ]
    for row in found.to_dict("records"):
        chosen = draws[
            (draws["generator"] == row["generator"]) & (draws["images"] == row["images"])
        ]
        memory = [size / 1048576 for size in chosen["sample_memory_bytes"]]
        assert row["draws"] == 30
        assert (row["min_mb"], row["max_mb"]) == (min(memory), max(memory))
        for name, share in (("p5_mb", 0.05), ("median_mb", 0.5), ("p95_mb", 0.95)):
            assert row[name] == pytest.approx(quantile(memory, share))


@pytest.mark.parametrize(("generator", "limits"), LIMITS.items())
def test_the_possible_operations_are_those_of_the_limits(generator, limits):
    assert find_possible_nodes(generator) == limits


def test_nodes_are_summed_up_over_all_images():
    draws = make_draws()
    row = summarise_nodes(draws).set_index("generator").loc["rnag"]
    nodes = draws.loc[draws["generator"] == "rnag", "nodes"].tolist()
    assert row[["draws", "min", "max"]].tolist() == [60, min(nodes), max(nodes)]
    assert row["median"] == quantile(nodes, 0.5)
    assert row[["possible_min", "possible_max"]].tolist() == [30, 120]


def test_the_shares_of_the_variance_are_those_computed_by_hand():
    # Means 2 and 6, so 4 between; variances 1 and 4, so 2.5 within.
    found = split_variance(make_repeats([1, 3], [4, 8])).set_index("part")
    assert found["variance_mb2"].to_dict() == {"between": 4, "within": 2.5, "total": 6.5}
    assert found["share"].to_dict() == {"between": 4 / 6.5, "within": 2.5 / 6.5, "total": 1}


@pytest.mark.parametrize("seed", range(5))
def test_both_parts_together_are_the_variance_of_all_draws(seed):
    memory = np.random.default_rng(seed).uniform(5, 60, size=(7, 4))
    repeats = make_repeats(*memory)
    found = split_variance(repeats).set_index("part")["variance_mb2"]
    assert found["between"] + found["within"] == pytest.approx(
        np.var(repeats["sample_memory_bytes"] / 2**20)
    )


def test_equal_draws_have_no_variance_and_no_share():
    assert split_variance(make_repeats([2, 2], [2, 2]))["share"].tolist() == [0, 0, 0]


def test_each_configuration_has_its_spread():
    found = summarise_repeats(make_repeats([1, 3, 5], [7, 7, 7]))
    assert found.to_dict("records") == [
        {"configuration": 0, "draws": 3, "mean_mb": 3, "sd_mb": 2, "min_mb": 1, "max_mb": 5},
        {"configuration": 1, "draws": 3, "mean_mb": 7, "sd_mb": 0, "min_mb": 7, "max_mb": 7},
    ]


def test_tables_are_read_one_below_the_other(tmp_path):
    draws = make_draws()
    write_table(tmp_path / "1.csv", draws.head(50).assign(top_nodes=3, hash="1e5"))
    write_table(tmp_path / "2.csv", draws.tail(70).assign(stage1_nodes=10))
    found = read_draws([tmp_path / "1.csv", tmp_path / "2.csv"], DRAWS)
    pd.testing.assert_frame_equal(found, draws, check_dtype=False)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "there is no file"),
        ("generator,images,dr", "its last line is cut off"),
        ("generator,images,draw,nodes\nhnag,small,0,9\n", "no column sample_memory_bytes"),
        (",".join(DRAWS) + "\n", "no rows"),
    ],
)
def test_a_file_that_is_no_table_of_draws_is_one_line(text, said, tmp_path):
    path = tmp_path / "draws.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(RecordError, match=said):
        read_draws([path], DRAWS)


def test_a_script_ends_with_one_line_if_its_input_is_no_table(tmp_path):
    (tmp_path / "draws.csv").write_text("generator\nhnag\n")
    files = {"--tables": "draws.csv", "--table": "table.csv", "--figure": "figure.svg"}
    options = [part for name, file in files.items() for part in (name, str(tmp_path / file))]
    script = [sys.executable, "scripts/study_memory.py", *options]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == (
        f"error: {tmp_path / 'draws.csv'} is no table of draws (it has no column images);"
        " delete it, run again\n"
    )


# Odd K.


def test_an_odd_k_gives_the_very_graphs_of_the_k_below():
    table = compare_neighbours(20, seed=0)
    measures = ["effective_k", "edges", "depth", "input_nodes"]
    assert len(table) == 3 * 8
    for _, rows in table.groupby("p"):
        assert rows["k"].tolist() == list(range(2, 10))
        assert rows["effective_k"].tolist() == [2, 2, 4, 4, 6, 6, 8, 8]
        assert rows["edges"].tolist() == [10, 10, 20, 20, 30, 30, 40, 40]
        for before, row in pairwise(rows.to_dict("records")):
            odd = row["k"] % 2 == 1
            assert row["same_as_k_less_1"] == (20 if odd else 0)
            assert odd == ([before[name] for name in measures] == [row[name] for name in measures])
    assert table["same_as_k_less_1"].isna().sum() == 3


@pytest.mark.parametrize("seed", range(10))
def test_the_depth_is_that_of_the_longest_path(seed):
    rng = np.random.default_rng(seed)
    wiring = tuple(
        tuple(source for source in range(node) if rng.random() < 0.3) for node in range(12)
    )
    graph = nx.DiGraph([(s, node) for node, inputs in enumerate(wiring) for s in inputs])
    assert find_depth(wiring) == nx.dag_longest_path_length(graph) + 1


# The workflow.


@pytest.fixture(scope="module")
def studied(tmp_path_factory):
    """A project after its studies, with fewer draws than the paper's."""
    project = make_project(tmp_path_factory.mktemp("studies") / "project", {"draws": 3})
    rules = project.folder / "rules/files.smk"
    name = "CONFIGURATIONS, CHUNK, REPEATED_DRAWS"
    paper, fewer = f"{name} = 50, 25, 8", f"{name} = 6, 3, 2"
    text = rules.read_text()
    assert paper in text
    rules.write_text(text.replace(paper, fewer))
    project.finish("studies")
    return project


@pytest.mark.xdist_group("studies")
def test_the_studies_are_all_there_and_are_not_made_again(studied):
    found = (studied.folder / "results").rglob("*.*")
    assert {str(path.relative_to(studied.folder / "results/studies")) for path in found} == set(
        STUDY_FILES
    )
    table = read_table(studied.folder / "results/studies/draws/hnag-small.csv")
    pd.testing.assert_frame_equal(table, draw_table("hnag", "small", 3, 0), check_dtype=False)
    spread = read_table(studied.folder / "results/studies/variance.csv")
    assert spread["configuration"].tolist() == list(range(6))
    assert studied.run("studies").nothing_to_do


@pytest.mark.xdist_group("studies")
def test_other_draws_make_again_what_hangs_on_them(studied):
    planned = count_jobs(studied.finish("-n", "studies", draws=4).text)
    assert planned == Counter(draw_samples=6, study_memory=1, study_nodes=1, studies=1)


@pytest.mark.xdist_group("studies")
def test_a_search_makes_no_studies(studied):
    planned = studied.planned_jobs()
    assert planned["all"] == 1
    assert [
        rule for rule in planned if "stud" in rule or "sample" in rule or "gallery" in rule
    ] == []
