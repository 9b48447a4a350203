"""Pixels: any PNG or JPEG image as a square array of bytes."""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from nago.records import UserError


class DataError(UserError):
    """Images or files of a data set cannot be read; the message names them."""


def read_pixels(root: Path, name: str, size: int, channels: int) -> np.ndarray:
    """Return the image file `name` below `root` as pixels, (channels, size, size), uint8.

    Raises:
        DataError: it is no PNG or JPEG, cut off, or so large that it may be an attack.
    """
    try:
        with Image.open(root / name, formats=("PNG", "JPEG")) as image:
            return to_pixels(image, size, channels)
    except (
        OSError,  # not an image, cut off, or not readable
        SyntaxError,  # a broken PNG chunk
        ValueError,
        EOFError,
        IndexError,
        struct.error,
        zlib.error,
        Image.DecompressionBombError,
    ) as error:
        raise DataError(f"{name} ({_tell_reason(error)})") from error


def to_pixels(image: Image.Image, size: int, channels: int) -> np.ndarray:
    """Return an image as pixels, (channels, size, size), uint8.

    The largest central square is resized, with averaging when it shrinks. The image is turned as
    its camera says, transparent parts become white as on paper, 16 bits become 8.
    """
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith("I"):  # convert("L") would clip 16 bits at 255
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        white = Image.new("RGBA", image.size, "white")
        image = Image.alpha_composite(white, image.convert("RGBA"))
    image = image.convert("L" if channels == 1 else "RGB")
    image = ImageOps.fit(image, (size, size), Image.Resampling.BILINEAR)
    pixels = np.asarray(image)  # (H, W) or (H, W, 3)
    return pixels[np.newaxis] if channels == 1 else pixels.transpose(2, 0, 1)


def _tell_reason(error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "not a PNG or JPEG"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error)
