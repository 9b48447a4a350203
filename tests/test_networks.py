"""Networks: what they compute, against a small interpreter and formulas in numpy."""

import dataclasses
import io
import math
import random
from functools import cache

import numpy as np
import pytest
import torch
from draws import PAPER, SMALL, SPACES, draw, draw_configuration, own_settings
from torch import nn
from torch.nn import functional

from nago.generators.architecture import CONVOLUTIONS, POOLINGS, SEPARABLES, Architecture
from nago.generators.ends import write_head, write_stem
from nago.generators.operations import write_operation
from nago.generators.program import FIXED, Channels, Program, Writer
from nago.networks.build import Interpreter, Network, build_network
from nago.networks.merges import AttentionSum, WeightedSum

SIZES = [(8, 1), (13, 3), (32, 3), (45, 1)]


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def randomise(network, seed=0):
    """Give every parameter and statistic a value of its own, gates and attention included."""
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=rng))
        for name, buffer in network.named_buffers():
            if "running" in name:
                buffer.add_(torch.rand(buffer.shape, generator=rng))
    return network


class Definition:
    """The logits by the definition of an architecture, node by node from the outputs back.

    Of the network only what was learnt is used, by name; what each node takes and computes is
    worked out here.
    """

    def __init__(self, architecture, network, images):
        self.architecture, self.layers = architecture, network.layers
        self.cells, self.stem = architecture.cells, network.stem(images)

    def logits(self):
        x = getattr(self, self.architecture.generator)()
        x = self.norm("head", self.conv("head", x.relu()))
        linear = self.layers["head-classifier"].linear
        return functional.linear(x.relu().mean((2, 3)), linear.weight, linear.bias)

    def conv(self, name, x, **options):
        return functional.conv2d(x, self.layers[f"{name}-conv"].weight, **options)

    def norm(self, name, x):
        norm = self.layers[f"{name}-norm"]
        given = norm.running_mean, norm.running_var, norm.weight, norm.bias
        return functional.batch_norm(x, *given)

    def operate(self, name, kind, x, stride=1):
        if kind == "skip" and stride == 1:
            return x
        sides = [int(side) for side in kind[-3:].split("x")] if kind != "skip" else [1, 1]
        reach = [side // 2 for side in sides]
        if "pool" in kind:
            if kind.startswith("max"):
                return functional.max_pool2d(x, sides, stride, reach)
            options = {"stride": stride, "padding": reach, "count_include_pad": False}
            return functional.avg_pool2d(x, sides, **options)
        if "sep" not in kind and "dil" not in kind:
            x = self.conv(name, x.relu(), stride=stride, padding=reach)
            return self.norm(name, x)
        dilation = 2 if "dil" in kind else 1
        names = [f"{name}-1", f"{name}-2"] if "double" in kind else [name]
        for part in names:
            options = {"stride": stride, "padding": dilation * reach[0], "dilation": dilation}
            x = self.conv(f"{part}-depthwise", x.relu(), groups=x.shape[1], **options)
            x = self.norm(part, self.conv(f"{part}-pointwise", x))
            stride = 1
        return x

    def merge(self, name, kind, inputs):
        if kind is None:
            return inputs[0]
        if kind == "concat":
            return self.conv(f"{name}-merge", torch.cat(inputs, 1))
        return self.layers[f"{name}-merge"](*inputs)

    def graph(self, name, nodes, given, stride=1):
        """A graph of nodes on its input, from its outputs back."""
        letter = "o" if hasattr(nodes[0], "operation") else "n"

        @cache
        def value(place):
            node, own = nodes[place], f"{name}-{letter}{place}"
            x = self.merge(own, node.merge, [value(s) for s in node.inputs] or [given])
            if letter == "o":
                return self.operate(own, node.operation, x, 1 if node.inputs else stride)
            return self.graph(own, node.operations, x)

        return mean([value(place) for place in outputs(nodes)])

    def hnag(self):
        widths = self.architecture.widths

        @cache
        def cell_value(place):
            cell, name = self.cells[place], f"c{place}"
            sources = [at_stage(source, cell.stage) for source in cell.inputs]
            x = self.merge(name, cell.merge, sources or [at_stage(None, cell.stage)])
            return self.graph(name, cell.nodes, x)

        def at_stage(source, stage):
            own = 0 if source is None else self.cells[source].stage
            x = self.stem if source is None else cell_value(source)
            if stage == own:
                return x
            x = functional.avg_pool2d(x, 2 ** (stage - own))
            if widths[stage] == widths[own]:
                return x
            name = f"{'stem' if source is None else f'c{source}'}-to-{stage}-match"
            return functional.conv2d(x, self.layers[name].weight)

        return mean([at_stage(place, len(widths) - 1) for place in outputs(self.cells)])

    def rnag(self):
        x = self.stem
        for place, cell in enumerate(self.cells):
            x = self.graph(f"c{place}-n0", cell.nodes[0].operations, x, stride=2)
        return x

    def darts(self):
        before = [self.stem, self.stem]
        for place, cell in enumerate(self.cells):
            name, stride = f"c{place}", 2 if place in (2, 5) else 1
            values = {}
            for number, x in enumerate(before):
                step = 2 if x.shape[2] > before[1].shape[2] else 1
                own = f"{name}-in{number}"
                values[number - 2] = self.norm(own, self.conv(own, x.relu(), stride=step))
            for number, node in enumerate(cell.nodes):
                values[number] = sum(
                    self.operate(
                        f"{name}-n{number}-o{k}",
                        operation.operation,
                        values[source],
                        stride if source < 0 else 1,
                    )
                    for k, (source, operation) in enumerate(
                        zip(node.inputs, node.operations, strict=True)
                    )
                )
            before = [before[1], torch.cat([values[number] for number in range(4)], 1)]
        return before[1]


def outputs(nodes):
    return [
        place
        for place in range(len(nodes))
        if all(place not in later.inputs for later in nodes[place + 1 :])
    ]


def mean(values):
    return sum(values[1:], values[0]) / len(values)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize(("generator", "space"), SPACES)
def test_a_network_computes_what_its_architecture_says(generator, space, seed):
    size, channels = SIZES[seed % 4]
    settings = own_settings(generator, everything=seed % 2 == 0)
    if seed % 3 == 0:
        settings = dataclasses.replace(settings, channel_ratios=(1, 1, 1))
    configuration = draw_configuration(random.Random(seed), generator, space)
    options = {"generator": generator, "size": size, "channels": channels, "limit": 200_000}
    architecture = draw(seed, configuration, settings, **options)
    network = randomise(build_network(architecture, seed)).eval()
    images = noise(2, channels, size, size)
    with torch.no_grad():
        logits = network(images)
        assert logits.shape == (2, 10)
        assert logits.isfinite().all()
        expected = Definition(architecture, network, images).logits()
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-5)


