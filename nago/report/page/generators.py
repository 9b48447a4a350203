"""The table of the generators of a search with replicates: how likely each is on the front."""

from collections.abc import Sequence

import pandas as pd

from nago.report.page.numbers import configure, megabytes, name_sources, percent
from nago.report.page.table import Cell, Table, cell, make_table
from nago.report.runs import Run
from nago.tables import hyperparameters

MOST_ROWS = 15
LEAST = 0.01
"""Probability from which a generator is shown, as long as there is room."""

HEADINGS = (
    *("generator", "Pareto-optimal", "draws", "mean error", "deviation", "expected error"),
    *("uncertain by", "noise of a draw", "memory per image", "configuration"),
)
CAPTION = (
    "A generator goes by its first trial. Mean and deviation of the validation error are those of"
    " its draws; what is expected of it, how uncertain that is and how far one draw may be from it"
    " says the model, from all trials. Pareto-optimal: how probable it is that no other generator"
    " tried has a lower error and less of the other objectives, by what is expected."
)


def tabulate_generators(run: Run) -> Table | None:
    """Return the likeliest generators of a run's front; None of a search without replicates."""
    if run.generators is None or run.generators.empty or run.trials is None:
        return None
    names = hyperparameters(run.trials)
    probable = run.generators["probability_pareto_optimal"] >= LEAST
    shown = run.generators[probable].head(MOST_ROWS)
    left = len(run.generators) - len(shown)
    return make_table(
        f"generators-{run.dataset}-{run.contestant}-{run.seed}",
        f"Which generators are on the front: {run.contestant} on {run.dataset}, seed {run.seed}",
        HEADINGS,
        [_describe(row, names) for _, row in shown.iterrows()],
        source=name_sources([run.folder], "generators.csv"),
        caption=CAPTION,
        note=f"{left:,} more are less likely to be, and stand in the file." if left else "",
    )


def _describe(row: pd.Series, names: Sequence[str]) -> list[Cell]:
    errors = ("mean_validation_error", "sd_validation_error", "expected_validation_error")
    deviations = ("expected_deviation", "noise_deviation")
    memory, probability = row["mean_sample_memory_bytes"], row["probability_pareto_optimal"]
    return [
        cell(row["trial"]),
        cell(probability, percent(probability)),
        cell(row["draws"]),
        *(cell(row[name], percent(row[name])) for name in (*errors, *deviations)),
        cell(memory, megabytes(memory)),
        cell(configure({name: row[name] for name in names})),
    ]
