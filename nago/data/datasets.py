"""Data sets: images from a source, prepared once for training, validation and test.

Each part has its own files, so that a search can be given the first two and never the third. No
torch here: preparing takes none.
"""

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from nago.data.arrays import read_array
from nago.data.files import ImageFiles, read_files
from nago.data.folders import shorten
from nago.data.lock import hold_lock
from nago.data.pixels import DataError
from nago.data.sources.opening import check_source, open_source
from nago.data.sources.source import RawImages
from nago.data.splits import (
    PARTS,
    SMALLEST_CLASS,
    SMALLEST_TRAINED,
    check_fractions,
    split_as_given,
    split_by_class,
)
from nago.data.writing import Form, name_files, write_parts
from nago.records import Record, RecordError, UserError, read_json, write_json

__all__ = ["PARTS", "DatasetInfo", "check_source", "prepare", "read_info", "read_part"]

INFO_FILE = "dataset.json"


@dataclass(frozen=True, slots=True)
class DatasetInfo(Record):
    """What a prepared data set holds.

    Attributes:
        name: of the data set, in results.
        source: the form that its images came in.
        image_size: height and width that networks see, in pixels.
        channels: 1 for grey, 3 for colour.
        class_names: in the order of the labels.
        mean: of each channel in [0, 1] units, that of the train part unless it was given.
        std: deviation, likewise.
        sizes: images of each part.
        fingerprint: SHA-256 of all pixels and labels, `image_size`, `mean` and `std`.
        stored_size: height and width of the prepared images, in pixels.
        cached: whether they are kept as arrays; if not, they are decoded when they are read.
    """

    name: str
    source: str
    image_size: int
    channels: int
    class_names: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    sizes: Mapping[str, int]
    fingerprint: str
    stored_size: int
    cached: bool


def prepare(
    source: str,
    data_root: str | Path | None,
    *,
    image_size: int,
    channels: int,
    validation_fraction: float,
    test_fraction: float,
    seed: int,
    output: Path,
    name: str,
    stored_size: int | None = None,
    split: str = "seeded",
    download: bool = False,
    cache_gb: float = 50.0,
    channel_mean: Sequence[float] | None = None,
    channel_std: Sequence[float] | None = None,
    workers: int = 1,
    report: Callable[[str], None] = print,
) -> DatasetInfo:
    """Verify the images of a data set and write its parts into a directory, its description last.

    For each part `{part}.labels.npy`, int64 (N,), and `{part}.images.npy`, uint8
    (N, channels, stored_size, stored_size); or, where all images together would take too much
    space, `{part}.files.json` with their names. Old files stay until all new ones are whole.

    Args:
        source: a name of SOURCES.
        data_root: the directory of its files; None for those built in.
        image_size: height and width that networks see, in pixels.
        channels: 1 for grey, 3 for colour.
        validation_fraction: share of the images that don't test, per class.
        test_fraction: share of all images, per class, where the source gives no test part.
        seed: decides the parts.
        output: a directory, made when missing; one process at a time prepares there.
        name: what the data set is called in results.
        stored_size: height and width at which images are kept; image_size if None.
        split: `seeded`, or `official` for the parts that the source gives.
        download: whether missing files are fetched into data_root.
        cache_gb: most space for images in 10^9 bytes, those of sources without image files aside.
        channel_mean: in [0, 1] units; that of the train part if None.
        channel_std: likewise.
        workers: threads that decode images.
        report: takes a line for the log.

    Raises:
        UserError: an argument is wrong, or files are missing.
        DataError: files or images are broken; the message names all of them.
    """
    size = stored_size or image_size
    if image_size < 1 or size < image_size or channels not in (1, 3):
        raise UserError(
            "image_size must be 1 or more, stored_size no less, and channels 1 or 3, got"
            f" {image_size=}, {stored_size=}, {channels=}"
        )
    check_fractions(validation_fraction=validation_fraction, test_fraction=test_fraction)
    check_source(source, data_root, split, download)
    with hold_lock(output / ".lock", report):
        raw = open_source(source, data_root, split, download, report)
        places = _choose_places(raw, validation_fraction, test_fraction, seed)
        number = sum(map(len, places.values()))
        cached = raw.pixels is not None or number * channels * size**2 <= cache_gb * 1e9
        with _unfinished(output) as unfinished:
            survey = write_parts(unfinished, raw, places, Form(channels, size, cached), workers)
            mean, std = survey.sums.measure()
            mean = mean if channel_mean is None else tuple(map(float, channel_mean))
            std = std if channel_std is None else tuple(map(float, channel_std))
            info = DatasetInfo(
                name=name,
                source=source,
                image_size=image_size,
                channels=channels,
                class_names=raw.class_names,
                mean=mean,
                std=std,
                sizes={part: len(places[part]) for part in PARTS},
                fingerprint=survey.seal(image_size, mean, std),
                stored_size=size,
                cached=cached,
            )
            write_json(unfinished / INFO_FILE, info.as_dict())
            _replace(unfinished, output, cached)
    return info


