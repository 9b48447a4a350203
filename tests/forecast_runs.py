"""Folders of searches for the tests of the forecast: tables of trials and of what they cost."""

import numpy as np
import pandas as pd

TRUE = {"start": 3.0, "multiply_adds": 2e-9, "sample_memory": 4e-8, "calls": 1e-4}
"""Seconds of a training, of a multiply-add, of a byte that is kept, of an operation of a step."""

IMAGES = 1146
BATCH = 64


def true_seconds(table):
    """The seconds of trainings by TRUE."""
    each = (
        TRUE["multiply_adds"] * IMAGES * table["multiply_adds"]
        + TRUE["sample_memory"] * IMAGES * table["sample_memory_bytes"]
        + TRUE["calls"] * np.ceil(IMAGES / BATCH) * table["nodes"]
    )
    return TRUE["start"] + table["epochs"] * each


def make_trainings(count, *, noise=0.0, seed=0, device="V100", slow=0.0):
    """A table of trainings, their seconds by TRUE times factors; some are slowed down tenfold."""
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "trial": [f"b{place // 4}-r0-s{place % 4}" for place in range(count)],
            "bracket": np.arange(count) // 4,
            "rung": 0,
            "slot": np.arange(count) % 4,
            "epochs": rng.choice([1, 2, 4], count),
            "status": "ok",
            "multiply_adds": rng.integers(10**5, 4 * 10**6, count),
            "sample_memory_bytes": rng.integers(10**5, 10**6, count),
            "nodes": rng.integers(10, 900, count),
            "batch_size": BATCH,
            "device": device,
            "host": "vm",
        }
    )
    factors = np.exp(noise * rng.standard_normal(count))
    factors[rng.random(count) < slow] *= 10
    table["seconds"] = true_seconds(table) * factors
    table["images_per_second"] = IMAGES * table["epochs"] / table["seconds"]
    table["parameters"] = 100_000
    table["validation_error"] = rng.random(count)
    return table


def write_search(folder, table):
    """Write the tables of a search that has trained `table`."""
    folder.mkdir(parents=True)
    measures = ["status", "validation_error", "parameters", "multiply_adds"]
    measures += ["sample_memory_bytes", "nodes"]
    table[["trial", "bracket", "rung", "slot", *measures]].to_csv(
        folder / "trials.csv", index=False
    )
    table.drop(columns=measures).to_csv(folder / "costs.csv", index=False)
    return folder
