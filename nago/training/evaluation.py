"""Evaluation: loss and error of a network on images as they are."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from nago.data.augmentation import normalise
from nago.data.images import LabelledImages


class Tally:
    """The loss and the wrong answers of all batches seen, summed on their device.

    A GPU need not wait for each batch, as the numbers are read at the end only.
    """

    def __init__(self, device: torch.device) -> None:
        self.images = 0
        self.loss = torch.zeros((), dtype=torch.float64, device=device)
        self.wrong = torch.zeros((), dtype=torch.int64, device=device)

    def add(self, loss: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Add a batch with its mean loss; logits are (N, classes), labels (N,)."""
        self.images += len(labels)
        self.loss += loss.detach() * len(labels)
        self.wrong += (logits.detach().argmax(dim=1) != labels).sum()

    def means(self) -> tuple[float, float]:
        """Return the loss in nats and the error in [0, 1], per image."""
        return self.loss.item() / self.images, self.wrong.item() / self.images


@torch.no_grad()
def evaluate(network: nn.Module, images: LabelledImages, batch_size: int) -> tuple[float, float]:
    """Return the mean cross-entropy, in nats, and the error, in [0, 1].

    The network is left as it was, in training mode or not.
    """
    was_training = network.training
    network.eval()
    tally = Tally(images.labels.device)
    batches = torch.split(images.pixels, batch_size), torch.split(images.labels, batch_size)
    for pixels, labels in zip(*batches, strict=True):
        logits = network(normalise(pixels, images.mean, images.std))
        tally.add(functional.cross_entropy(logits, labels), logits, labels)
    network.train(was_training)
    return tally.means()
