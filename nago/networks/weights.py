"""Weights: a trained network as one file, and back to a module that is ready for use."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from nago.data.augmentation import present
from nago.data.datasets import DatasetInfo
from nago.generators.architecture import Architecture
from nago.networks.build import Network, build_network
from nago.records import RecordError, write_bytes


class Classifier(nn.Module):
    """A trained network with its normalisation: images as bytes to logits.

    `class_names` are those of the logits' columns; `image_size` is the height and width that the
    network was trained at: of larger images it sees the centre, as in the test. `stored_size`
    is the height and width that image files were resized to.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: Network, info: DatasetInfo) -> None:
        super().__init__()
        self.network = network
        self.class_names = tuple(info.class_names)
        self.image_size, self.stored_size = info.image_size, info.stored_size
        self.register_buffer("mean", torch.tensor(info.mean), persistent=False)
        self.register_buffer("std", torch.tensor(info.std), persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (N, classes) of images (N, channels, H, W), uint8."""
        logits: Tensor = self.network(present(images, self.mean, self.std, self.image_size))
        return logits


def save_network(path: Path, network: Network, info: DatasetInfo, status: str) -> None:
    """Write a network, what it was trained on and how that ended, whole or not at all."""
    content = {
        "architecture": network.architecture.to_json(),
        "weights": {name: tensor.cpu() for name, tensor in network.state_dict().items()},
        "info": info.as_dict(),
        "status": status,
    }
    buffer = io.BytesIO()
    torch.save(content, buffer)
    write_bytes(path, buffer.getvalue())


@dataclass(frozen=True, slots=True)
class Saved:
    """What a file of weights holds: `network` has them and is in evaluation mode."""

    network: Network
    info: DatasetInfo

    @property
    def architecture(self) -> Architecture:
        """Return that of the network."""
        return self.network.architecture


def load_network(path: Path | str) -> Classifier:
    """Return a trained network from its file, in evaluation mode, on the CPU.

    Raises:
        RecordError: the file is missing or damaged, or its training came to nothing.
    """
    saved = read_saved(path)
    return Classifier(saved.network, saved.info).eval()


def read_saved(path: Path | str) -> Saved:
    """Return what a file of weights holds, on the CPU.

    Raises:
        RecordError: the file is missing or damaged, or its training came to nothing.
    """
    try:
        content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        network = build_network(Architecture.from_json(content["architecture"]), seed=0)
        network.load_state_dict(content["weights"])
        info, status = DatasetInfo.from_dict(content["info"]), content["status"]
    except FileNotFoundError:
        raise RecordError(f"there is no file {path}") from None
    except Exception as error:
        reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
        raise RecordError(f"{path} is not a network saved by nago ({reason[0]})") from None
    if status != "ok":
        raise RecordError(f"{path} holds a network whose training ended as {status}")
    return Saved(network.eval(), info)
