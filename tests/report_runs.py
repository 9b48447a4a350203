"""Folders of searches that never ran, for tests of what compares and reports them.

`make_run` writes the files that the workflow leaves in results/{dataset}/{search}, with numbers
that look like those of a search: errors fall with the budget, and each generator, method and seed
has others. Equal arguments give equal files. What a test needs exact, it gives: trials made by
`make_trial`, and final networks by `make_final`.
"""

import functools
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nago.generators.architecture import Task
from nago.generators.complexity import count_complexity
from nago.generators.draw import draw_architecture
from nago.generators.named import RNAG_D
from nago.generators.spaces import make_space
from nago.records import Configuration, Trial, read_json, trial_name, write_json
from nago.search.front import choose_finalists, complete_reference, find_front, trace_hypervolume
from nago.search.incumbent import describe_trial, select_incumbent
from nago.search.random_search import draw
from nago.seeds import derive_seed
from nago.settings import Settings, load_settings
from nago.tables import read_table, tabulate, tabulate_costs, tabulate_finals, write_table

ROOT = Path(__file__).parents[1]
SMALL = {
    **{"iterations": 4, "min_budget": 1, "max_budget": 4, "eta": 2, "warmup_epochs": 0},
    **{"initial_points": 6, "mobo_iterations": 3, "mobo_batch": 4, "mobo_budget": 4},
    **{"final_networks": 3, "final_epochs": 8, "finalists": 2},
}
"""Settings of a search that `make_run` changes unless a test gives them: 20 trainings of bohb."""

CONFIGURATION = {
    **{"top_nodes": 6, "top_k": 5, "top_p": 0.5, "middle_nodes": 1, "middle_p": 0.5},
    **{"bottom_nodes": 4, "bottom_k": 3, "bottom_p": 0.25},
}
HELP = {"bohb": -0.02, "mobo": -0.015, "random": 0.0, "default": 0.02, "spread": 0.0}
"""How far the errors of a method lie from those of random search."""


def make_run(
    folder: Path,
    dataset: str = "digits",
    generator: str = "hnag",
    method: str = "bohb",
    seed: int = 0,
    *,
    trials: Sequence[Trial] | None = None,
    finals: Sequence[Mapping[str, Any]] | None = None,
    finished: bool = True,
    **settings: Any,
) -> Path:
    """Write the files of a search and return their folder, `folder`/{dataset}/{search}.

    Args:
        folder: stands for results/.
        dataset: the name of a file in config/datasets.
        generator: its name; `space="aug_v1"` among the settings takes another space.
        method: of the search.
        seed: the root seed; the folder of seed 0 has no suffix, others end in -seed{seed}.
        trials: what was tried, by default what `draw_trials` gives; () for a run without any.
        finals: the final networks, by default what `draw_finals` gives; () for none yet.
        finished: whether all brackets are done; if not, the last bracket is missing and there are
            no tables of the whole search, no incumbent and no final networks.
        settings: those that differ from SMALL and the data set's own.
    """
    # A method that trains without searching has the plan of random search here, and a method
    # that the schema may not know yet is set afterwards.
    planned = method if method in ("bohb", "mobo") else "random"
    given = SMALL | {"dataset": dataset, "generator": generator, "method": planned} | settings
    known = Settings({**_read_settings(json.dumps(given)).values, "seed": seed})
    checked = Settings({**known.values, "method": method})
    if trials is None:
        trials = draw_trials(known, method)
    name = known.search.removesuffix(known.values["method"]) + method
    run = folder / checked.dataset / (f"{name}-seed{seed}" if seed else name)
    write_json(run / "settings.json", dict(checked.values))
    _write_brackets(run, trials if finished else trials[: _start_of_last(trials)])
    if finished and trials:
        _write_tables(run, trials)
        if any(trial.status == "ok" for trial in trials):
            _write_choice(run, known, method)
            _write_finals(run, draw_finals(run, known) if finals is None else finals)
    return run


