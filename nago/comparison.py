"""Comparisons: all searches of one run of the workflow, on each data set and with each seed.

Each is a search of its own with its own folder; they share the prepared data, and none knows of
the others, unless it begins with the trials of another.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nago.generators.draw import GENERATORS
from nago.schema import SettingsError, read_texts, read_yaml, validate
from nago.search.brackets import Rung
from nago.search.methods import METHODS
from nago.settings import SCHEMA, Settings, load_settings

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
TAKEN = ("tables", "figures", "report")
"""Folders beside those of the searches."""

SHARED = (
    *("dataset", "searches", "seeds", "seed", "data_seed", "continue", "draws"),
    *("name", "source", "data_root", "download", "cache_gb", "split", "test_fraction"),
    *("validation_fraction", "image_size", "image_channels", "stored_size", "crop"),
    *("channel_mean", "channel_std", "calibration", "max_gpu_hours"),
)
"""Settings that all searches of a run have alike: those of the data, and of the run as such."""

UNRECORDED = ("calibration", "max_gpu_hours")
"""Settings that are not recorded with the results: they decide whether a run starts, no more."""


@dataclass(frozen=True, slots=True, eq=False)
class Planned:
    """A search of a run, with what is asked of it for every job worked out once."""

    settings: Settings
    plan: tuple[tuple[Rung, ...], ...] = field(init=False)
    initial: str | None = None
    """The table that the search begins with, relative to the project."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "plan", self.settings.plan)

    @property
    def warm_start(self) -> tuple[str, ...]:
        """The tables of searches on other data sets that it learns from as well."""
        given = self.values["warm_start"] or ()
        return (given,) if isinstance(given, str) else tuple(given)

    @property
    def values(self) -> Mapping[str, Any]:
        """A value for every key of the schema."""
        return self.settings.values

    @property
    def dataset(self) -> str:
        """The name of the folders of data and results."""
        return self.settings.dataset

    @property
    def search(self) -> str:
        """The name of the search's folder."""
        return self.settings.search

    @property
    def folder(self) -> str:
        """The folder of the search, relative to the project."""
        return f"results/{self.dataset}/{self.search}"

    @property
    def record(self) -> dict[str, Any]:
        """The settings of the results, with what the search is called in a comparison."""
        kept = {key: value for key, value in self.values.items() if key not in UNRECORDED}
        return {**kept, "contestant": self.settings.contestant}


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """The searches of a run by data set and search, in the order in which they were given.

    `seed` is the root of the seeds of what belongs to no search.
    """

    searches: Mapping[tuple[str, str], Planned]
    seed: int

    @property
    def all(self) -> tuple[Planned, ...]:
        """The searches, data set by data set."""
        return tuple(self.searches.values())

    @property
    def datasets(self) -> tuple[str, ...]:
        """The names of the data sets."""
        return tuple(dict.fromkeys(search.dataset for search in self.all))

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the searches' folders, the same on every data set."""
        return tuple(dict.fromkeys(search.search for search in self.all))

    @property
    def name(self) -> str:
        """The name of the folder of what compares them."""
        return "+".join(self.datasets)

    def find(self, dataset: str, search: str) -> Planned:
        """Return a search by the names of its folders."""
        return self.searches[dataset, search]

    def of_dataset(self, dataset: str) -> Planned:
        """Return a search on a data set; all on one have the same data."""
        return next(search for search in self.all if search.dataset == dataset)


def load_comparison(given: Mapping[str, Any], root: Path) -> Comparison:
    """Return the searches of a run, their settings checked.

    Args:
        given: what config/config.yaml and the command line say, together.
        root: the folder of the project.

    Raises:
        SettingsError: one line that says what was given and what would be right.
    """
    schema = read_yaml(root / SCHEMA)
    given = {key: read_texts(key, value, schema) for key, value in given.items()}
    validate(given, schema, "settings")
    searches: dict[tuple[str, str], Planned] = {}
    for dataset in _list_datasets(given, schema):
        plain = {**given, "dataset": dataset, "searches": None, "seeds": None}
        base = load_settings(plain, root)
        for contestant, changes in _list_contestants(given.get("searches")).items():
            for seed in given.get("seeds") or [base.values["seed"]]:
                own = {**plain, **changes, "seed": seed}
                if seed != base.values["seed"] and own.get("data_seed") is None:
                    own["data_seed"] = base.values["seed"]
                suffix = "" if seed == base.values["seed"] else f"-seed{seed}"
                settings = _load_search(own, contestant, suffix, root)
                searches[settings.dataset, settings.search] = Planned(settings)
    _check_warm_starts(searches.values())
    return Comparison(dict(_resolve_initial(searches)), base.values["seed"])


