"""The surrogate in files: numbers and diagnostics as JSON, its arrays beside it as npz."""

import io
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from nago.records import RecordError, read_json, write_bytes, write_json
from nago.search.methods import Surrogate


def write_surrogate(path: Path, surrogate: Surrogate) -> None:
    """Write a surrogate; equal ones give equal bytes."""
    values = dict(surrogate)
    arrays = values.pop("arrays", None)
    if arrays is not None:
        content = io.BytesIO()
        np.savez_compressed(content, **arrays)
        write_bytes(path.with_suffix(".npz"), content.getvalue())
    write_json(path, values)


def read_surrogate(path: Path) -> Surrogate:
    """Return a surrogate as it was written.

    Raises:
        RecordError: a file is missing or damaged.
    """
    surrogate: Surrogate = read_json(path)
    arrays = path.with_suffix(".npz")
    if arrays.exists():
        surrogate["arrays"] = _read_arrays(arrays)
    return surrogate


def _read_arrays(path: Path) -> dict[str, np.ndarray]:
    try:
        with np.load(path, allow_pickle=False) as content:
            return {name: content[name] for name in content.files}
    except (OSError, ValueError, EOFError, BadZipFile, KeyError) as error:
        raise RecordError(f"{path} is damaged ({error}); delete it and run again") from None
