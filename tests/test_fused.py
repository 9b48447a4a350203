"""The fused pass: its kernels and whole networks against the same in double precision."""

import copy
import dataclasses
import io
import math
import random

import pytest
import torch
from draws import SPACES, draw, draw_configuration, own_settings
from torch import nn
from torch.nn import functional

from nago.generators.program import Channels, Program, Writer
from nago.networks.build import Interpreter, build_network
from nago.networks.fused import kernels
from nago.networks.fused.training_pass import fuse

SHAPES = [
    (3, 1, 5, 5),
    (2, 3, 7, 7),
    (16, 18, 16, 16),
    (4, 16, 8, 8),
    (5, 22, 13, 13),
    (9, 33, 6, 6),
    (2, 130, 5, 5),
    (2, 2060, 3, 3),
    (2, 64, 1, 1),
    (40, 24, 32, 32),
]
"""Channels that fill vectors and that don't, rows that make whole groups and blocks or don't."""


def noise(*shape, seed=0, scale=1.0, shift=0.0):
    rng = torch.Generator().manual_seed(seed)
    x = torch.randn(*shape, generator=rng) * scale + shift
    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x


def addresses(tensors):
    return [0 if x is None else x.data_ptr() for x in tensors]


def rows_of(x):
    return x.numel() // x.shape[1]


def assert_near(found, expected, tolerance=2e-6):
    """Within a few roundings of float32, of the largest number."""
    assert found.dtype == torch.float32
    distance = (found.double() - expected).abs().max()
    assert distance <= tolerance * max(expected.abs().max(), 1e-30)


# ---- kernels ----


def measure(x, norm, threads=1):
    """Return the affine and the inverse deviation of a norm, and move its statistics."""
    channels = x.shape[1]
    affine = torch.full((4, channels), math.nan)
    kernels.measure_norm(
        rows_of(x),
        channels,
        x.data_ptr(),
        norm.weight.data_ptr(),
        norm.bias.data_ptr(),
        norm.eps,
        norm.momentum,
        affine.data_ptr(),
        affine[3].data_ptr(),
        norm.running_mean.data_ptr(),
        norm.running_var.data_ptr(),
        norm.num_batches_tracked.data_ptr(),
        threads,
    )
    return affine


def make_norm(channels):
    norm = nn.BatchNorm2d(channels)
    with torch.no_grad():
        norm.weight.copy_(noise(channels, seed=5))
        norm.bias.copy_(noise(channels, seed=6))
    return norm


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_statistics_are_those_of_torch_in_double_precision(shape):
    x = noise(*shape, scale=2, shift=7)
    norm = make_norm(shape[1])
    wide = copy.deepcopy(norm).double()
    mean, scale, shift, inverse = measure(x, norm)
    wide(x.double())
    flat = x.double().transpose(0, 1).flatten(1)
    expected = (flat.var(1, correction=0) + norm.eps).rsqrt()
    assert_near(mean, flat.mean(1))
    assert_near(inverse, expected)
    assert_near(scale, expected * wide.weight.detach())
    assert torch.equal(shift, norm.bias)
    assert_near(norm.running_mean, wide.running_mean)
    assert_near(norm.running_var, wide.running_var)
    assert norm.num_batches_tracked == 1


def test_a_spread_that_is_small_beside_its_mean_isnt_lost():
    # The difference of the mean square and the square of the mean would have no digit left.
    x = noise(16, 18, 32, 32, scale=0.1, shift=1000)
    affine = measure(x, make_norm(18))
    expected = x.double().transpose(0, 1).flatten(1).var(1, correction=0).add(1e-5).rsqrt()
    torch.testing.assert_close(affine[3].double(), expected, rtol=1e-4, atol=0)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("rectifies", [False, True])
@pytest.mark.parametrize("number", [1, 2, 3, 20])
def test_a_merge_and_its_gradients_are_those_of_torch_in_double_precision(
    number, rectifies, shape
):
    if number == 20 and max(shape) > 40:
        shape = (2, 18, 5, 5)
    case = Case(number, rectifies, shape)
    case.compare(case.run(threads=1), case.expect())


