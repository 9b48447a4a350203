"""Measure what the end-to-end search costs beside the training itself; `make bench` runs it.

Prints Markdown. Wall seconds of whole processes or of single calls; each figure is the median of
the runs given beside it, with the extremes in brackets.
"""

import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SEARCH = ["dataset=digits", "name=benchmark", "iterations=60", "min_budget=30", "max_budget=120"]
FIRST_BATCH = """
import os, runpy, sys
import nago.training.loop as loop
def stop(*args, **kwargs):
    print("first batch", flush=True)
    os._exit(0)
loop.train_epoch = stop
sys.argv[0] = "scripts/train.py"
runpy.run_path("scripts/train.py", run_name="__main__")
"""
REFERENCE = {
    "8,5,.6 / 1,.7 / 5,4,.2": ((8, 5, 0.6), (1, 0.7), (5, 4, 0.2), 32, 4_000_000, 0.105),
    "6,4,.8 / 1,.1 / 3,2,.5": ((6, 4, 0.8), (1, 0.1), (3, 2, 0.5), 32, 4_000_000, 0.093),
    "6,4,.4 / 1,.4 / 6,5,.9": ((6, 4, 0.4), (1, 0.4), (6, 5, 0.9), 64, 6_000_000, 0.149),
    "7,2,.9 / 5,.8 / 6,3,.6": ((7, 2, 0.9), (5, 0.8), (6, 3, 0.6), 64, 6_000_000, 0.439),
}
"""Generators with the seconds that the released code takes to build one, on such a machine."""


def main() -> None:
    """Print all tables."""
    os.chdir(ROOT)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}\n")
    print("| what | runs | seconds |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        measure_workflow(Path(folder))
    measure_first_batch()
    print("\n| generator | draw, width and build, s | released code, s |\n|---|---|---|")
    for name, values in REFERENCE.items():
        seconds = repeat(lambda values=values: build_reference(values), 7)
        print(f"| {name} | {show(seconds)} | {values[-1]} |")


def show(seconds: Sequence[float]) -> str:
    """Return the median and the extremes."""
    low, high = min(seconds), max(seconds)
    return f"{statistics.median(seconds):.3g} ({low:.3g} to {high:.3g})"


def repeat(call: Callable[[], object], runs: int) -> list[float]:
    """Return the wall seconds of each of `runs` calls, after one that doesn't count."""
    call()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds


def snakemake(*arguments: str, folder: Path = ROOT) -> str:
    """Run Snakemake on the benchmark's search; return what it printed."""
    command = [sys.executable, "-m", "snakemake", "--profile", "profiles/local", *arguments]
    command += ["--config", *SEARCH]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{result.stdout}{result.stderr}")
    return result.stdout + result.stderr


def measure_workflow(folder: Path) -> None:
    """Print how long a search of 260 trainings is planned, and found to be done."""
    for name in ("workflow", "rules", "scripts", "config", "profiles"):
        (folder / name).symlink_to(ROOT / name)
    seconds = repeat(lambda: snakemake("--dry-run", folder=folder), 5)
    print(f"| `snakemake -n`, 60 iterations, 260 trainings | 5 | {show(seconds)} |")
    make_outputs(folder)
    snakemake("--touch", folder=folder)  # marks them as made
    assert "Nothing to be done" in snakemake(folder=folder)
    seconds = repeat(lambda: snakemake(folder=folder), 5)
    print(f"| the same search, all done: nothing to do | 5 | {show(seconds)} |")


def make_outputs(folder: Path) -> None:
    """Make a stand-in of every file of the search: the demo's first trial and final network."""
    demo = ROOT / "results/digits/hnag-bohb"
    trial = (demo / "bracket0/rung0/slot0.trial.json").read_text()
    final = (demo / "final/0.json").read_text()
    incumbent = (demo / "incumbent.json").read_text()
    for line in snakemake("--summary", "--cores", "1", folder=folder).splitlines():
        name = line.split("\t")[0]
        if not name.startswith(("results/", "data/")):
            continue
        content = "{}"
        if name.endswith(".trial.json"):
            content = trial
        elif name.endswith(".proposals.json"):
            content = "[]"
        elif name.endswith("incumbent.json"):
            content = incumbent
        elif name.endswith("finalists.json"):
            content = f"[{incumbent}]"
        elif "/final/" in name:
            content = final
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)


def measure_first_batch() -> None:
    """Print how long a training job takes from its start to its first batch."""
    folder = next((ROOT / "results/digits/hnag-bohb").glob("bracket0"))
    command = [
        sys.executable,
        "-c",
        FIRST_BATCH,
        *("--proposals", str(folder / "rung0.proposals.json"), "--slot", "0", "--name", "x"),
        *("--protocol", str(folder.parent / "protocol.json"), "--data", "data/digits"),
        *("--curve", os.devnull, "--output", "results/benchmark/slot0.trial.json"),
    ]

    def run() -> None:
        printed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        assert "first batch" in printed.stdout

    print(f"| a training job, from its start to its first batch | 7 | {show(repeat(run, 7))} |")


def build_reference(values: tuple) -> None:
    """Draw and build a network of one of the reference's generators."""
    from nago.generators.architecture import Task
    from nago.generators.draw import draw_architecture
    from nago.networks.build import build_network
    from nago.records import GeneratorSettings

    top, middle, bottom, image_size, limit, _ = values
    names = ("top_nodes", "top_k", "top_p", "middle_nodes", "middle_p")
    names += ("bottom_nodes", "bottom_k", "bottom_p")
    configuration = dict(zip(names, (*top, *middle, *bottom), strict=True))
    settings = GeneratorSettings((1, 1, 1), (1, 2, 4), {"sum": 1}, {"conv3x3": 1})
    task = Task(image_size, 3, 10, limit)
    build_network(draw_architecture("hnag", configuration, settings, task, 0), 0)


if __name__ == "__main__":
    main()
