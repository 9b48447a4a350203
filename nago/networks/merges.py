"""Merges that learn: several inputs of one shape into one of the same shape."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


class WeightedSum(nn.Module):
    """The sum of the inputs, each with a learnt weight in (0, 1) that starts at sigmoid(1)."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.gates = nn.Parameter(torch.ones(inputs))

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return one batch (N, C, H, W) of several."""
        return blend(self.gates.sigmoid(), inputs)


class AttentionSum(nn.Module):
    """The sum of the inputs, weighted by a softmax over scores of each sample's own features.

    The score of an input is a learnt linear function of its mean over the pixels, so a sample's
    output never depends on the others in its batch.
    """

    def __init__(self, inputs: int, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(inputs, channels))
        self.bias = nn.Parameter(torch.zeros(inputs))

    def forward(self, *inputs: Tensor) -> Tensor:
        """Return one batch (N, C, H, W) of several."""
        means = torch.stack([x.mean((2, 3)) for x in inputs], 1)  # (N, inputs, C)
        scores = (means * self.weight).sum(2) + self.bias  # (N, inputs)
        # In mixed precision scores are wide; the inputs' own type keeps the sum as narrow as them.
        shares = scores.softmax(1).to(inputs[0].dtype)
        return blend(shares.T, inputs)


def blend(weights: Tensor, inputs: tuple[Tensor, ...]) -> Tensor:
    """Return the weighted sum of inputs (N, C, H, W), of the type and layout of the first.

    Args:
        weights: (inputs,), or (inputs, N) where each sample has its own.
        inputs: of one shape.
    """
    result: Tensor = _Blend.apply(weights, *inputs)
    return result


class _Blend(torch.autograd.Function):
    """A weighted sum as one operation, which writes no sum of some inputs and no product.

    A chain of torch's own operations keeps the same tensors for the backward pass, but writes
    another for each input, and one more for the gradient of each weight.
    """

    @staticmethod
    def forward(ctx: Any, weights: Tensor, *inputs: Tensor) -> Tensor:
        """Return the sum of inputs (N, C, H, W) by weights (inputs,) or (inputs, N)."""
        ctx.save_for_backward(weights, *inputs)
        first, *others = _spread(weights)
        total = inputs[0] * first
        for x, weight in zip(inputs[1:], others, strict=True):
            total.addcmul_(x, weight)
        return total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Return the gradients of the weights and of each input that need one."""
        weights, *inputs = ctx.saved_tensors
        of_weights, *of_inputs = ctx.needs_input_grad
        return (
            _multiply(gradient, inputs, weights) if of_weights else None,
            *(
                gradient * weight if needed else None
                for weight, needed in zip(_spread(weights), of_inputs, strict=True)
            ),
        )


def _spread(weights: Tensor) -> tuple[Tensor, ...]:
    """Return the weights of each input, in a shape that multiplies (N, C, H, W)."""
    return (weights if weights.dim() == 1 else weights[..., None, None, None]).unbind()


def _multiply(gradient: Tensor, inputs: list[Tensor], weights: Tensor) -> Tensor:
    """Return the scalar product with each input, over all or over each sample as the weights."""
    last = gradient.is_contiguous(memory_format=torch.channels_last)
    if weights.dim() == 1 and (last or gradient.is_contiguous()):
        # The usual case in few calls: of small images the calls are most of the time.
        numbers, layout, dtype = (gradient.numel(),), gradient.stride(), gradient.dtype
        if all(x.stride() == layout and x.dtype == dtype for x in inputs):
            flat = gradient.as_strided(numbers, (1,))
            products = [torch.dot(flat, x.as_strided(numbers, (1,))) for x in inputs]
            return torch.stack(products).to(weights.dtype)

    def flatten(x: Tensor) -> Tensor:
        # In the order in which they lie in memory, numbers need not be copied.
        return (x.permute(0, 2, 3, 1) if last else x).flatten(weights.dim() - 1)

    flat = flatten(gradient)
    products = [torch.linalg.vecdot(flat, flatten(x).to(flat.dtype)) for x in inputs]
    return torch.stack(products).to(weights.dtype)
