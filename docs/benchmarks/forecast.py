"""Forecasts held against what searches took: learnt from their first trainings, tried on the rest.

`python docs/benchmarks/forecast.py` writes the page docs/benchmarks/forecast.md from the runs
that are kept in forecast/, which had the machine for themselves, and from the replication's,
which hadn't. `--keep FOLDER...` first keeps the tables of searches in forecast/: run them with
nothing else beside, as by

    snakemake search --profile profiles/local --config dataset=digits iterations=23
"""

import argparse
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from search_tables import write_rows

from nago.forecast.actual import Held, compare_with_actual
from nago.forecast.outlook import Range
from nago.records import write_text
from nago.report.runs import Run, read_run

PAGE = Path(__file__).with_suffix(".md")
QUIET = Path(__file__).parent / "forecast"
BUSY = Path(__file__).parents[1] / "replication/runs"
KEPT = ("settings.json", "trials.csv", "costs.csv")
FEWEST = 40
"""Trainings of a run that is held against its forecast: twice what the forecast learns from."""

AIM = 0.25


def main() -> None:
    """Keep what is given, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", type=Path, nargs="+", default=[], help="folders of searches")
    folders = parser.parse_args().keep
    for path in (folder / file for folder in folders for file in KEPT):
        if not path.is_file():
            parser.error(f"{path} isn't there; --keep takes folders of finished searches")
    for folder in folders:
        keep_run(folder, QUIET)
    write_text(PAGE, describe(QUIET, BUSY))


def keep_run(folder: Path, kept: Path) -> None:
    """Copy of a search what a forecast learns from and is held against."""
    (kept / folder.name).mkdir(parents=True, exist_ok=True)
    for file in KEPT:
        shutil.copyfile(folder / file, kept / folder.name / file)


def describe(quiet: Path, busy: Path) -> str:
    """Return the page."""
    return f"""# Forecasts and what searches took

Written by `python docs/benchmarks/forecast.py` from the tables of searches on digits. The
forecast learns from a search's first 20 trainings and foresees the rest (`nago.forecast.actual`,
as on the report's page): once not knowing which networks will be trained, which is what
`nago forecast` does, and once knowing them, which tells how well it knows the machine. Seconds of
all trainings after the first 20, as median and 5 to 95%, and by how much the median misses what
they took.

## With the machine for themselves

`snakemake search --profile profiles/local --config dataset=digits iterations=23 seed=0` and so
on, two trainings at a time on two cores. The aim is {AIM:.0%}.

{show_table(quiet)}

## With other work beside

The searches of the [replication](../replication/index.md) that have {FEWEST} trainings or more:
other work slowed them down by a factor that changed all the while. What a forecast can't know is
how fast the machine will be; where it misses by as much when it knows the networks, that is why.

{show_table(busy)}
"""


def show_table(folder: Path) -> str:
    """Return the table of the searches in a folder, with what share of them meets the aim."""
    compared = [*hold_all(folder)]
    rows = [
        (
            f"{run.contestant}, seed {run.seed}",
            len(run.trials) if run.trials is not None else 0,
            f"{held.actual:,.0f}",
            f"{show(held.blind)}, **{held.error:+.0%}**",
            f"{show(held.informed)}, {held.informed_error:+.0%}",
        )
        for run, held in compared
    ]
    header = ("search", "trainings", "took, s", "not knowing the networks", "knowing them")
    met = sum(abs(held.error) <= AIM for _, held in compared)
    informed = sum(abs(held.informed_error) <= AIM for _, held in compared)
    return (
        f"{write_rows(header, rows)}\n\nWithin {AIM:.0%}: {met} of {len(compared)} not knowing the"
        f" networks, {informed} knowing them."
    )


def hold_all(folder: Path) -> Iterator[tuple[Run, Held]]:
    """Yield the searches in a folder that are long enough, with how their forecast compares."""
    for run in read_all(folder):
        if run.trials is None or len(run.trials) < FEWEST:
            continue
        held = compare_with_actual(run)
        if held is not None:
            yield run, held


def read_all(folder: Path) -> Iterable[Run]:
    """Return the searches in a folder by their names."""
    return [read_run(path.parent) for path in sorted(folder.glob("*/settings.json"))]


def show(range_: Range) -> str:
    """Return a range in seconds."""
    return f"{range_.median:,.0f} ({range_.low:,.0f} to {range_.high:,.0f})"


if __name__ == "__main__":
    main()
