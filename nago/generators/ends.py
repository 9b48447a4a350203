"""The two ends of every network: the stem before the cells and the head behind them."""

from nago.generators.architecture import SMALL_IMAGE
from nago.generators.program import FIXED, Channels, Writer


def write_stem(writer: Writer, image_size: int) -> int:
    """Write the stem and return its place; large images lose a factor 4, others nothing."""
    writer.at("stem", 0)
    if image_size < SMALL_IMAGE:
        first = second = Channels(0)
        x = writer.convolve("stem-1", writer.image, first, (3, 3))
        x = writer.rectify(writer.normalise("stem-1", x))
        x = writer.convolve("stem-2", x, second, (3, 3))
    else:
        first, second = Channels(0, over=2), Channels(0)
        x = writer.separate("stem-1", writer.image, first, (3, 3), stride=2)
        x = writer.rectify(writer.normalise("stem-1", x))
        x = writer.separate("stem-2", x, second, (3, 3), stride=2)
    return writer.normalise("stem-2", x)


def write_head(writer: Writer, x: int, stage: int, head_width: int, classes: int) -> None:
    """Write the head: ReLU, 1x1 convolution, norm, ReLU, and the classifier."""
    writer.at("head", stage)
    x = writer.convolve("head", writer.rectify(x), Channels(FIXED, head_width))
    writer.classify("head", writer.rectify(writer.normalise("head", x)), classes)
