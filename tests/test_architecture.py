"""Architectures as data: canonical JSON, a hash that is the same everywhere, pinned draws.

`tests/golden/` pins hashes and costs of twenty draws of each generator, so that no change of a
law goes unnoticed. After a change that is meant, write it anew:
`python tests/test_architecture.py`.
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
from draws import EVERYTHING, PAPER, SMALL, draw, draw_configuration, own_settings

from nago.generators.architecture import (
    Architecture,
    Cell,
    MiddleNode,
    Operation,
    output_nodes,
)
from nago.generators.complexity import count_complexity
from nago.generators.draw import GENERATORS, find_resolutions
from nago.generators.named import NAMED
from nago.sampling import make_recipe

GOLDEN = Path(__file__).parent / "golden"


def _pin_named(name, seed):
    recipe = make_recipe(named=name, seed=seed)
    return {
        "generator": recipe.generator,
        "configuration": recipe.configuration,
        "settings": recipe.settings,
        "seed": seed,
        "size": recipe.task.image_size,
        "channels": recipe.task.image_channels,
        "limit": recipe.task.parameter_limit,
    }


def _pin_random(generator, space, seed):
    settings = own_settings(generator, everything=seed % 2 == 0)
    configuration = draw_configuration(random.Random(seed), generator, space)
    given = {"generator": generator, "configuration": configuration, "settings": settings}
    return {**given, "seed": seed, "limit": 300_000}


def _pin_all(generator):
    """Twenty arguments of `draw`, by name: what is named, then random ones of each space."""
    pinned = {}
    if generator == "hnag":
        largest = dict(zip(SMALL, (10, 5, 0.9, 10, 0.9, 10, 5, 0.9), strict=True))
        pinned["smallest"] = {"configuration": SMALL, "settings": PAPER, "seed": 0}
        pinned["largest"] = {
            **{"configuration": largest, "seed": 2},
            **{"size": 64, "channels": 3, "limit": 6_000_000},
        }
    names = [name for name in NAMED if NAMED[name].generator == generator]
    pinned |= {name: _pin_named(name, seed) for seed, name in enumerate(names[:13])}
    spaces = [*GENERATORS[generator].spaces]
    for seed in range(20 - len(pinned)):
        space = spaces[seed % len(spaces)]
        pinned[f"{space}-{seed}"] = _pin_random(generator, space, seed)
    return pinned


PINNED = {generator: _pin_all(generator) for generator in GENERATORS}
"""Arguments of `draw`, twenty for each generator."""


def measure(arguments):
    architecture = draw(**arguments)
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


@pytest.mark.parametrize("generator", GENERATORS)
def test_pinned_draws_are_what_they_were(generator):
    golden = json.loads((GOLDEN / f"{generator}.json").read_text())
    assert len(golden) == 20
    assert {name: measure(given) for name, given in PINNED[generator].items()} == golden


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
    assert find_resolutions(TINY) == (8, 4)


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
    assert find_resolutions(draw(0, SMALL, EVERYTHING, size=size)) == resolutions


def write_golden():
    GOLDEN.mkdir(exist_ok=True)
    for generator, pinned in PINNED.items():
        values = {name: measure(given) for name, given in pinned.items()}
        (GOLDEN / f"{generator}.json").write_text(json.dumps(values, indent=2) + "\n")


if __name__ == "__main__":
    write_golden()
