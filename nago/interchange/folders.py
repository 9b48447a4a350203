"""The searches in folders, as what other tools are given: finished or not."""

from collections.abc import Sequence
from pathlib import Path

from nago.records import UserError
from nago.report.runs import Run, find_folders, read_run


def read_searches(folders: Sequence[Path]) -> list[Run]:
    """Return the searches in folders, each that of a search or one with searches below it.

    They come in the order of data set, contestant and seed, whatever that of the folders is.

    Raises:
        UserError: a folder holds no search, none of them has a trial yet, or two have one name.
    """
    runs = [run for run in map(read_run, find_folders(folders)) if run.trials is not None]
    if not runs:
        raise UserError(
            f"{', '.join(map(str, folders))}: no bracket of a search is done yet, so there are no"
            " trials"
        )
    names: dict[str, Path] = {}
    for run in runs:
        other = names.setdefault(name_search(run), run.folder)
        if other != run.folder:
            raise UserError(
                f"{other} and {run.folder} are both {name_search(run)}: give one of them at a time"
            )
    return sorted(runs, key=lambda run: (run.dataset, run.contestant, run.seed, name_search(run)))


def name_search(run: Run) -> str:
    """Return what a search is called among others, as in `digits/hnag-bohb`."""
    return f"{run.dataset}/{run.folder.resolve().name}"