def test_every_way_to_write_a_gradient_is_right():
    """Gates or a constant, affines or not, added or not, the last in place of the gradient."""
    for gated in (False, True):
        for normed in ((True, True, True), (False, False, False), (False, True, False)):
            for added in ((0, 0, 0), (1, 1, 1), (0, 1, 0), (1, 0, 0)):
                for rectifies in (False, True):
                    case = Case(
                        *(3, rectifies, (5, 22, 13, 13)),
                        gated=gated,
                        normed=normed,
                        added=added,
                    )
                    expected = case.expect()
                    case.compare(case.run(threads=1), expected)
                    if not added[2]:
                        case.compare(case.run(threads=1, in_place=True), expected)


@pytest.mark.parametrize("threads", [2, 3, 64])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_the_digits_are_those_of_one_thread_on_any_number(shape, threads):
    case = Case(3, True, shape)
    for found, expected in zip(case.run(threads), case.run(threads=1), strict=True):
        assert torch.equal(found, expected)
    x = case.inputs[0]
    assert torch.equal(measure(x, make_norm(shape[1]), threads), measure(x, make_norm(shape[1])))
    assert torch.equal(correct(case, threads), correct(case, 1))
    window = min(2, x.shape[2]), min(2, x.shape[3])
    for found, expected in zip(shrink(x, window, threads), shrink(x, window), strict=True):
        assert torch.equal(found, expected)


class Case:
    """A merge of random inputs, with what is there already of their gradients."""

    def __init__(self, number, rectifies, shape, *, gated=True, normed=None, added=None):
        self.normed = normed or tuple(place % 3 != 1 for place in range(number))
        self.added = added or tuple(place % 2 for place in range(number))
        self.number, self.rectifies, self.constant = number, rectifies, 0.37
        self.inputs = [noise(*shape, seed=seed, shift=0.5) for seed in range(number)]
        self.affines = [
            noise(4, shape[1], seed=50 + seed, shift=0.2) if norm else None
            for seed, norm in enumerate(self.normed)
        ]
        self.gates = noise(number, seed=90) if gated else None
        self.gradient = noise(*shape, seed=91)
        self.there = [noise(*shape, seed=100 + seed) for seed in range(number)]
        self.sums_there = [noise(2, shape[1], seed=150 + seed) for seed in range(number)]

    def expect(self):
        """Return the result and the gradients, by the definition and torch's own gradients."""
        inputs = [x.double().requires_grad_() for x in self.inputs]
        affines = [None if a is None else a.double().requires_grad_() for a in self.affines]
        gates = None if self.gates is None else self.gates.double().requires_grad_()
        weights = [self.constant] * self.number if gates is None else gates.sigmoid()
        total = 0
        for x, affine, weight in zip(inputs, affines, weights, strict=True):
            value = x
            if affine is not None:
                mean, scale, shift, _ = affine[:, :, None, None]
                value = (x - mean) * scale + shift
            total = total + weight * value
        result = total.relu() if self.rectifies else total
        result.backward(self.gradient.double())
        own = [x.grad for x in inputs]
        sums = [None if a is None else a.grad[1:3] for a in affines]
        for place, added in enumerate(self.added):
            if added:
                own[place] = own[place] + self.there[place]
                if sums[place] is not None:
                    sums[place] = sums[place] + self.sums_there[place]
        found = [result.detach(), *own, *[x for x in sums if x is not None]]
        return found if gates is None else [*found, gates.grad]

    def run(self, threads, in_place=False):
        """Return the same by the kernels."""
        x = self.inputs[0]
        shape = rows_of(x), x.shape[1]
        gates = 0 if self.gates is None else self.gates.data_ptr()
        affines, result = addresses(self.affines), torch.full_like(x, math.nan)
        kernels.merge_forward(
            *shape,
            addresses(self.inputs),
            affines,
            gates,
            self.constant,
            self.rectifies,
            result.data_ptr(),
            threads,
        )
        gradient = self.gradient.clone()
        own = [
            there.clone() if added else torch.full_like(x, math.nan)
            for there, added in zip(self.there, self.added, strict=True)
        ]
        if in_place:
            own[-1] = gradient
        sums = [
            there.clone() if added else torch.full_like(there, math.nan)
            for there, added in zip(self.sums_there, self.added, strict=True)
        ]
        of_gates = None if self.gates is None else torch.full_like(self.gates, math.nan)
        needed = [self.gates is not None or norm for norm in self.normed]
        kernels.merge_backward(
            *shape,
            gradient.data_ptr(),
            result.data_ptr() if self.rectifies else 0,
            [a if n else 0 for a, n in zip(addresses(self.inputs), needed, strict=True)],
            affines,
            gates,
            self.constant,
            addresses(own),
            [a if n else 0 for a, n in zip(addresses(sums), self.normed, strict=True)],
            list(self.added),
            0 if of_gates is None else of_gates.data_ptr(),
            threads,
        )
        taken = [x for x, norm in zip(sums, self.normed, strict=True) if norm]
        return [result, *own, *taken, *([] if of_gates is None else [of_gates])]

    def compare(self, found, expected):
        # Where rounding decides what is above 0, a number of either is 0: no more than a few.
        for own, other in zip(found, expected, strict=True):
            assert_near(own, other.detach(), tolerance=2e-5)


