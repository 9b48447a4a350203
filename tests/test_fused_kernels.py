"""The kernels of the fused pass, against torch in double precision."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.nn import functional

from nago.networks.fused import kernels

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
    case.check(case.run(threads=1))


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
                    case.check(case.run(threads=1))
                    if not added[2]:
                        case.check(case.run(threads=1, in_place=True))


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

    def expect(self, found):
        """Return the result and the gradients, by the definition and torch's own gradients.

        Where rounding decides what is above 0, `found` says what it decided.
        """
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
        passed = found > 0 if self.rectifies else 1.0
        total.backward(self.gradient.double() * passed)
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

    def check(self, found):
        """Compare what `run` returned with the definition."""
        for own, other in zip(found, self.expect(found[0]), strict=True):
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
