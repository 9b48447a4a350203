"""Evaluation: loss and errors of a network on images as they are."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from nago.data.augmentation import present
from nago.data.images import LabelledImages
from nago.records import TrainingSettings
from nago.training.device import compute_in
from nago.training.team import SOLO, Team

TOP = 5
"""Answers of which one must be right in the second error."""


class Means(NamedTuple):
    """Per image: the loss in nats, the error in [0, 1], and that of the five best answers."""

    loss: float
    error: float
    top5_error: float


class Tally:
    """The loss and the wrong answers of all batches seen, summed on their device.

    A GPU need not wait for each batch, as the numbers are read at the end only.
    """

    def __init__(self, device: torch.device) -> None:
        self.images = torch.zeros((), dtype=torch.int64, device=device)
        self.loss = torch.zeros((), dtype=torch.float64, device=device)
        self.wrong = torch.zeros((), dtype=torch.int64, device=device)
        self.wrong_top5 = torch.zeros((), dtype=torch.int64, device=device)

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Add a batch with its mean loss; logits are (N, classes), labels (N,)."""
        best = logits.detach().topk(min(TOP, logits.shape[1]), dim=1).indices
        right = best == labels[:, None]
        self.images += len(labels)
        self.loss += loss.detach() * len(labels)
        self.wrong += len(labels) - right[:, 0].sum()
        self.wrong_top5 += len(labels) - right.sum()

    def means(self, team: Team = SOLO) -> Means:
        """Return what all processes have seen, per image."""
        images, *others = self.state(team).values()
        return Means(*(value / images for value in others))

    def state(self, team: Team = SOLO) -> dict[str, float]:
        """Return the sums over all processes as plain numbers, the images first."""
        sums = [value.clone() for value in self._sums()]
        team.add(*sums)
        names = ("images", "loss", "wrong", "wrong_top5")
        return dict(zip(names, (value.item() for value in sums), strict=True))

    def load(self, state: Mapping[str, float]) -> None:
        """Take over the sums of another tally."""
        for value, number in zip(self._sums(), state.values(), strict=True):
            value.fill_(number)

    def _sums(self) -> tuple[Tensor, ...]:
        return self.images, self.loss, self.wrong, self.wrong_top5


@torch.no_grad()
def evaluate(
    network: nn.Module,
    images: LabelledImages,
    batch_size: int,
    settings: TrainingSettings,
    team: Team = SOLO,
) -> Means:
    """Return the mean cross-entropy and the errors; the network is left in the mode it was in.

    Args:
        network: (N, C, H, W) float32 to logits (N, classes).
        images: on its device.
        batch_size: images at a time, those of all processes together.
        settings: in what precision and layout it computes.
        team: processes that each take a share of the images.
    """
    was_training = network.training
    network.eval()
    tally = Tally(images.labels.device)
    own = torch.arange(len(images))[team.share(len(images))]
    share = max(1, batch_size // team.size)
    batches = [batch for batch in torch.split(own, share) if len(batch)]
    for pixels, labels in images.batches(batches):
        shown = present(pixels, images.mean, images.std, images.size)
        with compute_in(settings, labels.device):
            logits = network(lay_out(shown, settings)).float()
        tally.add(functional.cross_entropy(logits, labels), logits, labels)
    network.train(was_training)
    return tally.means(team)


def lay_out(images: Tensor, settings: TrainingSettings) -> Tensor:
    """Return images (N, C, H, W) in the memory layout that the settings ask for."""
    layout = torch.channels_last if settings.channels_last else torch.contiguous_format
    return images.contiguous(memory_format=layout)
