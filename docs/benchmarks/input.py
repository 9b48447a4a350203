"""The way of images into a training: how fast batches are changed, and what that is of a step.

`python docs/benchmarks/input.py` prints the page docs/benchmarks/input.md. CPU seconds of one
thread, the things compared in turn, so that whatever else the machine does hits them alike.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional
from torchvision.transforms import v2

from nago.data.augmentation import change_images, draw_changes
from nago.data.files import ImageFiles, sum_pixels
from nago.data.images import LabelledImages, StoredImages
from nago.data.pixels import read_pixels
from nago.networks.build import build_network
from nago.networks.fused.training_pass import fuse
from nago.records import TrainingSettings
from nago.sampling import make_recipe
from nago.training.device import keep_memory
from nago.training.optimiser import MomentumSGD

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BATCH = 96
ROUNDS = 9
OPTIMISER = {"learning_rate": 0.025, "momentum": 0.9, "weight_decay": 3e-4, "gradient_clip": 5.0}


def settings(**changes: object) -> TrainingSettings:
    """Return the settings of one protocol."""
    plain = {"crop_padding": 0, "flip": True, "cutout": 0, "threads": 1}
    return TrainingSettings(**(OPTIMISER | {"batch_size": BATCH} | plain | changes))  # type: ignore[arg-type]


SMALL = settings(crop_padding=4, cutout=16)
JITTER = (0.4, 0.4, 0.4, 0.2)
LARGE = settings(crop="resized", colour_jitter=JITTER, cutout=112)
MEDIUM = settings(crop="resized", colour_jitter=JITTER, cutout=32)


def main() -> None:
    """Print the page."""
    torch.set_num_threads(1)
    keep_memory()
    torch.manual_seed(0)
    print("\n\n".join([INTRODUCTION, describe_protocols(), describe_shares(), describe_files()]))


INTRODUCTION = f"""# The way of images into a training

CPU seconds of one thread; the median of {ROUNDS} rounds in which everything compared takes its
turn, {BATCH} images each. As in a training, the C library keeps freed memory.
torch {torch.__version__}.

`python docs/benchmarks/input.py > docs/benchmarks/input.md`"""


def describe_protocols() -> str:
    """Return how fast images are changed, here and by torchvision's transforms of one image."""
    lines = [
        "## Augmentation of a batch against transforms of single images",
        "",
        "Small: 32 px, crop with a border of 4, mirror, normalisation, cutout 16. Large: 256 px to"
        " 224, window of random area and shape, mirror, colour jitter (.4, .4, .4, .2),"
        " normalisation, cutout 112. The transforms are torchvision's (v2), on PIL images and on"
        " tensors of bytes, with cutout by hand; images lie in memory, decoded. Random numbers are"
        " counted in; making a batch of the single images isn't.",
        "",
        "| protocol | here, images/s | PIL, images/s | ratio | tensors, images/s | ratio |",
        "|---|---|---|---|---|---|",
    ]
    for name, stored_size, size, protocol in (
        ("small", 32, 32, SMALL),
        ("large", 256, 224, LARGE),
    ):
        ours, pil, tensors = compare(stored_size, size, protocol)
        row = (name, f"{ours:,.0f}", f"{pil:,.0f}", f"{ours / pil:.1f}")
        lines.append(f"| {' | '.join(row)} | {tensors:,.0f} | {ours / tensors:.1f} |")
    lines += ["", "Aim for small images: at least 10 times."]
    return "\n".join(lines)


def compare(stored_size: int, size: int, protocol: TrainingSettings) -> tuple[float, ...]:
    """Return images per second: here, and single ones on PIL images and on tensors."""
    images = draw_pixels(BATCH, stored_size)
    single = {
        "PIL": [Image.fromarray(image.permute(1, 2, 0).numpy()) for image in images],
        "tensors": list(images),
    }
    transform = make_transform(size, protocol)
    tasks: dict[str, Callable[[int], object]] = {
        "here": lambda seed: change(images, size, protocol, seed),
        "PIL": lambda seed: [transform(image) for image in single["PIL"]],
        "tensors": lambda seed: [transform(image) for image in single["tensors"]],
    }
    return tuple(BATCH / seconds for seconds in measure(tasks).values())


