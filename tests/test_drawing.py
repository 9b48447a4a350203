import ast
import importlib
import itertools
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from draws import draw as draw_random
from draws import own_settings

from nago.generators.architecture import (
    Architecture,
    Cell,
    MiddleNode,
    Operation,
    output_nodes,
)
from nago.generators.draw import GENERATORS, find_resolutions, write_program
from nago.report.drawing.architecture import draw_architecture
from nago.report.drawing.cells import find_strided
from nago.report.drawing.kinds import COLOURS
from nago.report.drawing.layout import lay_out

SVG = "{http://www.w3.org/2000/svg}"
TIMES = "\N{MULTIPLICATION SIGN}"
WORDS = {
    "conv3x3": f"convolution 3{TIMES}3",
    "conv5x5": f"convolution 5{TIMES}5",
    "conv1x1": f"convolution 1{TIMES}1",
    "conv3x1": f"convolution 3{TIMES}1",
    "conv1x3": f"convolution 1{TIMES}3",
    "avgpool3x3": f"average pooling 3{TIMES}3",
    "avgpool5x5": f"average pooling 5{TIMES}5",
    "maxpool3x3": f"max pooling 3{TIMES}3",
    "sepconv3x3": f"separable convolution 3{TIMES}3",
    "doublesepconv3x3": f"two separable convolutions 3{TIMES}3",
    "doublesepconv5x5": f"two separable convolutions 5{TIMES}5",
    "dilconv3x3": f"dilated separable convolution 3{TIMES}3",
    "dilconv5x5": f"dilated separable convolution 5{TIMES}5",
    "skip": "skip",
}
KINDS = GENERATORS["hnag"].known_operations
MERGES = ["sum", "attention", "concat"]


def make_inputs(rng, size, density):
    """Return the inputs of each node of a random graph, in which any node may have none."""
    return [tuple(j for j in range(i) if rng.random() < density) for i in range(size)]


def make_architecture(seed, *, cells=3, nodes=1, operations=3, kinds=KINDS, merges=MERGES):
    rng = np.random.default_rng(seed)

    def merge(inputs):
        return str(rng.choice(merges)) if len(inputs) > 1 else None

    def operation(inputs):
        return Operation(str(rng.choice(kinds)), inputs, merge(inputs))

    def node(inputs):
        inside = make_inputs(rng, operations, rng.random())
        return MiddleNode(inputs, merge(inputs), tuple(operation(each) for each in inside))

    def cell(place, inputs):
        inside = make_inputs(rng, nodes, rng.random())
        stage = 3 * place // cells
        return Cell(stage, inputs, merge(inputs), tuple(node(each) for each in inside))

    top = make_inputs(rng, cells, rng.random())
    return Architecture(
        generator="hnag",
        image_size=32,
        image_channels=3,
        classes=10,
        widths=(24, 48, 96),
        head_width=128,
        cells=tuple(cell(place, inputs) for place, inputs in enumerate(top)),
    )


SMALL = make_architecture(0)
MEDIUM = make_architecture(1, cells=7, nodes=4, operations=5)
LARGE = make_architecture(2, cells=10, nodes=10, operations=10)
CIFAR = {"size": 32, "channels": 3, "limit": 4_000_000}
DEEP = {
    f"stage{stage}_{name}": value
    for stage in (1, 2, 3)
    for name, value in (("nodes", 40), ("k", 6), ("p", 0.5))
}
RNAG = draw_random(3, DEEP, own_settings("rnag", everything=True), generator="rnag", **CIFAR)
DARTS = [
    draw_random(seed, {}, own_settings("darts"), generator="darts", **CIFAR) for seed in (4, 5)
]
ALL = {"9": SMALL, "140": MEDIUM, "1000": LARGE, "rnag": RNAG, "d4": DARTS[0], "d5": DARTS[1]}


@pytest.fixture(params=ALL.values(), ids=ALL)
def drawn(request, tmp_path):
    draw_architecture(request.param, tmp_path / "drawing.svg", "a title")
    return request.param, ET.parse(tmp_path / "drawing.svg").getroot()


def draw(architecture, folder, title="a title"):
    draw_architecture(architecture, folder / "drawing.svg", title)
    return ET.parse(folder / "drawing.svg").getroot()


