"""How the runs were made: settings of each, versions and devices as they were recorded."""

from collections.abc import Sequence
from dataclasses import dataclass

from nago.report.page.numbers import NONE, plain, show_path
from nago.report.page.table import Table, cell, make_table
from nago.report.runs import Run

RECORDED = ("device", "python", "torch")


@dataclass(frozen=True, slots=True)
class SettingsList:
    """All settings of a run; `differing` are those in which the runs aren't alike."""

    title: str
    source: str
    values: tuple[tuple[str, str, bool], ...]


def list_settings(runs: Sequence[Run]) -> list[SettingsList]:
    """Return the settings of each run, those that differ between the runs marked."""
    differing = find_differences(runs)
    return [
        SettingsList(
            title=f"{run.dataset}, {run.contestant}, seed {run.seed}",
            source=f"{show_path(run.folder)}/settings.json",
            values=tuple(
                (key, plain(value), key in differing)
                for key, value in sorted(run.settings.items())
            ),
        )
        for run in runs
    ]


def find_differences(runs: Sequence[Run]) -> list[str]:
    """Return the settings in which runs aren't alike, by name."""
    keys = sorted({key for run in runs for key in run.settings})
    return [key for key in keys if len({repr(run.settings.get(key)) for run in runs}) > 1]


def read_recorded(run: Run, column: str) -> list[str]:
    """Return the values of a column of costs in a run: its trials' and its final networks'."""
    found = set()
    if run.costs is not None and column in run.costs:
        found |= {str(value) for value in run.costs[column].dropna()}
    found |= {
        str(final["cost"][column])
        for final in run.final_results
        if final.get("cost", {}).get(column) is not None
    }
    return sorted(found)


def tabulate_environment(runs: Sequence[Run]) -> Table:
    """Return where each run ran: device and versions, as its trials recorded them."""
    rows = [
        [
            *(cell(run.dataset), cell(run.contestant), cell(run.seed)),
            *(cell(", ".join(read_recorded(run, name)) or NONE) for name in RECORDED),
            cell(run.settings.get("gpus_per_trial")),
            cell(plain(run.settings.get("precision"))),
        ]
        for run in runs
    ]
    return make_table(
        "environment-table",
        "Devices and versions",
        [
            *("data set", "contestant", "seed", "device", "Python", "PyTorch"),
            *("devices per training", "precision"),
        ],
        rows,
        source="costs.csv, final/*.json and settings.json of each run",
    )
