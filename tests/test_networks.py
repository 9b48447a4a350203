"""Networks: what they compute, against a small interpreter and formulas in numpy."""

import io
import math
import random
from functools import cache

import numpy as np
import pytest
import torch
from draws import EVERYTHING, PAPER, SMALL, draw
from torch import nn

from nago.generators.architecture import CONVOLUTIONS, POOLINGS, Architecture
from nago.networks.build import Crossing, Head, Network, build_network, make_stem
from nago.networks.merges import AttentionSum, Concatenation, Single, WeightedSum, make_merge
from nago.networks.operations import make_operation

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


def interpret(architecture, network, images):
    """The logits by the definition of an architecture, node by node from the outputs back.

    Of the network only merges, operations, stem, head and 1x1 convolutions between widths are
    used; which node takes what, and the means, are worked out here.
    """
    cells = architecture.cells
    stem = network.stem(images)

    def outputs(nodes):
        return [
            place
            for place in range(len(nodes))
            if all(place not in later.inputs for later in nodes[place + 1 :])
        ]

    def mean(values):
        return sum(values[1:], values[0]) / len(values)

    def evaluate(nodes, modules, given):
        """A graph of nodes on its input, from its outputs back."""

        @cache
        def value(place):
            node, module = nodes[place], modules[place]
            merged = module.merge([value(source) for source in node.inputs] or [given])
            if hasattr(node, "operation"):
                return module.operation(merged)
            return evaluate(node.operations, module.nodes, merged)

        return mean([value(place) for place in outputs(nodes)])

    @cache
    def cell_value(place):
        cell, module = cells[place], network.cells[place]
        sources = [at_stage(source, cell.stage) for source in cell.inputs]
        merged = module.merge(sources or [at_stage(None, cell.stage)])
        return evaluate(cell.nodes, module.nodes, merged)

    def at_stage(source, stage):
        own = 0 if source is None else cells[source].stage
        x = stem if source is None else cell_value(source)
        if stage == own:
            return x
        name = f"{'stem' if source is None else source}_to_{stage}"
        x = nn.functional.avg_pool2d(x, 2 ** (stage - own))
        if architecture.widths[stage] == architecture.widths[own]:
            return x
        return nn.functional.conv2d(x, network.crossings[name].match.weight)

    last = len(architecture.widths) - 1
    return network.head(mean([at_stage(place, last) for place in outputs(cells)]))


@pytest.mark.parametrize("seed", range(24))
def test_a_network_computes_what_its_architecture_says(seed):
    size, channels = SIZES[seed % 4]
    settings = EVERYTHING
    if seed % 3 == 0:
        settings = type(PAPER)((1, 1, 1), (1, 1, 1), EVERYTHING.merges, EVERYTHING.operations)
    architecture = draw(seed, None, settings, size=size, channels=channels)
    network = randomise(build_network(architecture, seed)).eval()
    images = noise(2, channels, size, size)
    with torch.no_grad():
        logits = network(images)
        assert logits.shape == (2, 10)
        assert logits.isfinite().all()
        assert torch.equal(logits, interpret(architecture, network, images))


@pytest.mark.parametrize("seed", range(12))
def test_every_cell_has_the_width_and_resolution_of_its_stage(seed):
    size, channels = SIZES[seed % 4]
    architecture = draw(seed, size=size, channels=channels)
    network, shapes = build_network(architecture, 0), {}
    for place, cell in enumerate(network.cells):
        cell.register_forward_hook(
            lambda _, __, result, place=place: shapes.update({place: tuple(result.shape)})
        )
    network.stem.register_forward_hook(
        lambda _, __, result: shapes.update({"stem": tuple(result.shape)})
    )
    network(noise(2, channels, size, size))
    side = size if size < 40 else math.ceil(size / 4)
    assert shapes.pop("stem") == (2, architecture.widths[0], side, side)
    assert shapes == {
        place: (2, architecture.widths[cell.stage], side >> cell.stage, side >> cell.stage)
        for place, cell in enumerate(architecture.cells)
    }