def ids_of(root, name):
    """Return the ids of the elements of a class, in the order of the file."""
    return [element.get("id") for element in root.iter() if name in _classes(element)]


def _classes(element):
    return element.get("class", "").split()


def texts(root):
    return [element.text for element in root.iter(f"{SVG}text")]


def moved(element, x, y, scale):
    """Return where the origin of an element is, and its scale, given those of what contains it."""
    move = re.search(r"translate\((\S+) (\S+)\)", element.get("transform", ""))
    grow = re.search(r"scale\((\S+)\)", element.get("transform", ""))
    if move:
        x, y = x + scale * float(move[1]), y + scale * float(move[2])
    return x, y, scale * float(grow[1]) if grow else scale


def boxes_of(root, name):
    """Return the first rectangle of each group of a class: left, top, right, bottom."""
    boxes = {}

    def visit(element, x, y, scale):
        x, y, scale = moved(element, x, y, scale)
        if name in _classes(element):
            box = element.find(f"{SVG}rect")
            right = x + scale * float(box.get("width"))
            boxes[element.get("id")] = (x, y, right, y + scale * float(box.get("height")))
        for child in element:
            visit(child, x, y, scale)

    visit(root, 0.0, 0.0, 1.0)
    return boxes


def is_darts(architecture):
    return architecture.generator == "darts"


def ends_of(root):
    """Return the first and the last point of each edge below the top level, on the page."""
    ends = {}

    def visit(element, x, y, scale):
        x, y, scale = moved(element, x, y, scale)
        if "edge" in _classes(element):
            numbers = [float(text) for text in re.findall(r"-?[\d.]+", element.get("d"))]
            points = numbers[:2], numbers[-2:]
            ends[element.get("id")] = [(x + scale * a, y + scale * b) for a, b in points]
        for child in element:
            visit(child, x, y, scale)

    visit(root, 0.0, 0.0, 1.0)
    return ends


def overlap(one, other, slack=0.0):
    return all(
        one[axis] < other[axis + 2] - slack and other[axis] < one[axis + 2] - slack
        for axis in (0, 1)
    )


def contains(outer, inner, slack=0.2):
    return all(
        outer[axis] <= inner[axis] + slack and inner[axis + 2] <= outer[axis + 2] + slack
        for axis in (0, 1)
    )


# What is drawn.


def test_every_cell_node_and_operation_is_drawn_once(drawn):
    architecture, root = drawn
    places = [
        (c, n, o)
        for c, cell in enumerate(architecture.cells)
        for n, node in enumerate(cell.nodes)
        for o in range(len(node.operations))
    ]
    assert ids_of(root, "operation") == [f"c{c}-n{n}-o{o}" for c, n, o in places]
    assert ids_of(root, "node") == sorted({f"c{c}-n{n}" for c, n, _ in places}, key=_place)
    assert ids_of(root, "cell") == [f"c{c}" for c in range(len(architecture.cells))]
    assert len(ids_of(root, "operation")) == architecture.nodes


def _place(name):
    return [int(part[1:]) for part in name.split("-")]


def test_every_edge_of_every_level_is_drawn_once_and_no_other(drawn):
    architecture, root = drawn
    expected = []
    for c, cell in enumerate(architecture.cells):
        expected += [f"c{source}-c{c}" for source in cell.inputs if source >= 0]
        for n, node in enumerate(cell.nodes):
            for source in node.inputs:
                place = f"n{source}" if source >= 0 else f"i{source + 2}"
                expected.append(f"c{c}-{place}-n{n}")
            for o, operation in enumerate(node.operations):
                expected += [f"c{c}-n{n}-o{source}-o{o}" for source in operation.inputs]
    assert Counter(ids_of(root, "edge")) == Counter(expected)


def test_the_lines_of_the_top_level_that_start_at_the_stem_or_end_at_the_head(drawn):
    architecture, root = drawn
    cells = architecture.cells
    first = [c for c, cell in enumerate(cells) if not cell.inputs or -1 in cell.inputs]
    taken = {source for cell in cells for source in cell.inputs}
    last = [c for c in range(len(cells)) if c not in taken]
    outer = ids_of(root, "outer")
    expected = [f"stem-c{c}" for c in first] + [f"c{c}-head" for c in last]
    assert sorted(outer) == sorted(expected)