def correct(case, threads):
    """Return the gradient of a norm's input by the kernel, and those of gamma and beta."""
    x, gradient = case.inputs[0], case.gradient.clone()
    channels = x.shape[1]
    affine, sums = measure(x, make_norm(channels)), case.sums_there[0].clone()
    kernels.correct_gradient(
        rows_of(x),
        channels,
        gradient.data_ptr(),
        x.data_ptr(),
        affine.data_ptr(),
        affine[3].data_ptr(),
        sums.data_ptr(),
        threads,
    )
    return torch.cat([gradient.flatten(), sums.flatten()])


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_norms_gradients_are_those_of_torch_in_double_precision(shape):
    x, gradient = noise(*shape, scale=2, shift=1), noise(*shape, seed=1)
    channels = shape[1]
    norm = make_norm(channels)
    wide = copy.deepcopy(norm).double()
    given = x.double().requires_grad_()
    wide(given).backward(gradient.double())
    affine = measure(x, norm)
    passed, sums = torch.empty_like(x), torch.empty(2, channels)
    kernels.merge_backward(
        *(rows_of(x), channels, gradient.data_ptr(), 0, addresses([x]), addresses([affine]), 0),
        *(1.0, addresses([passed]), addresses([sums]), [0], 0, 1),
    )
    kernels.correct_gradient(
        *(rows_of(x), channels, passed.data_ptr(), x.data_ptr(), affine.data_ptr()),
        *(affine[3].data_ptr(), sums.data_ptr(), 1),
    )
    # Of the size of what is subtracted: of two pixels nearly nothing is left of it.
    size = (gradient.double() * affine[1].double()[:, None, None]).abs().max()
    assert (passed - given.grad).abs().max() <= 2e-5 * size
    assert_near(sums[0], wide.weight.grad, tolerance=2e-5)
    assert_near(sums[1], wide.bias.grad, tolerance=2e-5)


def shrink(x, window, threads=1, there=None):
    """Return the means over windows, and the gradient of x where theirs is `0, 1, 2, ...`."""
    images, channels, height, width = x.shape
    small = images, channels, height // window[0], width // window[1]
    result = torch.full(small, math.nan).contiguous(memory_format=torch.channels_last)
    shape = images, height, width, channels, *window
    kernels.shrink(*shape, x.data_ptr(), result.data_ptr(), threads)
    gradient = count_up(result)
    target = torch.full_like(x, math.nan) if there is None else there.clone()
    added = there is not None
    kernels.shrink_backward(*shape, gradient.data_ptr(), target.data_ptr(), added, threads)
    return result, target


