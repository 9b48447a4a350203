"""Data sets at a tiny size, written in the very forms in which they are published.

The colour of an image tells its class, so that a short training learns something.
"""

import hashlib
import io
import pickle
import struct
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image
from scipy.io import savemat

from nago.data.datasets import prepare

SIZE = 16
CIFAR10_FOLDER = "cifar-10-batches-py"
CIFAR100_FOLDER = "cifar-100-python"
FLOWERS_FOLDER = "flowers-102"


class Python2Pickler(pickle._Pickler):
    """Writes what Python 2 wrote: byte strings as its `str`, numpy under its old name."""

    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_str2(self, value):
        if len(value) < 256:
            self.write(pickle.SHORT_BINSTRING + struct.pack("<B", len(value)) + value)
        else:
            self.write(pickle.BINSTRING + struct.pack("<i", len(value)) + value)
        self.memoize(value)

    dispatch[bytes] = save_str2

    def save_global(self, obj, name=None):
        if getattr(obj, "__name__", "") == "_reconstruct":
            self.write(pickle.GLOBAL + b"numpy.core.multiarray\n_reconstruct\n")
            self.memoize(obj)
        else:
            super().save_global(obj, name)

    def reducer_override(self, obj):
        """Numpy's kinds of numbers with 0 and 1 for flags, as numpy did then."""
        if not isinstance(obj, np.dtype):
            return NotImplemented
        function, arguments, state = obj.__reduce__()
        old = tuple(value.encode() if isinstance(value, str) else value for value in state)
        return function, (arguments[0].encode(), 0, 1), old

    dispatch[type(lambda: 0)] = save_global
    dispatch[type(len)] = save_global
    dispatch[type] = save_global


def write_pickle(path, values):
    """Write a pickle as the published ones are: protocol 2, of Python 2."""
    buffer = io.BytesIO()
    Python2Pickler(buffer, protocol=2).dump(values)
    path.write_bytes(buffer.getvalue())


def draw_pixels(label, number, side):
    """Return (side, side, 3), uint8: a colour for the class, noise for the number."""
    rng = np.random.default_rng([label, number])
    colour = np.random.default_rng(label).integers(40, 216, size=3)
    return np.clip(colour + rng.normal(0, 12, size=(side, side, 3)), 0, 255).astype(np.uint8)