def read_info(directory: Path) -> DatasetInfo:
    """Return the description of a prepared data set.

    Raises:
        RecordError: it is missing or damaged.
    """
    values = read_json(directory / INFO_FILE)
    try:
        lists = {name: tuple(values[name]) for name in ("class_names", "mean", "std")}
        return DatasetInfo.from_dict(values | lists)
    except (RecordError, KeyError, TypeError) as error:
        raise RecordError(
            f"{directory / INFO_FILE} is damaged ({error}); prepare the data set again"
        ) from None


def read_part(directory: Path, part: str) -> tuple[np.ndarray | ImageFiles, np.ndarray]:
    """Return the images, (N, C, S, S) uint8, and labels, (N,) int64, of one part.

    Both stay on the disk and are read where they are used: the images from one array, or each
    from its file.

    Raises:
        ValueError: there is no such part.
        RecordError: a file is missing, damaged or not of this data set.
    """
    if part not in PARTS:
        raise ValueError(f"part must be one of {', '.join(PARTS)}, got {part!r}")
    info = read_info(directory)
    size = info.sizes[part]
    array, names, labels = name_files(directory, part)
    shape = (size, info.channels, info.stored_size, info.stored_size)
    images = read_array(array, np.uint8, shape) if info.cached else read_files(names, shape)
    return images, read_array(labels, np.int64, (size,))


def _choose_places(
    raw: RawImages, validation_fraction: float, test_fraction: float, seed: int
) -> dict[str, np.ndarray]:
    """Return the places of the images of each part."""
    if raw.parts is None:
        _refuse_small_classes(raw, raw.labels, SMALLEST_CLASS, "one for each part")
        return split_by_class(raw.labels, validation_fraction, test_fraction, seed)
    train, validation, test = (raw.parts == number for number in range(len(PARTS)))
    if validation.any():
        _refuse_small_classes(raw, raw.labels[train], 1, "to train")
    else:
        fewest = SMALLEST_TRAINED
        _refuse_small_classes(raw, raw.labels[train], fewest, "to train and to validate")
    if not test.any():
        raise DataError("the official test part has no images")
    return split_as_given(raw.labels, raw.parts, validation_fraction, seed)


def _refuse_small_classes(raw: RawImages, labels: np.ndarray, fewest: int, purpose: str) -> None:
    sizes = np.bincount(labels, minlength=len(raw.class_names)).tolist()
    small = [
        f"{name!r} has {size}"
        for name, size in zip(raw.class_names, sizes, strict=True)
        if size < fewest
    ]
    if small:
        raise DataError(
            f"each class needs {fewest} images or more, {purpose}, but {shorten(small)}"
        )


@contextmanager
def _unfinished(output: Path) -> Iterator[Path]:
    """Make a directory for what isn't whole yet, and remove it with what is left in it."""
    unfinished = output / ".unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)  # of a run that was killed
    unfinished.mkdir()
    try:
        yield unfinished
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _replace(unfinished: Path, output: Path, cached: bool) -> None:
    """Move a whole data set to its place."""
    # Without its description a half-replaced data set is none, whenever the power fails.
    (output / INFO_FILE).unlink(missing_ok=True)
    for part in PARTS:
        array, names, labels = name_files(output, part)
        kept, old = (array, names) if cached else (names, array)
        old.unlink(missing_ok=True)
        for path in (kept, labels):
            (unfinished / path.name).replace(path)
    (unfinished / INFO_FILE).replace(output / INFO_FILE)
