"""The schema of the settings: files and texts as values, and whether each is of its kind."""

import difflib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import yaml

from nago.records import UserError

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The same in C where there is one: the schema is read at every start."""


class SettingsError(UserError):
    """A setting is unknown, of the wrong kind, or doesn't go with the others."""


def parse_value(text: str) -> Any:
    """Return the value of a text of the command line: a number, or else YAML.

    Raises:
        SettingsError: it is neither.
    """
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        raise SettingsError(f"--config: {text!r} is neither a number nor YAML") from None


def read_yaml(path: Path) -> Any:
    """Return the content of a YAML file.

    Raises:
        SettingsError: it can't be read, or is no YAML.
    """
    try:
        return yaml.load(path.read_text(), Loader=LOADER)
    except OSError as error:
        raise SettingsError(f"{path} can't be read: {error.strerror}") from None
    except yaml.YAMLError as error:
        raise SettingsError(f"{path} is not YAML: {' '.join(str(error).split())}") from None


def read_texts(key: str, value: Any, schema: Mapping[str, Any]) -> Any:
    """Return a value with the texts in it parsed, unless texts are what the key takes.

    Of `--config` Snakemake itself parses numbers only: `continue=true` and the parts of
    `stage_ratios=[2,1,1]` come as texts.
    """
    kinds = schema["properties"].get(key, {}).get("type", "string")
    if "string" in kinds:
        # A list or a mapping may be meant where the key takes one as well as a text.
        wide = isinstance(value, str) and {"array", "object"} & {*kinds}
        parsed = parse_value(value) if wide else value
        return parsed if isinstance(parsed, list | Mapping) else value
    if isinstance(value, str):
        parsed = parse_value(value)
        return parsed if isinstance(parsed, str) else read_texts(key, parsed, schema)
    if isinstance(value, list):
        return [read_texts(key, item, schema) for item in value]
    if isinstance(value, Mapping):
        return {name: read_texts(key, item, schema) for name, item in value.items()}
    return value


def plain(value: Any) -> Any:
    """Return whole floats as integers, as 4e6 is meant; the schema has checked the kinds."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def validate(values: Any, schema: Mapping[str, Any], origin: str) -> None:
    """Raise SettingsError, naming `origin`, unless values are what the schema allows."""
    if not isinstance(values, Mapping):
        raise SettingsError(f"{origin}: expected keys with values, got {values!r}")
    for key in values:
        if key not in schema["properties"]:
            near = difflib.get_close_matches(str(key), schema["properties"], n=1)
            hint = f"did you mean {near[0]!r}?" if near else "config/README.md has all keys"
            raise SettingsError(f"{origin}: there is no setting {key!r}; {hint}")
    validator = jsonschema.Draft202012Validator(dict(schema))
    error = jsonschema.exceptions.best_match(validator.iter_errors(dict(values)))
    if error is not None:
        place = ".".join(str(part) for part in error.absolute_path)
        key = str(error.absolute_path[0])
        about = schema["properties"][key]["description"]
        message = error.message
        if error.validator == "enum":
            choices = ", ".join("null" if c is None else str(c) for c in error.validator_value)
            message = f"{error.instance!r} is not one of {choices}"
        raise SettingsError(f"{origin}: {place}: {message} ({' '.join(about.split())})")
    for key, value in values.items():
        try:
            json.dumps(value, allow_nan=False)
        except ValueError:
            raise SettingsError(f"{origin}: {key}: must be finite, got {value}") from None