def draw_pixels(number: int, size: int) -> Tensor:
    """Return smooth noise as bytes, (number, 3, size, size)."""
    coarse = torch.rand(number, 3, size // 8, size // 8)
    return functional.interpolate(coarse, size=(size, size), mode="bilinear").mul(255).byte()


def change(images: Tensor, size: int, protocol: TrainingSettings, seed: int) -> Tensor:
    """Return a batch changed at random, as a training does it."""
    rng = torch.Generator().manual_seed(seed)
    changes = draw_changes(len(images), images.shape[2], size, protocol, rng)
    mean, std = torch.tensor(MEAN), torch.tensor(STD)
    return change_images(images, changes, mean, std, protocol, size)


def make_transform(size: int, protocol: TrainingSettings) -> v2.Compose:
    """Return the same protocol for a single image, by torchvision."""
    window: list[torch.nn.Module] = [v2.RandomCrop(size, padding=protocol.crop_padding)]
    if protocol.crop == "resized":
        window = [v2.RandomResizedCrop(size, protocol.crop_scale)]
    colours = [v2.ColorJitter(*protocol.colour_jitter)] if any(protocol.colour_jitter) else []
    return v2.Compose(
        [
            *window,
            v2.RandomHorizontalFlip(),
            *colours,
            v2.ToImage(),
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(MEAN, STD),
            v2.Lambda(lambda image: cut_out(image, protocol.cutout)),
        ]
    )


def cut_out(image: Tensor, side: int) -> Tensor:
    """Erase a square around a random pixel."""
    height, width = image.shape[1:]
    row, column = np.random.randint(height), np.random.randint(width)  # noqa: NPY002
    top, left = max(row - side // 2, 0), max(column - side // 2, 0)
    image[:, top : row + side // 2, left : column + side // 2] = 0
    return image


def measure(
    tasks: Mapping[str, Callable[[int], object]], rounds: int = ROUNDS
) -> dict[str, float]:
    """Return the median CPU seconds of each task; they take turns."""
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for turn in range(rounds + 1):
        for name, task in tasks.items():
            start = time.process_time()
            task(turn)
            seconds[name].append(time.process_time() - start)
    return {name: statistics.median(times[1:]) for name, times in seconds.items()}


def describe_shares() -> str:
    """Return what share of a step on a CPU goes into its input."""
    lines = [
        "## The share of a training step on a CPU",
        "",
        "The input: pixels from an array on the disk, random numbers, changes, normalisation. The"
        " rest: forward and backward pass and the optimiser's step of a network with the published"
        " configuration named, drawn with seed 0.",
        "",
        "| network | image | batch | input, s | rest, s | share of the step |",
        "|---|---|---|---|---|---|",
    ]
    for name, stored_size, size, batch, protocol in (
        ("cifar10-mobo", 32, 32, 96, SMALL),
        ("flowers102-bohb", 72, 64, 96, MEDIUM),
        ("flowers102-mobo", 256, 224, 16, LARGE),
    ):
        given, rest = measure_step(name, stored_size, size, batch, protocol)
        row = (f"`{name}`", f"{size} px", str(batch), f"{given:.4f}", f"{rest:.2f}")
        lines.append(f"| {' | '.join(row)} | {given / (given + rest):.2%} |")
    lines += [
        "",
        "Aim: under 5 %. On a GPU the same operations run on the GPU, and the share is another: it"
        " hasn't been measured, as no GPU was there.",
    ]
    return "\n".join(lines)


def measure_step(
    name: str, stored_size: int, size: int, batch: int, protocol: TrainingSettings
) -> tuple[float, float]:
    """Return the CPU seconds of a step's input and of the rest of it."""
    recipe = make_recipe(named=name, seed=0, task={"image_size": size})
    network = build_network(recipe.draw(), seed=0).to(memory_format=torch.channels_last)
    fuse(network)
    optimiser = MomentumSGD(network.parameters(), protocol)
    given: list[Tensor] = []

    def step(turn: int) -> None:
        logits = network(given[-1])
        loss = functional.cross_entropy(logits, torch.zeros(batch, dtype=torch.int64))
        optimiser.clear()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step(0.025)

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "images.npy"
        np.save(path, draw_pixels(4 * batch, stored_size).numpy())
        stored = StoredImages((np.load(path, mmap_mode="r"),))
        mean, std = torch.tensor(MEAN), torch.tensor(STD)
        images = LabelledImages(stored, torch.zeros(4 * batch), mean, std, size)

        def load(turn: int) -> None:
            places = torch.randperm(4 * batch)[:batch]
            [(pixels, _)] = images.batches([places])
            given[:] = [change(pixels, size, protocol, turn)]

        found = measure({"input": load, "rest": step}, rounds=3)
    return found["input"], found["rest"]


def describe_files() -> str:
    """Return how fast images are decoded that stay in their files."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        image = Image.fromarray(draw_pixels(1, 512)[0, :, :376].permute(1, 2, 0).numpy())
        image.save(root / "image.jpg", quality=90)
        total = sum_pixels(read_pixels(root, "image.jpg", 256, 3))
        files = ImageFiles(root, ("image.jpg",) * BATCH, (total,) * BATCH, (BATCH, 3, 256, 256))
        seconds = measure({"files": lambda turn: files.read_many(range(BATCH))}, rounds=5)
    return (
        "## Images that stay in their files\n\n"
        f"One process decodes {BATCH / seconds['files']:,.0f} JPEG images of 512x376 pixels a"
        " second to 256 px and compares their checksums; as many processes as asked for do so"
        " ahead of the training."
    )


if __name__ == "__main__":
    sys.exit(main())