def make_trial(
    place: tuple[int, int, int],
    error: float | None,
    *,
    budget: int = 4,
    status: str | None = None,
    parent: str | None = None,
    origin: str = "random",
    configuration: Configuration | None = None,
    memory: int = 2**20,
    parameters: int = 100_000,
    epochs: int | None = None,
    seconds: float = 10.0,
    restarts: int = 0,
    seed: int = 1,
) -> Trial:
    """Return a trial at (bracket, rung, slot); one without an error has diverged.

    `memory` is the sample memory in bytes.
    """
    return Trial(
        name=trial_name(*place),
        configuration=dict(configuration or CONFIGURATION),
        budget=budget,
        seed=seed,
        origin=origin,
        parent=parent,
        status=status or ("diverged" if error is None else "ok"),
        epochs=budget if epochs is None else epochs,
        validation_error=error,
        hash=f"{derive_seed(seed, 'hash', *place) % 16**16:016x}",
        width=8,
        nodes=24,
        parameters=parameters,
        multiply_adds=20 * parameters,
        sample_memory_bytes=memory,
        error="the loss is not finite" if error is None else None,
        cost={
            "seconds": seconds,
            "seconds_per_epoch": round(seconds / budget, 3),
            "batch_size": 64,
            "restarts": restarts,
            "host": "node1",
        },
    )


def make_final(
    accuracy: float | None,
    *,
    top5: float | None = None,
    trial: str = "b0-r0-s0",
    memory: int = 2**20,
    parameters: int = 100_000,
    multiply_adds: int = 2_000_000,
    seed: int = 1,
    epochs: int = 8,
    restarts: int = 0,
    architecture: Mapping[str, Any] | None = None,
    configuration: Configuration | None = None,
    digest: str = "0123456789abcdef",
) -> dict[str, Any]:
    """Return the result of a final network; one without a test accuracy has diverged."""
    return {
        "trial": trial,
        "status": "diverged" if accuracy is None else "ok",
        "seed": seed,
        "epochs": epochs,
        "test_accuracy": accuracy,
        "test_top5_accuracy": top5,
        "hash": digest,
        "width": 8,
        "nodes": 24,
        "parameters": parameters,
        "multiply_adds": multiply_adds,
        "sample_memory_bytes": memory,
        "error": "the loss is not finite" if accuracy is None else None,
        "configuration": dict(configuration or CONFIGURATION),
        "architecture": architecture,
        "cost": {
            **{"seconds": 80.0, "seconds_per_epoch": 10.0, "batch_size": 64},
            **{"restarts": restarts, "host": "node1"},
        },
    }


