"""What a network costs, from its architecture alone: parameters, multiply-adds, sample memory.

Each function follows `nago.networks.build` step by step; tests hold them equal to the built
module, number for number.

* Parameters: all that training changes; batch-norm statistics are not among them.
* Multiply-adds: of the convolutions and the classifier, for one image.
* Sample memory: the bytes that autograd keeps for the backward pass of one image more in the
  batch, in float32 on a CPU, the input image among them. Parameters are not in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from nago.generators.architecture import (
    CONVOLUTIONS,
    POOLINGS,
    SMALL_IMAGE,
    STEM,
    Architecture,
    MiddleNode,
    Operation,
    output_nodes,
    stage_of,
)
from nago.generators.widths import count_parameters

FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class Complexity:
    """What a network costs; the memory is for one image."""

    parameters: int
    multiply_adds: int
    sample_memory_bytes: int


def count_complexity(architecture: Architecture) -> Complexity:
    """Return the costs of an architecture, without building it."""
    walk = _Walk(architecture)
    walk.follow_network()
    return Complexity(
        parameters=count_parameters(architecture),
        multiply_adds=walk.multiply_adds,
        sample_memory_bytes=FLOAT_BYTES * walk.saved,
    )


@dataclass(slots=True, eq=False)
class _Feature:
    """A tensor of the forward pass: its numbers per image, and whether autograd keeps it."""

    channels: int
    resolution: int
    kept: bool = False

    @property
    def numbers(self) -> int:
        return self.channels * self.resolution**2


@dataclass(slots=True)
class _Walk:
    """The forward pass without numbers: adds up multiply-adds and what autograd keeps."""

    architecture: Architecture
    multiply_adds: int = 0
    saved: int = 0

    def follow_network(self) -> None:
        """Follow the whole network."""
        cells, widths = self.architecture.cells, self.architecture.widths
        stem = self._follow_stem()
        outputs: list[_Feature] = []
        matched: dict[tuple[int, int], _Feature] = {}

        def bring(place: int, stage: int) -> _Feature:
            if (place, stage) not in matched:
                source = stem if place == STEM else outputs[place]
                steps = stage - stage_of(cells, place)
                matched[place, stage] = self._match(source, steps, widths[stage])
            return matched[place, stage]

        for cell in cells:
            sources = [bring(place, cell.stage) for place in cell.inputs or (STEM,)]
            outputs.append(self._follow_graph(cell.nodes, self._merge(sources, cell.merge)))
        last = len(widths) - 1
        ends = [bring(place, last) for place in output_nodes(cells)]
        self._follow_head(self._mean(ends))

    def _keep(self, feature: _Feature) -> None:
        if not feature.kept:
            feature.kept = True
            self.saved += feature.numbers

    def _convolve(
        self, feature: _Feature, channels: int, area: int, stride: int = 1, groups: int = 1
    ) -> _Feature:
        self._keep(feature)
        result = _Feature(channels, -(-feature.resolution // stride))
        self.multiply_adds += result.numbers * area * feature.channels // groups
        return result

    def _new(self, feature: _Feature) -> _Feature:
        """Return the result of a step of one tensor of the same shape."""
        return _Feature(feature.channels, feature.resolution)

    def _rectify(self, feature: _Feature) -> _Feature:
        result = self._new(feature)
        self._keep(result)
        return result

    def _normalise(self, feature: _Feature) -> _Feature:
        self._keep(feature)
        return self._new(feature)

    def _follow_stem(self) -> _Feature:
        architecture = self.architecture
        image = _Feature(architecture.image_channels, architecture.image_size)
        first = architecture.widths[0]
        if architecture.image_size < SMALL_IMAGE:
            x = self._rectify(self._normalise(self._convolve(image, first, 9)))
            return self._normalise(self._convolve(x, first, 9))
        x = self._rectify(self._normalise(self._separate(image, max(1, first // 2))))
        return self._normalise(self._separate(x, first))

    def _separate(self, feature: _Feature, channels: int) -> _Feature:
        """Follow a depthwise 3x3 convolution of stride 2 and a pointwise one."""
        depthwise = self._convolve(feature, feature.channels, 9, 2, feature.channels)
        return self._convolve(depthwise, channels, 1)

    def _match(self, feature: _Feature, steps: int, channels: int) -> _Feature:
        if steps:
            self._keep(feature)
            feature = _Feature(feature.channels, feature.resolution // 2**steps)
        if feature.channels != channels:
            feature = self._convolve(feature, channels, 1)
        return feature

    def _merge(self, features: Sequence[_Feature], merge: str | None) -> _Feature:
        if merge is None:
            return features[0]
        first, count = features[0], len(features)
        if merge == "concat":
            joined = _Feature(count * first.channels, first.resolution)
            return self._convolve(joined, first.channels, 1)
        for feature in features:
            self._keep(feature)
        if merge == "attention":
            self.saved += count * first.channels + count
        return self._new(first)

    def _follow_graph(
        self, nodes: Sequence[MiddleNode] | Sequence[Operation], feature: _Feature
    ) -> _Feature:
        outputs: list[_Feature] = []
        for node in nodes:
            sources = [outputs[place] for place in node.inputs] or [feature]
            merged = self._merge(sources, node.merge)
            if isinstance(node, MiddleNode):
                outputs.append(self._follow_graph(node.operations, merged))
            else:
                outputs.append(self._operate(node.operation, merged))
        return self._mean([outputs[place] for place in output_nodes(nodes)])

    def _operate(self, operation: str, feature: _Feature) -> _Feature:
        if operation in POOLINGS:
            self._keep(feature)
            return self._new(feature)
        height, width = CONVOLUTIONS[operation]
        result = self._convolve(self._rectify(feature), feature.channels, height * width)
        return self._normalise(result)

    def _mean(self, features: Sequence[_Feature]) -> _Feature:
        return features[0] if len(features) == 1 else self._new(features[0])

    def _follow_head(self, feature: _Feature) -> None:
        head_width, classes = self.architecture.head_width, self.architecture.classes
        x = self._convolve(self._rectify(feature), head_width, 1)
        self._rectify(self._normalise(x))
        self.multiply_adds += head_width * classes
        # Dropout keeps its mask, the classifier its input.
        self.saved += 2 * head_width