def test_building_is_decided_by_architecture_and_seed_alone():
    architecture = draw(3, SMALL)
    torch.manual_seed(1)
    first = build_network(architecture, 7).state_dict()
    torch.manual_seed(2)
    second = build_network(Architecture.from_json(architecture.to_json()), 7).state_dict()
    other = build_network(architecture, 8).state_dict()
    assert list(first) == list(second)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["layers.stem-1-conv.weight"], other["layers.stem-1-conv.weight"])


def test_building_leaves_all_global_random_states_as_they_were():
    torch.manual_seed(5)
    random.seed(5)
    np.random.seed(5)  # noqa: NPY002

    def states():
        numpys = np.random.get_state()[1].tolist()  # noqa: NPY002
        return torch.get_rng_state().tolist(), random.getstate(), numpys

    before = states()
    build_network(draw(3), 7)
    assert states() == before


def test_a_network_survives_torch_save_as_a_module_and_as_weights():
    architecture = draw(2)
    network = randomise(build_network(architecture, 1)).eval()
    images = noise(2, 1, 8, 8)
    expected = network(images)
    whole, weights = io.BytesIO(), io.BytesIO()
    torch.save(network, whole)
    torch.save(network.state_dict(), weights)
    again = torch.load(io.BytesIO(whole.getvalue()), weights_only=False)
    assert torch.equal(again(images), expected)
    # From the JSON alone, with other first weights.
    rebuilt = build_network(Architecture.from_json(architecture.to_json()), 99)
    rebuilt.load_state_dict(torch.load(io.BytesIO(weights.getvalue()), weights_only=True))
    assert torch.equal(rebuilt.eval()(images), expected)