def draw_trials(
    settings: Settings, method: str, *, configurations: int = 6, repeats: int = 3
) -> list[Trial]:
    """Return the trials of a search, in the order of the plan; one in twenty has diverged.

    Args:
        settings: of a method that searches, for the plan and the space.
        method: of these trials; `default` trains RNAG-D or CONFIGURATION
            once, `spread` each of `configurations`
            at the largest budget `repeats` times.
        configurations: of `spread`.
        repeats: of `spread`.
    """
    seed = derive_seed(settings.values["seed"], settings.values["generator"], method)
    space = make_space(settings.ranges)
    highest = settings.values["max_budget"]
    if method == "default":
        known = RNAG_D if settings.values["generator"] == "rnag" else CONFIGURATION
        return [_imagine((0, 0, 0), known, highest, method=method, seed=seed)]
    if method == "spread":
        drawn = [item.configuration for item in draw(space, configurations, seed)]
        return [
            _imagine((0, 0, slot), drawn[slot // repeats], highest, method=method, seed=seed)
            for slot in range(configurations * repeats)
        ]
    trials: list[Trial] = []
    for bracket, rungs in enumerate(settings.plan):
        below: list[Trial] = []
        origin = "model" if bracket and method != "random" else "random"
        for number, rung in enumerate(rungs):
            ranked = sorted(below, key=lambda trial: trial.validation_error or math.inf)
            fresh = draw(space, rung.size, derive_seed(seed, bracket, number))
            below = []
            for slot in range(rung.size):
                parent = ranked[slot] if ranked else None
                values = parent.configuration if parent else fresh[slot].configuration
                place = (bracket, number, slot)
                below.append(
                    _imagine(
                        place,
                        values,
                        rung.budget,
                        method=method,
                        seed=seed,
                        parent=parent.name if parent else None,
                        origin=parent.origin if parent else origin,
                    )
                )
            trials += below
    return trials


def draw_finals(run: Path, settings: Settings) -> list[dict[str, Any]]:
    """Return final networks of what `run` chose, with real architectures of its generators."""
    finals = []
    each = settings.values["final_networks"]
    size, channels = settings.values["image_size"], settings.values["image_channels"]
    task = Task(size, channels, 10, settings.values["parameter_limit"])
    for place, chosen in enumerate(read_json(run / "finalists.json")):
        for network in range(place * each, (place + 1) * each):
            seed = derive_seed(settings.values["seed"], "final", network)
            architecture = draw_architecture(
                settings.values["generator"],
                chosen["configuration"],
                settings.generator_settings,
                task,
                seed,
            )
            costs = count_complexity(architecture)
            luck = np.random.default_rng(seed).normal(0, 0.004)
            accuracy = round(1 - chosen["validation_error"] - 0.01 + luck, 4)
            finals.append(
                make_final(
                    accuracy,
                    top5=round(1 - (1 - accuracy) / 5, 4),
                    trial=chosen["trial"],
                    memory=costs.sample_memory_bytes,
                    parameters=costs.parameters,
                    multiply_adds=costs.multiply_adds,
                    seed=seed,
                    epochs=settings.values["final_epochs"],
                    architecture=architecture.to_json(),
                    configuration=chosen["configuration"],
                    digest=architecture.hash,
                )
            )
    return finals


@functools.cache
def _read_settings(given: str) -> Settings:
    return load_settings(json.loads(given), ROOT)


def _imagine(
    place: tuple[int, int, int],
    configuration: Configuration,
    budget: int,
    *,
    method: str,
    seed: int,
    parent: str | None = None,
    origin: str = "random",
) -> Trial:
    """Return what might have come of a trial: a better one with more epochs and less chance."""
    rng = np.random.default_rng(derive_seed(seed, *place))
    nodes = [float(value) for name, value in configuration.items() if name.endswith("_nodes")]
    chances = [float(value) for name, value in configuration.items() if name.endswith("_p")]
    slope = 0.1 * float(np.mean(chances)) if chances else 0.05
    error = 0.08 + HELP[method] + slope + 0.2 / (1 + budget) + rng.normal(0, 0.012)
    failed = parent is None and method != "default" and rng.random() < 0.05
    return make_trial(
        place,
        None if failed else round(float(np.clip(error, 0.01, 0.95)), 6),
        budget=budget,
        parent=parent,
        origin=origin,
        configuration=configuration,
        memory=int(3000 * np.prod(nodes) ** 0.7 * rng.uniform(0.8, 1.2)) if nodes else 2**20,
        parameters=int(rng.integers(60_000, 150_000)),
        seconds=round(2.0 * budget * rng.uniform(0.8, 1.2), 3),
        seed=derive_seed(seed, "trial", *place),
    )


def _start_of_last(trials: Sequence[Trial]) -> int:
    brackets = [int(trial.name.split("-")[0][1:]) for trial in trials]
    return brackets.index(max(brackets)) if brackets else 0


def _write_brackets(run: Path, trials: Sequence[Trial]) -> None:
    brackets: dict[str, list[Trial]] = {}
    for trial in trials:
        brackets.setdefault(trial.name.split("-")[0][1:], []).append(trial)
    for bracket, members in brackets.items():
        write_table(run / f"bracket{bracket}" / "trials.csv", tabulate(members))
        write_table(run / f"bracket{bracket}" / "costs.csv", tabulate_costs(members))


def _write_tables(run: Path, trials: Sequence[Trial]) -> None:
    write_table(run / "trials.csv", tabulate(trials))
    write_table(run / "costs.csv", tabulate_costs(trials))


def _write_choice(run: Path, settings: Settings, method: str) -> None:
    table = read_table(run / "trials.csv")
    objectives = settings.values["objectives"]
    reference = complete_reference(table, objectives, settings.reference)
    incumbent = select_incumbent(table)
    chosen = [incumbent]
    if method == "mobo":
        count = min(settings.finalists, int((table["status"] == "ok").sum()))
        found = choose_finalists(table, objectives, reference, count)
        chosen = [row for _, row in found.iterrows()]
    write_json(run / "incumbent.json", describe_trial(incumbent))
    write_json(run / "finalists.json", [describe_trial(row) for row in chosen])
    write_table(run / "front.csv", find_front(table, objectives))
    write_table(run / "hypervolume.csv", trace_hypervolume(table, objectives, reference))


def _write_finals(run: Path, finals: Sequence[Mapping[str, Any]]) -> None:
    for network, final in enumerate(finals):
        write_json(run / "final" / f"{network}.json", final)
    if finals:
        write_table(run / "final.csv", tabulate_finals(finals))
