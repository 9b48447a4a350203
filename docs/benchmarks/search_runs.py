"""Runs of searches on problems, kept in tables: a run that is there is not made again.

Each contestant has a table of its own in search/, so that two can be measured at the same time.
`python docs/benchmarks/search_runs.py gp bnn --seeds 3 --modes batch8` makes what is missing.
"""

import argparse
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from search_own import OWN, SEQUENTIAL, make_own
from search_peers import PEERS, Searcher, make_peer
from search_problems import PROBLEMS, Problem, make_problem, share_hypervolume
from search_tables import FOLDER, add_measured, read_measured

MODES: Mapping[str, int] = {"batch8": 8, "sequential": 1}
"""Evaluations that are asked for together."""
RUN = ["problem", "mode", "contestant", "seed"]
COLUMNS = [*RUN, "evaluations", "share", "seconds"]


def main() -> None:
    """Make the runs that are missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contestants", nargs="*", default=[*PEERS, *OWN])
    parser.add_argument("--problems", nargs="+", choices=PROBLEMS, default=list(PROBLEMS))
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    args = parser.parse_args()
    make_missing(args.contestants, args.problems, args.modes, args.seeds, args.folder)


def make_missing(
    contestants: Sequence[str],
    problems: Sequence[str],
    modes: Sequence[str],
    seeds: int,
    folder: Path = FOLDER,
) -> None:
    """Make the runs that are missing, those of one mode and contestant after the other."""
    for mode in modes:
        for contestant in contestants:
            for problem, seed in list_missing(folder, contestant, problems, mode, seeds):
                make_run(folder, problem, mode, contestant, seed)


def competes(contestant: str, problem: Problem, mode: str) -> bool:
    """Return whether a contestant is for a problem and a mode."""
    if contestant not in OWN:
        return problem.continuous or contestant != "qLogNEHVI"
    if OWN[contestant].get("exact"):
        return bool(problem.exact) and mode == "batch8"
    return mode == "batch8" or contestant in SEQUENTIAL


def list_missing(
    folder: Path, contestant: str, problems: Iterable[str], mode: str, seeds: int
) -> list[tuple[Problem, int]]:
    """Return the runs to make, one seed of all problems after the other."""
    made = {tuple(run) for run in read_runs(folder, [contestant])[RUN].itertuples(index=False)}
    entered = [make_problem(name) for name in problems]
    return [
        (problem, seed)
        for seed in range(seeds)
        for problem in entered
        if competes(contestant, problem, mode)
        and (problem.name, mode, contestant, seed) not in made
    ]


def make_run(folder: Path, problem: Problem, mode: str, contestant: str, seed: int) -> None:
    """Run one search and add its rows to the contestant's table."""
    make = make_own if contestant in OWN else make_peer
    searcher = make(contestant, problem, seed)
    rows = follow(searcher, problem, MODES[mode])
    run = dict(zip(RUN, (problem.name, mode, contestant, seed), strict=True))
    found = [run | dict(zip(COLUMNS[len(RUN) :], row, strict=True)) for row in rows]
    add_measured(locate_runs(folder, contestant), found)
    print(*run.values(), *(f"{row[1]:.3f}" for row in rows), f"{rows[-1][2]:.1f} s", flush=True)


def follow(searcher: Searcher, problem: Problem, together: int) -> list[tuple[int, float, float]]:
    """Return at each checkpoint: evaluations, share of the hypervolume, CPU seconds so far.

    The seconds are those of the searcher, not of the evaluations. A batch ends where the design
    ends that models start from, so that all models see the same.
    """
    losses = np.empty((0, len(problem.reference)))
    seconds, rows = 0.0, []
    while len(losses) < problem.checkpoints[-1]:
        ends = [end for end in (problem.design_size, problem.checkpoints[-1]) if end > len(losses)]
        start = time.process_time()
        asked = searcher.ask(min(together, ends[0] - len(losses)))
        seconds += time.process_time() - start
        found = problem.evaluate(asked)
        start = time.process_time()
        searcher.tell(asked, found)
        seconds += time.process_time() - start
        before, losses = len(losses), np.concatenate([losses, found])
        for checkpoint in problem.checkpoints:
            if before < checkpoint <= len(losses):
                share = share_hypervolume(losses[:checkpoint], problem.reference, problem.maximum)
                rows.append((checkpoint, share, seconds))
    return rows


def locate_runs(folder: Path, contestant: str) -> Path:
    """Return where a contestant's runs are kept."""
    words = contestant.lower().replace(",", "").replace("'", "").split()
    return folder / f"runs-{'-'.join(words)}.csv"


def read_runs(folder: Path, contestants: Sequence[str]) -> pd.DataFrame:
    """Return the rows of contestants' runs that were made, a row per checkpoint."""
    tables = [read_measured(locate_runs(folder, name), COLUMNS) for name in contestants]
    filled = [table for table in tables if len(table)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=COLUMNS)


if __name__ == "__main__":
    main()
