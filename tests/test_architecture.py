"""Architectures as data: canonical JSON, a hash that is the same everywhere, pinned draws.

`tests/golden/hnag.json` pins hashes and costs, so that no change of the generator's law goes
unnoticed. After a change that is meant, write it anew: `python tests/test_architecture.py`.
"""

import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from draws import EVERYTHING, PAPER, SMALL, draw, draw_configuration

from nago.generators.architecture import (
    STEM,
    Architecture,
    Cell,
    MiddleNode,
    Operation,
    list_crossings,
    output_nodes,
)
from nago.generators.complexity import count_complexity

GOLDEN = Path(__file__).parent / "golden" / "hnag.json"

PINNED = {
    "smallest": {"configuration": SMALL, "settings": PAPER, "seed": 0},
    "paper-cifar10": {
        "configuration": dict(zip(SMALL, (8, 5, 0.6, 1, 0.7, 5, 4, 0.2), strict=True)),
        "settings": PAPER,
        "seed": 0,
        "size": 32,
        "channels": 3,
        "limit": 4_000_000,
    },
    "paper-sport8": {
        "configuration": dict(zip(SMALL, (7, 2, 0.9, 5, 0.8, 6, 3, 0.6), strict=True)),
        "settings": PAPER,
        "seed": 1,
        "size": 224,
        "channels": 3,
        "limit": 6_000_000,
    },
    "largest": {
        "configuration": dict(zip(SMALL, (10, 5, 0.9, 10, 0.9, 10, 5, 0.9), strict=True)),
        "seed": 2,
        "size": 64,
        "channels": 3,
        "limit": 6_000_000,
    },
    **{f"random-{seed}": {"seed": seed} for seed in range(6)},
}
"""Arguments of `draw`."""


def measure(name):
    architecture = draw(**PINNED[name])
    costs = count_complexity(architecture)
    return {
        "hash": architecture.hash,
        "nodes": architecture.nodes,
        "widths": list(architecture.widths),
        "head_width": architecture.head_width,
        "parameters": costs.parameters,
        "multiply_adds": costs.multiply_adds,
        "sample_memory_bytes": costs.sample_memory_bytes,
    }


@pytest.mark.parametrize("name", PINNED)
def test_a_pinned_draw_is_what_it_was(name):
    assert measure(name) == json.loads(GOLDEN.read_text())[name]


def test_all_pinned_draws_are_checked():
    assert set(json.loads(GOLDEN.read_text())) == set(PINNED)


@pytest.mark.parametrize("seed", range(30))
def test_an_architecture_comes_back_from_its_json(seed):
    architecture = draw(seed)
    text = architecture.to_json()
    again = Architecture.from_json(text)
    assert again == architecture
    assert hash(again) == hash(architecture)  # tuples all the way down, no lists
    assert (again.to_json(), again.hash) == (text, architecture.hash)


@pytest.mark.parametrize("seed", range(10))
def test_the_json_is_canonical_and_the_hash_its_sha256(seed):
    architecture = draw(seed)
    text = architecture.to_json()
    assert json.dumps(json.loads(text), sort_keys=True, separators=(",", ":")) == text
    assert architecture.hash == hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


OPERATIONS = (Operation("conv3x3", (), None), Operation("avgpool3x3", (0,), None))
TINY = Architecture(
    generator="hnag",
    image_size=8,
    image_channels=1,
    classes=2,
    widths=(1, 2),
    head_width=3,
    cells=(
        Cell(0, (), None, (MiddleNode((), None, OPERATIONS),)),
        Cell(1, (0,), None, (MiddleNode((), None, (Operation("conv1x1", (), None),)),)),
    ),
)
TINY_JSON = (
    '{"cells":[{"inputs":[],"merge":null,"nodes":[{"inputs":[],"merge":null,"operations":['
    '{"inputs":[],"merge":null,"operation":"conv3x3"},'
    '{"inputs":[0],"merge":null,"operation":"avgpool3x3"}]}],"stage":0},'
    '{"inputs":[0],"merge":null,"nodes":[{"inputs":[],"merge":null,"operations":['
    '{"inputs":[],"merge":null,"operation":"conv1x1"}]}],"stage":1}],'
    '"classes":2,"generator":"hnag","head_width":3,"image_channels":1,"image_size":8,'
    '"widths":[1,2]}'
)
TINY_HASH = "bb084f05610f6281"  # by sha256sum