def test_every_graph_is_fed_and_gives_its_output(drawn):
    architecture, root = drawn
    nodes = [node for cell in architecture.cells for node in cell.nodes]
    graphs = [node.operations for node in nodes]
    feeds = len(ids_of(root, "outer"))
    if is_darts(architecture):
        # Per cell two lines to its inputs, one from each node to the concatenation, one from it.
        feeds += sum(2 + len(cell.nodes) + 1 for cell in architecture.cells)
    else:
        graphs += [cell.nodes for cell in architecture.cells]
    feeds += sum(not member.inputs for graph in graphs for member in graph)
    feeds += sum(len(output_nodes(graph)) for graph in graphs)
    assert len(ids_of(root, "feed")) == feeds


@pytest.mark.parametrize("architecture", DARTS)
def test_cells_of_darts_name_their_two_inputs_and_concatenate(architecture, tmp_path):
    root = draw(architecture, tmp_path)
    shown = {
        e.get("id"): "".join(e.find(f"{SVG}text").itertext())
        for e in root.iter()
        if "input" in _classes(e)
    }
    expected = {}
    for c in range(8):
        expected[f"c{c}-i0"] = f"cell {c - 2}" if c > 1 else "stem"
        expected[f"c{c}-i1"] = f"cell {c - 1}" if c > 0 else "stem"
    assert shown == expected
    assert ids_of(root, "joint") == [f"c{c}-out" for c in range(8)]


@pytest.mark.parametrize("architecture", DARTS)
def test_each_operation_of_darts_stands_below_the_line_of_its_input(architecture, tmp_path):
    root = draw(architecture, tmp_path)
    operations, ends = boxes_of(root, "operation"), ends_of(root)
    inputs = {**boxes_of(root, "input"), **boxes_of(root, "node")}
    for c, cell in enumerate(architecture.cells):
        for n, node in enumerate(cell.nodes):
            for k, source in enumerate(node.inputs):
                place = f"n{source}" if source >= 0 else f"i{source + 2}"
                box = operations[f"c{c}-n{n}-o{k}"]
                start, end = ends[f"c{c}-{place}-n{n}"]
                other = inputs[f"c{c}-{place}"]
                assert end[0] == pytest.approx((box[0] + box[2]) / 2, abs=0.2)
                assert end[1] <= box[1]
                assert start == pytest.approx(((other[0] + other[2]) / 2, other[3]), abs=0.2)
            left, right = (operations[f"c{c}-n{n}-o{k}"] for k in (0, 1))
            assert left[1] == right[1]


def test_ids_are_unique(drawn):
    _, root = drawn
    ids = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(ids) == len(set(ids))


def test_a_mark_stands_for_each_merge_that_is_not_the_sum(drawn):
    architecture, root = drawn
    nodes = [node for cell in architecture.cells for node in cell.nodes]
    members = [*architecture.cells, *nodes, *(o for node in nodes for o in node.operations)]
    counts = Counter(member.merge for member in members)
    letters = Counter(e.text for e in root.iter(f"{SVG}text") if "letter" in _classes(e))
    for merge, letter in (("attention", "A"), ("concat", "C"), ("add", "+")):
        in_legend = 1 if counts[merge] else 0
        assert letters[letter] == counts[merge] + in_legend


def test_operations_carry_their_kernel_and_a_look_of_their_kind(drawn):
    architecture, root = drawn
    looks = {}
    for element in root.iter():
        if "operation" not in _classes(element):
            continue
        c, n, o = _place(element.get("id"))
        kind = architecture.cells[c].nodes[n].operations[o].operation
        label = "skip" if kind == "skip" else kind[-3:].replace("x", TIMES)
        assert element.find(f"{SVG}text").text == label
        looks.setdefault(kind, set()).add(element.find(f"{SVG}rect").get("fill"))
    fills = [look for each in looks.values() for look in each]
    assert len(fills) == len(set(fills)) == len(looks)


@pytest.mark.parametrize("generator", GENERATORS)
def test_all_operations_of_a_generator_are_drawn_and_named_in_the_legend(generator, tmp_path):
    known = GENERATORS[generator].known_operations
    architecture = with_operations(
        {"hnag": LARGE, "rnag": RNAG, "darts": DARTS[0]}[generator], known
    )
    root = draw(architecture, tmp_path)
    counts = Counter(kinds_of(architecture))
    assert set(counts) == set(known)
    assert legend_of(root) == {WORDS[kind]: count for kind, count in counts.items()}


