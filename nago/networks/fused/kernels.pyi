"""Compiled from c/: what a step does between its convolutions. Addresses are numbers.

Each takes the shape of its float32 matrices first, rows (pixels of all images) and channels, and
the number of threads last, and raises RuntimeError, "out of memory", if it finds no room to work.
"""

def measure_norm(
    rows: int,
    channels: int,
    x: int,
    gamma: int,
    beta: int,
    epsilon: float,
    momentum: float,
    affine: int,
    inverse: int,
    running_mean: int,
    running_variance: int,
    counter: int,
    threads: int,
) -> None:
    """Write the affine (3, channels) of a batch norm: mean, scale and shift.

    Beside it one over the standard deviation (channels,). Moves the running statistics.
    """

def correct_gradient(
    rows: int,
    channels: int,
    gradient: int,
    x: int,
    affine: int,
    inverse: int,
    sums: int,
    threads: int,
) -> None:
    """Turn the gradient of x at a fixed affine into that through the norm, in place.

    `sums` (2, channels) has the gradients of scale and shift, and then of gamma and beta.
    """

def merge_forward(
    rows: int,
    channels: int,
    inputs: list[int],
    affines: list[int],
    gates: int,
    constant: float,
    rectifies: bool,
    result: int,
    threads: int,
) -> None:
    """Write the weighted sum of inputs, each after its affine where that isn't 0.

    The weights are the sigmoids of the gates, or all `constant` where `gates` is 0.
    """

def merge_backward(
    rows: int,
    channels: int,
    gradient: int,
    result: int,
    inputs: list[int],
    affines: list[int],
    gates: int,
    constant: float,
    of_inputs: list[int],
    of_affines: list[int],
    added: list[int],
    of_gates: int,
    threads: int,
) -> None:
    """Write the gradients of a merge: of each input, each affine (2, channels), and the gates.

    `result` is that of the forward pass if it rectified, else 0; an input is 0 if it has neither
    affine nor gate. What is `added` (1) goes to what is there. The last of `of_inputs` may be
    `gradient` itself.
    """

def shrink(
    images: int,
    height: int,
    width: int,
    channels: int,
    tall: int,
    broad: int,
    x: int,
    result: int,
    threads: int,
) -> None:
    """Write the means over windows of `tall` by `broad` pixels that don't overlap."""

def shrink_backward(
    images: int,
    height: int,
    width: int,
    channels: int,
    tall: int,
    broad: int,
    gradient: int,
    target: int,
    added: bool,
    threads: int,
) -> None:
    """Write the gradient of a `shrink`'s input, or add it to what is there."""
