"""The steps of a fused pass: each computes its result, and later hands its gradient on.

Tensors are batches (N, C, H, W), float32, their channels last in memory. The result of a batch
norm stands as what it was taken of, with an affine (4, C): the norm's mean, scale and shift, and
behind them one over the standard deviation. It is `(x - mean) * scale + shift`, computed where it
is read.
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from nago.networks.fused import kernels
from nago.networks.fused.runs import Backward, Forward, Kept, lay_out

FLOAT_BYTES = 4

_convolution_backward = torch.ops.aten.convolution_backward.default


class Convolve:
    """A convolution without bias; the images' own gradient is left out."""

    def __init__(self, place: int, source: int, convolution: nn.Conv2d, weight: int) -> None:
        self.place, self.sources, self.weight = place, (source,), weight
        self.stride, self.dilation = list(convolution.stride), list(convolution.dilation)
        self.padding = [int(side) for side in convolution.padding]
        self.groups = convolution.groups
        self.wanted = (source != 0, True, False)

    def forward(self, run: Forward, parameters: Kept) -> Kept:
        """Convolve."""
        x = run.value(self.sources[0])
        result = torch.conv2d(
            *(x, parameters[self.weight], None),
            stride=self.stride,
            padding=self.padding,
            dilation=self.dilation,
            groups=self.groups,
        )
        run.values[self.place] = lay_out(result)
        return (x,)

    def backward(self, run: Backward, parameters: Kept, kept: Kept) -> None:
        """Hand on the gradient."""
        gradient = run.take(self.place)
        if gradient is None:
            return
        of_x, of_weight, _ = _convolution_backward(
            *(gradient, kept[0], parameters[self.weight], None),
            *(self.stride, self.padding, self.dilation, False, (0, 0), self.groups, self.wanted),
        )
        run.of_parameters[self.weight] = of_weight
        if self.wanted[0]:
            run.add(self.sources[0], of_x)


class Normalise:
    """A batch norm in training: takes the statistics, applies nothing."""

    def __init__(
        self, place: int, source: int, norm: nn.BatchNorm2d, gamma: int, beta: int
    ) -> None:
        self.place, self.sources, self.norm = place, (source,), norm
        self.gamma, self.beta, self.channels = gamma, beta, norm.num_features
        self.momentum = 0.0 if norm.momentum is None else norm.momentum

    def forward(self, run: Forward, parameters: Kept) -> Kept:
        """Take the statistics of the batch, and move the running ones."""
        x, channels, norm = run.value(self.sources[0]), self.channels, self.norm
        rows = x.numel() // channels
        if rows < 2:
            raise ValueError(f"a batch norm can't learn from one pixel, got {tuple(x.shape)}")
        affine = torch.empty(4, channels)
        mean, variance, counter = norm.running_mean, norm.running_var, norm.num_batches_tracked
        assert mean is not None
        assert variance is not None
        assert counter is not None
        kernels.measure_norm(
            rows,
            channels,
            x.data_ptr(),
            parameters[self.gamma].data_ptr(),
            parameters[self.beta].data_ptr(),
            norm.eps,
            self.momentum,
            affine.data_ptr(),
            affine.data_ptr() + 3 * FLOAT_BYTES * channels,
            mean.data_ptr(),
            variance.data_ptr(),
            counter.data_ptr(),
            run.threads,
        )
        run.values[self.place], run.affines[self.place] = x, affine
        return x, affine

    def backward(self, run: Backward, parameters: Kept, kept: Kept) -> None:
        """Correct the gradient that came through the affine by that of the statistics."""
        gradient, sums = run.take(self.place), run.take_sums(self.place)
        if gradient is None or sums is None:
            return
        x, affine = kept
        kernels.correct_gradient(
            x.numel() // self.channels,
            self.channels,
            gradient.data_ptr(),
            x.data_ptr(),
            affine.data_ptr(),
            affine.data_ptr() + 3 * FLOAT_BYTES * self.channels,
            sums.data_ptr(),
            run.threads,
        )
        run.of_parameters[self.gamma], run.of_parameters[self.beta] = sums.unbind()
        run.add(self.sources[0], gradient)


