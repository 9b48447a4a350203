"""scikit-learn's handwritten digits: 1,797 grey images of 8x8 pixels, part of the library."""

from pathlib import Path

import numpy as np

from nago.data.sources.source import RawImages, Report, Source


def open_digits(folder: Path, split: str, report: Report) -> RawImages:
    """Return the digits; there is nothing to be found or to choose."""
    from sklearn.datasets import load_digits  # noqa: PLC0415  (a second that readers don't need)

    digits = load_digits()
    return RawImages(
        tuple(str(name) for name in digits.target_names),
        digits.target.astype(np.int64),
        pixels=np.rint(digits.images * (255 / 16)).astype(np.uint8),  # 0..16 to 0..255
    )


DIGITS = Source(title="the digits", required={"seeded": ()}, open=open_digits)
