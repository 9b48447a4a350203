"""Trainings that are killed, continued, too large or divergent, against undisturbed ones."""

import csv
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from nago.data.images import LabelledImages
from nago.records import RecordError, TrainingSettings, UserError
from nago.training.checkpoint import keep_state, read_state, write_checkpoint
from nago.training.device import is_out_of_memory
from nago.training.epoch import cut_batches
from nago.training.evaluation import evaluate
from nago.training.interruption import InterruptedTraining
from nago.training.loop import train_network
from nago.training.optimiser import MomentumSGD
from nago.training.outcome import CurveRow, write_curve
from nago.training.progress import Progress
from nago.training.run import Run
from nago.training.team import Team

SETTINGS = TrainingSettings(
    batch_size=32,
    learning_rate=0.1,
    momentum=0.9,
    weight_decay=3e-4,
    gradient_clip=5.0,
    crop_padding=1,
    flip=True,
    cutout=2,
    threads=1,
)


def make_images(first, last):
    digits = load_digits()
    pixels = torch.from_numpy(digits.images[first:last] * 15.9375).round().byte()[:, None]
    labels = torch.from_numpy(digits.target[first:last]).long()
    return LabelledImages(pixels, labels, torch.tensor([0.3]), torch.tensor([0.37]))


TRAIN, VALIDATION = make_images(0, 161), make_images(161, 250)  # 161 = 5 * 32 + 1


def make_network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(1, 8, 3, stride=2),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            nn.Flatten(),
            nn.Dropout(0.1),
            nn.Linear(72, 10),
        )


CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_loop import TRAIN, VALIDATION, make_network, make_run, train_network
def report(line):
    compiler = "torch._dynamo" in sys.modules
    print(line, f"{{compiler=}}", flush=True)
