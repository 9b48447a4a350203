"""Whether intervals hold what they promise, where the noise depends on the point."""

import numpy as np
import pandas as pd
from search_models import CONTESTANTS, cover, train
from search_problems import Array
from search_tables import (
    FOLDER,
    NOT_MEASURED,
    add_measured,
    describe_spread,
    is_measured,
    read_measured,
    write_rows,
)

from nago.seeds import derive_seed

TABLE = FOLDER / "calibration.csv"
COLUMNS = ("dimensions", "seed", "model", "coverage", "seconds")
SEEDS, KNOWN, HELD = 10, 150, 2000


def draw_points(dimensions: int, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return features (count, d) and noisy losses (count,).

    A sine of the mean feature over one and a half periods; the noise's deviation rises with its
    square from 0.05 to 0.55.
    """
    features = rng.random((count, dimensions))
    centre = features.mean(axis=1)
    noise = 0.05 + 0.5 * centre**2
    return features, np.sin(3 * np.pi * centre) + noise * rng.standard_normal(count)


def measure_calibration() -> None:
    """Fit the models to the functions and seeds that are missing."""
    for dimensions in (1, 2):
        for seed in range(SEEDS):
            rng = np.random.default_rng(derive_seed(seed, "calibration", dimensions))
            known, held = (draw_points(dimensions, count, rng) for count in (KNOWN, HELD))
            for name in CONTESTANTS:
                key = {"dimensions": dimensions, "seed": seed, "model": name}
                if is_measured(read_measured(TABLE, COLUMNS), key):
                    continue
                model, seconds = train(name, *known, seed)
                found = cover(model.predict(held[0]), held[1])
                add_measured(TABLE, [key | {"coverage": found, "seconds": seconds}])


def describe_calibration() -> str:
    """Return the section of the page."""
    title = "## Calibration"
    table = read_measured(TABLE, COLUMNS)
    if not len(table):
        return f"{title}\n\n{NOT_MEASURED}"
    rows = [[name, *(_describe(table, name, d) for d in (1, 2))] for name in CONTESTANTS]
    return "\n\n".join(
        [
            title,
            f"Coverage of 90 % intervals (%): {KNOWN} noisy points of a sine of the mean feature"
            " over one and a half periods; the noise's deviation rises from 0.05 to 0.55 with the"
            f" square of that mean. {HELD} other noisy points are tested, {SEEDS} seeds; median"
            " and quartiles. Aims: 85 to 95 by ours, under 65 by pybnn as it is.",
            write_rows(["model", "1 feature", "2 features"], rows),
        ]
    )


def _describe(table: pd.DataFrame, name: str, dimensions: int) -> str:
    found = table[(table["model"] == name) & (table["dimensions"] == dimensions)]
    return describe_spread((100 * found["coverage"]).tolist(), 1)
