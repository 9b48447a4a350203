"""The modules of the benchmarks, which stand in no package."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parents[1] / "docs/benchmarks"


def load(*names: str) -> list[ModuleType]:
    """Import modules of the benchmarks by their names."""
    sys.path.append(str(FOLDER))
    try:
        return [importlib.import_module(name) for name in names]
    finally:
        sys.path.remove(str(FOLDER))