@pytest.mark.parametrize("size", [32, 64])
def test_convolutions_start_kaiming_normal_by_fan_out(size):
    network = build_network(draw(1, SMALL, size=size, channels=3, limit=2_000_000), 0)
    convolutions = [module for module in network.modules() if isinstance(module, nn.Conv2d)]
    assert len(convolutions) > 20
    for module in convolutions:
        weight = module.weight.detach().double()
        expected = math.sqrt(2 / (weight.shape[0] * weight.shape[2] * weight.shape[3]))
        # A sample of n has its deviation within 5 / sqrt(2 n) of the law's, all but never not.
        tolerance = 5 / math.sqrt(2 * weight.numel())
        assert weight.square().mean().sqrt() == pytest.approx(expected, rel=tolerance)
        assert weight.mean().abs() < 5 * expected / math.sqrt(weight.numel())
        assert module.bias is None


def test_other_parameters_start_neutral():
    network = build_network(draw(1), 0)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert (module.weight == 1).all()
            assert (module.bias == 0).all()
        if isinstance(module, WeightedSum):
            assert (module.gates == 1).all()
        if isinstance(module, AttentionSum):
            assert not module.weight.any()
            assert not module.bias.any()


def test_dropout_is_for_training_only():
    network = build_network(draw(1, SMALL), 0)
    images = noise(4, 1, 8, 8)
    dropped = []
    network.layers["head-classifier"].dropout.register_forward_hook(
        lambda _, given, result: dropped.append((given[0], result))
    )
    torch.manual_seed(0)
    network(torch.cat([images] * 64))
    before, after = dropped.pop()
    share = ((after == 0) & (before != 0)).sum() / (before != 0).sum()
    assert share.item() == pytest.approx(0.2, abs=0.02)
    network.eval()
    assert torch.equal(network(images), network(images))


def test_a_weighted_sum_is_the_sum_of_inputs_times_sigmoids():
    merge = WeightedSum(3)
    inputs = [noise(2, 4, 5, 5, seed=seed) for seed in range(3)]
    first = merge(*inputs).detach().numpy()
    sigmoid_of_one = 1 / (1 + math.exp(-1))
    total = sum(x.numpy().astype(float) for x in inputs)
    np.testing.assert_allclose(first, sigmoid_of_one * total, rtol=1e-5, atol=1e-6)
    with torch.no_grad():
        merge.gates.copy_(torch.tensor([-2.0, 0.0, 3.0]))
    gates = [1 / (1 + math.exp(-w)) for w in (-2, 0, 3)]
    expected = sum(gate * x.numpy().astype(float) for gate, x in zip(gates, inputs, strict=True))
    np.testing.assert_allclose(merge(*inputs).detach().numpy(), expected, rtol=1e-5, atol=1e-6)