def count_up(like):
    numbers = torch.arange(like.numel(), dtype=torch.float32).view(like.shape)
    return numbers.contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("window", [(1, 1), (2, 2), (3, 3), (4, 4), (2, 3), (5, 7)], ids=str)
@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (3, 18, 13, 13), (1, 40, 5, 7)], ids=str)
def test_means_over_windows_are_torchs_average_pool(shape, window):
    x, there = noise(*shape), noise(*shape, seed=1)
    given = x.double().requires_grad_()
    expected = functional.avg_pool2d(given, window)
    expected.backward(count_up(expected).double())
    result, gradient = shrink(x, window)
    assert_near(result, expected.detach())
    assert_near(gradient, given.grad)
    assert_near(shrink(x, window, there=there)[1], given.grad + there)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_is_no_number_comes_through_a_merge(value):
    # The training finds by it that it diverged.
    x = torch.full((1, 3, 4, 4), 1.0).contiguous(memory_format=torch.channels_last)
    x[0, 1, 2, 2] = value
    result = torch.empty_like(x)
    kernels.merge_forward(
        *(16, 3, addresses([x]), [0], 0, 1.0, True, result.data_ptr(), 1),
    )
    assert torch.equal(result.nan_to_num(-1), x.relu().nan_to_num(-1))


def test_lists_of_different_lengths_are_refused():
    with pytest.raises(ValueError, match="of one length"):
        kernels.merge_forward(1, 1, [0], [0, 0], 0, 1.0, True, 0, 1)


# ---- whole networks ----


def train_once(network, images, labels):
    """Return the loss and the gradient of each parameter."""
    network.zero_grad()
    loss = functional.cross_entropy(network(images), labels)
    loss.backward()
    return loss.detach(), {name: x.grad for name, x in network.named_parameters()}


def randomise(network, seed):
    """Give every parameter a value of its own, gates and attention included."""
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=rng))
    return network.to(memory_format=torch.channels_last)


def draw_any(seed, generator, space):
    rng = random.Random(seed)
    size, channels = [(8, 1), (13, 3), (32, 3), (21, 1)][seed % 4]
    settings = dataclasses.replace(
        own_settings(generator, everything=seed % 2 == 0),
        channel_ratios=rng.choice([(1, 2, 4), (1, 1, 1), (1, 1.5, 3)]),
    )
    configuration = draw_configuration(rng, generator, space)
    options = {"size": size, "channels": channels, "limit": 100_000}
    return draw(seed, configuration, settings, generator=generator, **options)


def make_networks(architecture, seed):
    """Return the same network plain, fused, and plain in double precision, without dropout."""
    plain = randomise(build_network(architecture, seed), seed)
    plain.layers["head-classifier"].dropout.p = 0.0
    fused, wide = copy.deepcopy(plain), copy.deepcopy(plain).double()
    fuse(fused)
    return plain, fused, wide


def measure_error(found, expected):
    """The distance of all numbers together, as a share of theirs."""
    distance = sum((found[name].double() - expected[name]).square().sum() for name in expected)
    return (distance / sum(x.square().sum() for x in expected.values())).sqrt().item()


@pytest.mark.parametrize(("generator", "space"), SPACES)
def test_a_fused_network_is_the_network_to_the_rounding_that_torch_has(generator, space):
    errors = []
    for seed in range(8):
        architecture = draw_any(seed, generator, space)
        plain, fused, wide = make_networks(architecture, seed)
        channels, size = architecture.image_channels, architecture.image_size
        images, labels = noise(6, channels, size, size, seed=seed), torch.arange(6)
        losses, gradients = zip(
            *[
                train_once(x, images.to(next(x.parameters())), labels)
                for x in (plain, fused, wide)
            ],
            strict=True,
        )
        assert losses[1] == pytest.approx(losses[2].item(), rel=1e-3)
        errors.append([measure_error(gradients[k], gradients[2]) for k in range(2)])
        buffers = [dict(network.named_buffers()) for network in (plain, fused, wide)]
        assert measure_error(buffers[1], buffers[2]) < 1e-4
        assert all(x == 1 for name, x in buffers[1].items() if name.endswith("tracked"))
    # A deep network with batch norm blows roundings up, by chance: so all draws together.
    plain, fused = (math.prod(error[k] for error in errors) ** (1 / len(errors)) for k in range(2))
    assert fused < 2 * plain
    assert fused < 0.02


