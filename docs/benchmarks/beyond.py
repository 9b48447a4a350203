"""Beyond the paper: several objectives at several budgets, and what else the workflow adds.

`python docs/benchmarks/beyond.py` writes the page docs/benchmarks/beyond.md from the tables in
beyond/. `make bench-beyond` first makes what is missing in them; to make a part anew, delete its
table.
"""

import argparse
import platform
from importlib.metadata import version
from pathlib import Path

from beyond_continuation import describe_continuation
from beyond_lag import describe_lag
from beyond_quality import describe_digits, describe_quality
from beyond_warm import describe_warm

from nago.records import write_text

PAGE = Path(__file__).with_suffix(".md")
PACKAGES = ("numpy", "pymoo", "hpbandster")


def main() -> None:
    """Write the page."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    parts = (
        describe_introduction,
        describe_quality,
        describe_digits,
        describe_warm,
        describe_lag,
        describe_continuation,
    )
    write_text(PAGE, "\n\n".join(describe().strip() for describe in parts) + "\n")


def describe_introduction() -> str:
    """Return the head of the page."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"""# Beyond the paper

Written from the tables in beyond/ by `python docs/benchmarks/beyond.py`; `make bench-beyond` first
makes what is missing in them. Medians and quartiles over seeds. Python
{platform.python_version()}, {packages}. Of failed trainings tells
[failures.md](failures.md), of replicates [replicates.md](replicates.md), of forecasts
[forecast.md](forecast.md)."""


if __name__ == "__main__":
    main()