run = make_run(Path({folder!r}), budget=60, report=report)
train_network(make_network(), TRAIN, VALIDATION, run)
"""


class Trap(nn.Module):
    """A network that does `action` when it is called for training for the n-th time."""

    def __init__(self, network, calls, action):
        super().__init__()
        self.network, self.calls, self.action = network, calls, action

    def forward(self, images):
        if self.training:
            self.calls -= 1
            if self.calls == 0:
                self.action()
        return self.network(images)

    def state_dict(self, *args, **kwargs):
        return self.network.state_dict(*args, **kwargs)

    def load_state_dict(self, *args, **kwargs):
        return self.network.load_state_dict(*args, **kwargs)


def interrupt():
    raise KeyboardInterrupt


class Hungry(nn.Module):
    """A network that has no memory for more than `most` images."""

    def __init__(self, network, most, error):
        super().__init__()
        self.network, self.most, self.error = network, most, error

    def forward(self, images):
        if self.training and len(images) > self.most:
            raise self.error
        return self.network(images)


def make_run(folder, **changes):
    run = Run(SETTINGS, 6, 3, folder / "checkpoint", "digits", device="cpu", report=lambda _: None)
    return replace(run, **changes)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    network = make_network()
    run = make_run(tmp_path_factory.mktemp("undisturbed"))
    outcome = train_network(network, TRAIN, VALIDATION, run)
    return network.state_dict(), outcome, run


def assert_same(network, outcome, undisturbed):
    expected, other, _ = undisturbed
    for name, value in network.state_dict().items():
        assert torch.equal(value, expected[name]), name
    costs = {"seconds": 0.0, "images_per_second": None, "restarts": 0}
    assert replace(outcome, **costs) == replace(other, **costs)


def test_a_training_learns(undisturbed):
    outcome = undisturbed[1]
    assert (outcome.status, outcome.epochs, outcome.error) == ("ok", 6, None)
    assert outcome.validation_error < 0.5 < outcome.curve[0].train_error
    assert outcome.validation_error == outcome.curve[-1].validation_error
    assert [row.epoch for row in outcome.curve] == [1, 2, 3, 4, 5, 6]
    assert outcome.seconds > 0


def test_the_learning_rate_falls_along_a_cosine(undisturbed):
    for row in undisturbed[1].curve:
        expected = 0.05 * (1 + math.cos(math.pi * (row.epoch - 1) / 6))
        assert row.learning_rate == pytest.approx(expected)


def test_the_learning_rate_falls_at_each_step(tmp_path, monkeypatch):
    rates = []
    monkeypatch.setattr(MomentumSGD, "step", lambda _, rate: rates.append(rate))
    train_network(make_network(), TRAIN, None, make_run(tmp_path, budget=2))
    expected = [0.05 * (1 + math.cos(math.pi * step / 10)) for step in range(10)]
    assert rates == pytest.approx(expected)


def test_the_same_run_gives_the_same_bits_whatever_torchs_global_state(undisturbed, tmp_path):
    network = make_network()
    torch.manual_seed(99)
    before = torch.get_rng_state()
    assert_same(
        network, train_network(network, TRAIN, VALIDATION, make_run(tmp_path)), undisturbed
    )
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_deterministic_debug_mode() == 0
    other = train_network(make_network(), TRAIN, VALIDATION, make_run(tmp_path, seed=4))
    assert other.curve != undisturbed[1].curve


@pytest.mark.parametrize("calls", [1, 5, 6, 14, 30])  # 5 batches per epoch
def test_a_training_that_was_interrupted_ends_bit_for_bit_the_same(calls, undisturbed, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        train_network(
            Trap(make_network(), calls, interrupt), TRAIN, VALIDATION, make_run(tmp_path)
        )
    epochs = read_state(tmp_path / "checkpoint")["epoch"]
    assert epochs == (calls - 1) // 5
    network, lines = make_network(), []
    outcome = train_network(network, TRAIN, VALIDATION, make_run(tmp_path, report=lines.append))
    assert_same(network, outcome, undisturbed)
    assert (undisturbed[1].restarts, outcome.restarts) == (0, 1)
    assert lines[0] == f"goes on after epoch {epochs}/6"
    assert len(lines) == 1 + 6 - epochs


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("calls", [1, 4, 5, 13])  # 5 batches per epoch
def test_a_training_that_is_told_to_stop_does_so_after_the_step_and_goes_on_there(
    calls, number, undisturbed, tmp_path
):
    before, lines = signal.getsignal(number), []
    trap = Trap(make_network(), calls, lambda: signal.raise_signal(number))
    run = make_run(tmp_path, report=lines.append)
    with pytest.raises(InterruptedTraining) as stop:
        train_network(trap, TRAIN, VALIDATION, run)
    assert stop.value.code == 128 + number
    assert signal.getsignal(number) is before
    epoch, seen = divmod(32 * calls, 160)
    place = f"epoch {epoch}/6" + (f" and {seen} images of the next" if seen else "")
    assert lines[-1] == f"stopped by {number.name} after {place}"
    state = read_state(tmp_path / "checkpoint")
    assert (state["epoch"], state["seen"]) == (epoch, seen)
    network = make_network()
    assert_same(network, train_network(network, TRAIN, VALIDATION, run), undisturbed)
    assert f"goes on after {place}" in lines


def test_a_memory_that_is_full_in_an_epoch_that_was_interrupted_does_not_train_images_twice(
    tmp_path,
):
    trap = Trap(make_network(), 3, lambda: signal.raise_signal(signal.SIGTERM))
    with pytest.raises(InterruptedTraining):
        train_network(trap, TRAIN, VALIDATION, make_run(tmp_path))
    seen = []

    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.network, self.full = make_network(), True

        def forward(self, images):
            if self.training and self.full:
                self.full = False
                fill_memory()
            if self.training:
                seen.append(len(images))
            return self.network(images)

        def state_dict(self, *args, **kwargs):
            return self.network.state_dict(*args, **kwargs)

        def load_state_dict(self, *args, **kwargs):
            return self.network.load_state_dict(*args, **kwargs)

    outcome = train_network(Counting(), TRAIN, VALIDATION, make_run(tmp_path))
    assert (outcome.status, outcome.batch_size, outcome.epochs) == ("ok", 16, 6)
    assert seen[:4] == [16] * 4  # 96 of 160 images were seen before
    assert len(seen) == 4 + 5 * 10


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """Two processes killed one after the other in the same training, and what they printed."""
    folder, printed = tmp_path_factory.mktemp("killed"), []
    code = CHILD.format(tests=str(Path(__file__).parent), folder=str(folder))
    for epochs, delay in ((3, 0.012), (20, 0.005)):
        child = subprocess.Popen(
            [sys.executable, "-c", code],
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[1],
        )
        printed += [child.stdout.readline() for _ in range(epochs)]
        time.sleep(delay)  # some way into the next epoch
        child.send_signal(signal.SIGKILL)
        child.stdout.close()
        assert child.wait() == -signal.SIGKILL
    return folder, printed


def test_a_training_killed_twice_with_signal_9_ends_bit_for_bit_the_same(killed, tmp_path):
    folder, printed = killed
    assert printed[3].startswith("goes on after epoch")
    assert 20 < read_state(folder / "checkpoint")["epoch"] < 60
    whole, resumed = make_network(), make_network()
    expected = train_network(whole, TRAIN, VALIDATION, make_run(tmp_path, budget=60))
    outcome = train_network(resumed, TRAIN, VALIDATION, make_run(folder, budget=60))
    assert_same(resumed, outcome, (whole.state_dict(), expected, None))
    assert outcome.restarts == 2


def test_a_training_does_not_import_the_compiler_of_torch(killed):
    assert {line.split()[-1] for line in killed[1]} == {"compiler=False"}


def test_a_finished_training_is_not_done_again(undisturbed):
    def fail():
        raise AssertionError

    network = Trap(make_network(), 1, fail)
    assert_same(
        network.network, train_network(network, TRAIN, VALIDATION, undisturbed[2]), undisturbed
    )


@pytest.mark.parametrize(
    "change",
    [
        {"budget": 5},
        {"seed": 4},
        {"fingerprint": "other"},
        {"settings": replace(SETTINGS, cutout=0)},
    ],
)
def test_a_checkpoint_of_another_run_is_not_used(change, undisturbed, tmp_path):
    checkpoint = tmp_path / "checkpoint"
    checkpoint.write_bytes(undisturbed[2].checkpoint.read_bytes())
    lines = []
    run = make_run(tmp_path, **change, report=lines.append)
    outcome = train_network(make_network(), TRAIN, None, run)
    assert "of another training" in lines[0]
    assert len(outcome.curve) == run.budget


def test_a_damaged_checkpoint_is_told_and_the_result_the_same(undisturbed, tmp_path):
    whole = undisturbed[2].checkpoint.read_bytes()
    (tmp_path / "checkpoint").write_bytes(whole[: len(whole) // 2])
    network, lines = make_network(), []
    run = make_run(tmp_path, report=lines.append)
    assert_same(network, train_network(network, TRAIN, VALIDATION, run), undisturbed)
    assert lines[0].endswith("damaged (cut off or altered); starting anew")


def test_a_training_continues_its_parent_on_its_own_cosine(undisturbed, tmp_path):
    parent = tmp_path / "parent"
    keep_state(undisturbed[2].checkpoint, parent)
    network = make_network()
    started = {}

    def look():
        started.update({name: value.clone() for name, value in network.state_dict().items()})

    run = make_run(tmp_path, budget=8, start=parent, seed=5)
    outcome = train_network(Trap(network, 1, look), TRAIN, VALIDATION, run)
    assert all(torch.equal(started[name], value) for name, value in undisturbed[0].items())
    assert (outcome.status, outcome.epochs) == ("ok", 2)
    assert [row.epoch for row in outcome.curve] == [7, 8]
    expected = 0.05 * (1 + math.cos(math.pi * 6 / 8))
    assert outcome.curve[0].learning_rate == pytest.approx(expected)
    assert read_state(run.checkpoint)["epoch"] == 8


def test_momentum_is_continued_too(undisturbed, tmp_path):
    run = make_run(tmp_path, budget=8, start=undisturbed[2].checkpoint)
    with pytest.raises(KeyboardInterrupt):
        train_network(Trap(make_network(), 1, interrupt), TRAIN, VALIDATION, run)
    mine, parents = read_state(run.checkpoint), read_state(undisturbed[2].checkpoint)
    assert any(velocity.abs().sum() > 0 for velocity in parents["velocities"])
    for ours, theirs in zip(mine["velocities"], parents["velocities"], strict=True):
        assert torch.equal(ours, theirs)


def test_a_parent_that_does_not_fit_is_refused(undisturbed, tmp_path):
    run = make_run(tmp_path, start=undisturbed[2].checkpoint)
    with pytest.raises(UserError, match="budget must be more than the 6 epochs"):
        train_network(make_network(), TRAIN, None, run)
    with pytest.raises(RecordError, match="is the state of another network"):
        train_network(nn.Linear(3, 3), TRAIN, None, replace(run, budget=7))
    with pytest.raises(RecordError, match="there is no file"):
        train_network(make_network(), TRAIN, None, replace(run, start=tmp_path / "none"))


def test_a_loss_that_is_no_number_is_an_outcome(tmp_path):
    network = make_network()

    def spoil():
        network[0].weight.data[0, 0, 0, 0] = math.nan

    outcome = train_network(Trap(network, 13, spoil), TRAIN, VALIDATION, make_run(tmp_path))
    assert outcome.status == "diverged"
    assert outcome.error == "loss became NaN in epoch 3"
    assert outcome.validation_error is None
    assert outcome.epochs == len(outcome.curve) == 2


def test_weights_that_explode_in_the_last_step_are_seen_in_the_validation(tmp_path):
    network = make_network()
    run = make_run(tmp_path, budget=2)

    class Exploding(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = network

        def forward(self, images):
            return self.network(images) * (1 if self.training else math.inf)

    outcome = train_network(Exploding(), TRAIN, VALIDATION, run)
    assert (outcome.status, outcome.error) == ("diverged", "validation loss became NaN in epoch 1")


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
        RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to"),
    ],
)
def test_a_full_memory_halves_batch_and_learning_rate(error, tmp_path):
    lines = []
    run = make_run(tmp_path, report=lines.append)
    hungry = Hungry(make_network(), 10, error)
    outcome = train_network(hungry, TRAIN, VALIDATION, run)
    assert (outcome.status, outcome.batch_size, outcome.epochs) == ("ok", 8, 6)
    assert [line.split(":")[0] for line in lines[:2]] == [
        "no memory for a batch of 32",
        "no memory for a batch of 16",
    ]
    assert lines[0].endswith("goes on after epoch 0/6 with 16")
    assert outcome.curve[0].learning_rate == pytest.approx(0.1 / 4)
    small = replace(SETTINGS, batch_size=8, learning_rate=0.1 / 4)
    other = make_network()
    expected = train_network(
        other, TRAIN, VALIDATION, make_run(tmp_path / "small", settings=small)
    )
    assert expected.curve == outcome.curve
    for name, value in hungry.network.state_dict().items():
        assert torch.equal(value, other.state_dict()[name])


def test_torchs_own_error_of_a_full_memory_is_known():
    with pytest.raises(RuntimeError) as error:
        torch.empty(2**46)  # more than an address can say
    assert is_out_of_memory(error.value)


def fill_memory():
    raise RuntimeError("CUDA error: out of memory")


def test_an_epoch_that_finds_the_memory_full_in_its_middle_begins_again(tmp_path):
    results, lines = [], []
    for calls in (6, 8):  # at the first and the third batch of the second epoch
        network = make_network()
        run = make_run(tmp_path / str(calls), report=lines.append)
        outcome = train_network(Trap(network, calls, fill_memory), TRAIN, VALIDATION, run)
        results.append((network.state_dict(), outcome, run))
        assert (outcome.status, outcome.batch_size, len(outcome.curve)) == ("ok", 16, 6)
    assert lines[1] == "no memory for a batch of 32: goes on after epoch 1/6 with 16"
    assert [row.learning_rate for row in outcome.curve[:2]] == pytest.approx(
        [0.1, 0.05 * (1 + math.cos(math.pi / 6)) / 2]
    )
    assert_same(network, outcome, results[0])


def test_a_memory_too_small_for_two_images_is_an_outcome(tmp_path):
    hungry = Hungry(make_network(), 0, torch.OutOfMemoryError("CUDA out of memory"))
    outcome = train_network(hungry, TRAIN, VALIDATION, make_run(tmp_path))
    assert (outcome.status, outcome.validation_error) == ("out_of_memory", None)
    assert outcome.error == "no memory for a batch of 2"
    assert (outcome.epochs, outcome.batch_size) == (0, 2)


class Clock:
    """A clock on which a training takes a second for each step, and nothing else any time."""

    def __init__(self, monkeypatch, start=0.0):
        self.now = start
        fake = SimpleNamespace(perf_counter=lambda: self.now)
        monkeypatch.setattr("nago.training.stopwatch.time", fake)
        step = MomentumSGD.step

        def tick(optimiser, rate):
            self.now += 1.0
            step(optimiser, rate)

        monkeypatch.setattr(MomentumSGD, "step", tick)


@pytest.mark.parametrize("limit", [1, 5, 13, 29])  # 5 steps an epoch, 30 in all
def test_a_training_that_takes_too_long_ends_after_the_step_with_an_outcome(
    limit, undisturbed, tmp_path, monkeypatch
):
    Clock(monkeypatch)
    epochs, steps = divmod(limit, 5)
    lines = []
    run = make_run(tmp_path, most_seconds=limit, report=lines.append)
    outcome = train_network(make_network(), TRAIN, VALIDATION, run)
    assert (outcome.status, outcome.validation_error) == ("timed_out", None)
    assert (outcome.epochs, outcome.seconds) == (epochs, limit)
    assert outcome.curve == undisturbed[1].curve[:epochs]
    said = f"took longer than max_trial_hours {limit / 3600:g}: {limit} s for {epochs} of 6 epochs"
    assert outcome.error == lines[-1] == said
    state = read_state(run.checkpoint)
    assert (state["epoch"], state["seen"]) == (epochs, 32 * steps)


@pytest.mark.parametrize("limit", [30, 30.5, None])
def test_a_training_that_is_through_at_the_limit_has_its_result(
    limit, undisturbed, tmp_path, monkeypatch
):
    Clock(monkeypatch)
    network = make_network()
    outcome = train_network(network, TRAIN, VALIDATION, make_run(tmp_path, most_seconds=limit))
    assert_same(network, outcome, undisturbed)


def test_a_training_that_took_too_long_says_the_same_when_its_job_runs_twice(
    tmp_path, monkeypatch
):
    Clock(monkeypatch)
    run = make_run(tmp_path, most_seconds=13)
    first = train_network(make_network(), TRAIN, VALIDATION, run)

    def fail():
        raise AssertionError

    again = train_network(Trap(make_network(), 1, fail), TRAIN, VALIDATION, run)
    assert again == replace(first, restarts=1, images_per_second=None)


def test_the_seconds_of_all_runs_count_and_not_the_wait_between(
    undisturbed, tmp_path, monkeypatch
):
    clock = Clock(monkeypatch)
    run = make_run(tmp_path, most_seconds=20)
    for calls in (6, 7):  # told to stop after 6 and 7 steps more
        trap = Trap(make_network(), calls, lambda: signal.raise_signal(signal.SIGTERM))
        with pytest.raises(InterruptedTraining):
            train_network(trap, TRAIN, VALIDATION, run)
        clock.now += 1_000_000.0  # in the queue
    outcome = train_network(make_network(), TRAIN, VALIDATION, run)
    assert (outcome.status, outcome.seconds, outcome.restarts) == ("timed_out", 20.0, 2)
    assert outcome.curve == undisturbed[1].curve[:4]
    # With another limit its checkpoint is of use.
    network = make_network()
    outcome = train_network(network, TRAIN, VALIDATION, replace(run, most_seconds=None))
    assert_same(network, outcome, undisturbed)
    assert (outcome.seconds, outcome.restarts) == (30.0, 3)


def test_a_checkpoint_of_an_earlier_version_without_restarts_is_of_use(undisturbed, tmp_path):
    run = make_run(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        train_network(Trap(make_network(), 8, interrupt), TRAIN, VALIDATION, run)
    state = read_state(run.checkpoint)
    del state["restarts"]
    header = json.loads(run.checkpoint.read_bytes().partition(b"\n")[0])
    write_checkpoint(run.checkpoint, state, header["fingerprint"])
    network = make_network()
    outcome = train_network(network, TRAIN, VALIDATION, run)
    assert_same(network, outcome, undisturbed)
    assert outcome.restarts == 1


def test_other_errors_are_not_taken_for_a_full_memory(tmp_path):
    broken = Hungry(make_network(), 0, RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="shapes"):
        train_network(broken, TRAIN, VALIDATION, make_run(tmp_path))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"budget": 0}, "budget must be 1 or more"),
        ({"settings": replace(SETTINGS, batch_size=1)}, "batch_size 2 or more"),
        ({"device": "tpu"}, "device must be auto, cpu or cuda, got 'tpu'"),
    ],
)
def test_a_run_that_cannot_be_is_refused(changes, message, tmp_path):
    with pytest.raises(UserError, match=message):
        train_network(make_network(), TRAIN, None, make_run(tmp_path, **changes))


def test_without_validation_images_there_is_no_validation_error(tmp_path):
    outcome = train_network(make_network(), TRAIN, None, make_run(tmp_path, budget=1))
    assert (outcome.status, outcome.validation_error) == ("ok", None)
    assert outcome.curve[0].validation_loss is None


def test_each_line_of_the_log_says_how_far_and_how_well(tmp_path):
    lines = []
    train_network(make_network(), TRAIN, VALIDATION, make_run(tmp_path, report=lines.append))
    assert len(lines) == 6
    for number, line in enumerate(lines, start=1):
        assert line.startswith(f"epoch {number}/6  loss ")
        for word in ("train error", "validation error", "images/s", "s left"):
            assert word in line
    assert lines[-1].endswith(" 0 s left")


def test_a_long_epoch_is_reported_within_at_a_bounded_rate(monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(
        "nago.training.progress.time", SimpleNamespace(perf_counter=lambda: clock.now)
    )
    lines = []
    progress = Progress(3, 1000, lines.append)
    progress.begin_epoch(200)  # of an epoch that was interrupted
    for seen in range(250, 1001, 50):
        clock.now += 7.0
        progress.count(seen)
        if progress.due():
            progress.step(2, seen, 1000, 0.5)
    assert [line.split("  ")[1] for line in lines] == [
        f"{seen}/1000 images" for seen in (450, 700, 950)
    ]
    # 750 images in 105 s; 1,050 images are left, 50 of this epoch and 1,000 of the next.
    assert lines[-1] == "epoch 2/3  950/1000 images  loss 0.5000  7 images/s  147 s left"


def test_smoothed_labels_and_narrow_numbers_change_what_is_learnt(undisturbed, tmp_path):
    for change in ({"label_smoothing": 0.2}, {"precision": "bfloat16"}, {"warmup_epochs": 2}):
        settings = replace(SETTINGS, **change)
        run = make_run(tmp_path / str(change), settings=settings)
        outcome = train_network(make_network(), TRAIN, VALIDATION, run)
        assert outcome.curve != undisturbed[1].curve
        assert outcome.validation_error < 0.6


@pytest.mark.skipif(
    shutil.which("g++") is None and not os.environ.get("CI"), reason="takes a C++ compiler"
)
def test_a_compiled_network_learns_the_same(tmp_path):
    # One size of batches, so that one program is made.
    plain = replace(SETTINGS, batch_size=161, flip=False, crop_padding=0)
    curves = []
    for settings in (plain, replace(plain, compile=True)):
        network = make_network()
        network[4].p = 0.0  # a program draws other random numbers
        run = make_run(tmp_path / str(settings.compile), settings=settings, budget=3)
        outcome = train_network(network, TRAIN, VALIDATION, run)
        curves.append([(row.train_loss, row.validation_loss) for row in outcome.curve])
    for ours, plainly in zip(*curves, strict=True):
        assert ours == pytest.approx(plainly, rel=1e-4)


def test_without_a_compiler_a_compiled_training_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    run = make_run(tmp_path, settings=replace(SETTINGS, compile=True))
    with pytest.raises(UserError, match="final_compile takes a C"):
        train_network(make_network(), TRAIN, VALIDATION, run)


def test_labels_are_smoothed_in_training_alone(tmp_path):
    settings = replace(SETTINGS, label_smoothing=0.5, batch_size=161)
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 10))
    network.load_state_dict({"1.weight": torch.zeros(10, 64), "1.bias": torch.arange(10.0)})
    run = make_run(tmp_path, settings=settings, budget=1)
    row = train_network(network, TRAIN, None, run).curve[0]
    logs = torch.arange(10.0).log_softmax(0)
    targets = 0.5 * nn.functional.one_hot(TRAIN.labels, 10) + 0.5 / 10
    assert row.train_loss == pytest.approx(-(targets * logs).sum(1).mean().item(), rel=1e-5)
    network.load_state_dict({"1.weight": torch.zeros(10, 64), "1.bias": torch.arange(10.0)})
    means = evaluate(network, TRAIN, 50, settings)
    assert means.loss == pytest.approx(-logs[TRAIN.labels].mean().item(), rel=1e-5)


@pytest.mark.parametrize(
    ("images", "sizes"), [(10, [4, 4, 2]), (9, [4, 4]), (3, [3]), (8, [4, 4])]
)
def test_batches_hold_each_image_once_but_a_single_one_left_over(images, sizes):
    batches = cut_batches(images, 4, seed=0)
    assert [len(batch) for batch in batches] == sizes
    together = torch.cat(batches).tolist()
    assert len(set(together)) == len(together) == sum(sizes)
    assert set(together) <= set(range(images))


def test_evaluation_equals_the_images_taken_one_by_one():
    network = make_network()
    network[1].running_mean += 0.1
    losses, wrong, wrong5 = [], 0, 0
    network.eval()
    for pixels, label in zip(VALIDATION.pixels, VALIDATION.labels, strict=True):
        scores = network(((pixels / 255 - 0.3) / 0.37)[None])[0].double()
        losses.append((scores.exp().sum().log() - scores[label]).item())
        wrong += int(scores.argmax() != label)
        wrong5 += int((scores > scores[label]).sum() >= 5)
    network.train()
    loss, error, top5_error = evaluate(network, VALIDATION, 20, SETTINGS)
    assert loss == pytest.approx(sum(losses) / len(losses), rel=1e-5)
    assert error == wrong / len(VALIDATION)
    assert 0 < top5_error == wrong5 / len(VALIDATION) < error
    assert network.training


def test_shares_of_an_evaluation_add_up_to_it_and_may_be_empty():
    network, sums = make_network(), []

    class Listening(Team):
        def add(self, *values):
            sums.append([value.item() for value in values])

    few = make_images(161, 164)
    whole = evaluate(network, few, 20, SETTINGS)
    for rank in range(5):
        if len(range(3)[Team(rank, 5).share(3)]):
            evaluate(network, few, 20, SETTINGS, Listening(rank, 5))
        else:
            with pytest.raises(ZeroDivisionError):  # it has nothing until the others' are added
                evaluate(network, few, 20, SETTINGS, Listening(rank, 5))
    images, loss, wrong, _ = map(sum, zip(*sums, strict=True))
    assert (images, wrong / images) == (3, whole.error)
    assert loss / images == pytest.approx(whole.loss)


def test_a_curve_is_written_with_all_digits(tmp_path):
    rows = [
        CurveRow(1, 0.1, 1 / 3, 0.2, None, None, None),
        CurveRow(2, 1e-17, 2 / 3, 0.1, 0.7, 0.3, 0.2),
    ]
    write_curve(tmp_path / "curve.csv", rows)
    with (tmp_path / "curve.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == [
        "epoch",
        "learning_rate",
        "train_loss",
        "train_error",
        "validation_loss",
        "validation_error",
        "validation_top5_error",
    ]
    assert float(table[0]["train_loss"]) == 1 / 3
    assert float(table[1]["learning_rate"]) == 1e-17
    assert (table[0]["validation_error"], table[1]["validation_error"]) == ("", "0.3")
