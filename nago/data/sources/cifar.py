"""CIFAR-10 and CIFAR-100 as published: batches of 32x32 colour images, pickled by Python 2.

A pickle can run any code. These are read by a reader that makes numpy arrays and plain values and
refuses all else.
Source: Krizhevsky 2009, Learning Multiple Layers of Features from Tiny Images.
"""

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from nago.data.pixels import DataError
from nago.data.sources.source import Archive, RawImages, Report, Source
from nago.data.splits import PARTS

SIDE = 32
PAGE = "https://www.cs.toronto.edu/~kriz"


def _encode_latin1(text: str, encoding: str) -> bytes:
    """Return bytes as Python 3 pickles them for Python 2."""
    return text.encode("latin1" if encoding == "latin1" else "ascii")


def _make_dtype(kind: Any, align: int = 0, copy: int = 0) -> np.dtype[Any]:
    """Return a kind of numbers; numpy wants booleans where it once wrote 0 and 1."""
    dtype: np.dtype[Any] = np.dtype(kind, align=bool(align), copy=bool(copy))
    return dtype


_RECONSTRUCT = np.empty(0).__reduce__()[0]
ALLOWED: dict[str, Any] = {
    "numpy.core.multiarray._reconstruct": _RECONSTRUCT,
    "numpy._core.multiarray._reconstruct": _RECONSTRUCT,
    "numpy.ndarray": np.ndarray,
    "numpy.dtype": _make_dtype,
    "_codecs.encode": _encode_latin1,
}
"""All that a batch may ask for by name."""


class PlainUnpickler(pickle.Unpickler):
    """Reads numpy arrays and plain values; what would run anything else is an error."""

    def find_class(self, module: str, name: str) -> Any:
        """Return what a pickle asks for by name, if it is allowed."""
        try:
            return ALLOWED[f"{module}.{name}"]
        except KeyError:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}") from None


def read_pickle(path: Path) -> dict[bytes, Any]:
    """Return the dict that a batch holds, its texts as bytes.

    Raises:
        DataError: it is damaged, holds something else, or would run code.
    """
    try:
        values = PlainUnpickler(io.BytesIO(path.read_bytes()), encoding="bytes").load()
    except OSError:
        raise
    except Exception as error:  # a broken pickle may raise anything
        raise DataError(f"{path} is no batch of CIFAR ({error})") from None
    if not isinstance(values, dict):
        raise DataError(f"{path} is no batch of CIFAR (it holds a {type(values).__name__})")
    return values


def read_batch(path: Path, label_key: bytes, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pixels, (n, 32, 32, 3) uint8, and labels, (n,) int64, of one batch.

    Raises:
        DataError: it is damaged, or its images and labels don't fit together.
    """
    values = read_pickle(path)
    data, labels = values.get(b"data"), values.get(label_key)
    if not (isinstance(data, np.ndarray) and data.dtype == np.uint8 and isinstance(labels, list)):
        raise DataError(f"{path} lacks data or {label_key.decode()}")
    if data.ndim != 2 or data.shape[1] != 3 * SIDE * SIDE or len(data) != len(labels):
        raise DataError(
            f"{path} must hold n rows of {3 * SIDE * SIDE} bytes and n labels, but holds"
            f" {data.shape} and {len(labels)}"
        )
    if not all(type(label) is int and 0 <= label < classes for label in labels):
        raise DataError(f"{path} must have labels from 0 to {classes - 1}")
    pixels = data.reshape(-1, 3, SIDE, SIDE).transpose(0, 2, 3, 1)
    return pixels, np.array(labels, dtype=np.int64)


def read_names(path: Path, key: bytes) -> tuple[str, ...]:
    """Return the names of the classes.

    Raises:
        DataError: the file is damaged or holds none.
    """
    names = read_pickle(path).get(key)
    if not isinstance(names, list) or not all(isinstance(name, bytes) for name in names):
        raise DataError(f"{path} lacks {key.decode()}")
    return tuple(name.decode("latin1") for name in names)


def _make_source(
    title: str,
    folder: str,
    archive: str,
    archive_md5: str,
    *,
    train: dict[str, str],
    test: dict[str, str],
    meta: dict[str, str],
    keys: tuple[bytes, bytes],
) -> Source:
    """Return a source; `keys` are those of labels and names, the dicts map files to MD5 sums."""
    checksums = train | test | meta
    names = tuple(checksums)
    label_key, name_key = keys

    def open_batches(folder: Path, split: str, report: Report) -> RawImages:
        class_names = read_names(folder / next(iter(meta)), name_key)
        batches = [
            read_batch(folder / name, label_key, len(class_names)) for name in (*train, *test)
        ]
        sizes = [len(labels) for _, labels in batches]
        tests = PARTS.index("test")
        parts = np.repeat([PARTS.index("train")] * len(train) + [tests] * len(test), sizes)
        return RawImages(
            class_names,
            np.concatenate([labels for _, labels in batches]),
            parts=parts if split == "official" else None,
            pixels=np.concatenate([pixels for pixels, _ in batches]),
        )

    return Source(
        title=title,
        required={"official": names, "seeded": names},
        open=open_batches,
        home=f"{PAGE}/cifar.html",
        folder=folder,
        checksums=checksums,
        archives=(Archive(f"{PAGE}/{archive}", archive_md5, names, inside=folder),),
    )


CIFAR10 = _make_source(
    "CIFAR-10",
    "cifar-10-batches-py",
    "cifar-10-python.tar.gz",
    "c58f30108f718f92721af3b95e74349a",
    train={
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    },
    test={"test_batch": "40351d587109b95175f43aff81a1287e"},
    meta={"batches.meta": "5ff9c542aee3614f3951f8cda6e48888"},
    keys=(b"labels", b"label_names"),
)
CIFAR100 = _make_source(
    "CIFAR-100",
    "cifar-100-python",
    "cifar-100-python.tar.gz",
    "eb9058c3a382ffc7106e4002c42a8d85",
    train={"train": "16019d7e3df5f24257cddd939b257f8d"},
    test={"test": "f0ef6b0ae62326f3e7ffdfab6717acfc"},
    meta={"meta": "7973b15100ade9c7d40fb424638fde48"},
    keys=(b"fine_labels", b"fine_label_names"),
)
