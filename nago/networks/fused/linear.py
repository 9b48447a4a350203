"""Fused steps that are linear in their sources: weighted sums and means over pixels.

They take a norm's result with its affine: a sum applies it, a mean over pixels hands it on.
"""

import torch
from torch import Tensor

from nago.networks.fused import kernels
from nago.networks.fused.runs import Backward, Forward, Kept


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
