"""One epoch: each image once, in an order and a guise that the seed and its number decide.

The random numbers of a step come from the seed, the epoch and the images that it has behind it:
an epoch can go on in its middle, and no state of a generator has to be kept for it.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from nago.data.augmentation import change_images, draw_changes
from nago.data.images import LabelledImages
from nago.seeds import derive_seed
from nago.training.device import compute_in, seeded
from nago.training.evaluation import Tally, lay_out
from nago.training.optimiser import MomentumSGD, choose_peak, schedule
from nago.training.run import Run
from nago.training.standing import Position

SMALLEST_BATCH = 2
"""Images in each process: batch norm cannot learn from one."""


def train_epoch(
    network: nn.Module,
    optimiser: MomentumSGD,
    images: LabelledImages,
    run: Run,
    tally: Tally,
    *,
    position: Position,
    batch_size: int,
    after_step: Callable[[int, int, Tensor], None],
) -> None:
    """Train for one epoch, or for what is left of it.

    Args:
        network: (N, C, H, W) float32 to logits (N, classes).
        optimiser: of its parameters.
        images: on the network's device.
        run: its seed and budget, and how images and rate change.
        tally: takes what the network answered.
        position: where to begin.
        batch_size: images per step, those of all processes together.
        after_step: is told how many images were seen, of how many, and the mean loss of this
            process's share of the step.
    """
    settings, team = run.settings, run.team
    order_seed = derive_seed(run.seed, "batches", position.epoch)
    batches = cut_batches(len(images), batch_size, order_seed, position.seen, team.size)
    total = position.seen + sum(len(batch) for batch in batches)
    device = images.labels.device
    peak = choose_peak(settings, batch_size)
    seen = position.seen
    network.train()
    with seeded(device, 0):
        own = [batch[team.share(len(batch))] for batch in batches]
        for batch, (pixels, labels) in zip(batches, images.batches(own), strict=True):
            number = len(batch)
            seeds = (position.epoch, seen)
            rng = torch.Generator().manual_seed(derive_seed(run.seed, "augmentation", *seeds))
            changes = draw_changes(number, images.stored_size, images.size, settings, rng)
            own_changes = changes.take(team.share(number))
            inputs = change_images(
                pixels, own_changes, images.mean, images.std, settings, images.size
            )
            torch.manual_seed(derive_seed(run.seed, "dropout", *seeds, team.rank))
            with compute_in(settings, device):
                logits = network(lay_out(inputs, settings)).float()
            loss = functional.cross_entropy(
                logits, labels, label_smoothing=settings.label_smoothing
            )
            optimiser.clear()
            # The mean over processes is then the mean over images, however they are shared.
            (loss * (len(labels) * team.size / number)).backward()  # type: ignore[no-untyped-call]
            epochs = position.epoch + seen / total
            optimiser.step(schedule(peak, epochs, run.budget, settings.warmup_epochs))
            tally.add(loss, logits, labels)
            seen += number
            after_step(seen, total, loss.detach())


def cut_batches(
    images: int, batch_size: int, seed: int, seen: int = 0, processes: int = 1
) -> list[Tensor]:
    """Return the places of the images of each batch of an epoch, each image once.

    The last batch may be smaller. One too small for batch norm in each process is dropped; its
    images are others in each epoch.

    Args:
        images: of the data set.
        batch_size: images per batch.
        seed: decides the order.
        seen: images that earlier batches of the epoch had.
        processes: that share a batch.
    """
    order = torch.randperm(images, generator=torch.Generator().manual_seed(seed))
    batches = torch.split(order[seen:], batch_size)
    return [batch for batch in batches if len(batch) >= SMALLEST_BATCH * processes]
