"""The summary of a search for people: two columns, one line per quantity.

Values are text with the digits that mean something; whoever computes with them reads
`trials.csv` and the records of the final networks instead.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from nago.generators.complexity import MEGABYTE
from nago.generators.spaces import effective_neighbours
from nago.search.incumbent import select_incumbent
from nago.tables import configuration_of, join_tables

NONE = "none"


def summarise(
    table: pd.DataFrame,
    finals: Sequence[Mapping[str, Any]],
    initial: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return what a search did, chose and reached.

    Args:
        table: a row per trial, as `nago.tables.read_table` gives it; it may be empty.
        finals: a mapping per final network with `test_accuracy` in [0, 1], `parameters`,
            `sample_memory_bytes`, `hash` and the `trial` whose generator it is of; there may be
            none yet.
        initial: trials of an earlier search that this one began with and may choose.

    Returns:
        Columns `quantity` (with its unit) and `value`, both text.
    """
    rows = [*_count_trials(table), *_count_proposals(table)]
    if initial is not None:
        rows.append(("trials of an earlier search", len(initial)))
        table = join_tables([initial, table])
    if table["validation_error"].notna().any():
        rows += _describe_choice(table)
    else:
        rows.append(("incumbent", f"{NONE}: no trial succeeded"))
    for trial in dict.fromkeys(final["trial"] for final in finals):
        rows.append(("final networks of the generator of", trial))
        rows += _describe_finals([final for final in finals if final["trial"] == trial])
    if not finals:
        rows.append(("final networks", 0))
    return pd.DataFrame(
        [(name, str(value)) for name, value in rows], columns=["quantity", "value"]
    )


def _count_trials(table: pd.DataFrame) -> list[tuple[str, object]]:
    failed = table.loc[table["status"] != "ok", "status"].value_counts().sort_index()
    rows: list[tuple[str, object]] = [("trials", len(table)), ("trials failed", failed.sum())]
    rows += [(f"trials failed: {status}", count) for status, count in failed.items()]
    return [*rows, ("epochs trained", int(table["epochs"].sum()))]


def _count_proposals(table: pd.DataFrame) -> list[tuple[str, object]]:
    """Count the new proposals by origin; one that is promoted or tried again has a parent."""
    origins = table.loc[table["parent"].isna(), "origin"]
    rows: list[tuple[str, object]] = [("new proposals", len(origins))]
    for origin, name in (("model", "from the model"), ("fallback", "fallback, the model failed")):
        count = int((origins == origin).sum())
        share = f"{100 * count / len(origins):.1f}" if len(origins) else NONE
        rows += [(f"new proposals {name}", count), (f"new proposals {name} (%)", share)]
    again = int((table["origin"] == "replicate").sum())
    return [*rows, ("trials of generators tried before", again)] if again else rows


def _describe_choice(table: pd.DataFrame) -> list[tuple[str, object]]:
    ordered = table.sort_values(["bracket", "rung", "slot"])
    best = ordered.iloc[int(ordered["validation_error"].astype(float).argmin())]
    incumbent = select_incumbent(table)
    configuration = configuration_of(incumbent)
    rows: list[tuple[str, object]] = [
        ("lowest validation error at any budget (%)", _percent(best["validation_error"])),
        ("lowest validation error: trial", best["trial"]),
        ("incumbent", incumbent["trial"]),
        ("incumbent: budget (epochs)", incumbent["budget"]),
        ("incumbent: validation error (%)", _percent(incumbent["validation_error"])),
    ]
    neighbours = effective_neighbours(configuration)
    for name, value in configuration.items():
        text = f"{value:.4g}" if isinstance(value, float) else value
        rows.append((f"incumbent: {name}", text))
        if name in neighbours:
            rows.append((f"incumbent: {name}, effective", neighbours[name]))
    return rows


def _describe_finals(finals: Sequence[Mapping[str, Any]]) -> list[tuple[str, object]]:
    rows: list[tuple[str, object]] = [("final networks", len(finals))]
    accuracies = [
        100 * final["test_accuracy"] for final in finals if final["test_accuracy"] is not None
    ]
    mean = f"{statistics.fmean(accuracies):.2f}" if accuracies else NONE
    spread = f"{NONE}: fewer than two networks"
    if len(accuracies) > 1:
        spread = f"{statistics.stdev(accuracies):.2f}"
    memory = [final["sample_memory_bytes"] / MEGABYTE for final in finals]
    return [
        *rows,
        ("final networks failed", len(finals) - len(accuracies)),
        ("test accuracy, mean (%)", mean),
        ("test accuracy, standard deviation (%)", spread),
        ("parameters, mean", round(statistics.fmean(final["parameters"] for final in finals))),
        ("sample memory, mean (MB)", f"{statistics.fmean(memory):.2f}"),
        ("final architectures", " ".join(str(final["hash"]) for final in finals)),
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.2f}" if math.isfinite(share) else NONE
