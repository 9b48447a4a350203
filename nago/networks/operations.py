"""Operations: what a bottom node computes, width and resolution kept."""

from torch import Tensor, nn
from torch.nn import functional

from nago.generators.architecture import CONVOLUTIONS, POOLINGS


class Convolution(nn.Module):
    """ReLU, convolution with `kernel`, batch norm."""

    def __init__(self, channels: int, kernel: tuple[int, int]) -> None:
        super().__init__()
        padding = (kernel[0] // 2, kernel[1] // 2)
        self.conv = nn.Conv2d(channels, channels, kernel, padding=padding, bias=False)
        self.norm = nn.BatchNorm2d(channels)

    def forward(self, x: Tensor) -> Tensor:
        """Return a batch of the shape of `x`, (N, C, H, W)."""
        result: Tensor = self.norm(self.conv(functional.relu(x)))
        return result


class AveragePooling(nn.Module):
    """The mean over a square window, of the pixels that are in the image."""

    def __init__(self, kernel: int) -> None:
        super().__init__()
        self.kernel = kernel

    def forward(self, x: Tensor) -> Tensor:
        """Return a batch of the shape of `x`, (N, C, H, W)."""
        return functional.avg_pool2d(
            x, self.kernel, stride=1, padding=self.kernel // 2, count_include_pad=False
        )


def make_operation(name: str, channels: int) -> nn.Module:
    """Return the operation of that name for `channels` channels."""
    if name in POOLINGS:
        return AveragePooling(POOLINGS[name])
    return Convolution(channels, CONVOLUTIONS[name])
