"""ImageNet: class folders named by their WordNet number, in train and val; val tests.

Source: Russakovsky et al. 2015, ImageNet Large Scale Visual Recognition Challenge.
"""

from pathlib import Path

from nago.data.sources.given import check_given, open_given
from nago.data.sources.source import RawImages, Report, Source

FOLDERS = {"train": "train", "test": "val"}


def open_imagenet(folder: Path, split: str, report: Report) -> RawImages:
    """Return the images of both folders."""
    return open_given(folder, FOLDERS, report)


def check_imagenet(folder: Path, split: str) -> None:
    """Raise UserError if the class folders can't be right."""
    check_given(folder, FOLDERS)


IMAGENET = Source(
    title="ImageNet",
    required={"official": tuple(FOLDERS.values())},
    open=open_imagenet,
    check=check_imagenet,
    home="https://image-net.org/download.php",
)
