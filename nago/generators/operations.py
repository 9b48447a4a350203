"""Operations: the steps that one computes, on an input of its own width or of another."""

from collections.abc import Sequence

from nago.generators.architecture import (
    CONVOLUTIONS,
    POOLINGS,
    SEPARABLES,
    SKIP,
    Operation,
    output_nodes,
)
from nago.generators.program import Channels, Writer


def write_operation(
    writer: Writer, name: str, operation: str, x: int, channels: Channels, *, stride: int = 1
) -> int:
    """Write an operation and return the place of its result, of `channels` channels.

    Poolings keep the width. A skip with a stride is a rectified 1x1 convolution and a norm, of
    every `stride`-th pixel.
    """
    if operation == SKIP and stride == 1:
        return x
    if operation in POOLINGS:
        kind, kernel = POOLINGS[operation]
        return writer.pool(kind, x, kernel, stride)
    if operation in SEPARABLES:
        kernel, dilation, repeats = SEPARABLES[operation]
        for repeat in range(repeats):
            part = f"{name}-{repeat + 1}" if repeats > 1 else name
            x = writer.separate(
                part,
                writer.rectify(x),
                # The first of two keeps the width, as in DARTS.
                channels if repeat == repeats - 1 else writer.channels(x),
                (kernel, kernel),
                stride=stride if repeat == 0 else 1,
                dilation=dilation,
            )
            x = writer.normalise(part, x)
        return x
    kernel_sides = (1, 1) if operation == SKIP else CONVOLUTIONS[operation]
    x = writer.convolve(name, writer.rectify(x), channels, kernel_sides, stride=stride)
    return writer.normalise(name, x)


def write_operations(
    writer: Writer,
    name: str,
    operations: Sequence[Operation],
    x: int,
    channels: Channels,
    *,
    stride: int = 1,
) -> int:
    """Write a graph of operations on `x`; its input nodes have the stride."""
    results: list[int] = []
    for place, node in enumerate(operations):
        own = f"{name}-o{place}"
        sources = [results[source] for source in node.inputs] or [x]
        merged = writer.merge(own, sources, node.merge)
        first = stride if not node.inputs else 1
        results.append(
            write_operation(writer, own, node.operation, merged, channels, stride=first)
        )
    return writer.mean([results[place] for place in output_nodes(operations)])