def test_an_attention_sum_is_the_softmax_of_scores_of_each_samples_means():
    merge = randomise(AttentionSum(3, 4))
    inputs = [noise(5, 4, 6, 6, seed=seed) for seed in range(3)]
    weight, bias = merge.weight.detach().double().numpy(), merge.bias.detach().double().numpy()
    result = merge(*inputs).detach().numpy()
    for sample in range(5):
        arrays = [x[sample].double().numpy() for x in inputs]
        scores = [x.mean((1, 2)) @ w + b for x, w, b in zip(arrays, weight, bias, strict=True)]
        shares = np.exp(scores) / np.exp(scores).sum()
        expected = sum(share * x for share, x in zip(shares, arrays, strict=True))
        np.testing.assert_allclose(result[sample], expected, rtol=1e-4, atol=1e-6)


def test_attention_weights_sum_to_one_and_start_equal():
    same = noise(3, 4, 5, 5)
    merged = randomise(AttentionSum(4, 4))(*[same] * 4)
    torch.testing.assert_close(merged, same)
    inputs = [noise(3, 4, 5, 5, seed=seed) for seed in range(4)]
    torch.testing.assert_close(AttentionSum(4, 4)(*inputs), torch.stack(inputs).mean(0))


@pytest.mark.parametrize("training", [False, True])
def test_attention_to_one_sample_does_not_depend_on_the_others(training):
    merge = randomise(AttentionSum(3, 4)).train(training)
    inputs = [noise(6, 4, 5, 5, seed=seed) for seed in range(3)]
    alone = torch.cat([merge(*[x[[place]] for x in inputs]) for place in range(6)])
    torch.testing.assert_close(merge(*inputs), alone)
    neighbours = [torch.cat([x[:1], 1e6 * x[1:]]) for x in inputs]
    torch.testing.assert_close(merge(*neighbours)[:1], alone[:1])


@pytest.mark.parametrize("seed", range(4))
def test_a_networks_answer_in_evaluation_does_not_depend_on_the_batch(seed):
    network = randomise(build_network(draw(seed), 0)).eval().double()
    images = noise(4, 1, 8, 8).double()
    with torch.no_grad():
        together = network(images)
        alone = torch.cat([network(images[[place]]) for place in range(4)])
    torch.testing.assert_close(together, alone)


def run(write, channels=3, side=6, width=4):
    """A module that runs what `write` writes on images; stage 0 is `width` wide."""
    writer = Writer(side, channels)
    write(writer, writer.image)
    module = Interpreter(Program(tuple(writer.steps), trunk=1), (width, 2 * width))
    return randomise(module).eval()


def operate(name, channels=3, side=6, stride=1):
    own = Channels(FIXED, channels)
    return run(lambda w, x: write_operation(w, "o", name, x, own, stride=stride), channels, side)


def numpy_of(tensor):
    return tensor.detach().double().numpy()


