"""One epoch: each image once, in an order and a guise that the seed and its number decide."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from nago.data.augmentation import augment
from nago.data.images import LabelledImages
from nago.seeds import derive_seed
from nago.training.device import seeded
from nago.training.evaluation import Tally
from nago.training.optimiser import MomentumSGD, cosine
from nago.training.run import Run

SMALLEST_BATCH = 2
"""Batch norm cannot learn from one image."""


def train_epoch(
    network: nn.Module,
    optimiser: MomentumSGD,
    images: LabelledImages,
    run: Run,
    *,
    epoch: int,
    batch_size: int,
) -> tuple[Tally, float]:
    """Train for one epoch; return what the network answered, and the first learning rate.

    The rate falls with each step along a cosine over the whole budget, and in proportion to the
    batch when that is smaller than the settings'.

    Args:
        network: (N, C, H, W) float32 to logits (N, classes).
        optimiser: of its parameters.
        images: on the network's device.
        run: its seed and budget, and how images and rate change.
        epoch: its number in the budget, from 0.
        batch_size: images per step.
    """
    batches = cut_batches(len(images), batch_size, derive_seed(run.seed, "batches", epoch))
    peak = run.settings.learning_rate * batch_size / run.settings.batch_size
    steps = range(len(batches))
    rates = [cosine(peak, (epoch + step / len(batches)) / run.budget) for step in steps]
    rng = torch.Generator().manual_seed(derive_seed(run.seed, "augmentation", epoch))
    device = images.labels.device
    tally = Tally(device)
    network.train()
    with seeded(device, derive_seed(run.seed, "dropout", epoch)):
        for batch, rate in zip(batches, rates, strict=True):
            places = batch.to(device)
            labels = images.labels[places]
            inputs = augment(images.pixels[places], images.mean, images.std, run.settings, rng)
            logits = network(inputs)
            loss = functional.cross_entropy(logits, labels)
            optimiser.clear()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step(rate)
            tally.add(loss, logits, labels)
    return tally, rates[0]


def cut_batches(images: int, batch_size: int, seed: int) -> list[Tensor]:
    """Return the places of the images of each batch of an epoch, each image once.

    The last batch may be smaller. A single image left over is dropped, as batch norm cannot
    learn from one; it is another one in each epoch.
    """
    order = torch.randperm(images, generator=torch.Generator().manual_seed(seed))
    batches = torch.split(order, batch_size)
    return [batch for batch in batches if len(batch) >= SMALLEST_BATCH]