def test_building_is_decided_by_architecture_and_seed_alone():
    architecture = draw(3, SMALL)
    torch.manual_seed(1)
    first = build_network(architecture, 7).state_dict()
    torch.manual_seed(2)
    second = build_network(Architecture.from_json(architecture.to_json()), 7).state_dict()
    other = build_network(architecture, 8).state_dict()
    assert list(first) == list(second)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["stem.0.weight"], other["stem.0.weight"])


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
    network.head.dropout.register_forward_hook(
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
    first = merge(inputs).detach().numpy()
    sigmoid_of_one = 1 / (1 + math.exp(-1))
    total = sum(x.numpy().astype(float) for x in inputs)
    np.testing.assert_allclose(first, sigmoid_of_one * total, rtol=1e-5, atol=1e-6)
    with torch.no_grad():
        merge.gates.copy_(torch.tensor([-2.0, 0.0, 3.0]))
    gates = [1 / (1 + math.exp(-w)) for w in (-2, 0, 3)]
    expected = sum(gate * x.numpy().astype(float) for gate, x in zip(gates, inputs, strict=True))
    np.testing.assert_allclose(merge(inputs).detach().numpy(), expected, rtol=1e-5, atol=1e-6)


def test_an_attention_sum_is_the_softmax_of_scores_of_each_samples_means():
    merge = randomise(AttentionSum(3, 4))
    inputs = [noise(5, 4, 6, 6, seed=seed) for seed in range(3)]
    weight, bias = merge.weight.detach().double().numpy(), merge.bias.detach().double().numpy()
    result = merge(inputs).detach().numpy()
    for sample in range(5):
        arrays = [x[sample].double().numpy() for x in inputs]
        scores = [x.mean((1, 2)) @ w + b for x, w, b in zip(arrays, weight, bias, strict=True)]
        shares = np.exp(scores) / np.exp(scores).sum()
        expected = sum(share * x for share, x in zip(shares, arrays, strict=True))
        np.testing.assert_allclose(result[sample], expected, rtol=1e-4, atol=1e-6)


def test_attention_weights_sum_to_one_and_start_equal():
    same = noise(3, 4, 5, 5)
    merged = randomise(AttentionSum(4, 4))([same] * 4)
    torch.testing.assert_close(merged, same)
    inputs = [noise(3, 4, 5, 5, seed=seed) for seed in range(4)]
    torch.testing.assert_close(AttentionSum(4, 4)(inputs), torch.stack(inputs).mean(0))


@pytest.mark.parametrize("training", [False, True])
def test_attention_to_one_sample_does_not_depend_on_the_others(training):
    merge = randomise(AttentionSum(3, 4)).train(training)
    inputs = [noise(6, 4, 5, 5, seed=seed) for seed in range(3)]
    alone = torch.cat([merge([x[[place]] for x in inputs]) for place in range(6)])
    torch.testing.assert_close(merge(inputs), alone)
    neighbours = [torch.cat([x[:1], 1e6 * x[1:]]) for x in inputs]
    torch.testing.assert_close(merge(neighbours)[:1], alone[:1])


@pytest.mark.parametrize("seed", range(4))
def test_a_networks_answer_in_evaluation_does_not_depend_on_the_batch(seed):
    network = randomise(build_network(draw(seed), 0)).eval().double()
    images = noise(4, 1, 8, 8).double()
    with torch.no_grad():
        together = network(images)
        alone = torch.cat([network(images[[place]]) for place in range(4)])
    torch.testing.assert_close(together, alone)


def test_a_concatenation_is_a_linear_map_of_all_channels_of_all_inputs():
    merge = Concatenation(3, 4)
    inputs = [noise(2, 4, 5, 5, seed=seed) for seed in range(3)]
    weight = merge.conv.weight.detach().numpy()[:, :, 0, 0]
    joined = np.concatenate([x.numpy() for x in inputs], axis=1)
    expected = np.einsum("oc,nchw->nohw", weight, joined)
    np.testing.assert_allclose(merge(inputs).detach().numpy(), expected, rtol=1e-4, atol=1e-5)


def test_a_single_input_is_passed_on_as_it_is():
    merge = make_merge(None, 1, 4)
    x = noise(2, 4, 3, 3)
    assert isinstance(merge, Single)
    assert merge([x]) is x
    assert list(merge.parameters()) == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [("sum", WeightedSum), ("attention", AttentionSum), ("concat", Concatenation)],
)
def test_merges_have_their_names_and_keep_the_shape(name, kind):
    merge = make_merge(name, 3, 4)
    assert type(merge) is kind
    assert merge([noise(2, 4, 7, 7)] * 3).shape == (2, 4, 7, 7)


