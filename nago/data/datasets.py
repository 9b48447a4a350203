"""Data sets: images from a source, made once into arrays for training, validation and test.

Each part has its own files, so that a search can be given the first two and never the third. No
torch here: preparing takes none.
"""

import io
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from nago.data.arrays import hash_arrays, measure_channels, read_array, write_images
from nago.data.folders import DataError, check_folder, list_folder, read_pixels, to_pixels
from nago.data.splits import PARTS, split_by_class
from nago.records import Record, RecordError, UserError, read_json, write_bytes, write_json

SOURCES = ("digits", "folder")
INFO_FILE = "dataset.json"


@dataclass(frozen=True, slots=True)
class DatasetInfo(Record):
    """What a prepared data set holds.

    `mean` and `std` are those of the pixels of the train part, per channel, in [0, 1] units;
    `sizes` are images per part; `fingerprint` is the SHA-256 of all pixels and labels.
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


@dataclass(frozen=True, slots=True)
class _Images:
    """Images before they are read: `read(i)` gives the pixels of one of class `labels[i]`."""

    class_names: tuple[str, ...]
    labels: np.ndarray
    read: Callable[[int], np.ndarray]


def check_source(source: str, data_root: str | Path | None) -> None:
    """Check what is given as data, without opening an image.

    Raises:
        UserError: the source is unknown, or its directory missing or not as it should be.
    """
    if source not in SOURCES:
        raise UserError(f"source must be one of {', '.join(SOURCES)}, got {source!r}")
    if source == "digits" and data_root is not None:
        raise UserError(
            f"the digits are built in and take no data_root, got {str(data_root)!r};"
            " for images of your own use the source folder"
        )
    if source == "folder":
        if data_root is None:
            raise UserError(
                "the source folder needs data_root, a directory with a folder of images for each"
                " class, got none"
            )
        check_folder(_expand(data_root))


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
    report: Callable[[str], None] = print,
) -> DatasetInfo:
    """Write the arrays of a data set into the directory `output`, its description last.

    For each part `{part}.images.npy`, uint8 (N, channels, image_size, image_size), and
    `{part}.labels.npy`, int64 (N,). Images go to the disk one by one, so a large folder needs
    little memory; old files stay until all new ones are whole.

    Args:
        source: `digits` or `folder`.
        data_root: for a folder, the directory of class folders.
        image_size: height and width of the arrays, in pixels.
        channels: 1 for grey, 3 for colour.
        validation_fraction: share of the images that don't test, per class.
        test_fraction: share of all images, per class.
        seed: decides the parts.
        output: a directory, made when missing.
        name: what the data set is called in results.
        report: takes a line for the log.

    Raises:
        UserError: an argument is wrong.
        DataError: images are broken; the message names all of them.
    """
    check_source(source, data_root)
    if image_size < 1 or channels not in (1, 3):
        raise UserError(
            f"image_size must be 1 or more and channels 1 or 3, got {image_size=}, {channels=}"
        )
    if source == "digits":
        images = _open_digits(image_size, channels)
    else:
        images = _open_folder(_expand(str(data_root)), image_size, channels, report)
    places = split_by_class(images.labels, validation_fraction, test_fraction, seed)
    unfinished = output / ".unfinished"
    shutil.rmtree(unfinished, ignore_errors=True)  # of a run that was killed
    unfinished.mkdir(parents=True)
    try:
        _write_parts(unfinished, images, places, (channels, image_size, image_size))
        arrays = {
            file.name: np.load(file, mmap_mode="r")
            for part in PARTS
            for file in _files(unfinished, part)
        }
        mean, std = measure_channels(arrays["train.images.npy"])
        info = DatasetInfo(
            name=name,
            source=source,
            image_size=image_size,
            channels=channels,
            class_names=images.class_names,
            mean=mean,
            std=std,
            sizes={part: len(places[part]) for part in PARTS},
            fingerprint=hash_arrays(arrays),
        )
        write_json(unfinished / INFO_FILE, info.as_dict())
        # Without its description a half-replaced data set is none, whenever the power fails.
        (output / INFO_FILE).unlink(missing_ok=True)
        for file in (*arrays, INFO_FILE):
            (unfinished / file).replace(output / file)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
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


def read_part(directory: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the images, (N, C, H, W) uint8, and labels, (N,) int64, of one part.

    Both stay on the disk and are read where they are used.

    Raises:
        ValueError: there is no such part.
        RecordError: a file is missing, damaged or not of this data set.
    """
    if part not in PARTS:
        raise ValueError(f"part must be one of {', '.join(PARTS)}, got {part!r}")
    info = read_info(directory)
    size = info.sizes[part]
    images, labels = _files(directory, part)
    shape = (size, info.channels, info.image_size, info.image_size)
    return read_array(images, np.uint8, shape), read_array(labels, np.int64, (size,))


def _open_digits(image_size: int, channels: int) -> _Images:
    from sklearn.datasets import load_digits  # noqa: PLC0415  (a second that readers don't need)

    digits = load_digits()
    pixels = np.rint(digits.images * (255 / 16)).astype(np.uint8)  # 0..16 to 0..255
    return _Images(
        tuple(str(name) for name in digits.target_names),
        digits.target.astype(np.int64),
        lambda place: to_pixels(Image.fromarray(pixels[place]), image_size, channels),
    )


def _open_folder(
    root: Path, image_size: int, channels: int, report: Callable[[str], None]
) -> _Images:
    folder = list_folder(root)
    if folder.ignored:
        kinds = (f"{number} {ending}" for ending, number in sorted(folder.ignored.items()))
        report(f"ignored in {root}, no PNG or JPEG by their names: {', '.join(kinds)}")
    return _Images(
        folder.class_names,
        np.array(folder.labels, dtype=np.int64),
        lambda place: read_pixels(folder.files[place], image_size, channels),
    )


def _write_parts(
    directory: Path, images: _Images, places: Mapping[str, np.ndarray], shape: tuple[int, ...]
) -> None:
    broken: list[str] = []

    def read(part: str) -> Iterator[np.ndarray]:
        for place in places[part].tolist():
            try:
                yield images.read(place)
            except DataError as error:
                broken.append(str(error))
                yield np.zeros(shape, dtype=np.uint8)  # thrown away with all the others

    for part in PARTS:
        pixels, labels = _files(directory, part)
        write_images(pixels, read(part), (len(places[part]), *shape))
        buffer = io.BytesIO()
        np.save(buffer, images.labels[places[part]])
        write_bytes(labels, buffer.getvalue())
    if broken:
        raise DataError(
            f"{len(broken)} of {len(images.labels)} images cannot be read; repair or remove"
            f" {', '.join(sorted(broken))}"
        )


def _files(directory: Path, part: str) -> tuple[Path, Path]:
    return directory / f"{part}.images.npy", directory / f"{part}.labels.npy"


def _expand(data_root: str | Path) -> Path:
    return Path(data_root).expanduser()
