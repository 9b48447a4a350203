"""The replication: its searches, then its small files, tables, figures and page.

`make replication` runs what is missing of the searches of settings.yaml and once.yaml, seed by
seed, and keeps the tables of each in runs/ as soon as it is finished. A search that is kept isn't
run again, also on another machine, and one that was stopped goes on in results/.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from nago.records import write_text
from nago.report.figures.comparison import draw_comparison
from nago.report.figures.spread import draw_spread
from nago.report.runs import Run, read_run
from nago.report.tables.spread import summarise_spread, tabulate_shares
from nago.report.tables.surrogates import tabulate_surrogates
from nago.report.tables.writing import write_tables
from nago.tables import write_table

HERE = Path(__file__).parent
KEPT = (
    *("settings.json", "trials.csv", "costs.csv", "incumbent.json", "finalists.json"),
    *("front.csv", "hypervolume.csv", "final.csv"),
)
"""What is kept of a search: all that the tables are made from."""

FIGURES = ("anytime", "hypervolume", "front", "test", "improvement", "memory", "budgets")
SHOWN = {
    "claims": ("claim", "measure", "value", "low", "high", "p", "seeds", "holds", "note"),
    "table2-validation": (
        *("contestant", "seeds", "validation_accuracy_percent_mean"),
        *("validation_accuracy_percent_std", "epochs_per_search", "gpu_hours_per_search"),
    ),
    "table4-test": (
        *("contestant", "seeds", "networks", "test_accuracy_percent_mean"),
        *("test_accuracy_percent_std", "sample_memory_mb_mean"),
    ),
}
"""Tables of the page and their columns."""

EFFECTS = (
    *("measure", "contestant", "baseline", "difference_median", "difference_low"),
    *("difference_high", "a12", "rank_biserial", "p_holm"),
)
PAIRS = (
    *(("hnag-bohb", "rnag-bohb"), ("hnag-mobo", "rnag-mobo"), ("hnag-bohb", "hnag-random")),
    *(("hnag-mobo", "hnag-random"), ("hnag-bohb", "hnag-mobo")),
)
"""Searches whose differences the page shows, of all that are in the table."""


SAID = {
    "hnag_error": ("HNAG finds", "validation error"),
    "hnag_test": ("HNAG finds", "test accuracy"),
    "bohb_error": ("BOHB finds", "validation error"),
    "mobo": ("MOBO finds", "sample memory"),
    "noise": ("noise that depends", "negative log likelihood"),
    "hnag_short": ("short trainings", "1 and 2 epochs, hnag-bohb;"),
    "hnag_long": ("short trainings", "2 and 4 epochs, hnag-bohb;"),
    "rnag_short": ("short trainings", "1 and 2 epochs, rnag-bohb;"),
    "rnag_long": ("short trainings", "2 and 4 epochs, rnag-bohb;"),
    "alike": ("networks of a generator", "validation error"),
}
"""What the page's text names of the claims: how the claim begins, and what its measure has."""


def main() -> None:
    """Run what is missing, keep what is new, then make everything from what is kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("results/digits"))
    parser.add_argument("--no-training", action="store_true", help="only from what is there")
    args = parser.parse_args()
    keep_runs(args.results, HERE / "runs")
    if not args.no_training:
        for settings in list_missing(HERE / "runs"):
            run_searches(settings)
            keep_runs(args.results, HERE / "runs")
    runs = [read_run(path.parent) for path in sorted((HERE / "runs").glob("*/settings.json"))]
    tables = tabulate(runs, HERE / "tables")
    draw_figures(runs, HERE / "figures")
    write_text(HERE / "index.md", describe(runs, tables))


def list_missing(kept: Path) -> Iterator[dict[str, Any]]:
    """Yield the settings of the searches that are not kept, a seed at a time."""
    for name in ("settings.yaml", "once.yaml"):
        settings = yaml.safe_load((HERE / name).read_text())
        for seed in settings.get("seeds", [0]):
            suffix = f"-seed{seed}" if seed else ""
            missing = {
                search: changes
                for search, changes in settings["searches"].items()
                if not (kept / f"{search}{suffix}").exists()
            }
            if missing:
                yield settings | {"searches": missing, "seeds": [seed]}


def run_searches(settings: Mapping[str, Any]) -> None:
    """Run searches and their final networks by the workflow, which goes on where it was."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        yaml.safe_dump(dict(settings), file)
        file.flush()
        command = [sys.executable, "-m", "snakemake", "search", "final"]
        command += ["--profile", "profiles/local", "--configfile", file.name]
        subprocess.run(command, check=True)


