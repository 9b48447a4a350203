import ast
import itertools
import re
from collections import Counter
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from nago.generators.architecture import (
    Architecture,
    Cell,
    MiddleNode,
    Operation,
    output_nodes,
)
from nago.report import drawing
from nago.report.drawing import draw_architecture
from nago.report.layout import lay_out

SVG = "{http://www.w3.org/2000/svg}"
KINDS = ["conv3x3", "conv5x5", "conv1x1", "conv3x1", "conv1x3", "avgpool3x3", "avgpool5x5"]
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


@pytest.fixture(params=[SMALL, MEDIUM, LARGE], ids=["9", "140", "1000"])
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


def boxes_of(root, name):
    """Return the first rectangle of each group of a class: left, top, right, bottom."""
    boxes = {}

    def visit(element, x, y, scale):
        move = re.search(r"translate\((\S+) (\S+)\)", element.get("transform", ""))
        grow = re.search(r"scale\((\S+)\)", element.get("transform", ""))
        if move:
            x, y = x + scale * float(move[1]), y + scale * float(move[2])
        if grow:
            scale *= float(grow[1])
        if name in _classes(element):
            box = element.find(f"{SVG}rect")
            right = x + scale * float(box.get("width"))
            boxes[element.get("id")] = (x, y, right, y + scale * float(box.get("height")))
        for child in element:
            visit(child, x, y, scale)

    visit(root, 0.0, 0.0, 1.0)
    return boxes


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
        expected += [f"c{source}-c{c}" for source in cell.inputs]
        for n, node in enumerate(cell.nodes):
            expected += [f"c{c}-n{source}-n{n}" for source in node.inputs]
            for o, operation in enumerate(node.operations):
                expected += [f"c{c}-n{n}-o{source}-o{o}" for source in operation.inputs]
    assert Counter(ids_of(root, "edge")) == Counter(expected)


def test_every_graph_is_fed_and_gives_its_output(drawn):
    architecture, root = drawn
    nodes = [node for cell in architecture.cells for node in cell.nodes]
    graphs = [
        architecture.cells,
        *(cell.nodes for cell in architecture.cells),
        *(node.operations for node in nodes),
    ]
    starts = sum(not member.inputs for graph in graphs for member in graph)
    ends = sum(len(output_nodes(graph)) for graph in graphs)
    assert len(ids_of(root, "feed")) == starts + ends


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
    for merge, letter in (("attention", "A"), ("concat", "C")):
        in_legend = 1 if counts[merge] else 0
        assert letters[letter] == counts[merge] + in_legend


def test_operations_carry_their_kernel_and_a_colour_of_their_kind(drawn):
    architecture, root = drawn
    colours = {}
    for element in root.iter():
        if "operation" not in _classes(element):
            continue
        c, n, o = _place(element.get("id"))
        kind = architecture.cells[c].nodes[n].operations[o].operation
        assert element.find(f"{SVG}text").text == kind[-3:].replace("x", "\N{MULTIPLICATION SIGN}")
        box = element.find(f"{SVG}rect")
        colours.setdefault(kind, set()).add((box.get("fill"), box.get("rx")))
    looks = [look for each in colours.values() for look in each]
    assert len(looks) == len(set(looks)) == len(colours)


def test_the_legend_counts_each_kind_of_operation(drawn):
    architecture, root = drawn
    kinds = Counter(
        operation.operation
        for cell in architecture.cells
        for node in cell.nodes
        for operation in node.operations
    )
    (legend,) = (element for element in root.iter() if "legend" in _classes(element))
    found = " ".join(legend.itertext())
    words = {"conv": "convolution", "avgpool": "average pooling"}
    for kind, count in kinds.items():
        size = kind[-3:].replace("x", "\N{MULTIPLICATION SIGN}")
        assert f"{words[kind[:-3]]} {size} ({count})" in found


def test_each_stage_says_its_resolution_and_width(drawn):
    _, root = drawn
    times = "\N{MULTIPLICATION SIGN}"
    stages = [text for text in texts(root) if text.startswith("stage ")]
    assert stages == [
        f"stage 1: 32{times}32, 24 channels",
        f"stage 2: 16{times}16, 48 channels",
        f"stage 3: 8{times}8, 96 channels",
    ]


# Where it stands.


def test_operations_stand_in_their_node_and_nodes_in_their_cell(drawn):
    _, root = drawn
    cells, nodes, operations = (boxes_of(root, name) for name in ("cell", "node", "operation"))
    for name, box in nodes.items():
        assert contains(cells[name.rsplit("-", 1)[0]], box)
    for name, box in operations.items():
        assert contains(nodes[name.rsplit("-", 1)[0]], box)


def test_cells_stand_in_order_in_the_band_of_their_stage_and_on_the_page(drawn):
    architecture, root = drawn
    cells = boxes_of(root, "cell")
    page = tuple(float(value) for value in root.get("viewBox").split())
    for one, other in itertools.pairwise(cells.values()):
        assert one[2] < other[0]
    bands = [element for element in root.iter() if "band" in _classes(element)]
    shift = float(re.search(r"translate\((\S+)", root.findall(f"{SVG}g")[0].get("transform"))[1])
    for place, box in enumerate(cells.values()):
        band = bands[architecture.cells[place].stage]
        left, top = shift + float(band.get("x")), float(band.get("y"))
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


def test_equal_architectures_give_equal_bytes(tmp_path):
    draw_architecture(MEDIUM, tmp_path / "one.svg", "t")
    draw_architecture(Architecture.from_json(MEDIUM.to_json()), tmp_path / "two.svg", "t")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_operations_of_unknown_kinds_are_drawn_and_named(tmp_path):
    architecture = make_architecture(3, kinds=["sepconv3x3", "identity"], merges=["gate"])
    root = draw(architecture, tmp_path)
    assert len(ids_of(root, "operation")) == 9
    assert any((text or "").startswith("identity (") for text in texts(root))


def test_the_drawing_imports_neither_networkx_nor_a_plotting_library():
    tree = ast.parse(Path(drawing.__file__).read_text())
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
