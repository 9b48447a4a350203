"""Fused steps of the layers that learn, and of what torch computes; sums stand in `linear`."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn

from nago.generators.complexity import FLOAT_BYTES
from nago.networks.fused import kernels
from nago.networks.fused.runs import Backward, Forward, Kept, lay_out

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
        assert norm.momentum is not None
        kernels.measure_norm(
            rows,
            channels,
            x.data_ptr(),
            parameters[self.gamma].data_ptr(),
            parameters[self.beta].data_ptr(),
            norm.eps,
            norm.momentum,
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