def test_dropout_is_drawn_as_without():
    architecture = draw_any(1, "hnag", "base")
    plain = randomise(build_network(architecture, 1), 1)
    fused = copy.deepcopy(plain)
    fuse(fused)
    images = noise(8, architecture.image_channels, *[architecture.image_size] * 2)
    logits = []
    for network in (plain, fused):
        torch.manual_seed(3)
        logits.append(network(images))
    torch.testing.assert_close(*logits, rtol=1e-3, atol=1e-3)


def test_evaluation_stays_as_it_was_to_the_bit():
    architecture = draw_any(2, "hnag", "base")
    plain, fused, _ = make_networks(architecture, 2)
    images = noise(3, architecture.image_channels, *[architecture.image_size] * 2)
    assert torch.equal(plain.eval()(images), fused.eval()(images))


def test_training_a_fused_network_repeats_bit_for_bit_on_any_number_of_threads():
    architecture = draw_any(4, "hnag", "base")
    images = noise(16, architecture.image_channels, *[architecture.image_size] * 2)
    results = []
    before = torch.get_num_threads()
    try:
        for threads in (1, 1, 2):
            torch.set_num_threads(threads)
            _, fused, _ = make_networks(architecture, 4)
            logits = fused(images)
            results.append(logits)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(results[0], results[1])
    torch.testing.assert_close(results[0], results[2], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("generator", "space"), SPACES)
def test_no_more_is_kept_for_the_backward_pass(generator, space):
    for seed in range(4):
        architecture = draw_any(seed, generator, space)
        plain, fused, _ = make_networks(architecture, seed)
        kept = [count_kept(network, architecture) for network in (plain, fused)]
        assert kept[1] <= kept[0]


def count_kept(network, architecture):
    """What autograd keeps of one image more, each storage once."""
    totals = []
    for number in (2, 3):
        images = noise(number, architecture.image_channels, *[architecture.image_size] * 2)
        kept = []

        def pack(tensor, kept=kept):
            kept.append(tensor.detach())
            return kept[-1]

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            network(images)
        storages = {x.untyped_storage().data_ptr(): x.untyped_storage() for x in kept}
        totals.append(sum(storage.nbytes() for storage in storages.values()))
    return totals[1] - totals[0]


def write_odd_program():
    """A program of what the generators don't write, or seldom: the planner must know it as well.

    A sum with one input twice, a norm as it is for a convolution, a pool and a concatenation, a
    mean over squares of a norm that others take too, a rectified image.
    """
    writer = Writer(9, 2)
    width = Channels(0)
    x = writer.convolve("a", writer.rectify(writer.image), width, (3, 3))
    normed = writer.normalise("a", x)
    twice = writer.merge("b", [normed, normed], "sum")
    direct = writer.normalise("c", writer.convolve("c", normed, width))
    pooled = writer.pool("avgpool", normed, 3)
    joined = writer.merge("d", [twice, direct, pooled], "concat")
    again = writer.normalise("e", writer.rectify(joined))
    total = writer.merge("f", [again, normed, writer.rectify(again), x], "add")
    small = writer.bring("g", again, 1, width)
    other = writer.bring("h", total, 1, width)
    last = writer.mean([small, other, small])
    writer.classify("head", writer.rectify(last), 10)
    return Program(tuple(writer.steps), trunk=1)