def test_a_concatenation_is_a_linear_map_of_all_channels_of_all_inputs():
    module = run(lambda w, x: w.merge("m", [w.rectify(x), x, w.rectify(x)], "concat"))
    x = noise(2, 3, 6, 6)
    weight = numpy_of(module.layers["m-merge-conv"].weight)[:, :, 0, 0]
    assert weight.shape == (3, 9)
    positive = np.maximum(numpy_of(x), 0)
    joined = np.concatenate([positive, numpy_of(x), positive], axis=1)
    expected = np.einsum("oc,nchw->nohw", weight, joined)
    np.testing.assert_allclose(numpy_of(module(x)), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("merge", [None, "sum", "attention", "concat", "add"])
def test_a_merge_of_one_input_is_no_step(merge):
    writer = Writer(6, 3)
    assert writer.merge("m", [writer.image], merge) == writer.image
    assert len(writer.steps) == 1


def test_an_addition_and_a_mean_are_those_of_their_inputs():
    x = noise(2, 3, 6, 6)
    both = [numpy_of(x), np.maximum(numpy_of(x), 0)]
    added = run(lambda w, x: w.merge("m", [x, w.rectify(x)], "add"))
    np.testing.assert_allclose(numpy_of(added(x)), sum(both), rtol=1e-6)
    averaged = run(lambda w, x: w.mean([x, w.rectify(x)]))
    np.testing.assert_allclose(numpy_of(averaged(x)), sum(both) / 2, rtol=1e-6)
    assert list(added.parameters()) == list(averaged.parameters()) == []


@pytest.mark.parametrize("name", [*CONVOLUTIONS, *POOLINGS, *SEPARABLES, "skip"])
@pytest.mark.parametrize("side", [1, 2, 5, 8])
def test_operations_keep_the_shape_and_halve_it_with_stride_2(name, side):
    if name != "skip":  # which without a stride is no step at all
        assert operate(name, 6, side)(noise(3, 6, side, side)).shape == (3, 6, side, side)
    half = math.ceil(side / 2)
    assert operate(name, 6, side, 2)(noise(3, 6, side, side)).shape == (3, 6, half, half)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_a_convolution_is_relu_then_kernel_then_norm(name, stride):
    module, side = operate(name, stride=stride), 6
    height, width = (int(part) for part in name.removeprefix("conv").split("x"))
    x = noise(2, 3, side, side)
    weight = numpy_of(module.layers["o-conv"].weight)
    assert weight.shape == (3, 3, height, width)
    padding = ((0, 0), (0, 0), (height // 2,) * 2, (width // 2,) * 2)
    padded = np.pad(np.maximum(numpy_of(x), 0), padding)
    expected = np.zeros((2, 3, side, side))
    for row in range(side):
        for column in range(side):
            window = padded[:, :, row : row + height, column : column + width]
            expected[:, :, row, column] = np.einsum("ochw,nchw->no", weight, window)
    norm = module.layers["o-norm"]
    mean, variance, scale, shift = (
        numpy_of(values)[:, None, None]
        for values in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    )
    expected = (expected - mean) / np.sqrt(variance + 1e-5) * scale + shift
    result = numpy_of(module(x))
    np.testing.assert_allclose(result, expected[:, :, ::stride, ::stride], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("name", "reach"), [("sepconv3x3", 1), ("dilconv3x3", 2)])
def test_a_separable_convolution_mixes_pixels_first_and_channels_then(name, reach):
    module, x = operate(name), noise(2, 3, 6, 6)
    depthwise = numpy_of(module.layers["o-depthwise-conv"].weight)
    pointwise = numpy_of(module.layers["o-pointwise-conv"].weight)[:, :, 0, 0]
    assert depthwise.shape == (3, 1, 3, 3)
    padded = np.pad(np.maximum(numpy_of(x), 0), ((0, 0), (0, 0), (reach, reach), (reach, reach)))
    mixed = np.zeros((2, 3, 6, 6))
    for row in range(3):
        for column in range(3):
            top, left = row * reach, column * reach
            shifted = padded[:, :, top : top + 6, left : left + 6]
            mixed += depthwise[:, 0, row, column][None, :, None, None] * shifted
    norm = module.layers["o-norm"]
    expected = norm(torch.from_numpy(np.einsum("oc,nchw->nohw", pointwise, mixed)).float())
    np.testing.assert_allclose(numpy_of(module(x)), numpy_of(expected), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("name", POOLINGS)
@pytest.mark.parametrize("side", [1, 2, 6])
def test_a_pooling_takes_only_pixels_of_the_image(name, side, stride):
    reach, reduce = int(name[-1]) // 2, np.max if name.startswith("max") else np.mean
    x = noise(2, 3, side, side)
    array, expected = numpy_of(x), np.zeros((2, 3, side, side))
    for row in range(side):
        for column in range(side):
            rows = slice(max(0, row - reach), row + reach + 1)
            columns = slice(max(0, column - reach), column + reach + 1)
            expected[:, :, row, column] = reduce(array[:, :, rows, columns], axis=(2, 3))
    result = numpy_of(operate(name, 3, side, stride)(x))
    np.testing.assert_allclose(result, expected[:, :, ::stride, ::stride], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("steps", "side"), [(1, 8), (2, 8), (1, 7), (2, 7)])
def test_a_way_to_a_later_stage_averages_blocks_and_matches_the_width(steps, side):
    x, block = noise(2, 3, side, side), 2**steps
    small = side // block
    blocks = x.numpy()[:, :, : small * block, : small * block]
    expected = blocks.reshape(2, 3, small, block, small, block).mean((3, 5))
    same = run(lambda w, x: w.bring("b", x, steps, Channels(FIXED, 3)), side=side)
    assert list(same.parameters()) == []
    np.testing.assert_allclose(same(x).numpy(), expected, rtol=1e-4, atol=1e-6)
    wider = run(lambda w, x: w.bring("b", x, steps, Channels(FIXED, 5)), side=side)
    weight = wider.layers["b-match"].weight.detach().numpy()[:, :, 0, 0]
    expected = np.einsum("oc,nchw->nohw", weight, expected)
    np.testing.assert_allclose(numpy_of(wider(x)), expected, rtol=1e-4, atol=1e-6)


def test_stems_are_those_of_small_and_large_images():
    small = run(lambda w, _: write_stem(w, 39), side=39, width=8)
    large = run(lambda w, _: write_stem(w, 41), side=41, width=8)
    assert [name[-4:] for name in small.layers] == ["conv", "norm"] * 2
    assert [name[-4:] for name in large.layers] == ["conv", "conv", "norm"] * 2
    shapes = [
        (m.in_channels, m.out_channels, m.groups, m.stride[0])
        for m in large.layers.values()
        if hasattr(m, "groups")
    ]
    assert shapes == [(3, 3, 3, 2), (3, 4, 1, 1), (4, 4, 4, 2), (4, 8, 1, 1)]
    assert small(noise(2, 3, 39, 39)).shape == (2, 8, 39, 39)
    assert large(noise(2, 3, 41, 41)).shape == (2, 8, 11, 11)


def test_the_head_is_relu_linear_norm_relu_mean_linear():
    head = run(lambda w, x: write_head(w, x, 0, 6, 4), side=5)
    x, layers = noise(2, 3, 5, 5), head.layers
    y = torch.einsum("oc,nchw->nohw", layers["head-conv"].weight[:, :, 0, 0], x.clamp(min=0))
    norm, linear = layers["head-norm"], layers["head-classifier"].linear
    scale = norm.weight / (norm.running_var + 1e-5).sqrt()
    y = (y - norm.running_mean[:, None, None]) * scale[:, None, None] + norm.bias[:, None, None]
    expected = y.clamp(min=0).mean((2, 3)) @ linear.weight.T + linear.bias
    torch.testing.assert_close(head(x), expected)


def test_an_output_is_brought_to_a_later_stage_once_however_many_cells_take_it():
    architecture = draw(5, SMALL | {"top_nodes": 10, "top_k": 5, "top_p": 0.9})
    takers = {}
    for cell in architecture.cells:
        for source in cell.inputs:
            if architecture.cells[source].stage < cell.stage:
                takers.setdefault((source, cell.stage), []).append(cell)
    assert max(len(cells) for cells in takers.values()) > 1
    layers = Network(architecture).layers  # by name, and a name can't come twice
    assert {f"c{source}-to-{stage}-match" for source, stage in takers} <= set(layers)


def test_what_several_nodes_rectify_is_rectified_once():
    writer = Writer(6, 3)
    assert writer.rectify(writer.image) == writer.rectify(writer.image)


def test_results_that_no_later_step_takes_are_let_go():
    architecture = draw(0, SMALL, PAPER)
    network, alive = build_network(architecture, 0).eval(), []
    results = {0: noise(2, 1, 8, 8)}
    with torch.no_grad():
        for place in range(1, len(network._steps)):
            network._run(results, [place])
            alive.append(len(results))
    assert len(results) == 1
    assert max(alive) < len(alive) / 4
