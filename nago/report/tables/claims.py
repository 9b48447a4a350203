"""The paper's claims, each with what these runs say of it.

A claim holds if the difference has its sign and p < 0.05 over seeds, or an interval says so; it
does not if the sign is the other one; all else is "not shown". One seed never shows anything.
Source of the claims: Ru, Esperança and Carlucci 2020, sections 3 and 4, appendix I.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from nago.report.contestants import SPREAD, Contestant, group_runs
from nago.report.finals import list_finals
from nago.report.runs import Run
from nago.report.tables.correlations import correlate_run
from nago.report.tables.differences import BY_SEED
from nago.report.tables.equal_epochs import ERROR
from nago.report.tables.rows import NO_RUNS, join_notes, make_table, mean_of, std_of
from nago.report.tables.spread import bound_ratio, group_errors
from nago.report.tables.statistics import LEVEL, compare_pairs, find_quartiles

COLUMNS = ("claim", "dataset", "measure", "value", "low", "high", "p", "seeds", "holds", "note")
YES, NO, NOT_SHOWN = "yes", "no", "not shown"
HNAG, BOHB = "HNAG finds better networks than RNAG", "BOHB finds better generators than random"
MOBO = "MOBO finds lighter networks of equal accuracy"
NOISE = "noise that depends on the point predicts better than equal noise"
BUDGETS, ALIKE = "short trainings rank as long ones", "networks of a generator are alike"
LEAST_CORRELATION = 0.5
"""The least that the paper reports, between 30 and 60 epochs, is 0.52."""

MEASURES = {
    ERROR: ("validation error at equal epochs, difference in percentage points", -1),
    BY_SEED: ("test accuracy, difference in percentage points", 1),
}
"""A measure of differences in words, and the sign of a difference that is good."""


def tabulate_claims(
    runs: Sequence[Run], differences: pd.DataFrame, surrogates: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Return a row per claim, data set and measure.

    Args:
        runs: all of the comparison.
        differences: of these runs, as `tabulate_differences` gives them.
        surrogates: as `tabulate_surrogates` gives them; None if they were not rated.

    Returns:
        `value` is the median over seeds with its quartiles `low` and `high`, for surrogates over
        splits; of the spread within a generator it is the estimate with a bootstrap interval
        of 95% over configurations. `p` is corrected by Holm where it comes from the table of
        differences.
    """
    rows = []
    for dataset, contestants in group_runs(runs).items():
        own = differences[differences["dataset"] == dataset].to_dict("records")
        found = [
            *_read_differences(HNAG, own, "hnag-bohb", "rnag-bohb"),
            *_read_differences(BOHB, own, "hnag-bohb", "hnag-random"),
            _weigh(contestants),
            _read_surrogates(surrogates, dataset),
            *_correlate(contestants),
            _measure_spread(contestants),
        ]
        rows += [{"dataset": dataset, **row} for row in found]
    return make_table(rows, COLUMNS, NO_RUNS)


def decide(value: float | None, good: int, p: float | None, seeds: int) -> dict[str, str]:
    """Return whether a claim holds, and a note if it could not be told.

    Args:
        value: a difference.
        good: the sign that the claim says it has.
        p: that it is 0; None if it was not tested.
        seeds: searches that it is of.
    """
    if seeds < 2:
        return {"holds": NOT_SHOWN, "note": "one seed: no claim" if seeds else "no seed"}
    if value is None or math.isnan(value) or p is None or p >= LEVEL or value == 0:
        return {"holds": NOT_SHOWN}
    return {"holds": YES if value * good > 0 else NO}


def _read_differences(
    claim: str, differences: Sequence[Mapping[Any, Any]], contestant: str, baseline: str
) -> list[dict[str, Any]]:
    rows = []
    for measure, (words, good) in MEASURES.items():
        found = [
            row
            for row in differences
            if (row["measure"], row["contestant"], row["baseline"])
            == (measure, contestant, baseline)
        ]
        place = {"claim": claim, "measure": words}
        if not found:
            note = f"{contestant} or {baseline} is missing"
            rows.append({**place, "seeds": 0, "holds": NOT_SHOWN, "note": note})
            continue
        last = {key: None if pd.isna(value) else value for key, value in found[-1].items()}
        seeds = int(last["values"] or 0)
        verdict = decide(last["difference_median"], good, last["p_holm"], seeds)
        note = join_notes(str(last["note"] or ""), verdict.get("note", "") if seeds else "")
        value = {name: last[f"difference_{name}"] for name in ("low", "high")}
        row = {**place, "value": last["difference_median"], **value, "p": last["p_holm"]}
        rows.append({**row, "seeds": seeds, **verdict, "note": note})
    return rows


def _weigh(contestants: Mapping[str, Contestant]) -> dict[str, Any]:
    """Return the memory of mobo's lightest finalist of equal accuracy over that of bohb."""
    measure = "sample memory of mobo's lightest finalist within one deviation, over bohb's"
    place: dict[str, Any] = {"claim": MOBO, "measure": measure, "seeds": 0, "holds": NOT_SHOWN}
    light, base = contestants.get("hnag-mobo"), contestants.get("hnag-bohb")
    if light is None or base is None:
        return {**place, "note": "hnag-mobo or hnag-bohb is missing"}
    seeds = [seed for seed in light.by_seed if seed in base.by_seed]
    ratios = {
        seed: ratio
        for seed in seeds
        if (ratio := compare_memory(light.by_seed[seed], base.by_seed[seed])) is not None
    }
    if not ratios:
        return {**place, "note": "no seed with tested networks of both"}
    equal = [ratio for ratio in ratios.values() if math.isfinite(ratio)]
    note = "the finalist is chosen by its test accuracy, which flatters it"
    if len(equal) < len(ratios):
        without = len(ratios) - len(equal)
        lacks = f"{without} of {len(ratios)} seeds have no finalist of equal accuracy"
        return {**place, **_quartiles(equal), "seeds": len(ratios), "note": lacks}
    verdict = compare_pairs([math.log(ratio) for ratio in equal])
    row = {**place, **_quartiles(equal), "p": verdict.p, "seeds": len(equal)}
    row |= decide(math.log(row["value"]), -1, verdict.p, len(equal))
    return row | {"note": join_notes(verdict.note, note)}


