"""Networks that train by the fused pass, against the same by torch in double precision."""

import copy
import dataclasses
import io
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from draws import SPACES, draw, draw_configuration, own_settings
from kept_bytes import extra_bytes, saved_bytes
from torch.nn import functional

import nago
from nago.generators.program import Channels, Program, Writer
from nago.networks.build import Interpreter, build_network
from nago.networks.fused.training_pass import fuse

MOST_NODES = {"hnag": 40, "rnag": 60, "darts": 70}


def noise(*shape, seed=0, scale=1.0, shift=0.0):
    rng = torch.Generator().manual_seed(seed)
    x = torch.randn(*shape, generator=rng) * scale + shift
    return x.contiguous(memory_format=torch.channels_last) if x.dim() == 4 else x


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
    """A draw of a random configuration with few operations: many blow up every rounding."""
    rng = random.Random(seed)
    size, channels = [(8, 1), (13, 3), (16, 3), (9, 1)][seed % 4]
    settings = dataclasses.replace(
        own_settings(generator, everything=seed % 2 == 0),
        channel_ratios=rng.choice([(1, 2, 4), (1, 1, 1), (1, 1.5, 3)]),
    )
    options = {"generator": generator, "size": size, "channels": channels, "limit": 100_000}
    while True:
        configuration = draw_configuration(rng, generator, space)
        architecture = draw(seed, configuration, settings, **options)
        if architecture.nodes <= MOST_NODES[generator]:
            return architecture


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
def test_a_fused_network_is_the_network_in_double_precision_to_rounding(generator, space):
    for seed in range(8):
        architecture = draw_any(seed, generator, space)
        _, fused, wide = make_networks(architecture, seed)
        shape = architecture.image_channels, *[architecture.image_size] * 2
        errors = []
        # A number so near to 0 that rounding decides whether it is rectified makes a jump in the
        # gradient, torch's as well. Not in every batch there is one; a mistake is in every batch.
        for batch in range(30):
            images, labels = noise(8, *shape, seed=batch), torch.arange(8)
            loss, gradients = train_once(fused, images, labels)
            expected_loss, expected = train_once(wide, images.double(), labels)
            assert loss == pytest.approx(expected_loss.item(), rel=1e-4)
            buffers = [dict(network.named_buffers()) for network in (fused, wide)]
            assert measure_error(*buffers) < 1e-5
            errors.append(measure_error(gradients, expected))
            if errors[-1] < 1e-4:
                break
        assert min(errors) < 1e-4


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


def test_a_fused_pass_repeats_bit_for_bit_and_to_rounding_on_more_threads():
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
        shape = architecture.image_channels, *[architecture.image_size] * 2
        by_torch, by_fused = (
            extra_bytes(lambda images, network=network: saved_bytes(network, images), *shape)
            for network in (plain, fused)
        )
        # What convolutions take is kept by either, and seen by whoever counts.
        assert 0.3 * by_torch < by_fused <= by_torch


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


@pytest.mark.parametrize("end", ["convolve", "normalise", "rectify", "shrink"])
def test_a_network_may_end_in_an_image_and_its_gradient_stays_the_callers(end):
    writer = Writer(6, 2)
    x = writer.convolve("a", writer.image, Channels(0), (3, 3))
    if end != "convolve":
        x = writer.normalise("a", x)
    if end == "rectify":
        x = writer.rectify(x)
    if end == "shrink":
        x = writer.bring("b", x, 1, Channels(0))
    program = Program(tuple(writer.steps), trunk=1)
    fused = randomise(Interpreter(program, [3]), 0)
    wide = copy.deepcopy(fused).double()
    fuse(fused)
    images = noise(4, 2, 6, 6)
    results = [network(x) for network, x in ((fused, images), (wide, images.double()))]
    torch.testing.assert_close(results[0].double(), results[1], rtol=1e-5, atol=1e-5)
    gradient = noise(*results[0].shape, seed=1)
    given = gradient.clone()
    for result in results:
        result.backward(given.to(result.dtype), retain_graph=True)
    assert torch.equal(given, gradient)
    gradients = [{n: x.grad for n, x in m.named_parameters()} for m in (fused, wide)]
    assert measure_error(*gradients) < 1e-5
    fused.zero_grad()
    wide.zero_grad()
    results[0].square().mean((2, 3)).sum().backward()  # a gradient without a memory of its own
    results[1].square().mean((2, 3)).sum().backward()
    gradients = [{n: x.grad for n, x in m.named_parameters()} for m in (fused, wide)]
    assert measure_error(*gradients) < 1e-5


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


def test_without_its_compiled_part_it_says_what_to_do(tmp_path):
    package = Path(nago.__file__).parent
    shutil.copytree(package, tmp_path / "nago", ignore=shutil.ignore_patterns("*.so"))
    code = "import nago.networks.build; print('built'); import nago.objective"
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert run.stdout == "built\n"  # what doesn't train needs it not
    assert "compiled part of nago is missing; install nago again" in run.stderr.splitlines()[-1]
