"""The plug-in is a package of its own: it knows nothing of this project and waits for submitit."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "snakemake_executor_plugin_submitit"


@pytest.mark.parametrize("path", sorted(PACKAGE.glob("*.py")), ids=lambda path: path.stem)
def test_a_module_imports_the_standard_library_snakemakes_interfaces_and_its_own(path):
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = [node.module]
        for name in names:
            top = name.split(".")[0]
            assert top in sys.stdlib_module_names | {
                "submitit",
                "snakemake_interface_common",
                "snakemake_interface_executor_plugins",
                PACKAGE.name,
            }


def test_its_import_loads_neither_submitit_nor_anything_heavy():
    heavy = "submitit cloudpickle torch numpy pandas nago"
    code = f"import sys, {PACKAGE.name}; print([n for n in {heavy.split()} if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
