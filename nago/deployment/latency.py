"""Latency: how long a trained network takes for a batch of images, in the ways it can be run."""

import copy
import timeit
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from nago.deployment.export import FORMATS, open_onnx
from nago.networks.weights import Classifier
from nago.records import UserError

REPEATS = 10

Run = Callable[[torch.Tensor], object]


@dataclass(frozen=True, slots=True)
class Latency:
    """A way to run a network, images at once, and the quartiles of the seconds of a batch."""

    way: str
    batch: int
    low: float
    median: float
    high: float

    @property
    def images_per_second(self) -> float:
        """Return images over the median time."""
        return self.batch / self.median


def measure_latency(
    classifier: Classifier,
    batches: Sequence[int],
    *,
    device: str = "cpu",
    threads: int = 1,
    onnx: bool = False,
    seconds: float = 1.0,
) -> list[Latency]:
    """Return the latency of each way and batch size, from bytes to logits.

    Args:
        classifier: the network.
        batches: numbers of images at once.
        device: that torch runs on.
        threads: of the CPU.
        onnx: whether ONNX Runtime is measured too, on the CPU.
        seconds: that each is repeated for, about.

    Raises:
        UserError: a number is below 1, torch has no such device, or a package is missing.
    """
    if threads < 1 or not batches or min(batches) < 1 or seconds <= 0:
        raise UserError(
            f"batches, threads and seconds must be above 0, got {list(batches)}, {threads},"
            f" {seconds}"
        )
    ways = {"torch": _prepare_torch(classifier, device, torch.contiguous_format)}
    ways["torch, channels last"] = _prepare_torch(classifier, device, torch.channels_last)
    if onnx:
        ways["ONNX Runtime"] = _prepare_onnx(classifier, threads)
    return [
        _time(way, run, images, threads, seconds)
        for batch in batches
        for images in [_make_images(classifier, batch)]
        for way, run in ways.items()
    ]


def _make_images(classifier: Classifier, count: int) -> torch.Tensor:
    size, channels = classifier.image_size, classifier.network.architecture.image_channels
    rng = torch.Generator().manual_seed(0)
    shape = (count, channels, size, size)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=rng)


def _prepare_torch(classifier: Classifier, device: str, layout: torch.memory_format) -> Run:
    try:
        placed = copy.deepcopy(classifier).to(device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"torch can't use the device {device!r} ({reason})") from None
    placed.to(memory_format=layout)

    def run(images: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            logits: torch.Tensor = placed(images.to(device).contiguous(memory_format=layout))
        return logits.cpu()

    return run


def _prepare_onnx(classifier: Classifier, threads: int) -> Run:
    write, _ = FORMATS[".onnx"]
    session = open_onnx(write(classifier), threads)
    return lambda images: session.run(None, {"images": images.numpy()})


def _time(way: str, run: Run, images: torch.Tensor, threads: int, seconds: float) -> Latency:
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        run(images)  # what is set up at the first run doesn't count
        timer = timeit.Timer(lambda: run(images))
        once = timer.timeit(1)
        number = max(1, round(seconds / REPEATS / once))
        times = np.array(timer.repeat(REPEATS, number)) / number
    finally:
        torch.set_num_threads(before)
    low, median, high = np.quantile(times, (0.25, 0.5, 0.75)).tolist()
    return Latency(way, len(images), low, median, high)