def with_operations(architecture, kinds):
    """Return an architecture whose operations are of all kinds, in turn."""
    turn = itertools.cycle(kinds)

    def change(node):
        changed = (replace(operation, operation=next(turn)) for operation in node.operations)
        return replace(node, operations=tuple(changed))

    cells = (
        replace(cell, nodes=tuple(change(node) for node in cell.nodes))
        for cell in architecture.cells
    )
    return replace(architecture, cells=tuple(cells))


def kinds_of(architecture):
    nodes = [node for cell in architecture.cells for node in cell.nodes]
    return [operation.operation for node in nodes for operation in node.operations]


def legend_of(root):
    """Return what the legend counts of operations."""
    (legend,) = (element for element in root.iter() if "legend" in _classes(element))
    found = {}
    for text in legend.iter(f"{SVG}text"):
        item = re.fullmatch(r"(.*) \((\d+)\)", text.text)
        if item and "merged" not in text.text and "stride" not in text.text:
            found[item[1]] = int(item[2])
    return found


def test_the_legend_counts_each_kind_of_operation(drawn):
    architecture, root = drawn
    counts = Counter(kinds_of(architecture))
    assert legend_of(root) == {WORDS[kind]: count for kind, count in counts.items()}


def test_families_differ_by_more_than_colour(tmp_path):
    """Of each family what is drawn, without colours and text."""
    families = {}
    for base in (LARGE, DARTS[0]):
        known = GENERATORS[base.generator].known_operations
        architecture = with_operations(base, known)
        root = draw(architecture, tmp_path)
        kinds = dict(zip(ids_of(root, "operation"), kinds_of(architecture), strict=True))
        for element in root.iter():
            if "operation" in _classes(element):
                family = re.split(r"\d", kinds[element.get("id")])[0]
                parts = [
                    (
                        part.tag,
                        part.get("rx"),
                        part.get("d"),
                        tuple(set(_classes(part)) - {"dark-mark"}),
                        (part.get("points") or "") != "",
                    )
                    for part in element
                    if part.tag.removeprefix(SVG) in ("rect", "path", "polygon")
                ]
                families.setdefault(family, set()).add(tuple(parts))
    assert set(families) == {
        *("conv", "sepconv", "doublesepconv", "dilconv", "avgpool", "maxpool", "skip"),
    }
    assert all(len(looks) == 1 for looks in families.values())
    assert len(set().union(*families.values())) == len(families)


def test_labels_can_be_read_on_their_colour(tmp_path):
    """By the contrast ratio of WCAG 2: 4.5 is enough for small text."""

    def luminance(colour):
        parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    seen = set()
    for base in (LARGE, DARTS[0]):
        known = GENERATORS[base.generator].known_operations
        root = draw(with_operations(base, known), tmp_path)
        for element in root.iter():
            if "operation" in _classes(element):
                fill = element.find(f"{SVG}rect").get("fill")
                dark = "dark" in _classes(element.find(f"{SVG}text"))
                seen.add((fill, "#1a1a1a" if dark else "#ffffff"))
    assert {fill for fill, _ in seen} == set(COLOURS.values())
    for fill, letters in seen:
        bright, dim = sorted((luminance(fill), luminance(letters)), reverse=True)
        assert (bright + 0.05) / (dim + 0.05) >= 4.5, fill


@pytest.mark.parametrize("architecture", [MEDIUM, RNAG, *DARTS])
def test_strides_are_marked_where_the_program_has_them(architecture, tmp_path):
    # Each operation learns something, so that each of its steps has a name.
    kind = "dilconv3x3" if is_darts(architecture) else "sepconv3x3"
    architecture = with_operations(architecture, [kind])
    strided = {
        re.match(r"c\d+(-n\d+-o\d+|-in\d)", step.name)[0].replace("-in", "-i")
        for step in write_program(architecture).steps
        if step.stride == 2 and step.kind == "convolve"
    }
    assert find_strided(architecture) == strided
    root = draw(architecture, tmp_path)
    marked = {
        element.get("id")
        for element in root.iter()
        if element.get("id") and any("stride" in _classes(child) for child in element)
    }
    assert marked == strided
    stated = [text for text in texts(root) if text.startswith("stride 2")]
    assert [int(re.search(r"\((\d+)\)", text)[1]) for text in stated] == [len(strided)] * bool(
        strided
    )


