"""What fits and steps cost, beside pybnn, and with more and more points."""

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from search_own import STEP
from search_problems import Array
from search_tables import (
    FOLDER,
    NOT_MEASURED,
    add_measured,
    answer,
    is_measured,
    read_measured,
    write_rows,
)

from nago.generators.draw import GENERATORS
from nago.generators.spaces import make_space
from nago.records import Observation
from nago.search import mobo
from nago.search.encoding import Encoding
from nago.search.models import fit_model
from nago.seeds import derive_seed

FITS = FOLDER / "speed-fits.csv"
FIT_COLUMNS = ("round", "fit", "seconds")
STEPS = FOLDER / "speed-steps.csv"
STEP_COLUMNS = ("surrogate", "points", "fit_seconds", "propose_seconds")
ROUNDS, POINTS, DIMENSIONS = 3, 150, 8
LENGTH = {"burn_in": 3000, "steps": 10000, "keep_every": 100}
PAPER_NETWORK = {"hidden": (10, 10, 10), "depends": True}
OURS, OURS_WHOLE = "ours, one chain", "ours, chains and folds of a step"
PYBNN, PYBNN_PAPER = "pybnn, stock", "pybnn, paper's network"
COMPETING: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    OURS: ("bnn", LENGTH | {"chains": 1, "folds": 0}),
    OURS_WHOLE: ("bnn", LENGTH),
    PYBNN: ("pybnn", LENGTH),
    PYBNN_PAPER: ("pybnn", LENGTH | PAPER_NETWORK),
}
GROWING = (50, 100, 200, 300, 500, 1000, 2000)
BATCH = 8


def measure_speed() -> None:
    """Time the fits and steps that are missing."""
    for number in range(ROUNDS):
        for name, (kind, options) in COMPETING.items():
            key = {"round": number, "fit": name}
            if not is_measured(read_measured(FITS, FIT_COLUMNS), key):
                features, losses = draw_losses(POINTS, number)
                call = _prepare_fit(kind, features, losses[:, :1], options, number)
                add_measured(FITS, [key | {"seconds": count_seconds(call)}])
    for points in GROWING:
        for surrogate in ("bnn", "gp"):
            key = {"surrogate": surrogate, "points": points}
            if not is_measured(read_measured(STEPS, STEP_COLUMNS), key):
                add_measured(STEPS, [key | time_step(surrogate, points)])


def _prepare_fit(
    kind: str, features: Array, losses: Array, options: Mapping[str, Any], seed: int
) -> Callable[[], object]:
    return lambda: fit_model(kind, features, losses, options, seed)


def count_seconds(call: Callable[[], object]) -> float:
    """Return the CPU seconds of a call."""
    start = time.process_time()
    call()
    return time.process_time() - start


def draw_losses(count: int, seed: int) -> tuple[Array, Array]:
    """Return random features (count, 8) and two smooth losses (count, 2) with some noise."""
    rng = np.random.default_rng(derive_seed(seed, "speed", count))
    features = rng.random((count, DIMENSIONS))
    return features, describe_losses(features, rng)


def describe_losses(features: Array, rng: np.random.Generator) -> Array:
    """Return the losses (n, 2) of features (n, 8)."""
    first = np.sin(3 * features[:, 0]) + features[:, 1] * features[:, 2]
    second = 1 - features[:, 0] + features[:, 3] ** 2
    noise = 0.1 * rng.standard_normal((len(features), 2))
    return np.column_stack([first, second]) + noise


def time_step(surrogate: str, points: int) -> dict[str, float]:
    """Return the CPU seconds of a fit to points of HNAG's space, and of a batch proposed."""
    space = make_space(GENERATORS["hnag"].spaces["base"])
    encoding = Encoding(space)
    rng = np.random.default_rng(derive_seed(points, "step"))
    genes = encoding.snap(rng.random((points, encoding.genes)))
    losses = describe_losses(encoding.describe(genes), rng)
    observations = [
        Observation(configuration, 1, tuple(row.tolist()))
        for configuration, row in zip(encoding.decode(genes), losses, strict=True)
    ]
    start = time.process_time()
    fitted = mobo.fit(space, observations, STEP | {"surrogate": surrogate}, 0)
    middle = time.process_time()
    mobo.propose(space, fitted, BATCH, 1, 0)
    return {"fit_seconds": middle - start, "propose_seconds": time.process_time() - middle}


def describe_speed() -> str:
    """Return the section of the page."""
    fits, steps = read_measured(FITS, FIT_COLUMNS), read_measured(STEPS, STEP_COLUMNS)
    return "\n\n".join(
        [
            "## Speed",
            describe_fits(fits) if len(fits) else NOT_MEASURED,
            "### A whole step",
            describe_steps(steps) if len(steps) else NOT_MEASURED,
        ]
    )


def describe_fits(table: pd.DataFrame) -> str:
    """Return the table of a fit's seconds beside pybnn's."""
    seconds = {name: table[table["fit"] == name]["seconds"].tolist() for name in COMPETING}
    baseline = seconds[PYBNN_PAPER]
    rows = [
        [name, f"{statistics.median(found):.2f}", f"{_divide(baseline, found):.1f}"]
        for name, found in seconds.items()
        if found
    ]
    ratio = _divide(baseline, seconds[OURS])
    return "\n\n".join(
        [
            f"One loss, {POINTS} points, {DIMENSIONS} features, 13,000 steps; CPU seconds of one"
            f" thread. Medians of {ROUNDS} rounds in which all take turns. The chains and folds of"
            " a step are what ours samples at once by default; pybnn samples one chain.",
            write_rows(["fit", "seconds", "pybnn with the paper's network over this"], rows),
            f"Times faster, chain for chain: {ratio:.1f} (aim: at least 30):"
            f" {answer(ratio >= 30)}.",
        ]
    )


def describe_steps(table: pd.DataFrame) -> str:
    """Return the table of a step's seconds by the number of points."""
    rows = []
    for points, found in table.sort_values("points").groupby("points"):
        cells: list[object] = [points]
        for surrogate in ("bnn", "gp"):
            one = found[found["surrogate"] == surrogate]
            names = ("fit_seconds", "propose_seconds")
            cells += [f"{one[name].iloc[0]:.2f}" if len(one) else "" for name in names]
        rows.append(cells)
    whole = table[(table["points"] == 300) & (table["surrogate"] == "bnn")]
    total = (
        float((whole["fit_seconds"] + whole["propose_seconds"]).iloc[0]) if len(whole) else None
    )
    found_text = "not measured" if total is None else f"{total:.1f} s: {answer(total < 15)}"
    header = ["points", "bnn: fit (s)", "propose (s)", "gp: fit (s)", "propose (s)"]
    return "\n\n".join(
        [
            "Two losses over HNAG's space, NSGA-II and a batch of 8, default settings; CPU seconds"
            " of one thread.",
            write_rows(header, rows),
            f"With 300 points by `bnn`, under 15 s: {found_text}.",
        ]
    )


def _divide(above: Sequence[float], below: Sequence[float]) -> float:
    return statistics.median(a / b for a, b in zip(above, below, strict=False))
