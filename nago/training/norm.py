"""Batch norm over the images of several processes, as if one had them all."""

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx


class SynchronisedNorm(nn.BatchNorm2d):
    """Batch norm with the mean and variance of all processes' shares of a batch.

    `torch.nn.SyncBatchNorm` does the same on GPUs, and refuses a CPU.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return (N, C, H, W) normalised; in training, updates the running statistics."""
        if not self.training:
            return super().forward(x)
        wide = x.float()
        channels = x.shape[1]
        count = wide.new_full((1,), x.numel() / channels)
        total = _add(torch.cat([wide.sum((0, 2, 3)), count]))
        number = total[channels]
        mean = total[:channels] / number
        distances = wide - mean[:, None, None]
        variance = _add(distances.square().sum((0, 2, 3))) / number
        self._follow(mean.detach(), (variance * number / (number - 1)).detach())
        normalised = distances * (variance + self.eps).rsqrt()[:, None, None]
        scaled = torch.addcmul(self.bias[:, None, None], normalised, self.weight[:, None, None])
        return scaled.to(x.dtype)

    @torch.no_grad()
    def _follow(self, mean: Tensor, variance: Tensor) -> None:
        """Move the running statistics towards those of a batch."""
        share = self.momentum or 0.0
        for running, value in ((self.running_mean, mean), (self.running_var, variance)):
            if running is not None:
                running.lerp_(value, share)
        if self.num_batches_tracked is not None:
            self.num_batches_tracked += 1


def synchronise_norms(network: nn.Module) -> None:
    """Make every batch norm of a network one over all processes; parameters stay the same."""
    for module in list(network.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm2d):
                setattr(module, name, _synchronised(child))


def _synchronised(norm: nn.BatchNorm2d) -> nn.Module:
    other: SynchronisedNorm | nn.SyncBatchNorm
    if norm.weight.is_cuda:
        other = nn.SyncBatchNorm(norm.num_features, norm.eps, norm.momentum)
    else:
        other = SynchronisedNorm(norm.num_features, norm.eps, norm.momentum)
    other.weight, other.bias = norm.weight, norm.bias
    other.running_mean, other.running_var = norm.running_mean, norm.running_var
    other.num_batches_tracked = norm.num_batches_tracked
    other.train(norm.training)
    return other


def _add(values: Tensor) -> Tensor:
    """Return the sum over all processes; its gradient is summed over them as well."""
    total: Tensor = _Add.apply(values)
    return total


class _Add(torch.autograd.Function):
    """A sum over processes is a part of every process's loss, so their gradients add up."""

    @staticmethod
    def forward(_: FunctionCtx, values: Tensor) -> Tensor:
        return _reduce(values)

    @staticmethod
    def backward(_: FunctionCtx, gradient: Tensor) -> Tensor:
        return _reduce(gradient)


def _reduce(values: Tensor) -> Tensor:
    total = values.clone()
    torch.distributed.all_reduce(total)
    return total
