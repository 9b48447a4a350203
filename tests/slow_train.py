"""Stands in for scripts/train.py on a cluster: a training that takes time and can be resumed.

An epoch takes as long as `pace.txt` says, and only the first begins while there is a file `hold`.
Each is kept in a checkpoint and noted in `runs.log`, so that a test can tell which epochs were
trained, where, and whether any was trained twice.
"""

import argparse
import json
import os
import time
from pathlib import Path

import toy_train

from nago.records import read_proposals


def main() -> None:
    """Train the epochs that are left, then write what the toy objective says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--proposals", type=Path, required=True)
    parser.add_argument("--slot", type=int, required=True)
    parser.add_argument("--name", required=True)
    args, _ = parser.parse_known_args()
    budget = read_proposals(args.proposals)[args.slot].budget

    checkpoint = Path("checkpoints") / f"{args.name}.json"
    checkpoint.parent.mkdir(exist_ok=True)
    done = json.loads(checkpoint.read_text()) if checkpoint.exists() else 0
    note(args.name, "start", done)
    if (Path("break") / args.name).exists():
        raise SystemExit(f"broken on purpose: {args.name}")
    for epoch in range(done + 1, budget + 1):
        while epoch > 1 and Path("hold").exists():
            time.sleep(0.05)
        time.sleep(float(Path("pace.txt").read_text()))
        temporary = checkpoint.with_suffix(".tmp")
        temporary.write_text(json.dumps(epoch))
        temporary.replace(checkpoint)
        note(args.name, "epoch", epoch)
    toy_train.main()
    note(args.name, "end", budget)


def note(name: str, what: str, epoch: int) -> None:
    """Append one line to the log of all trainings."""
    job = os.environ.get("SLURM_ARRAY_JOB_ID") or os.environ.get("SLURM_JOB_ID")
    index = os.environ.get("SLURM_ARRAY_TASK_ID")
    line = {
        "name": name,
        "what": what,
        "epoch": epoch,
        "job": f"{job}_{index}" if index else job,
        "node": os.environ.get("SLURMD_NODENAME"),
        "gpus": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "pid": os.getpid(),
    }
    with Path("runs.log").open("a") as log:
        log.write(json.dumps(line) + "\n")


if __name__ == "__main__":
    main()
