"""Runs: what the files of a search say, for everything that compares or reports searches.

A run may be at any point: what isn't there yet is None or empty, and `missing` names it, so that
a report can be made of an unfinished search and say what it lacks.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from nago.records import RecordError, UserError, read_json
from nago.tables import join_tables, read_table, tabulate_finals

TABLES = ("trials", "costs", "front", "hypervolume", "final")
SOME = ("initial", "generators")
"""Tables that only some searches have."""


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """One search on one data set with one seed.

    Attributes:
        folder: results/{dataset}/{search}.
        settings: all settings of the run, a value for every key of the schema.
        trials: a row per trial, in the order of the plan; those of the brackets that are done
            while the search goes on, None before the first.
        costs: a row per trial with `seconds`, `host` and so on; None before the first bracket.
        initial: trials of an earlier search that this one began with; None if it had none.
        finals: a row per final network; None before the first.
        final_results: what `final/{network}.json` say, with costs and architectures.
        incumbent: the best trial, None before the search is over or if all trials failed.
        finalists: the trials whose generators were trained to completion.
        front: the trials on the front; None before the search is over.
        hypervolume: a row per bracket; None before the search is over.
        generators: a row per generator; None where no replicates are drawn, or before the end.
        missing: names of expected files that are not there or are damaged, with the reason; a
            spread trains no network to completion, so that nothing is missing of those.
    """

    folder: Path
    settings: Mapping[str, Any]
    trials: pd.DataFrame | None
    costs: pd.DataFrame | None
    initial: pd.DataFrame | None
    finals: pd.DataFrame | None
    final_results: Sequence[Mapping[str, Any]]
    incumbent: Mapping[str, Any] | None
    finalists: Sequence[Mapping[str, Any]]
    front: pd.DataFrame | None
    hypervolume: pd.DataFrame | None
    generators: pd.DataFrame | None
    missing: Mapping[str, str]

    @property
    def dataset(self) -> str:
        """The name of the data set in results/."""
        return str(self.settings["name"] or self.settings["dataset"])

    @property
    def seed(self) -> int:
        """The root of the search's seeds."""
        return int(self.settings["seed"])

    @property
    def method(self) -> str:
        """The search method, as in the settings."""
        return str(self.settings["method"])

    @property
    def generator(self) -> str:
        """The generator and its space, as in `hnag` or `hnag-aug_v1`."""
        generator, space = self.settings["generator"], self.settings["space"]
        return str(generator) if space == "base" else f"{generator}-{space}"

    @property
    def contestant(self) -> str:
        """What is compared, whatever the seed, as in `hnag-bohb`."""
        return str(self.settings.get("contestant") or f"{self.generator}-{self.method}")


def find_folders(folders: Sequence[Path]) -> list[Path]:
    """Return the folders of searches in folders, each once: one is of a search or above some.

    Raises:
        UserError: a folder has no search in it or below.
    """
    found: dict[Path, Path] = {}
    for folder in folders:
        below = [path.parent for path in sorted(folder.glob("**/settings.json"))]
        if not below:
            raise UserError(
                f"{folder} holds no search: no settings.json in it or below; give folders such as"
                " results/digits/hnag-bohb"
            )
        found |= {path.resolve(): path for path in below}
    return list(found.values())


def read_run(folder: Path) -> Run:
    """Return what the files of a search say.

    Raises:
        UserError: the folder has no settings.json, so it is no search.
    """
    try:
        settings = read_json(folder / "settings.json")
    except RecordError as error:
        raise UserError(f"{folder} holds no search: {error}") from None
    missing: dict[str, str] = {}
    tables = {name: _read(folder / f"{name}.csv", read_table, missing) for name in TABLES}
    for name in ("trials", "costs"):
        if tables[name] is None:
            tables[name] = _join_brackets(folder, name)
    for name in SOME:
        if (folder / f"{name}.csv").exists():
            tables[name] = _read(folder / f"{name}.csv", read_table, missing)
    results = [
        result
        for path in sorted((folder / "final").glob("*.json"), key=_network_number)
        if path.stem.isdigit() and (result := _read(path, read_json, missing)) is not None
    ]
    if settings["method"] == "spread":
        missing.pop("final.csv", None)
    finals = tables["final"]
    if finals is None and results:
        finals = tabulate_finals(results)
    return Run(
        folder=folder,
        settings=settings,
        trials=tables["trials"],
        costs=tables["costs"],
        initial=tables.get("initial"),
        finals=finals,
        final_results=results,
        incumbent=_read(folder / "incumbent.json", read_json, missing),
        finalists=_read(folder / "finalists.json", read_json, missing) or [],
        front=tables["front"],
        hypervolume=tables["hypervolume"],
        generators=tables.get("generators"),
        missing=missing,
    )


def _read(path: Path, reader: Any, missing: dict[str, str]) -> Any:
    try:
        return reader(path)
    except RecordError as error:
        missing[path.name] = str(error)
        return None


def _join_brackets(folder: Path, name: str) -> pd.DataFrame | None:
    """Return the tables of the brackets that are done as one."""
    found = []
    for path in sorted(folder.glob(f"bracket*/{name}.csv"), key=_bracket_number):
        try:
            found.append(read_table(path))
        except RecordError:
            continue
    return join_tables(found) if found else None


def _bracket_number(path: Path) -> int:
    return int(path.parent.name.removeprefix("bracket"))


def _network_number(path: Path) -> int:
    return int(path.stem) if path.stem.isdigit() else -1
