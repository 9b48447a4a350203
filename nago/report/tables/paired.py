"""Pairs: the columns of losses that belong together two by two, and what a test says of them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from nago.report.tables.rows import join_notes
from nago.report.tables.statistics import (
    Verdict,
    compare_pairs,
    find_quartiles,
    measure_a12,
    measure_rank_biserial,
)

Found = tuple[float, float]
"""A loss and the budget that it was found at."""


def describe_pairs(
    found: Sequence[tuple[tuple[float, float], tuple[float, float]]], *, last: bool
) -> dict[str, Any]:
    """Return the columns of paired losses.

    Args:
        found: pairs of (loss, budget), the contestant's and the baseline's; NaN where a search
            has no result yet.
        last: whether the pairs are tested.
    """
    known = [pair for pair in found if all(math.isfinite(loss) for loss, _ in pair)]
    own, other = [pair[0][0] for pair in known], [pair[1][0] for pair in known]
    differences = [a - b for a, b in zip(own, other, strict=True)]
    row: dict[str, Any] = {"values": len(known), "baseline_values": len(known)}
    notes = []
    if len(known) < len(found):
        notes.append(f"{len(found) - len(known)} of {len(found)} pairs have no result yet")
    budgets = sorted({int(budget) for pair in known for _, budget in pair})
    if len(budgets) > 1:
        notes.append(f"budgets differ: {', '.join(map(str, budgets))} epochs")
    if known:
        low, middle, high = find_quartiles(differences)
        row |= {"median": float(np.median(own)), "baseline_median": float(np.median(other))}
        row |= {"difference_median": middle, "difference_low": low, "difference_high": high}
        row |= {"a12": measure_a12(own, other)}
        row |= {"rank_biserial": measure_rank_biserial(differences)}
    if not last:
        return row | {"note": join_notes(*notes, "on the way: not tested")}
    return row | describe_verdict(compare_pairs(differences), notes)


def turn_losses(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of losses as one of gains, whose signs are the other way round."""
    turned = {"difference_low": "difference_high", "difference_high": "difference_low"}
    gains = ("median", "baseline_median", "difference_median", *turned)
    return {**row} | {turned.get(name, name): -row[name] for name in gains if name in row}


def describe_verdict(verdict: Verdict, notes: Sequence[str]) -> dict[str, Any]:
    """Return the columns of a test; its name alone where there is a p."""
    name = None if verdict.p is None else verdict.name
    return {"test": name, "p": verdict.p, "note": join_notes(*notes, verdict.note)}
