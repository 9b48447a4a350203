"""Exports: a trained network in a format that needs neither this package nor, for ONNX, torch.

An export takes what the network's `Classifier` takes, images (N, channels, size, size) of uint8
for any N, and gives logits (N, classes): the normalisation is part of it. It is computed on images
and compared with the network before it gets its name.
"""

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from nago.networks.weights import Classifier
from nago.records import UserError, write_bytes

TOLERANCE = 1e-4
"""Largest difference of a logit, beside the largest of the network's logits or 1."""

EXAMPLES = 5
"""Random images that an export is compared on, if none are given."""

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How an export compares with its network: images, largest difference, same classes."""

    images: int
    difference: float
    same: int


def export(classifier: Classifier, path: Path, images: Array | None = None) -> Comparison:
    """Write a network as `path` says by its ending, whole or not at all, and compare the two.

    Args:
        classifier: the network.
        path: `.onnx` for ONNX, `.pt2` for a program of torch.export.
        images: (N, channels, size, size), uint8, to compare on; random ones if None.

    Raises:
        UserError: the ending is another one, a package is missing, the images don't fit, or the
            export computes something else.
    """
    if path.suffix not in FORMATS:
        raise UserError(f"an export ends in {' or '.join(FORMATS)}, got {path.name}")
    write, run = FORMATS[path.suffix]
    images = _choose_images(classifier, images)
    with _quiet():
        content = write(classifier)
        found = run(content, images)
    comparison = _compare(classifier, found, images)
    if comparison.difference > TOLERANCE or comparison.same < comparison.images:
        raise UserError(
            f"{path} was not written: its logits differ by up to {comparison.difference:.2g}"
            f" and give the same class for {comparison.same} of {comparison.images} images"
        )
    write_bytes(path, content)
    return comparison


def check_path(path: Path, ending: str, option: str) -> None:
    """Raise UserError if a file can't be written there, or has another ending than its format."""
    if path.suffix != ending:
        raise UserError(f"{option} takes a file that ends in {ending}, got {path}")
    if path.is_dir():
        raise UserError(f"{path} is a folder")


def describe(classifier: Classifier) -> dict[str, str]:
    """Return what an export says of itself: what it takes, and the names of its classes."""
    architecture = classifier.network.architecture
    return {
        "producer": f"nago {version('nago')}",
        "architecture": architecture.hash,
        "images": f"uint8, N x {architecture.image_channels} x {classifier.image_size}"
        f" x {classifier.image_size}",
        "stored_size": str(classifier.stored_size),
        "class_names": json.dumps(list(classifier.class_names)),
    }


def _choose_images(classifier: Classifier, images: Array | None) -> Array:
    size, channels = classifier.image_size, classifier.network.architecture.image_channels
    if images is None:
        rng = np.random.default_rng(0)
        return rng.integers(0, 256, (EXAMPLES, channels, size, size), dtype=np.uint8)
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1] != channels:
        raise UserError(
            f"images must be uint8 (N, {channels}, size, size), got {images.dtype} {images.shape}"
        )
    if not len(images) or images.shape[2] != images.shape[3] or images.shape[2] < size:
        raise UserError(f"images must be {size} pixels high and wide, got {images.shape}")
    start = round((images.shape[2] - size) / 2)
    return np.ascontiguousarray(images[:, :, start : start + size, start : start + size])


def _compare(classifier: Classifier, found: Array, images: Array) -> Comparison:
    with torch.no_grad():
        wanted = classifier(torch.from_numpy(images)).numpy()
    scale = max(float(np.abs(wanted).max()), 1.0)
    same = int((wanted.argmax(axis=1) == found.argmax(axis=1)).sum())
    return Comparison(len(images), float(np.abs(wanted - found).max()) / scale, same)


def _trace(classifier: Classifier) -> dict[str, Any]:
    """Return the arguments of torch's exporters: two images, of which there may be any number."""
    size, channels = classifier.image_size, classifier.network.architecture.image_channels
    images = torch.zeros((2, channels, size, size), dtype=torch.uint8)
    batch = torch.export.Dim("batch", min=1)
    return {"args": (images,), "dynamic_shapes": ({0: batch},)}


def _write_onnx(classifier: Classifier) -> bytes:
    try:
        import onnx  # noqa: PLC0415
        import onnxscript  # noqa: F401, PLC0415
    except ImportError:
        raise _miss("onnx and onnxscript") from None
    with torch.no_grad():
        program: Any = torch.onnx.export(
            classifier,
            **_trace(classifier),
            dynamo=True,
            input_names=["images"],
            output_names=["logits"],
            verbose=False,
        )
    model = program.model_proto
    onnx.helper.set_model_props(model, describe(classifier))
    content: bytes = model.SerializeToString()
    return content


def _run_onnx(content: bytes, images: Array) -> Array:
    return np.asarray(open_onnx(content).run(None, {"images": images})[0])


def open_onnx(content: bytes, threads: int = 1) -> Any:
    """Return a session of ONNX Runtime on the CPU.

    Raises:
        UserError: the package is missing.
    """
    try:
        import onnxruntime  # noqa: PLC0415
    except ImportError:
        raise _miss("onnxruntime") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _write_program(classifier: Classifier) -> bytes:
    with torch.no_grad():
        program = torch.export.export(classifier, **_trace(classifier))
    file = io.BytesIO()
    about = json.dumps(describe(classifier))
    torch.export.save(program, file, extra_files={"nago.json": about})
    return file.getvalue()


def _run_program(content: bytes, images: Array) -> Array:
    with torch.no_grad():
        module = torch.export.load(io.BytesIO(content)).module()
        return np.asarray(module(torch.from_numpy(images)).numpy())


def _miss(packages: str) -> UserError:
    return UserError(f"ONNX needs {packages}; pip install 'nago[onnx]' gets them")


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the exporters tell their own developers from users."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        logger.setLevel(logging.ERROR)
        try:
            yield
        finally:
            logger.setLevel(level)


FORMATS: Mapping[str, tuple[Any, Any]] = {
    ".onnx": (_write_onnx, _run_onnx),
    ".pt2": (_write_program, _run_program),
}
"""By the ending of a file: how an export is written, and how it is computed on images."""
