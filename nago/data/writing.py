"""Writing a data set: each part's labels, and its images as one array or as names of files.

Every image is decoded once, whichever of the two: so broken ones are found, and the statistics
and the fingerprint are the same.
"""

import hashlib
import io
import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nago.data.arrays import ChannelSums, write_images
from nago.data.decoding import read_in_order
from nago.data.files import sum_pixels, write_files
from nago.data.pixels import DataError
from nago.data.sources.source import RawImages
from nago.data.splits import PARTS
from nago.records import write_bytes


@dataclass(frozen=True, slots=True)
class Form:
    """How images are kept: (channels, size, size) each, in arrays if `cached`."""

    channels: int
    size: int
    cached: bool

    @property
    def shape(self) -> tuple[int, int, int]:
        """Of an image."""
        return self.channels, self.size, self.size


class Survey:
    """What is learnt of the images while they are written.

    Attributes:
        sums: of the pixels of the train part.
        checks: of the pixels of each image of the part at hand.
        broken: what is wrong with each image that cannot be read.
    """

    def __init__(self, form: Form) -> None:
        self.form = form
        self.sums = ChannelSums(form.channels)
        self.checks: list[int] = []
        self.broken: list[str] = []
        self._digest = hashlib.sha256()

    def look(
        self, images: Iterator[np.ndarray | DataError], part: str, number: int
    ) -> Iterator[np.ndarray]:
        """Yield the images of a part in order, after noting what is to be known of them."""
        self._digest.update(f"{part}.images.npy uint8 {(number, *self.form.shape)}\n".encode())
        self.checks = []
        for pixels in images:
            if isinstance(pixels, DataError):
                self.broken.append(str(pixels))
                yield np.zeros(self.form.shape, dtype=np.uint8)  # thrown away with all the others
                continue
            self._digest.update(pixels.data)
            if part == "train":
                self.sums.add(pixels)
            if not self.form.cached:
                self.checks.append(sum_pixels(pixels))
            yield pixels

    def see_labels(self, labels: np.ndarray, part: str) -> None:
        """Note the labels of a part."""
        self._digest.update(f"{part}.labels.npy {labels.dtype} {labels.shape}\n".encode())
        self._digest.update(labels.tobytes())

    def seal(self, *values: object) -> str:
        """Return the SHA-256 of all that was seen, whether or not cached, and of `values`."""
        self._digest.update(json.dumps(values).encode())
        return self._digest.hexdigest()


def name_files(directory: Path, part: str) -> tuple[Path, Path, Path]:
    """Return the files of a part: its images as an array, as names, and its labels."""
    return (
        directory / f"{part}.images.npy",
        directory / f"{part}.files.json",
        directory / f"{part}.labels.npy",
    )


def write_parts(
    directory: Path,
    raw: RawImages,
    places: Mapping[str, np.ndarray],
    form: Form,
    workers: int,
) -> Survey:
    """Write all parts and return what was learnt of them.

    Raises:
        DataError: images are broken; the message names all of them.
    """
    survey = Survey(form)
    for part in PARTS:
        array, names, labels = name_files(directory, part)
        chosen = places[part].tolist()
        seen = survey.look(_read(raw, chosen, form, workers), part, len(chosen))
        if form.cached:
            write_images(array, seen, (len(chosen), *form.shape))
        else:
            deque(seen, maxlen=0)
            write_files(names, raw.root, [raw.files[place] for place in chosen], survey.checks)
        own = raw.labels[places[part]]
        survey.see_labels(own, part)
        buffer = io.BytesIO()
        np.save(buffer, own)
        write_bytes(labels, buffer.getvalue())
    if survey.broken:
        raise DataError(
            f"{len(survey.broken)} of {sum(map(len, places.values()))} images cannot be read;"
            f" repair or remove {', '.join(sorted(survey.broken))}"
        )
    return survey


def _read(
    raw: RawImages, places: list[int], form: Form, workers: int
) -> Iterator[np.ndarray | DataError]:
    def read(place: int) -> np.ndarray | DataError:
        try:
            return np.ascontiguousarray(raw.read(place, form.size, form.channels))
        except DataError as error:
            return error

    return read_in_order(read, places, workers)
