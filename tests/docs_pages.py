"""The pages of the documentation: their blocks, what is said of these, and how they are run."""

import doctest
import itertools
import os
import re
import shlex
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from workflow_runs import ROOT, Project, run

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
FRESH = ("run", "run, numbers differ")
FINISHED = ("run in a finished search",)
MARKS = (*FRESH, *FINISHED, "prints", "file", "with the example")
FENCE = re.compile(
    r"(?:^ *<!-- (?P<mark>[^>]+?) -->\n+)?"
    r"^ *```(?P<language>\w*)\n(?P<body>.*?)^ *```$",
    re.MULTILINE | re.DOTALL,
)
NUMBER = re.compile(r"\b(?:[0-9a-f]{16}\b|\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?)")
"""What a smaller search has in place of the shown: numbers and hashes."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page; `mark` is the comment before it, empty if there is none."""

    mark: str
    language: str
    body: str


def read_blocks(page: Path) -> list[Block]:
    """The blocks of a page, in their order."""
    found = []
    for match in FENCE.finditer(page.read_text()):
        body = textwrap.dedent(match["body"])
        found.append(Block(match["mark"] or "", match["language"], body))
    return found


def list_runs(page: Path, marks: Sequence[str]) -> list[tuple[Block, str | None]]:
    """The blocks with one of `marks`, each with what it is to print; None if that isn't said."""
    blocks = read_blocks(page)
    runs: list[tuple[Block, str | None]] = []
    nothing = Block("", "", "")
    for block, after in itertools.pairwise([*blocks, nothing]):
        if block.mark.startswith("file "):
            runs.append((block, None))
        elif block.mark in marks:
            runs.append((block, after.body if after.mark == "prints" else None))
    return runs if any(block.mark in marks for block, _ in runs) else []


def run_block(block: Block, printed: str | None, project: Project) -> None:
    """Run a block in a project and compare what it prints with what is shown."""
    if block.mark.startswith("file "):
        (project.folder / block.mark.removeprefix("file ")).write_text(block.body)
        return
    steps = read_console(block.body) if block.language == "console" else [(None, printed)]
    for command, shown in steps:
        arguments = [sys.executable, "-c", block.body]
        if command is not None:
            arguments = ["bash", "-o", "pipefail", "-c", f"exec 2>&1; {command}"]
        tools = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        done = run(arguments, project.folder, **tools)
        assert done.code == 0, done.text
        if shown is not None:
            compare(shown, done.stdout, numbers=block.mark == "run")


def read_console(text: str) -> list[tuple[str, str]]:
    """The commands of a block, each with the lines that follow it."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
    assert not parts[0].strip(), f"a console block begins with `$ `: {text}"
    return [(part.partition("\n")[0], part.partition("\n")[2]) for part in parts[1:]]


def compare(shown: str, printed: str, *, numbers: bool) -> None:
    """Demand that what is printed is what is shown, where `...` stands for anything."""
    if not numbers:
        shown, printed = (NUMBER.sub("#", text) for text in (shown, printed))
    # A line of dots may stand for no line at all.
    shown = re.sub(r"\s*\.\.\.\s*", "...", shown)
    options = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    same = doctest.OutputChecker().check_output(shown.strip(), printed.strip(), options)
    assert same, f"shown:\n{shown}\nprinted:\n{printed}"


def list_commands(page: Path) -> list[list[str]]:
    """The `nago` and `snakemake` command lines in blocks and in the text of a page."""
    text = page.read_text()
    blocks = [block for block in read_blocks(page) if block.mark != "with the example"]
    lines = [
        line.strip().removeprefix("$ ").partition(" |")[0]
        for block in blocks
        for line in re.sub(r"\\\n\s*", "", block.body).splitlines()
    ]
    lines += re.findall(r"(?<!`)`([^`\n]+)`(?!`)", FENCE.sub("", text))
    commands = [line for line in lines if re.match(r"(?:nago|snakemake) ", line)]
    return [shlex.split(command.partition(" > ")[0], comments=True) for command in commands]
