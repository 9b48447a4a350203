"""The fixed cost of a training: what passes before its first batch."""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 5
FIRST_BATCH = """
import sys, time
from pathlib import Path
from nago.training import loop

def stop(*_, **__):
    print(time.time(), flush=True)
    sys.exit()

loop.train_epoch = stop
sys.argv[0] = sys.argv.pop(1)
exec(compile(Path(sys.argv[0]).read_text(), sys.argv[0], "exec"), {"__name__": "__main__"})
"""


def describe_start(root: Path) -> str:
    """Return what a training of the digits takes until its first batch, in words."""
    with tempfile.TemporaryDirectory() as folder:
        arguments = _prepare(root, Path(folder))
        seconds, cpu = zip(*(_measure(root, arguments) for _ in range(ROUNDS)), strict=True)
    return (
        "\n## Before the first batch\n\n"
        "From the start of `scripts/train.py` to its first batch: Python, torch, the proposal, the"
        " network, the images. The digits of the demo, a median of"
        f" {ROUNDS}: **{statistics.median(seconds):.1f} s**, of which"
        f" {statistics.median(cpu):.1f} s of a CPU (aim: under 4 s)."
    )


def _prepare(root: Path, folder: Path) -> list[str]:
    """Prepare the digits and a proposal; return the arguments of the script."""
    from nago.data.datasets import prepare
    from nago.records import Proposal, write_json, write_proposals
    from nago.settings import load_settings

    settings = load_settings({"dataset": "digits"}, root)
    values = settings.values
    prepare(
        "digits",
        None,
        image_size=values["image_size"],
        channels=values["image_channels"],
        validation_fraction=0.2,
        test_fraction=0.2,
        seed=0,
        output=folder / "data",
        name="digits",
    )
    middle = {"top_nodes": 6, "top_k": 3, "top_p": 0.5, "middle_nodes": 3, "middle_p": 0.5}
    middle |= {"bottom_nodes": 6, "bottom_k": 3, "bottom_p": 0.5}
    write_proposals(folder / "proposals.json", [Proposal(middle, 1, 0, "random", None, None)])
    write_json(folder / "protocol.json", settings.search_protocol.as_dict())
    paths = {"proposals": "proposals.json", "protocol": "protocol.json", "data": "data"}
    paths |= {"curve": "slot0.curve.csv", "output": "slot0.trial.json"}
    options = [part for key, name in paths.items() for part in (f"--{key}", str(folder / name))]
    return [*options, "--slot", "0", "--name", "b0-r0-s0"]


def _measure(root: Path, arguments: list[str]) -> tuple[float, float]:
    """Return the seconds, and those of a CPU, until the first batch."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.time()
    done = subprocess.run(
        [sys.executable, "-c", FIRST_BATCH, "scripts/train.py", *arguments],
        cwd=root,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return float(done.stdout.split()[-1]) - started, cpu
