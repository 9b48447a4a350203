"""All figures that compare searches, under fixed names."""

from collections.abc import Sequence
from pathlib import Path

from nago.report.figures.budgets import draw_budgets
from nago.report.figures.front import draw_fronts
from nago.report.figures.improvement import draw_improvement
from nago.report.figures.memory import draw_trial_memory
from nago.report.figures.race import draw_error_race, draw_volume_race
from nago.report.figures.strips import Published, draw_tests
from nago.report.figures.winners import draw_winners
from nago.report.runs import Run
from nago.report.tables.front import tabulate_fronts
from nago.report.tables.improvement import tabulate_improvement
from nago.tables import write_table

FIGURES = {
    "anytime": draw_error_race,
    "hypervolume": draw_volume_race,
    "front": draw_fronts,
    "improvement": draw_improvement,
    "memory": draw_trial_memory,
    "budgets": draw_budgets,
}
"""What is drawn, as SVG and PDF; `test` and `winners`, which is SVG alone, come with them."""


def draw_comparison(runs: Sequence[Run], folder: Path, published: Published | None = None) -> None:
    """Draw all figures, and write the numbers of those that no other table holds.

    Args:
        runs: of several contestants, seeds and data sets, at any point of their search.
        folder: of the figures.
        published: test accuracies in % by data set and contestant, to set beside those found.
    """
    for name, draw in FIGURES.items():
        draw(runs, _name_files(folder, name))
    draw_tests(runs, _name_files(folder, "test"), published)
    draw_winners(runs, folder / "winners.svg")
    write_table(folder / "front.csv", tabulate_fronts(runs))
    write_table(folder / "improvement.csv", tabulate_improvement(runs))


def _name_files(folder: Path, name: str) -> list[Path]:
    return [folder / f"{name}.svg", folder / f"{name}.pdf"]