@pytest.mark.parametrize("name", [*CONVOLUTIONS, *POOLINGS])
@pytest.mark.parametrize("side", [1, 2, 5, 8])
def test_operations_keep_the_shape(name, side):
    assert make_operation(name, 6)(noise(3, 6, side, side)).shape == (3, 6, side, side)


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_a_convolution_is_relu_then_kernel_then_norm(name):
    operation = randomise(make_operation(name, 3)).eval()
    height, width = (int(part) for part in name.removeprefix("conv").split("x"))
    x = noise(2, 3, 6, 7)
    weight = operation.conv.weight.detach().double().numpy()
    assert weight.shape == (3, 3, height, width)
    padding = ((0, 0), (0, 0), (height // 2,) * 2, (width // 2,) * 2)
    padded = np.pad(np.maximum(x.double().numpy(), 0), padding)
    expected = np.zeros((2, 3, 6, 7))
    for row in range(6):
        for column in range(7):
            window = padded[:, :, row : row + height, column : column + width]
            expected[:, :, row, column] = np.einsum("ochw,nchw->no", weight, window)
    norm = operation.norm
    mean, variance, scale, shift = (
        values.detach().double().numpy()[:, None, None]
        for values in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    )
    expected = (expected - mean) / np.sqrt(variance + 1e-5) * scale + shift
    np.testing.assert_allclose(operation(x).detach().numpy(), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", POOLINGS)
@pytest.mark.parametrize("side", [1, 2, 6])
def test_an_average_pooling_takes_only_pixels_of_the_image(name, side):
    reach = int(name[-1]) // 2
    x = noise(2, 3, side, side)
    array, expected = x.double().numpy(), np.zeros((2, 3, side, side))
    for row in range(side):
        for column in range(side):
            rows = slice(max(0, row - reach), row + reach + 1)
            columns = slice(max(0, column - reach), column + reach + 1)
            expected[:, :, row, column] = array[:, :, rows, columns].mean((2, 3))
    np.testing.assert_allclose(make_operation(name, 3)(x).numpy(), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("steps", "side"), [(1, 8), (2, 8), (1, 7), (2, 7)])
def test_a_crossing_averages_blocks_and_matches_the_width(steps, side):
    x, block = noise(2, 3, side, side), 2**steps
    small = side // block
    blocks = x.numpy()[:, :, : small * block, : small * block]
    expected = blocks.reshape(2, 3, small, block, small, block).mean((3, 5))
    same = Crossing(steps, 3, 3)
    assert list(same.parameters()) == []
    np.testing.assert_allclose(same(x).numpy(), expected, rtol=1e-4, atol=1e-6)
    wider = Crossing(steps, 3, 5)
    weight = wider.match.weight.detach().numpy()[:, :, 0, 0]
    expected = np.einsum("oc,nchw->nohw", weight, expected)
    np.testing.assert_allclose(wider(x).detach().numpy(), expected, rtol=1e-4, atol=1e-6)


def test_stems_are_those_of_small_and_large_images():
    def layers(stem):
        return [type(layer).__name__ for layer in stem]

    small, large = make_stem(39, 3, 8), make_stem(40, 3, 8)
    assert layers(small) == ["Conv2d", "BatchNorm2d", "ReLU", "Conv2d", "BatchNorm2d"]
    separable = ["Conv2d", "Conv2d", "BatchNorm2d"]
    assert layers(large) == [*separable, "ReLU", *separable]
    shapes = [
        (m.in_channels, m.out_channels, m.groups, m.stride[0])
        for m in large
        if hasattr(m, "groups")
    ]
    assert shapes == [(3, 3, 3, 2), (3, 4, 1, 1), (4, 4, 4, 2), (4, 8, 1, 1)]
    assert small(noise(2, 3, 39, 39)).shape == (2, 8, 39, 39)
    assert large(noise(2, 3, 41, 41)).shape == (2, 8, 11, 11)


def test_the_head_is_relu_linear_norm_relu_mean_linear():
    head = randomise(Head(3, 6, 4)).eval()
    x = noise(2, 3, 5, 5)
    y = torch.einsum("oc,nchw->nohw", head.conv.weight[:, :, 0, 0], x.clamp(min=0))
    norm = head.norm
    scale = norm.weight / (norm.running_var + 1e-5).sqrt()
    y = (y - norm.running_mean[:, None, None]) * scale[:, None, None] + norm.bias[:, None, None]
    expected = y.clamp(min=0).mean((2, 3)) @ head.classifier.weight.T + head.classifier.bias
    torch.testing.assert_close(head(x), expected)


def test_crossings_are_made_once_for_each_later_stage_that_takes_an_output():
    architecture = draw(5, SMALL | {"top_nodes": 10, "top_k": 5, "top_p": 0.9})
    takers = {}
    for cell in architecture.cells:
        for source in cell.inputs:
            if architecture.cells[source].stage < cell.stage:
                takers.setdefault((source, cell.stage), []).append(cell)
    assert max(len(cells) for cells in takers.values()) > 1
    named = {f"{source}_to_{stage}" for source, stage in takers}
    assert named <= set(Network(architecture).crossings)
