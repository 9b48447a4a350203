"""An architecture: one draw of a generator, as data with a canonical JSON and a hash.

Three levels: cells (top) of middle nodes of operations (bottom). At each level `inputs` are the
places of the nodes, in the same graph, whose outputs a node takes; a node without inputs takes
what its graph takes, and a graph gives the mean over the nodes that no other node takes. Where a
generator reads the levels in another way, its own module says how.
"""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

CONVOLUTIONS = {
    "conv3x3": (3, 3),
    "conv5x5": (5, 5),
    "conv1x1": (1, 1),
    "conv3x1": (3, 1),
    "conv1x3": (1, 3),
}
"""Kernels, height and width, of the operations ReLU - convolution - batch norm."""

POOLINGS = {
    "avgpool3x3": ("avgpool", 3),
    "avgpool5x5": ("avgpool", 5),
    "maxpool3x3": ("maxpool", 3),
}
"""Kinds and kernels of the operations that pool over a window."""

SEPARABLES = {
    "sepconv3x3": (3, 1, 1),
    "dilconv3x3": (3, 2, 1),
    "dilconv5x5": (5, 2, 1),
    "doublesepconv3x3": (3, 1, 2),
    "doublesepconv5x5": (5, 1, 2),
}
"""Kernels, dilations and repeats of the operations ReLU - depthwise - 1x1 convolution - norm."""

SKIP = "skip"
"""The operation that gives its input."""

MERGES = ("sum", "attention", "concat")
"""Ways to merge several inputs into one of the same width, learnt."""

ADD = "add"
"""The merge that learns nothing."""


@dataclass(frozen=True, slots=True)
class Task:
    """What a network is for: square images of `image_size` pixels, and its size limit."""

    image_size: int
    image_channels: int
    classes: int
    parameter_limit: int


@dataclass(frozen=True, slots=True)
class Operation:
    """A bottom node: what it computes, on the merged outputs of `inputs`."""

    operation: str
    inputs: tuple[int, ...]
    merge: str | None


@dataclass(frozen=True, slots=True)
class MiddleNode:
    """A node of a cell: a graph of operations."""

    inputs: tuple[int, ...]
    merge: str | None
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """A top node: a graph of middle nodes, at the resolution and width of `stage`."""

    stage: int
    inputs: tuple[int, ...]
    merge: str | None
    nodes: tuple[MiddleNode, ...]


@dataclass(frozen=True, slots=True)
class Architecture:
    """A network before it is built: everything that decides its shape, and no weights.

    `widths` are the channels of each stage, `head_width` those before the classifier. `merge`
    names are `sum`, `attention`, `concat` and `add`; None where there is at most one input, and
    where a cell takes its inputs apart.
    """

    generator: str
    image_size: int
    image_channels: int
    classes: int
    widths: tuple[int, ...]
    head_width: int
    cells: tuple[Cell, ...]

    @property
    def nodes(self) -> int:
        """The number of operations."""
        return sum(len(node.operations) for cell in self.cells for node in cell.nodes)

    def to_json(self) -> str:
        """Return the canonical JSON: equal architectures give equal text."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True, separators=(",", ":"))

    @property
    def hash(self) -> str:
        """The first 16 hexadecimal digits of the SHA-256 of the canonical JSON."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]

    @classmethod
    def from_json(cls, text: str) -> "Architecture":
        """Return the architecture of a canonical JSON."""
        values: dict[str, Any] = json.loads(text)
        values["widths"] = tuple(values["widths"])
        values["cells"] = tuple(_read_cell(cell) for cell in values["cells"])
        return cls(**values)


class HasInputs(Protocol):
    """A node of any level."""

    @property
    def inputs(self) -> tuple[int, ...]:
        """The places of the nodes whose outputs it takes."""


def output_nodes(nodes: Sequence[HasInputs]) -> list[int]:
    """Return the places of the nodes that no other node of the graph takes."""
    taken = {source for node in nodes for source in node.inputs}
    return [place for place in range(len(nodes)) if place not in taken]


SMALL_IMAGE = 40
"""Images below this many pixels keep their resolution in the stem; others lose a factor 4."""


def stem_resolution(image_size: int) -> int:
    """Return the height of the stem's output, in pixels: two strides of 2 for large images."""
    if image_size < SMALL_IMAGE:
        return image_size
    return ((image_size + 1) // 2 + 1) // 2


def _read_cell(values: Mapping[str, Any]) -> Cell:
    nodes = tuple(
        MiddleNode(
            tuple(node["inputs"]),
            node["merge"],
            tuple(
                Operation(item["operation"], tuple(item["inputs"]), item["merge"])
                for item in node["operations"]
            ),
        )
        for node in values["nodes"]
    )
    return Cell(values["stage"], tuple(values["inputs"]), values["merge"], nodes)
