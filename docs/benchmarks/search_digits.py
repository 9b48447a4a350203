"""HNAG-MOBO beside random search on digits: what the page says of real trainings."""

from pathlib import Path

import numpy as np
import pandas as pd
from search_problems import Array, share_hypervolume
from search_tables import FOLDER, NOT_MEASURED, answer, write_rows

from nago.tables import read_table

METHODS, SEEDS = ("mobo", "random"), (0, 1, 2)
OBJECTIVES = ["validation_error", "sample_memory_bytes"]
CHECKPOINTS = 8
TITLE = "## HNAG-MOBO beside random search, real trainings on digits"


def locate_search(method: str, seed: int) -> Path:
    """Return the table of one search's trials."""
    return FOLDER / f"digits-{method}-{seed}.csv"


def describe_searches() -> str:
    """Return the section of the page."""
    missing = [
        locate_search(method, seed).name
        for method in METHODS
        for seed in SEEDS
        if not locate_search(method, seed).is_file()
    ]
    if missing:
        return f"{TITLE}\n\n{NOT_MEASURED} Missing: {', '.join(missing)}."
    tables = {(m, s): read_table(locate_search(m, s)) for m in METHODS for s in SEEDS}
    return f"{TITLE}\n\n{compare_searches(tables)}"


def compare_searches(tables: dict[tuple[str, int], pd.DataFrame]) -> str:
    """Return the table of hypervolumes over the trials of searches, by method and seed."""
    reference = find_reference(list(tables.values()))
    curves = {key: trace(table, reference) for key, table in tables.items()}
    least = min(len(curve) for curve in curves.values())
    places = np.linspace(least / CHECKPOINTS, least, CHECKPOINTS).astype(int)
    rows = []
    for place in places:
        medians = [np.median([curves[m, s][place - 1] for s in SEEDS]) for m in METHODS]
        rows.append([place, *(f"{value:.4f}" for value in medians)])
    ends = {m: [float(curves[m, s][least - 1]) for s in SEEDS] for m in METHODS}
    first, second = (np.median(ends[method]) for method in METHODS)
    wins = sum(a > b for a, b in zip(ends["mobo"], ends["random"], strict=True))
    epochs = {m: int(np.median([tables[m, s]["epochs"].sum() for s in SEEDS])) for m in METHODS}
    named = "; ".join(f"{m} {', '.join(f'{v:.4f}' for v in ends[m])}" for m in METHODS)
    memory = reference[1] / 2**20
    return "\n\n".join(
        [
            "Small HNAG generators (up to 144 operations), as"
            f" docs/benchmarks/trainings.py says; {epochs['mobo']} epochs by mobo,"
            f" {epochs['random']} by random search. Validation error and sample memory, both"
            " linear: hypervolume as a share of the box from 0 to the reference, which is an error"
            f" of 1 and the largest sample memory in all six searches ({memory:.2f} MB). Medians"
            f" of {len(SEEDS)} seeds after so many trainings:",
            write_rows(["trainings", *METHODS], rows),
            f"After {least} trainings, seed by seed: {named}. Median above random search's:"
            f" {answer(first > second)}; in {wins} of {len(SEEDS)} seeds.",
        ]
    )


def find_reference(tables: list[pd.DataFrame]) -> tuple[float, float]:
    """Return the reference point: error 1 and the largest sample memory of all trials."""
    largest = max(float(table["sample_memory_bytes"].max()) for table in tables)
    return 1.0, largest


def trace(table: pd.DataFrame, reference: tuple[float, float]) -> Array:
    """Return the share of the box after each trial (n,); failed trials add nothing."""
    losses = table[OBJECTIVES].to_numpy(dtype=float, na_value=np.inf)
    losses[table["status"].to_numpy() != "ok"] = np.inf
    box = float(np.prod(reference))
    return np.array(
        [share_hypervolume(losses[:end], reference, box) for end in range(1, len(losses) + 1)]
    )
