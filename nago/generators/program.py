"""Programs: what a network computes, step by step, as data that knows no widths yet.

A generator writes its cells as a program. Whatever counts or builds a network walks over the
same steps, so parameters, multiply-adds, memory and the module itself can't drift apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

FIXED = -1
"""The stage of a number of channels that no width decides."""


class Channels(NamedTuple):
    """A number of channels: the width of a stage times `times`, over `over`, and at least 1.

    With the stage FIXED it is `times` itself.
    """

    stage: int
    times: int = 1
    over: int = 1

    def value(self, widths: Sequence[int]) -> int:
        """Return the number at the given width of each stage."""
        if self.stage == FIXED:
            return self.times
        return max(1, self.times * widths[self.stage] // self.over)


class Step(NamedTuple):
    """One step of the forward pass, and the shape of its result: square maps of `channels`.

    Attributes:
        kind: `image` (the network's input), `convolve` (no bias), `normalise` (batch norm),
            `rectify`, `match` (a 1x1 convolution where the widths differ, else nothing), `sum`
            (weighted by learnt gates), `attention` (weighted by each sample's own features),
            `concat`, `add`, `mean`, `avgpool` and `maxpool` (over a window, same padding),
            `shrink` (the mean over squares of `kernel` that don't overlap), `classify` (mean over
            the pixels, dropout, linear).
        inputs: places of earlier steps.
        channels: of the result.
        resolution: height and width of the result, in pixels.
        level: `stem`, `top`, `middle`, `bottom` or `head`: where it counts.
        stage: whose cells it belongs to.
        name: of what it learns; empty if it learns nothing.
        kernel: height and width of the window.
        stride: pixels from one window to the next.
        dilation: pixels from one number of the window to the next.
        depthwise: whether each channel is convolved by itself.
    """

    kind: str
    inputs: tuple[int, ...]
    channels: Channels
    resolution: int
    level: str
    stage: int
    name: str = ""
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    dilation: int = 1
    depthwise: bool = False


@dataclass(frozen=True, slots=True)
class Program:
    """The steps of a network; the first is the image, the last the logits.

    `trunk` is the place of the first step behind the stem, whose output stands just before it.
    """

    steps: tuple[Step, ...]
    trunk: int


class Writer:
    """Writes a program step by step; each method returns the place of what it wrote.

    `level` and `stage` are those of the steps to come. A tensor is rectified once, however many
    steps take the result.
    """

    def __init__(self, image_size: int, image_channels: int) -> None:
        self.level, self.stage = "stem", 0
        self.steps: list[Step] = []
        self._rectified: dict[int, int] = {}
        self.image = self._write("image", (), Channels(FIXED, image_channels), image_size)

    def at(self, level: str, stage: int) -> None:
        """Set the level and the stage of the steps to come."""
        self.level, self.stage = level, stage

    def channels(self, x: int) -> Channels:
        """Return the channels of a step's result."""
        return self.steps[x].channels

    def convolve(
        self,
        name: str,
        x: int,
        channels: Channels,
        kernel: tuple[int, int] = (1, 1),
        *,
        stride: int = 1,
        dilation: int = 1,
        depthwise: bool = False,
    ) -> int:
        """Write a convolution with same padding and without bias."""
        resolution = -(-self.steps[x].resolution // stride)
        return self._write(
            "convolve",
            (x,),
            channels,
            resolution,
            name=f"{name}-conv",
            kernel=kernel,
            stride=stride,
            dilation=dilation,
            depthwise=depthwise,
        )

    def separate(
        self,
        name: str,
        x: int,
        channels: Channels,
        kernel: tuple[int, int],
        *,
        stride: int = 1,
        dilation: int = 1,
    ) -> int:
        """Write a depthwise convolution and a 1x1 convolution."""
        own = self.channels(x)
        x = self.convolve(
            f"{name}-depthwise",
            x,
            own,
            kernel,
            stride=stride,
            dilation=dilation,
            depthwise=True,
        )
        return self.convolve(f"{name}-pointwise", x, channels)

    def normalise(self, name: str, x: int) -> int:
        """Write a batch norm."""
        return self._follow("normalise", x, f"{name}-norm")

    def rectify(self, x: int) -> int:
        """Write max(0, x), or return where it stands already."""
        if x not in self._rectified:
            self._rectified[x] = self._follow("rectify", x)
        return self._rectified[x]

    def pool(self, kind: str, x: int, kernel: int, stride: int = 1) -> int:
        """Write an `avgpool` or `maxpool` over a square window, of the pixels in the image."""
        resolution = -(-self.steps[x].resolution // stride)
        window = (kernel, kernel)
        return self._write(kind, (x,), self.channels(x), resolution, kernel=window, stride=stride)

    def bring(self, name: str, x: int, steps: int, channels: Channels) -> int:
        """Write the way to a later stage: `steps` halvings, and a match of the widths."""
        factor = 2**steps
        resolution = self.steps[x].resolution // factor
        small = self._write(
            "shrink",
            (x,),
            self.channels(x),
            resolution,
            kernel=(factor, factor),
            stride=factor,
        )
        return self._write("match", (small,), channels, resolution, name=f"{name}-match")

    def merge(self, name: str, inputs: Sequence[int], merge: str | None) -> int:
        """Write the merge of several inputs of one shape; a single one needs none."""
        if merge is None or len(inputs) == 1:
            return inputs[0]
        if merge == "concat":
            own = self.channels(inputs[0])
            return self.convolve(f"{name}-merge", self.concatenate(inputs), own)
        learnt = "" if merge == "add" else f"{name}-merge"
        return self._follow(merge, inputs, learnt)

    def concatenate(self, inputs: Sequence[int]) -> int:
        """Write all channels of several inputs one after another."""
        first = self.steps[inputs[0]]
        channels = first.channels._replace(times=first.channels.times * len(inputs))
        return self._write("concat", tuple(inputs), channels, first.resolution)

    def mean(self, inputs: Sequence[int]) -> int:
        """Write the mean of several inputs of one shape; of a single one it is itself."""
        return inputs[0] if len(inputs) == 1 else self._follow("mean", inputs)

    def classify(self, name: str, x: int, classes: int) -> int:
        """Write the classifier."""
        return self._write(
            "classify", (x,), Channels(FIXED, classes), 1, name=f"{name}-classifier"
        )

    def _follow(self, kind: str, inputs: int | Sequence[int], name: str = "") -> int:
        """Write a step whose result has the shape of its first input."""
        places = (inputs,) if isinstance(inputs, int) else tuple(inputs)
        first = self.steps[places[0]]
        return self._write(kind, places, first.channels, first.resolution, name=name)

    def _write(
        self,
        kind: str,
        inputs: tuple[int, ...],
        channels: Channels,
        resolution: int,
        *,
        name: str = "",
        kernel: tuple[int, int] = (1, 1),
        stride: int = 1,
        dilation: int = 1,
        depthwise: bool = False,
    ) -> int:
        level, stage = self.level, self.stage
        self.steps.append(
            Step(
                *(kind, inputs, channels, resolution, level, stage),
                *(name, kernel, stride, dilation, depthwise),
            )
        )
        return len(self.steps) - 1
