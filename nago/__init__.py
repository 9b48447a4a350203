"""NAGO: optimise the generator of networks instead of one network."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nago.networks.build import Network
    from nago.networks.weights import Classifier

__version__ = "0.1.0"


def load(path: Path | str) -> "Classifier":
    """Return a trained network, `final/{k}.pt`, as a module ready for use.

    It takes images (N, channels, H, W) of uint8 and gives logits (N, classes).

    Raises:
        nago.records.RecordError: the file is missing, damaged or no such network.
    """
    # Imported here, so that what needs no torch doesn't wait for it.
    from nago.networks.weights import load_network  # noqa: PLC0415

    return load_network(path)


def create(model: str | Mapping[str, Any] | None = None, **options: Any) -> "Network":
    """Return a network for other training code: normalised float images to logits.

    `create("cifar10-bohb", num_classes=100, seed=3)` draws it from a published configuration,
    `create({"top_nodes": 5, "bottom_p": 0.3})` from hyperparameters, `create(pretrained=path,
    num_classes=5)` from a file of weights. All options are those of
    `nago.deployment.creation.create_network`.

    Raises:
        nago.records.UserError: something is unknown, or doesn't go with the weights.
        nago.records.RecordError: the file of weights is missing or damaged.
    """
    from nago.deployment.creation import create_network  # noqa: PLC0415

    return create_network(model, **options)
