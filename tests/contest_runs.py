"""Made-up folders of searches for the figures that compare them: no training, any state."""

import json

import numpy as np
import pandas as pd

from nago.generators.architecture import Task
from nago.generators.draw import default_settings, draw_architecture
from nago.report.runs import read_run
from nago.tables import write_table

NAN = float("nan")
MB = 2**20
SPACE = {"top_nodes": (3, 10), "top_p": (0.1, 0.9)}
SMALL = {
    **{"top_nodes": 4, "top_k": 2, "top_p": 0.5, "middle_nodes": 1, "middle_p": 0.5},
    **{"bottom_nodes": 3, "bottom_k": 2, "bottom_p": 0.5},
}


PLANNED = {
    **{"iterations": 1, "min_budget": 1, "max_budget": 1, "eta": 2, "initial_points": 1},
    **{"mobo_iterations": 0, "mobo_batch": 1, "mobo_budget": 1},
    **{"spread_configurations": 1, "spread_draws": 1},
}
"""A plan of one trial, so that a search with any trial is over."""

GOES_ON = {"iterations": 99, "mobo_iterations": 99}
"""Settings of a search that is not over, whatever trials there are."""


def settings_of(dataset, contestant, seed, **more):
    generator, method = contestant.rsplit("-", 1)
    generator, _, space = generator.partition("-")
    return {
        **{"name": None, "dataset": dataset, "generator": generator, "space": space or "base"},
        **{"method": method, "seed": seed, "reference": None},
        **PLANNED,
        "objectives": ["validation_error", "sample_memory_bytes"],
    } | more


def make_trials(*rows):
    """Rows are (bracket, rung, slot, budget, parent, error, memory in MB, configuration)."""
    table = []
    for b, r, s, budget, parent, error, memory, configuration in rows:
        failed = error is None
        table.append(
            {"trial": f"b{b}-r{r}-s{s}", "bracket": b, "rung": r, "slot": s}
            | {"budget": budget, "epochs": budget, "origin": "random", "parent": parent, "seed": 1}
            | configuration
            | {"status": "diverged" if failed else "ok", "validation_error": error}
            | {"hash": "0123456789abcdef", "width": 8, "nodes": 9, "parameters": 1000}
            | {"multiply_adds": 10**6, "sample_memory_bytes": int(memory * MB)}
            | {"error": "the loss is not a number" if failed else None}
        )
    return pd.DataFrame(table)


def draw_trials(rng, method, brackets=6, best=0.1):
    """A search at 3, 6 and 12 epochs, or at 12 alone if the method isn't bohb."""
    rows = []
    for bracket in range(brackets):
        first = bracket % 3 if method == "bohb" else 2
        parents = [None] * (4, 2, 3)[first]
        known = [float(rng.random()) for _ in parents]
        for rung, budget in enumerate([3, 6, 12][first:]):
            for slot, parent in enumerate(parents):
                quality = known[slot] * (0.4 if method == "mobo" else 1)
                error = best + 0.3 * quality / (1 + bracket) + 0.6 / budget
                error = None if rng.random() < 0.08 else float(error + 0.02 * rng.random())
                configuration = {"top_nodes": int(rng.integers(3, 11)), "top_p": known[slot]}
                memory = float(np.exp(rng.normal(1.5 + quality, 0.5)))
                rows.append((bracket, rung, slot, budget, parent, error, memory, configuration))
            parents = [f"b{bracket}-r{rung}-s{slot}" for slot in range(len(parents) // 2)]
    return make_trials(*rows)


def make_final(accuracy, seed=0, trial="b0-r0-s0"):
    """What `final/{network}.json` says of a network that was tested, or failed."""
    generator, task = "hnag", Task(16, 3, 10, 100_000)
    architecture = draw_architecture(generator, SMALL, default_settings(generator), task, seed)
    return {
        "trial": trial,
        "status": "ok" if accuracy is not None else "diverged",
        **{"seed": seed, "epochs": 12, "test_accuracy": accuracy, "test_top5_accuracy": accuracy},
        **{"hash": architecture.hash, "width": 8, "nodes": architecture.nodes},
        **{"parameters": 1000, "multiply_adds": 10**6, "sample_memory_bytes": 2 * MB},
        **{"error": None, "configuration": SMALL, "architecture": architecture.to_json()},
        "cost": {"seconds": 1.0},
    }


def write_run(folder, settings, trials=None, accuracies=(), **tables):
    """Write the files of a search and read it; an unfinished one has settings alone."""
    folder.mkdir(parents=True)
    (folder / "settings.json").write_text(json.dumps(settings))
    for name, table in ({"trials": trials} | tables).items():
        if table is not None:
            write_table(folder / f"{name}.csv", table)
    for place, accuracy in enumerate(accuracies):
        final = accuracy if isinstance(accuracy, dict) else make_final(accuracy, place)
        path = folder / "final" / f"{place}.json"
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(final))
    return read_run(folder)


def make_contest(root, datasets, contestants, seeds, networks=4):
    """Write many searches, all of them finished."""
    runs = []
    for d, dataset in enumerate(datasets):
        for c, contestant in enumerate(contestants):
            for seed in range(seeds):
                rng = np.random.default_rng([d, c, seed])
                settings = settings_of(dataset, contestant, seed)
                method = settings["method"]
                best = 0.05 + 0.03 * c + 0.05 * d
                trials = draw_trials(rng, method, 1 if method == "default" else 6, best)
                if method == "default":
                    trials = trials[:1]
                accuracies = [float(1 - best + 0.01 * rng.normal()) for _ in range(networks)]
                folder = root / dataset / f"{contestant}-seed{seed}"
                runs.append(write_run(folder, settings, trials, accuracies))
    return runs


def make_spread(root, configurations=12, draws=4, *, dataset="digits", seed=0, failed=0.1):
    """Write a run of the method `spread`, with seconds for each trial."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(configurations):
        middle, memory = rng.uniform(0.05, 0.3), rng.uniform(5, 60)
        configuration = {"top_nodes": int(rng.integers(3, 11)), "top_p": float(rng.random())}
        for draw in range(draws):
            error = None if rng.random() < failed else float(middle + 0.02 * rng.normal())
            size = float(memory * np.exp(0.1 * rng.normal()))
            slot = number * draws + draw
            rows.append((0, 0, slot, 12, None, error, size, configuration))
    trials = make_trials(*rows)
    seconds = trials["sample_memory_bytes"] / MB * rng.uniform(0.8, 1.2, len(trials))
    costs = trials[["trial", "bracket", "rung", "slot", "epochs"]].assign(seconds=seconds)
    settings = settings_of(dataset, "hnag-spread", seed)
    return write_run(root / dataset / f"hnag-spread-seed{seed}", settings, trials, costs=costs)