def compare_memory(light: Run, base: Run) -> float | None:
    """Return the sample memory of the lightest finalist that is as accurate, over the base's.

    As accurate is a mean test accuracy no lower than the base's less one standard deviation of
    its networks.

    Returns:
        The ratio of the means; infinite if no finalist is as accurate, None if one of the runs
        has too few tested networks: two of the base, one of the other.
    """
    networks = list_finals(base).get(0)
    finalists = list_finals(light)
    if networks is None or networks["test_accuracy"].count() < 2 or not finalists:
        return None
    known = [float(value) for value in networks["test_accuracy"].dropna()]
    least = float(mean_of(known) or 0) - float(std_of(known) or 0)
    tested = [table for table in finalists.values() if table["test_accuracy"].notna().any()]
    memory = [
        float(table["sample_memory_bytes"].astype(float).mean())
        for table in tested
        if float(table["test_accuracy"].astype(float).mean()) >= least
    ]
    if not tested:
        return None
    return min(memory, default=math.inf) / float(
        networks["sample_memory_bytes"].astype(float).mean()
    )


def _read_surrogates(surrogates: pd.DataFrame | None, dataset: str) -> dict[str, Any]:
    place: dict[str, Any] = {"claim": NOISE, "seeds": 0, "holds": NOT_SHOWN}
    place["measure"] = "negative log likelihood of bnn less that of homoscedastic"
    if surrogates is None:
        return {**place, "note": "the surrogates were not rated"}
    chosen = surrogates["dataset"] == dataset
    if "model" in surrogates:
        chosen &= surrogates["model"] == "bnn"
    found = surrogates[chosen].to_dict("records")
    row = {key: value for key, value in (found[0] if found else {}).items() if not pd.isna(value)}
    if "nll_difference_median" not in row:
        return {**place, "note": str(row.get("note", "the surrogates were not rated"))}
    value, p, seeds = row["nll_difference_median"], row.get("nll_difference_p"), int(row["seeds"])
    spread = {"low": row["nll_difference_low"], "high": row["nll_difference_high"]}
    note = f"{row['trials']} trials of {row['contestant']}"
    verdict = decide(value, -1, p, seeds)
    place |= {"value": value, **spread, "p": p, "seeds": seeds, **verdict}
    return place | {"note": join_notes(verdict.get("note", ""), note)}


def _correlate(contestants: Mapping[str, Contestant]) -> list[dict[str, Any]]:
    """Return a row per contestant and neighbouring budgets."""
    found: dict[tuple[str, int, int], list[float]] = {}
    for contestant in contestants.values():
        for run in contestant.runs:
            rows = [row for row in correlate_run(contestant, run) if "low_budget_epochs" in row]
            budgets = sorted({row["low_budget_epochs"] for row in rows})
            for row in rows:
                low, high = row["low_budget_epochs"], row["high_budget_epochs"]
                if not any(low < budget < high for budget in budgets):
                    found.setdefault((contestant.name, low, high), []).append(row["spearman"])
    rows = []
    for (name, low, high), values in found.items():
        known = [value for value in values if math.isfinite(value)]
        verdict = compare_pairs([value - LEAST_CORRELATION for value in known])
        words = f"Spearman's correlation of {low} and {high} epochs, {name}; above 0.5"
        row = {"claim": BUDGETS, "measure": words, **_quartiles(known), "p": verdict.p}
        above = row["value"] - LEAST_CORRELATION if known else None
        row |= {"seeds": len(known), **decide(above, 1, verdict.p, len(known))}
        too_few = "too few pairs of budgets" if not known else ""
        rows.append(row | {"note": too_few or verdict.note})
    words = f"Spearman's correlation of two budgets; above {LEAST_CORRELATION}"
    nothing = {"claim": BUDGETS, "measure": words, "seeds": 0, "holds": NOT_SHOWN}
    return rows or [{**nothing, "note": "no search with several budgets"}]


def _measure_spread(contestants: Mapping[str, Contestant]) -> dict[str, Any]:
    """Return the deviation of errors within configurations over that between them."""
    measure = "deviation of the validation error within configurations over that between them"
    place: dict[str, Any] = {"claim": ALIKE, "measure": measure, "seeds": 0, "holds": NOT_SHOWN}
    spread = next((c for c in contestants.values() if c.method == SPREAD), None)
    if spread is None:
        return {**place, "note": "no run with the method spread"}
    runs = [run for run in spread.runs if run.trials is not None]
    found = bound_ratio([errors for run in runs for errors in group_errors(run)])
    if found is None:
        return {**place, "note": "fewer than two configurations with two results each"}
    row = {**place, "value": found.ratio, "low": found.low, "high": found.high}
    row |= {"seeds": len(runs), "note": f"{found.configurations} configurations"}
    if len(runs) < 2:
        return row | {"note": join_notes("one seed: no claim", row["note"])}
    return row | {"holds": YES if found.high < 1 else NO if found.low > 1 else NOT_SHOWN}


def _quartiles(values: Sequence[float]) -> dict[str, float]:
    if not values:
        return {}
    low, median, high = find_quartiles(values)
    return {"value": median, "low": low, "high": high}