def _list_datasets(given: Mapping[str, Any], schema: Mapping[str, Any]) -> list[str]:
    dataset = given.get("dataset", schema["properties"]["dataset"]["default"])
    datasets = dataset if isinstance(dataset, list) else [dataset]
    if len(datasets) > 1 and given.get("name"):
        raise SettingsError(
            f"name is of one data set; with {', '.join(map(str, datasets))} leave it away"
        )
    return datasets


def _list_contestants(given: Any) -> dict[str | None, Mapping[str, Any]]:
    """Return the changes of each contestant by name; None is the one that the base is."""
    if given is None:
        return {None: {}}
    named = given if isinstance(given, Mapping) else dict.fromkeys(given)
    found: dict[str | None, Mapping[str, Any]] = {}
    for name, changes in named.items():
        if not NAME.fullmatch(str(name)) or name in TAKEN or re.search(r"-seed\d+$", name):
            raise SettingsError(
                f"searches: a name has letters, digits, _, . and -, is none of {', '.join(TAKEN)}"
                f" and doesn't end like -seed1, got {name!r}"
            )
        shared = [key for key in changes or {} if key in SHARED]
        if shared:
            raise SettingsError(
                f"searches: {', '.join(shared)} holds for all searches of a run, got it for {name}"
            )
        found[str(name)] = {**_read_name(str(name), changes or {}), **(changes or {})}
    return found


def _read_name(name: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return generator, space and method as a name has them, unless the changes say them."""
    if {"generator", "method"} & set(changes):
        return {}
    generator, *space, method = name.split("-") if "-" in name else (name, "")
    known = GENERATORS[generator].spaces if generator in GENERATORS else {}
    if known and method in METHODS and len(space) <= 1 and {*space} <= {*known}:
        return {"generator": generator, "space": (space or ["base"])[0], "method": method}
    if changes:
        return {}  # a variant of the search that the settings describe
    raise SettingsError(
        f"searches: {name!r} is not generator-method or generator-space-method, as in hnag-bohb;"
        f" generators are {', '.join(GENERATORS)}, methods {', '.join(METHODS)}; of another name"
        " say in which settings it differs"
    )


def _load_search(
    given: Mapping[str, Any], contestant: str | None, suffix: str, root: Path
) -> Settings:
    """Return the settings of a search, as if it were the only one."""
    try:
        settings = load_settings(given, root)
    except SettingsError as error:
        raise SettingsError(f"{contestant}: {error}" if contestant else str(error)) from None
    return Settings(settings.values, contestant, suffix)


def _resolve_initial(
    searches: Mapping[tuple[str, str], Planned],
) -> Iterable[tuple[tuple[str, str], Planned]]:
    """Yield the searches with the tables that they begin with.

    `initial` may name a contestant of the same run: the search of the same seed is meant.
    """
    contestants = {search.settings.contestant for search in searches.values()}
    for key, search in searches.items():
        given = search.values["initial"]
        if given is None:
            yield key, search
        elif given in contestants:
            source = searches[key[0], given + search.settings.suffix]
            _check_source(search, source)
            yield key, Planned(search.settings, f"{source.folder}/trials.csv")
        else:
            yield key, Planned(search.settings, given)


def _check_source(search: Planned, source: Planned) -> None:
    """Raise SettingsError if a search can't begin with the trials that another will have."""
    if source.settings.ranges != search.settings.ranges:
        raise SettingsError(
            f"{search.search}: initial: {source.search} is of another space than this search"
        )
    budget = search.values["mobo_budget"]
    budgets = sorted({rung.budget for rungs in source.plan for rung in rungs})
    if budget not in budgets:
        raise SettingsError(
            f"{search.search}: initial: mobo_budget must be a budget of {source.search}, which has"
            f" {_list(budgets)}, got {budget}"
        )
    if source is search or source.values["initial"] == search.settings.contestant:
        raise SettingsError(f"{search.search}: initial: it can't begin with its own trials")


def _check_warm_starts(searches: Iterable[Planned]) -> None:
    """Raise SettingsError if a search can't learn from what another of the run will have."""
    made = {f"{search.folder}/trials.csv": search for search in searches}
    for search in searches:
        for source in (made[path] for path in search.warm_start if path in made):
            if source is search:
                raise SettingsError(
                    f"{search.folder}: warm_start: it can't begin with its own trials"
                )
            if source.settings.ranges != search.settings.ranges:
                raise SettingsError(
                    f"{search.folder}: warm_start: {source.folder} is of another space"
                )


def _list(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers))
