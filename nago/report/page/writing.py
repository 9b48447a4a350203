"""The page as a file: what is said of the runs, through a template that escapes every text.

The page needs nothing but itself, and its policy forbids a browser to ask for anything.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from nago.forecast import Forecast
from nago.records import write_text
from nago.report.contestants import group_runs, list_runs
from nago.report.figures.style import COLOURS
from nago.report.page.anytime import chart_anytime, compare_at_equal_epochs
from nago.report.page.attachments import Picture, show_figures, show_tables
from nago.report.page.checklist import fill_checklist
from nago.report.page.citation import BIBTEX, read_citation
from nago.report.page.cost import (
    forecast_run,
    say_total,
    tabulate_forecasts,
    tabulate_spending,
)
from nago.report.page.failures import list_failures, say_failures, tabulate_classes
from nago.report.page.front import MOST_MARKS, chart_front
from nago.report.page.gaps import list_gaps
from nago.report.page.generators import tabulate_generators
from nago.report.page.numbers import megabytes, millions, percent, show_path
from nago.report.page.setup import list_settings, tabulate_environment
from nago.report.page.trials import tabulate_trials
from nago.report.page.winners import (
    Winner,
    choose_winner,
    embed_drawing,
    tabulate_runs,
)
from nago.report.runs import Run, find_folders, read_run

TEMPLATES = Path(__file__).parent / "templates"
OWN_BYTES = 1_500_000
"""Figures of the winners' runs that the page holds, and as much of drawings of their networks."""

CAPTIONS = Path("workflow/report")


def find_runs(folders: Sequence[Path]) -> list[Run]:
    """Return the runs in folders, each that of a run or one with runs below it, by their paths.

    Raises:
        UserError: a folder has no run.
    """
    runs = [read_run(path) for path in find_folders(folders)]
    return sorted(runs, key=lambda r: (r.dataset, r.contestant, r.seed, show_path(r.folder)))


def write_page(
    runs: Sequence[Run],
    output: Path,
    *,
    tables: Path | None = None,
    figures: Path | None = None,
    foreseen: Sequence[Forecast | None] | None = None,
    root: Path | None = None,
    version: str,
) -> None:
    """Write the page of some runs, whatever their state is.

    Args:
        runs: at least one.
        output: the HTML file.
        tables: a folder of CSV files to show.
        figures: a folder of SVG files to show.
        foreseen: the forecast of each run, None where there is none; by default what the settings
            of the run give.
        root: of the project, for captions and CITATION.cff.
        version: of nago.
    """
    expected = [forecast_run(run) for run in runs] if foreseen is None else list(foreseen)
    captions = None if root is None else root / CAPTIONS
    shown, gaps = ([], []) if tables is None else show_tables(tables, output, captions)
    paths = [] if figures is None else sorted(figures.glob("*.svg"))
    values = {
        **_describe_results(runs, output, captions, paths),
        "gaps": [*list_gaps(runs, expected), *gaps],
        "tables": shown,
        "cost": tabulate_spending(runs, expected),
        "forecasts": tabulate_forecasts(runs),
        "said_of_cost": say_total(runs),
        "classes": tabulate_classes(runs),
        "failures": list_failures(runs),
        "said_of_failures": say_failures(runs),
        "settings": list_settings(runs),
        "environment": tabulate_environment(runs),
        "checklist": fill_checklist(runs),
        "bibtex": BIBTEX,
        "citation": read_citation(root),
        "version": version,
    }
    write_text(output, render(values))


def render(values: Mapping[str, Any]) -> str:
    """Return the page; every value is escaped but the captions of the workflow."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=StrictUndefined,
    )
    environment.filters |= {
        "trusted": Markup,
        "percent": percent,
        "megabytes": megabytes,
        "millions": millions,
    }
    script = (TEMPLATES / "page.js").read_text()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return environment.get_template("page.html.jinja").render(
        **values,
        script=Markup(script),
        digest=digest,
        sheet=Markup((TEMPLATES / "page.css").read_text()),
        colours=COLOURS,
    )


def _describe_results(
    runs: Sequence[Run], output: Path, captions: Path | None, figures: Sequence[Path]
) -> dict[str, Any]:
    """Return what the trials and the final networks show."""
    contest = group_runs(runs)
    groups = {name: list_runs(found.values()) for name, found in contest.items()}
    most = MOST_MARKS // len(groups)
    trials, total = tabulate_trials(runs)
    winners = [winner for own in groups.values() if (winner := choose_winner(own))]
    fronts = [chart for name, own in groups.items() if (chart := chart_front(name, own, most))]
    anytime = [chart for name, own in groups.items() if (chart := chart_anytime(name, own))]
    equal = [t for name, own in groups.items() if (t := compare_at_equal_epochs(name, own))]
    return {
        "runs": runs,
        "datasets": list(groups),
        "winners": winners,
        "drawings": [embed_drawing(winner.run, OWN_BYTES // len(winners)) for winner in winners],
        "overview": tabulate_runs(runs),
        "fronts": fronts,
        "generators": [table for run in runs if (table := tabulate_generators(run))],
        "anytime": anytime,
        "equal": equal,
        "trials": trials,
        "total_trials": total,
        "figures": show_figures(figures, output, captions),
        "own_figures": _show_own_figures(winners, output, captions),
    }


def _show_own_figures(
    winners: Sequence[Winner], output: Path, captions: Path | None
) -> list[tuple[str, list[Picture]]]:
    """Return the figures of each winner's run but its network, which stands at the top."""
    found = []
    for winner in winners:
        folder = winner.run.folder / "figures"
        paths = [path for path in sorted(folder.glob("*.svg")) if path.stem != "network"]
        if paths:
            most = OWN_BYTES // len(winners)
            pictures = show_figures(paths, output, captions, most=most)
            found.append((winner.folder, pictures))
    return found