class Merge:
    """A weighted sum of any number of inputs, rectified or not, norms applied on the way.

    The weights are the sigmoids of gates, a parameter, or without one all `constant`.
    """

    def __init__(
        self,
        place: int,
        sources: tuple[int, ...],
        channels: int,
        *,
        normed: tuple[bool, ...],
        gates: int | None = None,
        constant: float = 1.0,
        rectifies: bool = False,
    ) -> None:
        self.place, self.sources, self.channels = place, sources, channels
        self.gates, self.constant, self.rectifies = gates, constant, rectifies
        self.normed = normed
        # What no gate and no affine multiplies is not needed again.
        self.needed = tuple(gates is not None or norm for norm in normed)

    def forward(self, run: Forward, parameters: Kept) -> Kept:
        """Add the inputs up."""
        inputs = [run.value(source) for source in self.sources]
        affines = [run.affines[source] for source in self.sources]
        result = torch.empty_like(inputs[0])
        kernels.merge_forward(
            result.numel() // self.channels,
            self.channels,
            [x.data_ptr() for x in inputs],
            [0 if affine is None else affine.data_ptr() for affine in affines],
            0 if self.gates is None else parameters[self.gates].data_ptr(),
            self.constant,
            self.rectifies,
            result.data_ptr(),
            run.threads,
        )
        run.values[self.place] = result
        return (
            *(x for x, needed in zip(inputs, self.needed, strict=True) if needed),
            *(affine for affine in affines if affine is not None),
            *((result,) if self.rectifies else ()),
        )

    def backward(self, run: Backward, parameters: Kept, kept: Kept) -> None:
        """Hand the gradient on to the inputs, their affines and the gates."""
        gradient = run.take(self.place)
        if gradient is None:
            return
        rest = iter(kept)
        inputs = [next(rest).data_ptr() if needed else 0 for needed in self.needed]
        affines = [next(rest).data_ptr() if norm else 0 for norm in self.normed]
        result = next(rest).data_ptr() if self.rectifies else 0
        added = []
        last = len(self.sources) - 1
        for number, (source, norm) in enumerate(zip(self.sources, self.normed, strict=True)):
            new = run.gradients[source] is None
            added.append(int(not new))
            if new:  # the last may take over what nobody reads after it
                of_input = gradient if number == last else torch.empty_like(gradient)
                run.gradients[source] = of_input
                run.of_affines[source] = torch.empty(2, self.channels) if norm else None
        gates = of_gates = 0
        if self.gates is not None:
            gates = parameters[self.gates].data_ptr()
            of_parameter = torch.empty(len(self.sources))
            of_gates, run.of_parameters[self.gates] = of_parameter.data_ptr(), of_parameter
        kernels.merge_backward(
            gradient.numel() // self.channels,
            self.channels,
            gradient.data_ptr(),
            result,
            inputs,
            affines,
            gates,
            self.constant,
            [_address(run.gradients[source]) for source in self.sources],
            [_address(run.of_affines[source]) for source in self.sources],
            added,
            of_gates,
            run.threads,
        )


def _address(x: Tensor | None) -> int:
    return 0 if x is None else x.data_ptr()


class Shrink:
    """The mean over squares of `factor` by `factor` pixels that don't overlap, or over all pixels.

    A norm's affine holds for means as well, so it goes on with them.
    """

    def __init__(self, place: int, source: int, factor: int | None) -> None:
        self.place, self.sources, self.factor = place, (source,), factor

    def forward(self, run: Forward, parameters: Kept) -> Kept:
        """Take the means."""
        source = self.sources[0]
        x = run.value(source)
        images, channels, height, width = x.shape
        tall, broad = (height, width) if self.factor is None else (self.factor, self.factor)
        result = torch.empty(
            (images, channels, height // tall, width // broad), memory_format=torch.channels_last
        )
        shape = run.notes[self.place] = images, height, width, channels, tall, broad
        kernels.shrink(*shape, x.data_ptr(), result.data_ptr(), run.threads)
        run.values[self.place], run.affines[self.place] = result, run.affines[source]
        return ()

    def backward(self, run: Backward, parameters: Kept, kept: Kept) -> None:
        """Hand the gradients on, of the means and of the affine."""
        gradient, sums = run.take(self.place), run.take_sums(self.place)
        if gradient is None:
            return
        source = self.sources[0]
        images, height, width, channels, tall, broad = run.notes[self.place]
        target, there = run.gradients[source], run.of_affines[source]
        added = target is not None
        if target is None:
            shape = images, channels, height, width
            target = torch.empty(shape, memory_format=torch.channels_last)
            run.gradients[source], run.of_affines[source] = target, sums
        elif there is not None and sums is not None:
            there += sums
        kernels.shrink_backward(
            *(images, height, width, channels, tall, broad),
            gradient.data_ptr(),
            target.data_ptr(),
            added,
            run.threads,
        )


class Other:
    """Any function of its sources, by torch's own operations and gradients.

    `learnt` has its parameters by their numbers.
    """

    def __init__(
        self,
        place: int,
        sources: tuple[int, ...],
        function: Callable[..., Tensor],
        learnt: Mapping[int, Tensor],
    ) -> None:
        self.place, self.sources, self.function, self.learnt = place, sources, function, learnt

    def forward(self, run: Forward, parameters: Kept) -> Kept:
        """Compute the result, and note how."""
        with torch.enable_grad():
            inputs = [run.value(source).detach().requires_grad_() for source in self.sources]
            result = self.function(*inputs)
        run.notes[self.place] = result, inputs
        value = result.detach()
        run.values[self.place] = lay_out(value) if value.dim() == 4 else value
        return ()

    def backward(self, run: Backward, parameters: Kept, kept: Kept) -> None:
        """Hand on the gradients that torch finds."""
        gradient = run.take(self.place)
        if gradient is None:
            return
        result, inputs = run.notes[self.place]
        found = torch.autograd.grad(result, [*inputs, *self.learnt.values()], gradient)
        for number, of_parameter in zip(self.learnt, found[len(inputs) :], strict=True):
            run.of_parameters[number] = of_parameter
        # Several gradients may be one tensor, or parts of one, which isn't theirs to write to.
        alone = len(inputs) == 1 and found[0].data_ptr() != gradient.data_ptr()
        for source, of_input in zip(self.sources, found, strict=False):
            run.add(source, of_input if alone else of_input.clone())
