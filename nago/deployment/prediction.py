"""Predictions: what a trained network says of image files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from nago.data.folders import ENDINGS
from nago.data.pixels import DataError, read_pixels
from nago.networks.weights import Classifier
from nago.records import UserError

BATCH = 64


@dataclass(frozen=True, slots=True)
class Prediction:
    """The most likely classes of an image file, each with its probability, likeliest first."""

    path: Path
    classes: tuple[tuple[str, float], ...]


def list_images(paths: Sequence[Path]) -> list[Path]:
    """Return the image files of paths: files as they are, of folders all that are in them.

    Raises:
        UserError: one is missing, or a folder has no image.
    """
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*") if p.suffix.lower() in ENDINGS)
            if not inside:
                raise UserError(f"there is no PNG or JPEG image in {path}")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            raise UserError(f"there is no file or folder {path}")
    return found


def predict(classifier: Classifier, paths: Sequence[Path], top: int = 1) -> Iterator[Prediction]:
    """Give what a network says of image files, in their order.

    They are resized as the images it was trained on, and seen as those it was tested on.

    Args:
        classifier: the network.
        paths: of PNG or JPEG files.
        top: classes to name of each, all if there are fewer.

    Raises:
        DataError: files are no images; the message names those of a batch.
    """
    for some in batch_files(paths):
        images = torch.from_numpy(read_images(classifier, some))
        with torch.no_grad():
            shares = classifier(images).softmax(1)
        values, places = shares.topk(min(top, shares.shape[1]), dim=1)
        for path, row, columns in zip(some, values.tolist(), places.tolist(), strict=True):
            names = [classifier.class_names[column] for column in columns]
            yield Prediction(path, tuple(zip(names, row, strict=True)))


def batch_files(paths: Sequence[Path]) -> Iterator[Sequence[Path]]:
    """Give files in groups that fit in memory."""
    for start in range(0, len(paths), BATCH):
        yield paths[start : start + BATCH]


def read_images(classifier: Classifier, paths: Sequence[Path]) -> np.ndarray:
    """Return image files as a network was given its test images: (N, channels, S, S), uint8.

    Raises:
        DataError: some are no images; the message names them.
    """
    channels = classifier.network.architecture.image_channels
    pixels, broken = [], []
    for path in paths:
        try:
            pixels.append(read_pixels(Path(), str(path), classifier.stored_size, channels))
        except DataError as error:
            broken.append(str(error))
    if broken:
        raise DataError(f"{len(broken)} files can't be read: {'; '.join(broken)}")
    return np.stack(pixels)