def test_the_json_and_hash_of_an_architecture_written_by_hand():
    assert TINY.to_json() == TINY_JSON
    assert TINY.hash == TINY_HASH
    assert Architecture.from_json(TINY_JSON) == TINY
    assert TINY.nodes == 3
    assert TINY.resolutions == (8, 4)


CHILD = """
import sys
sys.path.insert(0, {tests!r})
from draws import draw
for seed in {seeds}:
    print(seed, draw(seed).hash)
"""


@pytest.mark.parametrize(
    ("hash_seed", "seeds"), [("0", [0, 1, 2, 3]), ("12345", [3, 1, 0, 2]), ("random", [2])]
)
def test_hashes_are_the_same_in_other_processes_in_any_order_of_draws(hash_seed, seeds):
    random.seed(77)
    draw(5)
    expected = {seed: draw(seed).hash for seed in range(4)}
    assert len(set(expected.values())) == 4
    lines = subprocess.run(
        [sys.executable, "-c", CHILD.format(tests=str(Path(__file__).parent), seeds=seeds)],
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    assert lines == [f"{seed} {expected[seed]}" for seed in seeds]


def test_other_seeds_give_other_architectures():
    configuration = draw_configuration(random.Random(0))
    assert len({draw(seed, configuration).hash for seed in range(100)}) == 100


def test_a_configuration_of_numpys_numbers_gives_the_same_hash():
    configuration = draw_configuration(random.Random(1))
    numpys = {
        name: np.int64(value) if isinstance(value, int) else np.float64(value)
        for name, value in configuration.items()
    }
    assert draw(1, numpys).to_json() == draw(1, configuration).to_json()


def test_all_that_decides_the_shape_is_in_the_hash():
    values = json.loads(TINY_JSON)
    changes = [
        {"generator": "other"},
        {"image_size": 9},
        {"image_channels": 3},
        {"classes": 3},
        {"widths": [1, 3]},
        {"head_width": 4},
        {"cells": values["cells"][:1]},
    ]
    hashes = {Architecture.from_json(json.dumps(values | change)).hash for change in changes}
    assert len(hashes - {TINY.hash}) == len(changes)


def test_outputs_are_the_nodes_that_no_other_node_takes():
    nodes = [Operation("conv3x3", inputs, None) for inputs in ((), (0,), (), (1, 2), (0,))]
    assert output_nodes(nodes) == [3, 4]
    assert output_nodes(nodes[:1]) == [0]


def make_cells(*cells):
    return [Cell(stage, inputs, None, ()) for stage, inputs in cells]


def test_crossings_are_the_outputs_that_a_later_stage_takes():
    # 0 and 1 in stage 0, 2 in stage 1 takes 0, 3 in stage 2 takes 0 and 2, 1 ends unused.
    cells = make_cells((0, ()), (0, (0,)), (1, (0,)), (2, (0, 2)))
    assert list_crossings(cells) == [(0, 1), (0, 2), (1, 2), (2, 2)]
    # A cell of a later stage that takes nothing else takes the stem.
    assert list_crossings(make_cells((0, ()), (1, ()), (1, (0,)))) == [(STEM, 1), (0, 1)]
    assert list_crossings(make_cells((0, ()), (0, (0,)))) == []


@pytest.mark.parametrize(
    ("size", "resolutions"),
    [
        (8, (8, 4, 2)),
        (31, (31, 15, 7)),
        (32, (32, 16, 8)),
        (39, (39, 19, 9)),
        (40, (10, 5, 2)),
        (45, (12, 6, 3)),
        (64, (16, 8, 4)),
        (224, (56, 28, 14)),
    ],
)
def test_stages_halve_the_resolution_of_the_stem(size, resolutions):
    assert draw(0, SMALL, EVERYTHING, size=size).resolutions == resolutions


def write_golden():
    pinned = {name: measure(name) for name in PINNED}
    GOLDEN.parent.mkdir(exist_ok=True)
    GOLDEN.write_text(json.dumps(pinned, indent=2) + "\n")


if __name__ == "__main__":
    write_golden()
