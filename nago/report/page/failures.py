"""What failed: by class and search with what was done about it, and what the trials said."""

from collections import Counter
from collections.abc import Sequence

from nago.failures import FAILED, INFRASTRUCTURE, OK, find_class
from nago.report.page.numbers import count, name_sources, show_path
from nago.report.page.table import Table, cell, make_table, show_frame
from nago.report.runs import Run
from nago.report.tables.failures import tabulate_failures

NAMED = 6
"""Trials that are named beside an error; of more, their number is said."""

CAPTION = (
    "Per class and search: trials that ended so (of infrastructure: whose training was started"
    " again), their share of those with a result, and final networks. Retries are, of out of"
    " memory, trials that took a smaller batch, and of infrastructure, runs that went on from a"
    " checkpoint. Classes that befell no search are not shown."
)


def tabulate_classes(runs: Sequence[Run]) -> Table | None:
    """Return the classes of failures that befell each run; None if there were none."""
    frame = tabulate_failures(runs)
    happened = frame[["trials", "retries", "final_networks"]].fillna(0).sum(axis=1) > 0
    if not happened.any():
        return None
    shown = frame[happened].drop(columns="note")
    shown["failure"] = [find_class(name).words for name in shown["failure"]]
    return show_frame(
        "failures-table",
        "Failures by class",
        shown,
        source="trials.csv, costs.csv and final/*.json of each run",
        caption=CAPTION,
    )


def list_failures(runs: Sequence[Run]) -> Table | None:
    """Return what failed trials and networks said, a row for equal errors of a run.

    None if nothing failed.
    """
    rows = []
    for run in runs:
        for table, column, noun in (
            (run.trials, "trial", ""),
            (run.finals, "network", "final network "),
        ):
            if table is None or table.empty:
                continue
            failed = table[table["status"] != OK]
            texts = failed["error"].astype(object).where(failed["error"].notna(), "said nothing")
            for (status, error), group in failed.groupby([failed["status"], texts], sort=True):
                names = [str(name) for name in group[column]]
                more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
                rows.append(
                    [
                        cell(show_path(run.folder)),
                        cell(find_class(str(status)).words),
                        cell(len(names)),
                        cell(str(error)),
                        cell(f"{noun}{', '.join(names[:NAMED])}{more}"),
                    ]
                )
    if not rows:
        return None
    headings = ("run", "status", "how many", "error", "which")
    return make_table(
        "errors-table",
        "What they said",
        headings,
        rows,
        source=name_sources([run.folder for run in runs], "trials.csv"),
    )


def say_failures(runs: Sequence[Run]) -> str:
    """Return in sentences how many trials failed, and how often infrastructure did."""
    tables = [run.trials for run in runs if run.trials is not None]
    counts = Counter(str(status) for table in tables for status in table["status"])
    total, failed = counts.total(), counts.total() - counts[OK]
    if not total:
        return "No bracket of any run is done, so nothing is known of failures yet."
    said = f"None of {count(total, 'trial')} failed."
    if failed:
        kinds = [f"{counts[name]:,} {find_class(name).words}" for name in FAILED if counts[name]]
        said = (
            f"{failed:,} of {count(total, 'trial')} failed: {', '.join(kinds)}. A failed trial"
            " counts as the worst result there is, and is never promoted."
        )
    return f"{said} {_say_restarts(runs)}"


def _say_restarts(runs: Sequence[Run]) -> str:
    frame = tabulate_failures(runs)
    restarts = frame.loc[frame["failure"] == INFRASTRUCTURE, "retries"]
    if restarts.isna().all():
        return "How often trainings were started again is not recorded."
    number = int(restarts.sum())
    if not number:
        return "No training of a trial was started again."
    return (
        f"Infrastructure: {count(number, 'restart')} of trainings, which went on from their"
        " checkpoints; no search hears of that."
    )