def write_image(path, label, number, side=24):
    """Write a PNG or JPEG file, not quite square."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = draw_pixels(label, number, side)[: side - number % 3]
    Image.fromarray(pixels).save(path, "PNG" if path.suffix == ".png" else "JPEG", quality=95)


def write_checksums(folder, paths=None):
    """Write checksums.md5 for all files of a folder, or for some."""
    paths = sorted(Path(folder).iterdir()) if paths is None else paths
    lines = [
        f"{hashlib.md5(path.read_bytes()).hexdigest()}  {path.relative_to(folder)}\n"
        for path in paths
        if path.is_file() and path.name != "checksums.md5"
    ]
    (folder / "checksums.md5").write_text("".join(lines))


def make_batch(labels, first, label_key, coarse=False):
    """Return the dict of a CIFAR batch of these labels; images are numbered from `first`."""
    pixels = [draw_pixels(label, first + place, 32) for place, label in enumerate(labels)]
    rows = np.stack([image.transpose(2, 0, 1).ravel() for image in pixels])
    batch = {
        b"data": rows,
        label_key: [int(label) for label in labels],
        b"batch_label": b"a tiny batch",
        b"filenames": [b"image_%d.png" % (first + place) for place in range(len(labels))],
    }
    return batch | ({b"coarse_labels": [int(label) // 5 for label in labels]} if coarse else {})


def write_cifar10(root, per_batch=20, classes=10, checksums=True):
    """Write five training batches, a test batch and the names of the classes."""
    folder = Path(root) / CIFAR10_FOLDER
    folder.mkdir(parents=True)
    names = [f"data_batch_{number}" for number in range(1, 6)] + ["test_batch"]
    for place, name in enumerate(names):
        labels = (np.arange(per_batch) * 7 + place) % classes
        write_pickle(folder / name, make_batch(labels, place * per_batch, b"labels"))
    label_names = [b"class %d" % label for label in range(classes)]
    meta = {b"num_cases_per_batch": per_batch, b"label_names": label_names, b"num_vis": 3072}
    write_pickle(folder / "batches.meta", meta)
    if checksums:
        write_checksums(folder)
    return folder


def write_cifar100(root, train=500, test=100, classes=100, checksums=True):
    """Write a training batch, a test batch and the names of the classes."""
    folder = Path(root) / CIFAR100_FOLDER
    folder.mkdir(parents=True)
    for name, size, first in (("train", train, 0), ("test", test, train)):
        labels = np.arange(size) * 7 % classes
        batch = make_batch(labels, first, b"fine_labels", coarse=True)
        write_pickle(folder / name, batch)
    fine = [b"fine %d" % label for label in range(classes)]
    coarse = [b"coarse %d" % label for label in range(20)]
    write_pickle(folder / "meta", {b"fine_label_names": fine, b"coarse_label_names": coarse})
    if checksums:
        write_checksums(folder)
    return folder


def write_flowers102(root, per_class=6, classes=102, checksums=True):
    """Write numbered images, their labels, and parts of 2, 2 and the other images per class."""
    folder = Path(root) / FLOWERS_FOLDER
    number = per_class * classes
    labels = np.arange(number) * 5 % classes + 1  # the classes alternate
    for image, label in enumerate(labels.tolist(), start=1):
        write_image(folder / "jpg" / f"image_{image:05d}.jpg", label, image)
    rank = np.array([np.sum(labels[:place] == label) for place, label in enumerate(labels)])
    given = {"trnid": rank < 2, "valid": (rank >= 2) & (rank < 4), "tstid": rank >= 4}
    savemat(folder / "imagelabels.mat", {"labels": labels.astype(np.uint8)[np.newaxis]})
    numbers = {key: (np.flatnonzero(chosen) + 1)[np.newaxis] for key, chosen in given.items()}
    savemat(folder / "setid.mat", {key: ids.astype(np.uint16) for key, ids in numbers.items()})
    if checksums:
        write_checksums(folder)
    return folder


def write_mit67(root, per_class=6, classes=67, listed=(3, 2)):
    """Write class folders and lists that name some images of each class, not all."""
    root = Path(root)
    write_class_folders(root / "Images", [per_class] * classes, "scene_{:02d}")
    first, second = listed
    spans = {"TrainImages.txt": (0, first), "TestImages.txt": (first, first + second)}
    for list_name, (start, end) in spans.items():
        names = [
            f"scene_{label:02d}/{number}.jpg"
            for number in range(start, end)
            for label in range(classes)
        ]
        (root / list_name).write_text("\n".join(names))  # as published: no end of the last line
    return root


def write_imagenet(root, train=4, validation=2, classes=5):
    """Write class folders of JPEG files, named as WordNet and ImageNet do."""
    root = Path(root)
    for label in range(classes):
        wnid = f"n{1440764 + 9 * label:08d}"
        for number in range(train):
            write_image(root / "train" / wnid / f"{wnid}_{number * 13}.JPEG", label, number)
        for number in range(validation):
            name = f"ILSVRC2012_val_{label * validation + number + 1:08d}.JPEG"
            write_image(root / "val" / wnid / name, label, train + number)
    return root


def write_class_folders(root, sizes, name="class_{:02d}", first=0, side=24):
    """Write a folder for each size, of so many JPEG files, numbered from `first`."""
    for label, size in enumerate(sizes):
        for number in range(first, first + size):
            path = Path(root) / name.format(label) / f"{number}.jpg"
            write_image(path, label, number, side)
    return Path(root)


def write_given_folders(root, *, train=4, validation=2, test=3, classes=3, validation_name="val"):
    """Write class folders within folders of the parts; without validation if there are none."""
    first = 0
    for part, size in (("train", train), (validation_name, validation), ("test", test)):
        if size:
            write_class_folders(Path(root) / part, [size] * classes, first=first)
        first += size
    return Path(root)


def prepare_tiny(source, root, output, **changes):
    """Prepare a data set at SIZE pixels, in silence."""
    arguments = {
        "image_size": SIZE,
        "channels": 3,
        "validation_fraction": 0.2,
        "test_fraction": 0.2,
        "seed": 0,
        "output": output,
        "name": "tiny",
        "report": lambda _: None,
    }
    return prepare(source, root, **(arguments | changes))
