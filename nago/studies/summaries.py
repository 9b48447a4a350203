"""Summaries of draws: quantiles of the memory, ranges of the nodes, parts of the variance.

Source: Ru, Esperança and Carlucci 2020, appendices E and F, figures 2 and 7.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from nago.generators.complexity import MEGABYTE
from nago.generators.draw import GENERATORS, default_settings
from nago.generators.generator import Ranges
from nago.records import RecordError, UserError
from nago.studies.draws import SPACE, check_generator
from nago.tables import read_table

DRAWS = ["generator", "images", "draw", "nodes", "sample_memory_bytes"]
REPEATS = ["configuration", "draw", "sample_memory_bytes"]
"""The columns that summaries of draws, and of repeated draws, need."""


def read_draws(paths: Sequence[Path], columns: Sequence[str]) -> pd.DataFrame:
    """Return some columns of several tables, one table below the other.

    Raises:
        RecordError: a file is missing, damaged, empty or has other columns.
    """
    tables = []
    for path in paths:
        table = read_table(path)
        missing = [name for name in columns if name not in table.columns]
        if missing or table.empty:
            lack = f"no column {missing[0]}" if missing else "no rows"
            raise RecordError(f"{path} is no table of draws (it has {lack}); delete it, run again")
        tables.append(table[list(columns)])
    return pd.concat(tables, ignore_index=True)


def summarise_memory(draws: pd.DataFrame) -> pd.DataFrame:
    """Return how the sample memory spreads, a row per generator and kind of images.

    Args:
        draws: rows of `draw_table`.

    Returns:
        `generator`, `images`, `draws`, and in MB (2^20 bytes) `min_mb`, `p5_mb`, `median_mb`,
        `p95_mb`, `max_mb`; quantiles are on a line between the draws beside them.
    """
    rows = []
    for (generator, images), group in draws.groupby(["generator", "images"], sort=False):
        memory = _to_megabytes(group["sample_memory_bytes"])
        low, median, high = np.quantile(memory, [0.05, 0.5, 0.95])
        place = {"generator": generator, "images": images, "draws": len(memory)}
        spread = {"p5_mb": low, "median_mb": median, "p95_mb": high}
        rows.append({**place, "min_mb": memory.min(), **spread, "max_mb": memory.max()})
    return pd.DataFrame(rows)


def summarise_nodes(draws: pd.DataFrame) -> pd.DataFrame:
    """Return how many operations the draws have, and how many they could have, by generator.

    Args:
        draws: rows of `draw_table`, for all images together: nodes don't depend on the images.

    Returns:
        `generator`, `draws`, the observed `min`, `median`, `max`, and `possible_min`,
        `possible_max` from the limits of the search space.
    """
    rows = []
    for generator, group in draws.groupby("generator", sort=False):
        nodes = group["nodes"].astype(int)
        low, high = find_possible_nodes(str(generator))
        observed = {"min": nodes.min(), "median": nodes.median(), "max": nodes.max()}
        possible = {"possible_min": low, "possible_max": high}
        rows.append({"generator": generator, "draws": len(nodes), **observed, **possible})
    return pd.DataFrame(rows)


def find_possible_nodes(generator: str) -> tuple[int, int]:
    """Return the fewest and the most operations of a generator in its base space.

    Raises:
        UserError: there is no such generator.
    """
    check_generator(generator)
    ranges = GENERATORS[generator].spaces[SPACE]
    lowest = {name: (low, low) for name, (low, _) in ranges.items()}
    highest = {name: (high, high) for name, (_, high) in ranges.items()}
    return _count_operations(generator, lowest), _count_operations(generator, highest)


def summarise_repeats(repeats: pd.DataFrame) -> pd.DataFrame:
    """Return how the sample memory spreads among the draws of each configuration.

    Args:
        repeats: rows of `repeat_draws`.

    Returns:
        A row per configuration: its number, `draws`, and in MB (2^20 bytes) `mean_mb`, `sd_mb`
        (n - 1 in the denominator; missing for a single draw), `min_mb` and `max_mb`.
    """
    memory = repeats.assign(memory=_to_megabytes(repeats["sample_memory_bytes"]))
    groups = memory.groupby("configuration")["memory"]
    names = {"count": "draws"} | {name: f"{name}_mb" for name in ("mean", "min", "max")}
    table = groups.agg(["count", "mean", "std", "min", "max"])
    return table.rename(columns={**names, "std": "sd_mb"}).reset_index()


def split_variance(repeats: pd.DataFrame) -> pd.DataFrame:
    """Return how much of the variance of the sample memory lies between and within generators.

    The variance of all draws (n in the denominator) is that of the configurations' means plus
    the mean variance within a configuration.

    Args:
        repeats: rows of `repeat_draws`, as many draws of each configuration.

    Returns:
        Rows `between`, `within` and `total`: `part`, `variance_mb2` and `share` of the total.

    Raises:
        UserError: the configurations have unequal numbers of draws.
    """
    memory = repeats.assign(memory=_to_megabytes(repeats["sample_memory_bytes"]))
    groups = memory.groupby("configuration")["memory"]
    counts = sorted({int(count) for count in groups.count()})
    if len(counts) > 1:
        raise UserError(f"each configuration must have as many draws, got {counts}")
    between, within = float(groups.mean().var(ddof=0)), float(groups.var(ddof=0).mean())
    total = between + within
    rows = [("between", between), ("within", within), ("total", total)]
    return pd.DataFrame(
        [(part, value, value / total if total else 0.0) for part, value in rows],
        columns=["part", "variance_mb2", "share"],
    )


def _to_megabytes(sizes: "pd.Series[int]") -> "pd.Series[float]":
    return sizes.astype(float) / MEGABYTE


def _count_operations(generator: str, ranges: Ranges) -> int:
    """Return the operations of the smallest network in some ranges."""
    cells = GENERATORS[generator].smallest_cells(ranges, default_settings(generator))
    return sum(len(node.operations) for cell in cells for node in cell.nodes)
