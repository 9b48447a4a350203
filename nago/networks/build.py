"""Build: from an architecture to a network, a torch module.

`nago.generators.widths` and `nago.generators.complexity` count what is built here: a change on
one side belongs on the other.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from nago.generators.architecture import (
    SMALL_IMAGE,
    STEM,
    Architecture,
    MiddleNode,
    Operation,
    list_crossings,
    output_nodes,
    stage_of,
)
from nago.networks.merges import make_merge
from nago.networks.operations import make_operation

DROPOUT = 0.2
"""Share of the head's features that training leaves out."""


def build_network(architecture: Architecture, seed: int) -> "Network":
    """Return the network of an architecture, its weights drawn with `seed`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Network(architecture)
        for module in network.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network


class Network(nn.Module):
    """Stem, cells over three stages, head: images (N, channels, H, W) to logits (N, classes)."""

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        cells, widths = architecture.cells, architecture.widths
        self.architecture = architecture
        self.stem = make_stem(architecture.image_size, architecture.image_channels, widths[0])
        self.cells = nn.ModuleList(
            Node(cell.merge, cell.inputs, cell.nodes, widths[cell.stage]) for cell in cells
        )
        self.crossings = nn.ModuleDict(
            {
                _crossing_name(place, stage): Crossing(
                    stage - stage_of(cells, place), widths[stage_of(cells, place)], widths[stage]
                )
                for place, stage in list_crossings(cells)
            }
        )
        self.head = Head(widths[-1], architecture.head_width, architecture.classes)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits (N, classes) of images (N, channels, H, W)."""
        cells = self.architecture.cells
        # Each output, at its own stage and wherever a later stage takes it.
        features: dict[tuple[int, int], Tensor] = {(STEM, 0): self.stem(images)}

        def bring(place: int, stage: int) -> Tensor:
            if (place, stage) not in features:
                crossing = self.crossings[_crossing_name(place, stage)]
                features[place, stage] = crossing(features[place, stage_of(cells, place)])
            return features[place, stage]  # (N, widths[stage], H / 2^stage, W / 2^stage)

        for place, (cell, node) in enumerate(zip(cells, self.cells, strict=True)):
            sources = [bring(source, cell.stage) for source in cell.inputs or (STEM,)]
            features[place, cell.stage] = node(sources)
        last = len(self.architecture.widths) - 1
        ends = [bring(place, last) for place in output_nodes(cells)]
        logits: Tensor = self.head(_mean(ends))
        return logits


class Node(nn.Module):
    """A top or middle node: merges its inputs and runs the graph of its own nodes on them."""

    def __init__(
        self,
        merge: str | None,
        inputs: Sequence[int],
        nodes: Sequence[MiddleNode] | Sequence[Operation],
        channels: int,
    ) -> None:
        super().__init__()
        self.merge = make_merge(merge, len(inputs), channels)
        self.nodes = nn.ModuleList(_make_node(node, channels) for node in nodes)
        self.wiring = [tuple(node.inputs) for node in nodes]
        self.outputs = output_nodes(nodes)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Return one batch (N, C, H, W) of several of that shape."""
        x = self.merge(inputs)
        results: list[Tensor] = []
        for sources, node in zip(self.wiring, self.nodes, strict=True):
            results.append(node([results[place] for place in sources] or [x]))
        return _mean([results[place] for place in self.outputs])


class OperationNode(nn.Module):
    """A bottom node: merges its inputs and computes its operation."""

    def __init__(self, node: Operation, channels: int) -> None:
        super().__init__()
        self.merge = make_merge(node.merge, len(node.inputs), channels)
        self.operation = make_operation(node.operation, channels)

    def forward(self, inputs: Sequence[Tensor]) -> Tensor:
        """Return one batch (N, C, H, W) of several of that shape."""
        result: Tensor = self.operation(self.merge(inputs))
        return result


class Crossing(nn.Module):
    """To a later stage: average pooling, and a 1x1 convolution where the widths differ."""

    def __init__(self, steps: int, channels: int, target_channels: int) -> None:
        super().__init__()
        self.factor = 2**steps
        self.match: nn.Module = nn.Identity()
        if channels != target_channels:
            self.match = nn.Conv2d(channels, target_channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, target_channels, H / factor, W / factor) of (N, channels, H, W)."""
        result: Tensor = self.match(functional.avg_pool2d(x, self.factor))
        return result


class Head(nn.Module):
    """ReLU, 1x1 convolution, batch norm, ReLU, mean over the pixels, dropout, classifier."""

    def __init__(self, channels: int, width: int, classes: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, width, 1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.dropout = nn.Dropout(DROPOUT)
        self.classifier = nn.Linear(width, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits (N, classes) of (N, channels, H, W)."""
        x = functional.relu(self.norm(self.conv(functional.relu(x))))  # (N, width, H, W)
        logits: Tensor = self.classifier(self.dropout(x.mean((2, 3))))
        return logits


def make_stem(image_size: int, image_channels: int, width: int) -> nn.Module:
    """Return the first layers: (N, channels, H, W) to (N, width, H, W), or H/4, W/4 if large."""
    if image_size < SMALL_IMAGE:
        return nn.Sequential(
            nn.Conv2d(image_channels, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )
    half = max(1, width // 2)
    return nn.Sequential(
        *_separable(image_channels, half),
        nn.BatchNorm2d(half),
        nn.ReLU(),
        *_separable(half, width),
        nn.BatchNorm2d(width),
    )


def _separable(channels: int, target_channels: int) -> tuple[nn.Module, nn.Module]:
    depthwise = nn.Conv2d(channels, channels, 3, stride=2, padding=1, groups=channels, bias=False)
    return depthwise, nn.Conv2d(channels, target_channels, 1, bias=False)


def _make_node(node: MiddleNode | Operation, channels: int) -> nn.Module:
    if isinstance(node, Operation):
        return OperationNode(node, channels)
    return Node(node.merge, node.inputs, node.operations, channels)


def _crossing_name(place: int, stage: int) -> str:
    return f"{'stem' if place == STEM else place}_to_{stage}"


def _mean(tensors: Sequence[Tensor]) -> Tensor:
    if len(tensors) == 1:
        return tensors[0]
    total = tensors[0] + tensors[1]
    for x in tensors[2:]:
        total = total + x
    return total / len(tensors)