def test_notes_say_how_outputs_are_made(drawn):
    architecture, root = drawn
    found = " ".join(texts(root))
    assert ("which is the mean over the nodes" in found) != is_darts(architecture)
    assert ("concatenation of all its nodes" in found) == is_darts(architecture)


def test_each_stage_says_its_resolution_and_width(drawn):
    architecture, root = drawn
    first = 16 if architecture.generator == "rnag" else 32
    sizes = [first, first // 2, first // 4]
    assert list(find_resolutions(architecture)) == sizes
    assert [text for text in texts(root) if text.startswith("stage ")] == [
        f"stage {k + 1}: {size}{TIMES}{size}, {width} channels"
        for k, (size, width) in enumerate(zip(sizes, architecture.widths, strict=True))
    ]


# Where it stands.


def test_operations_stand_in_their_node_and_nodes_in_their_cell(drawn):
    _, root = drawn
    cells, nodes, operations = (boxes_of(root, name) for name in ("cell", "node", "operation"))
    for name, box in nodes.items():
        assert contains(cells[name.rsplit("-", 1)[0]], box)
    for name, box in operations.items():
        assert contains(nodes[name.rsplit("-", 1)[0]], box)


def test_no_two_boxes_of_one_graph_overlap(drawn):
    _, root = drawn
    operations = boxes_of(root, "operation")
    others = {
        name: box
        for kind in ("node", "input", "joint")
        for name, box in boxes_of(root, kind).items()
    }
    for boxes in (operations, others):
        graphs = {}
        for name, box in boxes.items():
            graphs.setdefault(name.rsplit("-", 1)[0], []).append(box)
        for graph in graphs.values():
            assert not any(overlap(*pair) for pair in itertools.combinations(graph, 2))


def test_cells_stand_in_order_in_the_band_of_their_stage_and_on_the_page(drawn):
    architecture, root = drawn
    cells = boxes_of(root, "cell")
    page = tuple(float(value) for value in root.get("viewBox").split())
    for one, other in itertools.pairwise(cells.values()):
        assert one[2] < other[0]
    bands = [element for element in root.iter() if "band" in _classes(element)]
    (content,) = (element for element in root.iter() if "content" in _classes(element))
    x, y, _ = moved(content, 0.0, 0.0, 1.0)
    for place, box in enumerate(cells.values()):
        band = bands[architecture.cells[place].stage]
        left, top = x + float(band.get("x")), y + float(band.get("y"))
        right, bottom = left + float(band.get("width")), top + float(band.get("height"))
        assert contains((left, top, right, bottom), box)
        assert contains(page, box)


def points_on(path):
    """Yield points along a path of M, V and C commands, about a pixel apart."""
    x = y = None
    for command, text in re.findall(r"([MVC])([^MVC]*)", path):
        values = [float(value) for value in text.split()]
        if command == "M":
            x, y = values
        elif command == "V":
            for t in np.linspace(0, 1, 50):
                yield x, y + t * (values[0] - y)
            y = values[0]
        else:
            a, b, c = (np.array(values[k : k + 2]) for k in (0, 2, 4))
            start = np.array([x, y])
            for t in np.linspace(0, 1, 50):
                s = 1 - t
                yield tuple(s**3 * start + 3 * s * s * t * a + 3 * s * t * t * b + t**3 * c)
            x, y = c


@pytest.mark.parametrize("seed", range(25))
def test_no_box_overlaps_another_and_no_line_crosses_a_box(seed):
    rng = np.random.default_rng(seed)
    size = int(rng.integers(1, 13))
    inputs = make_inputs(rng, size, rng.random())
    nodes = [Operation("conv3x3", each, None) for each in inputs]
    sizes = [tuple(rng.uniform(10, 90, size=2)) for _ in range(size)]
    layout = lay_out(nodes, sizes)
    boxes = [
        (x, y, x + width, y + height)
        for (x, y), (width, height) in zip(layout.corners, sizes, strict=True)
    ]
    assert all(contains((0, 0, *layout.size), box) for box in boxes)
    assert not any(overlap(*pair) for pair in itertools.combinations(boxes, 2))
    for path in layout.routes.values():
        for x, y in points_on(path):
            assert not any(overlap((x, y, x, y), box, slack=0.2) for box in boxes)
            assert contains((0, 0, *layout.size), (x, y, x, y))


def test_lines_arrive_at_the_places_of_a_node_without_crossing():
    # 0 and 1 stand side by side, and 2 takes both at places of its own.
    nodes = [Operation("conv3x3", inputs, None) for inputs in [(), (), (0, 1)]]
    layout = lay_out(nodes, [(30.0, 10.0), (30.0, 10.0), (80.0, 10.0)], {2: (-20.0, 20.0)})
    left, right = sorted((0, 1), key=lambda place: layout.corners[place][0])
    assert layout.arrivals == {(left, 2): -20.0, (right, 2): 20.0}
    middle = layout.corners[2][0] + 40
    for source, offset in ((left, -20.0), (right, 20.0)):
        numbers = re.findall(r"[\d.]+", layout.routes[(source, 2)])
        assert float(numbers[-2]) == pytest.approx(middle + offset, abs=0.06)


def test_places_before_the_first_node_are_the_input_and_equal_lines_are_one():
    nodes = [Operation("conv3x3", inputs, None) for inputs in [(-1, -1), (-2, 0)]]
    layout = lay_out(nodes, [(30.0, 10.0)] * 2)
    assert set(layout.routes) == {(-1, 0), (-1, 1), (0, 1), (1, 2)}


def test_a_line_leaves_below_its_source_and_arrives_above_its_target():
    nodes = [Operation("conv3x3", inputs, None) for inputs in [(), (0,), (0, 1)]]
    sizes = [(30.0, 10.0), (40.0, 20.0), (30.0, 10.0)]
    layout = lay_out(nodes, sizes)
    for source, target in [(0, 1), (0, 2), (1, 2)]:
        numbers = re.findall(r"[\d.]+", layout.routes[(source, target)])
        (from_x, from_y), (to_x, to_y) = layout.corners[source], layout.corners[target]
        start = from_x + sizes[source][0] / 2, from_y + sizes[source][1]
        assert [float(number) for number in numbers[:2]] == pytest.approx(start, abs=0.06)
        end = to_x + sizes[target][0] / 2, to_y
        assert [float(number) for number in numbers[-2:]] == pytest.approx(end, abs=0.06)


def test_layers_follow_the_longest_path():
    # 3 takes the input through 0 and 1 as well as directly from 0; 2 stands beside 0.
    nodes = [Operation("conv3x3", inputs, None) for inputs in [(), (0,), (), (0, 1, 2)]]
    tops = [y for _, y in lay_out(nodes, [(30.0, 10.0)] * 4).corners]
    assert tops[0] == tops[2] < tops[1] < tops[3]


# The file.


def test_a_title_with_signs_of_xml_is_shown_as_it_is(tmp_path):
    assert texts(draw(SMALL, tmp_path, 'a < b & "c"'))[0] == 'a < b & "c"'


def test_without_a_title_the_hash_names_the_architecture(tmp_path):
    assert texts(draw(SMALL, tmp_path, ""))[0] == f"architecture {SMALL.hash}"


@pytest.mark.parametrize("architecture", [MEDIUM, RNAG, DARTS[0]])
def test_equal_architectures_give_equal_bytes(architecture, tmp_path):
    draw_architecture(architecture, tmp_path / "one.svg", "t")
    draw_architecture(Architecture.from_json(architecture.to_json()), tmp_path / "two.svg", "t")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


MODULES = ("architecture", "cells", "gallery", "kinds", "layout", "legend", "svg", "top")


@pytest.mark.parametrize("module", MODULES)
def test_drawings_import_neither_networkx_nor_a_plotting_library(module):
    tree = ast.parse(
        Path(importlib.import_module(f"nago.report.drawing.{module}").__file__).read_text()
    )
    imported = {
        name.split(".")[0]
        for statement in ast.walk(tree)
        for name in (
            [alias.name for alias in statement.names]
            if isinstance(statement, ast.Import)
            else [statement.module or ""]
            if isinstance(statement, ast.ImportFrom)
            else []
        )
    }
    assert imported.isdisjoint({"networkx", "matplotlib", "pandas", "torch", "numpy"})
