"""Settings from the YAML files and the command line, checked before the first job starts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nago.generators.spaces import make_space
from nago.records import read_json
from nago.schema import SettingsError, plain, read_texts, read_yaml, validate
from nago.search.steps import Search
from nago.settings.checks import check_together
from nago.settings.values import Settings

SCHEMA = Path("workflow/schemas/config.schema.yaml")
CONFIG = Path("config/config.yaml")
DATASETS = Path("config/datasets")


def load_settings(given: Mapping[str, Any], root: Path) -> Settings:
    """Return the checked settings of a run.

    Args:
        given: what config/config.yaml and the command line say, together.
        root: the folder of the project.

    Raises:
        SettingsError: one line that says what was given and what would be right.
    """
    schema = read_yaml(root / SCHEMA)
    defaults = {key: rule.get("default") for key, rule in schema["properties"].items()}
    dataset = given.get("dataset", defaults["dataset"])
    given = {key: read_texts(key, value, schema) for key, value in given.items()}
    path = root / DATASETS / f"{dataset}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in (root / DATASETS).glob("*.yaml")))
        raise SettingsError(f"there is no data set {dataset!r}; there are {known}")
    specific = read_yaml(path) or {}
    for origin, values in ((str(path.relative_to(root)), specific), ("settings", given)):
        validate(values, schema, origin)
    values = {key: plain(value) for key, value in {**defaults, **specific, **given}.items()}
    settings = Settings(values)
    try:
        check_together(settings)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    return settings


def read_config(root: Path) -> dict[str, Any]:
    """Return what config/config.yaml says."""
    return dict(read_yaml(root / CONFIG) or {})


def read_search(path: Path) -> Search:
    """Return the search that a file defines, as `Settings.search_definition` says it.

    Raises:
        RecordError: the file is missing or damaged.
    """
    values = read_json(path)
    return Search(
        method=values["method"],
        space=make_space({name: tuple(limits) for name, limits in values["ranges"].items()}),
        seed=values["seed"],
        options=values["options"],
        keep=values["continue"],
        objectives=tuple(values["objectives"]),
        limits=values.get("limits", {}),
    )


def find_root(start: Path) -> Path:
    """Return the folder of the project at or above `start`.

    Raises:
        SettingsError: there is none.
    """
    for folder in (start, *start.parents):
        if (folder / SCHEMA).is_file() and (folder / CONFIG).is_file():
            return folder
    raise SettingsError(f"{start} is not in a project: no {CONFIG} and {SCHEMA} at or above it")
