"""Compiles the kernels of a training step on the CPU, when nago is installed or made a wheel."""

import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from setuptools import Distribution, Extension
from setuptools.command.build_ext import build_ext
from setuptools.errors import BaseError, CCompilerError

FOLDER = "nago/networks/fused"
FLAGS = ["-O3", "-fno-math-errno", "-fno-trapping-math"]
"""Without them comparisons and roots aren't made for several numbers at once; no digit changes."""

THREADS = ["-fopenmp"]

FAILURES = (BaseError, CCompilerError)


class CustomBuildHook(BuildHookInterface[Any]):
    """Puts the compiled module beside its source, and into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, with threads where the compiler has them."""
        try:
            _compile(THREADS)
        except FAILURES as error:  # Apple's compiler has none
            self.app.display_warning(f"nago's kernels get one thread each: {error}")
            _compile([])
        build_data["pure_python"], build_data["infer_tag"] = False, True
        build_data["artifacts"].append(f"{FOLDER}/*.so")


def _compile(more: list[str]) -> None:
    extension = Extension(
        f"{FOLDER.replace('/', '.')}.kernels",
        sorted(map(str, Path(FOLDER, "c").glob("*.c"))),
        extra_compile_args=[*FLAGS, *more],
        extra_link_args=more,
        py_limited_api=True,
    )
    command = build_ext(Distribution({"name": "nago", "ext_modules": [extension]}))
    command.inplace, command.force = True, True
    with tempfile.TemporaryDirectory() as folder:
        command.build_temp = folder
        command.ensure_finalized()
        command.run()