def test_odd_programs_are_planned_right():
    program = write_odd_program()
    errors = []
    for width in (3, 5, 8, 16):
        torch.manual_seed(width)
        plain = randomise(Interpreter(program, [width]), width)
        plain.layers["head-classifier"].dropout.p = 0.0
        fused, wide = copy.deepcopy(plain), copy.deepcopy(plain).double()
        fuse(fused)
        images, labels = noise(5, 2, 9, 9), torch.arange(5)
        loss, gradients = train_once(fused, images, labels)
        expected_loss, expected = train_once(wide, images.double(), labels)
        assert loss == pytest.approx(expected_loss.item(), rel=1e-5)
        errors.append(measure_error(gradients, expected))
    assert max(errors) < 1e-4


# ---- how it may be used ----


@pytest.fixture
def fused():
    network = build_network(draw(1), 0).to(memory_format=torch.channels_last)
    fuse(network)
    return network


@pytest.mark.parametrize(
    "images",
    [
        noise(2, 1, 8, 8).double(),
        noise(2, 1, 8, 8).requires_grad_(),
        noise(2, 1, 8, 8).to("meta"),
    ],
)
def test_images_that_it_cannot_take_are_refused(fused, images):
    with pytest.raises(ValueError, match="takes float32 images on the CPU that need no gradient"):
        fused(images)


def test_mixed_precision_is_refused(fused):
    with (
        torch.autocast("cpu", torch.bfloat16),
        pytest.raises(ValueError, match="autocast is on"),
    ):
        fused(noise(2, 1, 8, 8))


def test_one_pixel_is_refused_as_torch_does():
    writer = Writer(1, 1)
    x = writer.normalise("a", writer.convolve("a", writer.image, Channels(0)))
    writer.classify("head", x, 10)
    network = Interpreter(Program(tuple(writer.steps), trunk=1), [4])
    fuse(network)
    with pytest.raises(ValueError, match="can't learn from one pixel"):
        network(noise(1, 1, 1, 1))


def test_images_in_another_layout_give_the_same(fused):
    images = torch.randn(4, 1, 8, 8)
    fused.layers["head-classifier"].dropout.p = 0.0
    first, second = fused(images), fused(images.contiguous(memory_format=torch.channels_last))
    assert torch.equal(first, second)


def test_a_pass_without_gradients_is_one(fused):
    with torch.no_grad():
        assert not fused(noise(2, 1, 8, 8)).requires_grad


def test_no_second_gradient_is_given(fused):
    images, labels = noise(4, 1, 8, 8), torch.arange(4)
    loss = functional.cross_entropy(fused(images), labels)
    weight = next(fused.parameters())
    (gradient,) = torch.autograd.grad(loss, weight, create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        gradient.sum().backward()


def test_a_graph_is_used_once(fused):
    loss = functional.cross_entropy(fused(noise(4, 1, 8, 8)), torch.arange(4))
    loss.backward()
    with pytest.raises(RuntimeError, match="second time"):
        loss.backward()


def test_what_is_frozen_gets_no_gradient_and_the_rest_the_same(fused):
    fused.layers["head-classifier"].dropout.p = 0.0
    images, labels = noise(4, 1, 8, 8), torch.arange(4)
    _, before = train_once(fused, images, labels)
    frozen = next(iter(before))
    dict(fused.named_parameters())[frozen].requires_grad_(False)
    _, after = train_once(fused, images, labels)
    assert after[frozen] is None
    assert all(torch.equal(before[name], after[name]) for name in before if name != frozen)


def test_a_copy_and_a_saved_network_train_by_their_own_parameters(fused):
    stored = io.BytesIO()
    torch.save(fused, stored)
    loaded = torch.load(io.BytesIO(stored.getvalue()), weights_only=False)
    for other in (copy.deepcopy(fused), loaded):
        _, gradients = train_once(other, noise(4, 1, 8, 8), torch.arange(4))
        assert all(x is not None for x in gradients.values())
        assert all(parameter.grad is None for parameter in fused.parameters())
