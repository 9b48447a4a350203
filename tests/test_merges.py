"""Merges and steps that write in place: values, gradients, layouts, against plain torch."""

import copy
import random

import pytest
import torch
from draws import SPACES, draw, draw_configuration, own_settings
from torch import nn
from torch.nn import functional

from nago.networks import build
from nago.networks.build import build_network
from nago.networks.merges import AttentionSum, WeightedSum, blend

LAYOUTS = [torch.contiguous_format, torch.channels_last]


def noise(*shape, seed=0, dtype=torch.float32):
    rng = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=rng, dtype=torch.float64).to(dtype)


def make_inputs(number, layout=torch.contiguous_format, dtype=torch.float64):
    return [
        noise(2, 3, 4, 5, seed=seed, dtype=dtype).contiguous(memory_format=layout).requires_grad_()
        for seed in range(number)
    ]


def plain_sum(weights, inputs):
    """The definition, as torch's own broadcast products."""
    shape = (*weights.shape, *[1] * (5 - weights.dim()))
    return (torch.stack(list(inputs)) * weights.view(shape)).sum(0)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("own", [False, True], ids=["for-all", "per-sample"])
@pytest.mark.parametrize("number", [1, 2, 5])
def test_a_blends_gradients_are_those_of_finite_differences(number, own, layout):
    weights = noise(*((number, 2) if own else (number,)), seed=9, dtype=torch.float64)
    inputs = make_inputs(number, layout)
    torch.testing.assert_close(blend(weights, tuple(inputs)), plain_sum(weights, inputs))
    assert torch.autograd.gradcheck(
        lambda weights, *inputs: blend(weights, inputs), (weights.requires_grad_(), *inputs)
    )


@pytest.mark.parametrize("still", range(4))
def test_a_blend_gives_gradients_to_what_needs_one_alone(still):
    weights, inputs = noise(3, seed=9, dtype=torch.float64).requires_grad_(), make_inputs(3)
    given = [weights, *inputs]
    given[still].requires_grad_(False)
    moving = [tensor for tensor in given if tensor.requires_grad]
    found = torch.autograd.grad(blend(weights, tuple(inputs)).square().sum(), moving)
    expected = torch.autograd.grad(plain_sum(weights, inputs).square().sum(), moving)
    for gradient, other in zip(found, expected, strict=True):
        torch.testing.assert_close(gradient, other)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_an_input_that_comes_twice_and_gradients_of_another_layout_count_right(layout):
    weights, (x, y) = (
        noise(3, seed=9, dtype=torch.float64).requires_grad_(),
        make_inputs(2, layout),
    )
    spread = noise(2, 3, 1, 1, seed=4, dtype=torch.float64).expand(2, 3, 4, 5)
    found = torch.autograd.grad(blend(weights, (x, y, x)), [weights, x, y], spread)
    expected = torch.autograd.grad(plain_sum(weights, (x, y, x)), [weights, x, y], spread)
    for gradient, other in zip(found, expected, strict=True):
        torch.testing.assert_close(gradient, other)


@pytest.mark.parametrize("make", [lambda: WeightedSum(3), lambda: AttentionSum(3, 3)])
def test_merges_in_mixed_precision_stay_narrow_and_near_the_wide_ones(make):
    merge = make()
    wide = make_inputs(3, dtype=torch.float32)
    narrow = [x.detach().bfloat16().requires_grad_() for x in wide]
    with torch.autocast("cpu", torch.bfloat16):
        result = merge(*narrow)
    assert result.dtype == torch.bfloat16
    expected = merge(*wide)
    torch.testing.assert_close(result.float(), expected, rtol=0.03, atol=0.03)
    parameters = list(merge.parameters())
    found = torch.autograd.grad(result.float().square().sum(), [*parameters, *narrow])
    others = torch.autograd.grad(expected.square().sum(), [*parameters, *wide])
    assert [gradient.dtype for gradient in found[len(parameters) :]] == [torch.bfloat16] * 3
    for gradient, other in zip(found, others, strict=True):
        scale = other.abs().max().item()
        torch.testing.assert_close(gradient.float(), other, rtol=0.05, atol=0.05 * scale)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("merge", [WeightedSum(3), AttentionSum(3, 3), build._add, build._mean])
def test_merges_keep_the_layout_of_their_inputs_forward_and_backward(merge, layout):
    inputs = make_inputs(3, layout, torch.float32)
    result = merge(*inputs)
    assert result.is_contiguous(memory_format=layout)
    gradient = torch.ones_like(result)
    for found in torch.autograd.grad(result, inputs, gradient):
        assert found.is_contiguous(memory_format=layout)


class PlainSum(nn.Module):
    """A weighted or attention sum by torch's own operations."""

    def __init__(self, merge):
        super().__init__()
        self.merge = merge

    def forward(self, *inputs):
        if isinstance(self.merge, WeightedSum):
            return plain_sum(self.merge.gates.sigmoid(), inputs)
        means = torch.stack([x.mean((2, 3)) for x in inputs])
        scores = (means * self.merge.weight[:, None]).sum(2) + self.merge.bias[:, None]
        return plain_sum(scores.softmax(0), inputs)


def make_plain(network):
    """A copy with chains of torch's own operations, none of which writes in place."""
    plain = copy.deepcopy(network)
    for name, layer in plain.layers.items():
        if isinstance(layer, WeightedSum | AttentionSum):
            plain.layers[name] = PlainSum(layer)
    replaced = {
        functional.relu_: functional.relu,
        build._add: lambda *inputs: sum(inputs[1:], inputs[0]),
        build._mean: lambda *inputs: sum(inputs[1:], inputs[0]) / len(inputs),
    }
    plain._steps = [
        (inputs, replaced.get(function, function), done) for inputs, function, done in plain._steps
    ]
    return plain


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("generator", "space"), SPACES)
def test_outputs_and_gradients_in_training_are_those_of_plain_operations(generator, space, seed):
    layout = LAYOUTS[seed // 2]
    settings = own_settings(generator, everything=seed % 2 == 0)
    configuration = draw_configuration(random.Random(seed), generator, space)
    options = {"generator": generator, "size": 8, "channels": 3, "limit": 300_000}
    network = build_network(draw(seed, configuration, settings, **options), seed).double()
    plain = make_plain(network)
    images = noise(3, 3, 8, 8, dtype=torch.float64).contiguous(memory_format=layout)
    results = []
    for module in (network, plain):
        module.to(memory_format=layout).train()
        own = images.clone().requires_grad_()
        torch.manual_seed(0)  # of the dropout
        logits = module(own)
        functional.cross_entropy(logits, torch.tensor([0, 1, 2])).backward()
        results.append([logits, own.grad, *[parameter.grad for parameter in module.parameters()]])
    for found, expected in zip(*results, strict=True):
        # Hundreds of norms over few pixels blow a rounding up: in a network one channel wide the
        # last digit of the images moves a gradient by 2e-5 of itself, in one two wide by 1e-10.
        scale = 1e-6 * expected.abs().max().item()
        torch.testing.assert_close(found, expected, rtol=1e-6, atol=scale + 1e-12)


def test_a_network_writes_into_neither_its_images_nor_the_stems_output():
    for seed in range(6):
        network = build_network(draw(seed), 0).train()
        images = noise(2, 1, 8, 8)
        before = images.clone()
        x = network.stem(images).detach()
        kept = x.clone()
        network.trunk(x)
        network(images)
        assert torch.equal(images, before)
        assert torch.equal(x, kept)
