"""Write config/README.md from the schema, so that both say the same."""

import json
import sys
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent
INTRODUCTION = """# Settings

A run is described by a few keys. Each has a default; `config/datasets/<dataset>.yaml` beats the
default, `config/config.yaml` beats the data set's file, and `--config key=value` beats all:

```
snakemake --profile profiles/local --config dataset=digits seed=1 iterations=12
```

For a data set of your own, either point `dataset=folder` at it, or add a file to
`config/datasets`; two lines can be enough:

```yaml
# config/datasets/birds.yaml
source: folder
data_root: /path/to/birds   # a folder of images for each class
```

Unknown keys, values of the wrong kind and settings that don't go together are refused before
anything runs. The settings in force are written to `results/<dataset>/<search>/settings.json`.

A changed setting runs again exactly what depends on it. Where and how jobs run is no setting but
a profile's business (`profiles/`), and changes no result.

This page is written by `make docs` from `workflow/schemas/config.schema.yaml`.

## All keys

| key | default | values | meaning |
|---|---|---|---|
"""


def describe_values(rule: dict[str, Any]) -> str:
    """Return the kind and the range of a key."""
    if "enum" in rule:
        return " or ".join(f"`{json.dumps(value).strip(chr(34))}`" for value in rule["enum"])
    kinds = rule["type"] if isinstance(rule["type"], list) else [rule["type"]]
    text = " or ".join(kinds)
    bounds = {
        "minimum": "from {}",
        "exclusiveMinimum": "above {}",
        "maximum": "to {}",
        "exclusiveMaximum": "below {}",
        "minItems": "of {}",
    }
    parts = [form.format(rule[bound]) for bound, form in bounds.items() if bound in rule]
    if "properties" in rule:
        parts.append("of " + ", ".join(f"`{name}`" for name in rule["properties"]))
    return " ".join([text, *parts])


def make_page(schema: dict[str, Any]) -> str:
    """Return the page as Markdown."""
    rows = []
    for key, rule in schema["properties"].items():
        default = yaml.safe_dump(rule["default"], default_flow_style=True).split("\n")[0]
        meaning = " ".join(rule["description"].split())
        rows.append(f"| `{key}` | `{default}` | {describe_values(rule)} | {meaning} |")
    return INTRODUCTION + "\n".join(rows) + "\n"


if __name__ == "__main__":
    source = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
    Path(sys.argv[1]).write_text(make_page(source))
