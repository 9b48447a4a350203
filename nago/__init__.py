"""NAGO: optimise the generator of networks instead of one network."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
