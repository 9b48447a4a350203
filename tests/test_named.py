"""Named configurations: the paper's numbers, and that HNAG emulates what it is said to."""

import dataclasses

import networkx as nx
import pytest

from nago.generators.architecture import Cell
from nago.generators.complexity import count_sample_memory
from nago.generators.draw import GENERATORS, write_program
from nago.generators.named import NAMED, PUBLISHED, RNAG_D, TASKS
from nago.generators.rnag import RNAG
from nago.sampling import make_recipe

SMALL, LARGE = ("cifar10", "cifar100"), ("sport8", "mit67", "flowers102", "imagenet")


def draw_named(name, seed=0):
    return make_recipe(named=name, seed=seed).draw()


def test_the_tasks_are_the_papers():
    classes = dict(zip((*SMALL, *LARGE), (10, 100, 8, 67, 102, 1000), strict=True))
    for name, task in TASKS.items():
        size, limit = (32, 4_000_000) if name in SMALL else (224, 6_000_000)
        assert (task.image_size, task.parameter_limit) == (size, limit)
        assert (task.image_channels, task.classes) == (3, classes[name])


def test_there_are_the_eleven_published_optima_of_which_nine_have_one_middle_node():
    assert len(PUBLISHED) == 11
    assert {name.split("-")[1] for name in PUBLISHED} == {"bohb", "mobo"}
    middle = [configuration["middle_nodes"] for configuration, _ in PUBLISHED.values()]
    assert middle.count(1) == 9


@pytest.mark.parametrize("name", NAMED)
def test_a_named_configuration_lies_within_the_space_of_its_generator(name):
    named = NAMED[name]
    ranges = GENERATORS[named.generator].spaces["base"]
    assert set(named.configuration) == set(ranges)
    for key, (low, high) in ranges.items():
        if not name.startswith("hnag-as"):  # emulations go beyond
            assert low <= named.configuration[key] <= high, key


def test_rnag_d_is_ws_32_4_75_in_each_stage():
    assert [RNAG_D[f"stage{s}_{n}"] for s in (1, 2, 3) for n in ("nodes", "k", "p")] == [
        *(32, 4, 0.75) * 3
    ]
    for cell in draw_named("rnag-d").cells:
        operations = cell.nodes[0].operations
        assert len(operations) == 32
        assert sum(len(operation.inputs) for operation in operations) == 64
        assert {operation.operation for operation in operations} == {"sepconv3x3"}


def bottom_steps(architecture, place):
    """What the operations of a cell compute: kinds, names, inputs by name, and kernels."""
    program = write_program(architecture)
    steps = [
        (number, step)
        for number, step in enumerate(program.steps)
        if step.level == "bottom" and step.stage == place
    ]
    first = steps[0][0]
    return [
        (
            *(step.kind, step.name, step.kernel, step.depthwise),
            tuple(max(source - first, -1) for source in step.inputs),
        )
        for _, step in steps
    ]


@pytest.mark.parametrize("seed", range(5))
def test_hnag_emulates_rnag_up_to_how_stages_are_entered(seed):
    emulation = draw_named("hnag-as-rnag", seed)
    assert [cell.stage for cell in emulation.cells] == [0, 1, 2]
    # A ring of three is complete: the last cell takes the first one, too, which RNAG doesn't.
    assert [cell.inputs for cell in emulation.cells] == [(), (0,), (0, 1)]
    assert [len(cell.nodes) for cell in emulation.cells] == [1, 1, 1]
    # The same graphs of operations, read by RNAG, compute the same but for the stride of the
    # nodes that enter a stage.
    cells = tuple(
        Cell(cell.stage, (place - 1,) if place else (), None, cell.nodes)
        for place, cell in enumerate(emulation.cells)
    )
    flat = dataclasses.replace(emulation, generator="rnag", cells=cells)
    for stage in range(3):
        assert bottom_steps(emulation, stage) == bottom_steps(flat, stage)
    strided = [step for step in write_program(flat).steps if step.stride == 2]
    entering = sum(not o.inputs for cell in cells for o in cell.nodes[0].operations)
    assert len(strided) == entering
    assert {step.stride for step in write_program(emulation).steps} == {1, 2, 4}  # with pooling


def test_the_emulation_of_rnag_draws_its_graphs_by_the_same_law():
    def facts(generator, seed):
        graphs = []
        architecture = draw_named("hnag-as-rnag" if generator == "hnag" else "rnag-d", seed)
        for cell in architecture.cells:
            nodes = cell.nodes[0].operations
            graph = nx.DiGraph((s, t) for t, node in enumerate(nodes) for s in node.inputs)
            inputs = sum(not node.inputs for node in nodes)
            graphs.append((graph.number_of_edges(), inputs, nx.dag_longest_path_length(graph)))
        return graphs

    both = [[g for seed in range(60) for g in facts(name, seed)] for name in ("hnag", "rnag")]
    assert {edges for graphs in both for edges, _, _ in graphs} == {64}
    for place in (1, 2):  # 180 graphs each: means agree within four of their standard errors
        means = [sum(graph[place] for graph in graphs) / len(graphs) for graphs in both]
        squares = [
            sum((graph[place] - mean) ** 2 for graph in graphs) / len(graphs) / (len(graphs) - 1)
            for graphs, mean in zip(both, means, strict=True)
        ]
        assert abs(means[0] - means[1]) < 4 * sum(squares) ** 0.5


def test_hnag_emulates_darts_cells_that_take_the_two_before_them():
    emulation = draw_named("hnag-as-darts")
    assert len(emulation.cells) == 8
    for place, cell in enumerate(emulation.cells):
        before = {place - 1, place - 2} & set(range(8))
        assert before <= set(cell.inputs)
        # A ring is closed: the last two also take the first ones.
        assert set(cell.inputs) - before <= {0, 1}
        assert [len(node.operations) for node in cell.nodes] == [8]


def test_rnag_reads_its_space_by_names():
    assert set(RNAG.spaces) == {"base", "er", "ba"}


@pytest.mark.parametrize("dataset", ["cifar10", "cifar100", "sport8", "mit67", "flowers102"])
def test_sample_memory_orders_generators_as_the_paper_does(dataset):
    def mean_memory(name):
        return sum(count_sample_memory(draw_named(name, seed)) for seed in range(8)) / 8

    rnag = "rnag-d" if dataset == "cifar10" else f"rnag-d-{dataset}"
    names = [f"{dataset}-bohb", f"{dataset}-mobo", rnag]
    ours = {name: mean_memory(name) for name in names}
    published = {name: NAMED[name].published_memory for name in names}
    assert sorted(names, key=ours.get) == sorted(names, key=published.get)
