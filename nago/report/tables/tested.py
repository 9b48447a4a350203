"""Final networks: what the chosen generators reached on the test images, tables 4 and 5.

Source: Ru, Esperança and Carlucci 2020, section 4.4.
"""

from collections.abc import Sequence
from typing import Any

import pandas as pd

from nago.generators.complexity import MEGABYTE
from nago.report.contestants import Contestant, group_runs, list_contestants
from nago.report.finals import list_finals
from nago.report.runs import Run
from nago.report.tables.published import find_published
from nago.report.tables.rows import (
    NO_RUNS,
    PLACE,
    SOURCE,
    join_notes,
    make_table,
    mean_of,
    std_of,
)


def tabulate_test(runs: Sequence[Run]) -> pd.DataFrame:
    """Return what the final networks reached on the test images: tables 4 and 5.

    Returns:
        A row per data set, contestant and finalist: the generators that networks were trained
        of, of which 0 has the lowest validation error. Means and sample standard deviations
        (n - 1 in the denominator) are over the final networks: with one seed, those of one
        generator; with several, the networks of that finalist of all `seeds` taken together, so
        that the deviation holds the luck of the search as well. Accuracies leave out
        `failed_networks`; sizes are those of all `networks`. The paper's numbers stand beside
        finalist 0.
    """
    columns = (
        *(*PLACE, "finalist", "seeds", "networks", "failed_networks"),
        *("test_accuracy_percent_mean", "test_accuracy_percent_std"),
        *("test_top5_accuracy_percent_mean", "test_top5_accuracy_percent_std"),
        *("sample_memory_mb_mean", "parameters_mean", "multiply_adds_mean"),
        *("published_test_accuracy_percent_mean", "published_test_accuracy_percent_std"),
        *("published_test_top5_accuracy_percent_mean", "published_sample_memory_mb_mean"),
        *("published_parameters_mean", *SOURCE),
    )
    contestants = list_contestants(group_runs(runs))
    rows = [row for contestant in contestants for row in _describe_finals(contestant)]
    return make_table(rows, columns, NO_RUNS)


def _describe_finals(contestant: Contestant) -> list[dict[str, Any]]:
    by_finalist: dict[int, list[pd.DataFrame]] = {}
    for run in contestant.runs:
        for place, group in list_finals(run).items():
            by_finalist.setdefault(place, []).append(group)
    published = find_published("test", contestant.published, contestant.name)
    notes = [
        f"seed {run.seed}: no final network yet" for run in contestant.runs if not list_finals(run)
    ]
    if not by_finalist:
        return [{**contestant.place, "networks": 0, **published, "note": join_notes(*notes)}]
    return [
        {
            **contestant.place,
            "finalist": place,
            "seeds": len(tables),
            **_summarise_networks(pd.concat(tables, ignore_index=True)),
            **(published if place == 0 else {}),
            "note": join_notes(*notes, _count_expected(contestant, tables)),
        }
        for place, tables in sorted(by_finalist.items())
    ]


def _count_expected(contestant: Contestant, tables: Sequence[pd.DataFrame]) -> str:
    expected = int(contestant.runs[0].settings["final_networks"]) * len(tables)
    found = sum(len(table) for table in tables)
    return f"{found} of {expected} networks" if found < expected else ""


def _summarise_networks(finals: pd.DataFrame) -> dict[str, Any]:
    row: dict[str, Any] = {
        "networks": len(finals),
        "failed_networks": int(finals["test_accuracy"].isna().sum()),
    }
    for name in ("test_accuracy", "test_top5_accuracy"):
        percent = [100 * float(share) for share in finals[name].dropna()]
        row[f"{name}_percent_mean"] = mean_of(percent)
        row[f"{name}_percent_std"] = std_of(percent)
    sizes = {"sample_memory_mb_mean": "sample_memory_bytes"} | {
        f"{name}_mean": name for name in ("parameters", "multiply_adds")
    }
    for column, name in sizes.items():
        mean = mean_of([float(value) for value in finals[name].dropna()])
        row[column] = mean / MEGABYTE if mean is not None and "_mb_" in column else mean
    return row