def keep_runs(results: Path, kept: Path) -> None:
    """Copy the small files of each finished search that isn't kept yet, all of them or none."""
    for folder in sorted(path.parent for path in results.glob("*/hypervolume.csv")):
        # The workflow writes the settings at a moment of its own.
        if not (folder / "settings.json").exists():
            continue
        spread = read_run(folder).method == "spread"
        if (kept / folder.name).exists() or not (spread or (folder / "final.csv").exists()):
            continue
        kept.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept) as name:
            copy = Path(name) / folder.name
            copy.mkdir()
            for file in KEPT:
                if (folder / file).exists():
                    shutil.copyfile(folder / file, copy / file)
            copy.rename(kept / folder.name)


def tabulate(runs: Sequence[Run], folder: Path) -> Mapping[str, pd.DataFrame]:
    """Write the tables of the comparison and return them by name."""
    surrogates = tabulate_surrogates(runs)
    more = {
        "table1-surrogates": surrogates,
        "spread": summarise_spread(runs),
        "spread-shares": tabulate_shares(runs),
    }
    for name, table in more.items():
        write_table(folder / f"{name}.csv", table)
    return write_tables(runs, surrogates, folder) | more


def draw_figures(runs: Sequence[Run], folder: Path) -> None:
    """Write the figures of the page as SVG; those for print are made by the workflow."""
    with tempfile.TemporaryDirectory() as name:
        drawn = Path(name)
        draw_comparison(runs, drawn)
        draw_spread(summarise_spread(runs), tabulate_shares(runs), [drawn / "spread.svg"])
        for figure in (*FIGURES, "spread"):
            write_text(folder / f"{figure}.svg", (drawn / f"{figure}.svg").read_text())


def describe(runs: Sequence[Run], tables: Mapping[str, pd.DataFrame]) -> str:
    """Return the page."""
    trainings = sum(len(run.trials) for run in runs if run.trials is not None)
    finals = sum(len(run.finals) for run in runs if run.finals is not None)
    seconds = sum(float(run.costs["seconds"].sum()) for run in runs if run.costs is not None)
    seeds = sorted({run.seed for run in runs})
    text = (HERE / "page.txt").read_text()
    values = {
        "searches": len(runs),
        "seeds": ", ".join(map(str, seeds)),
        "trainings": f"{trainings:,}",
        "finals": finals,
        "hours": f"{seconds / 3600:.1f}",
        **{name.partition("-")[0]: show(tables[name], columns) for name, columns in SHOWN.items()},
        **say_claims(tables["claims"]),
        "alike_memory": say_alike(tables["spread-shares"]),
        "effects": show(name_in_words(choose_effects(tables["differences"])), EFFECTS),
    }
    return text.format(**values)


def say_claims(claims: pd.DataFrame) -> dict[str, str]:
    """Return the sizes that the text names, with their quartiles, by their names in SAID."""
    said = {}
    for name, (claim, measure) in SAID.items():
        found = claims["claim"].str.startswith(claim) & claims["measure"].str.contains(
            measure, regex=False
        )
        row = claims[found].iloc[0]
        low, high = sorted(abs(float(row[end])) for end in ("low", "high"))
        said[name] = f"{abs(float(row['value'])):.3g} ({low:.3g} to {high:.3g})"
        said[f"{name}_p"] = f"{row['p']:.2f}"
    return said


def say_alike(shares: pd.DataFrame) -> str:
    """Return the deviation of the memory within configurations over that between them."""
    memory = shares[shares["measure"] == "memory"].iloc[0]
    return f"{memory['std_within'] / memory['std_between']:.2g}"


def choose_effects(differences: pd.DataFrame) -> pd.DataFrame:
    """Return the differences of the pairs at the end of their searches, over seeds."""
    seeds = differences["measure"] != "test_accuracy_percent"
    end = ~differences["note"].astype(str).str.startswith("on the way")
    pairs = differences[["contestant", "baseline"]].apply(tuple, axis=1).isin(PAIRS)
    return differences[seeds & end & pairs & differences["difference_median"].notna()]


def name_in_words(differences: pd.DataFrame) -> pd.DataFrame:
    """Return differences with their measures named for people."""
    return differences.assign(measure=differences["measure"].str.replace("_", " "))


def show(table: pd.DataFrame, columns: Iterable[str]) -> str:
    """Return columns of a table in Markdown, numbers with three digits that mean something."""
    names = [name for name in columns if name in table.columns]
    lines = [f"| {' | '.join(name.replace('_', ' ') for name in names)} |"]
    lines.append("|---" * len(names) + "|")
    for row in table[names].to_dict("records"):
        lines.append(f"| {' | '.join(_show_value(row[name]) for name in names)} |")
    return "\n".join(lines)


def _show_value(value: Any) -> str:
    if pd.isna(value):
        return ""
    # No number is shown as minus nothing.
    return f"{value + 0.0:.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
