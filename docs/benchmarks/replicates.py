"""Measure what replicates are worth: `python docs/benchmarks/replicates.py` writes its page.

A search for a front where the noise of a trial differs from generator to generator. The true mean
losses are known, so what a search recommends can be judged by them. Some CPU minutes.
"""

import dataclasses
import itertools
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from ConfigSpace import ConfigurationSpace
from numpy.typing import NDArray
from search_tables import add_measured, describe_spread, is_measured, read_measured, write_rows

from nago.records import Configuration, Proposal, Trial, write_text
from nago.search.brackets import plan_rounds
from nago.search.front import choose_finalists, choose_generators
from nago.search.front import find_front as find_trials_front
from nago.search.generators import tabulate_generators
from nago.search.pareto import find_front, measure_hypervolume
from nago.search.simulate import make_trial, run_search
from nago.search.steps import Search, fit_surrogate
from nago.seeds import derive_seed
from nago.tables import observations, tabulate

Array = NDArray[np.float64]
HERE = Path(__file__).parent
TABLE, PAGE = HERE / "replicates.csv", HERE / "replicates.md"
OBJECTIVES = ("validation_error", "sample_memory_bytes")
REFERENCE = (0.6, 11e6)
INITIAL, ROUNDS, BATCH, FINALISTS = 24, 10, 8, 3
SEEDS: Mapping[str, int] = {"gp": 12, "bnn": 4}
NOISES: Mapping[str, float] = {"differs": 0.1, "low": 0.01}
"""By problem: how much the noise's deviation grows with the hyperparameter that it depends on."""

LOW = 0.005
"""Deviation of the noise where it is least."""

SHOWN = {
    "replicated": 0,
    "generators": 0,
    "misclassified": 0,
    "front": 3,
    "best_tried": 3,
    "finalists": 3,
    "optimism": 3,
    "brier": 1,
    "seconds": 1,
}
HEADINGS = (
    *("tried again", "generators", "misclassified", "front", "best of the tried"),
    *("finalists", "optimism", "squared error of P", "CPU s"),
)
PAIRED = {"misclassified": -1, "front": 1, "finalists": 1}
"""What the pairs of searches are compared by, and whether more is better."""

PAGE_TEXT = """# Replicates

Written by `python docs/benchmarks/replicates.py` from replicates.csv, which it completes; some CPU
minutes in all. What `replicates: adaptive` is worth, and what it is worth to choose generators by
their expected means instead of by single trials.

A search for a front of error and memory over four numbers in [0, 1]: the size (error and memory),
two that the error depends on, and one that decides the noise of a trial alone. The deviation of
the noise is 0.005 where it is least and grows by 0.1 (`differs`) or 0.01 (`low`). {evaluations}
trials each: {initial} evenly spread, then {rounds} rounds of {batch}. The memory is known exactly.
Since the true means are known, what is recommended can be judged by them: median and quartiles
over the seeds.

* **recommended** by the trials: the front of the results, the finalists as without replicates; by
  the means: the front of the means that the model expects, the finalists as with replicates.
  Searches without replicates are judged in both ways, so that the two effects are told apart.
* **misclassified**: generators tried that are recommended and not on the true front of those
  tried, or on it and not recommended.
* **front**: the true hypervolume of what is recommended; **best of the tried**: of all that were
  tried; **finalists**: of the {finalists} chosen ones. Shares of the box below (0.6, 11 MB).
* **optimism**: by how much the finalists' true errors are higher than what their choice went by.
* **squared error of P**: the sum over generators, of the probability to be Pareto-optimal.

{rows}

Searches with replicates beside those without, both by the means, seed by seed: in how many they
are better and worse, and the mean difference with its standard error.

{pairs}
"""


def make_space() -> ConfigurationSpace:
    """Return four numbers: the size, two that decide how good it is, one for the noise."""
    return ConfigurationSpace(dict.fromkeys(("size", "p", "q", "noise"), (0.0, 1.0)))


def tell_truth(configuration: Configuration) -> tuple[float, float]:
    """Return the true mean error and the memory in bytes."""
    size, p, q = (float(configuration[name]) for name in ("size", "p", "q"))
    error = 0.08 + 0.25 * (1 - size) ** 1.5 + 0.4 * (p - 0.4) ** 2 + 0.4 * (q - 0.6) ** 2
    return error, 1e6 * (1 + 9 * size)


def train(name: str, proposal: Proposal, growth: float) -> Trial:
    """Return a trial: the true mean error and noise, by the trial's seed."""
    error, memory = tell_truth(proposal.configuration)
    deviation = LOW + growth * float(proposal.configuration["noise"]) ** 2
    rng = np.random.default_rng(derive_seed(proposal.seed, "noise"))
    measured = float(np.clip(error + deviation * rng.standard_normal(), 0.0, 1.0))
    trial = make_trial(name, proposal, measured)
    return dataclasses.replace(trial, sample_memory_bytes=round(memory))


def compute_exact(configurations: list[Configuration]) -> Array:
    """Return what is known without training, NaN for the error."""
    return np.array([[np.nan, tell_truth(item)[1]] for item in configurations])


def measure(model: str, noise: str, replicates: str, seed: int) -> list[dict[str, object]]:
    """Return a row for each way to recommend generators after a search."""
    start = time.process_time()
    options = {"surrogate": model, "log_losses": [False, True], "reference": list(REFERENCE)}
    search = Search("mobo", make_space(), seed, options, objectives=OBJECTIVES)
    searching = dataclasses.replace(search, options=options | {"replicates": replicates})
    plan = plan_rounds(INITIAL, ROUNDS, BATCH, 1)
    trials = run_search(
        searching,
        lambda name, proposal: train(name, proposal, NOISES[noise]),
        plan,
        1,
        lambda _: compute_exact,
    )
    table = tabulate(trials)
    asked = dataclasses.replace(search, options=options | {"replicates": "adaptive"})
    surrogate = fit_surrogate(asked, observations(table, OBJECTIVES), bracket=len(plan))
    generators = tabulate_generators(search.space, surrogate, table, OBJECTIVES, seed)
    seconds = time.process_time() - start
    losses = np.array([tell_truth(trial.configuration) for trial in trials])
    true = pd.DataFrame(losses, index=table["trial"], columns=OBJECTIVES)
    tried = true.loc[generators["trial"]]
    counted = generators[["expected_validation_error", "mean_sample_memory_bytes"]].to_numpy()
    chosen = {
        "by the trials": (
            find_trials_front(table, OBJECTIVES)["trial"],
            choose_finalists(table, OBJECTIVES, REFERENCE, FINALISTS)["trial"],
        ),
        "by the means": (
            generators.loc[find_front(counted), "trial"],
            choose_generators(generators, table, OBJECTIVES, REFERENCE, FINALISTS)["trial"],
        ),
    }
    on_front = tried[find_front(tried.to_numpy())]
    best = share(on_front)
    rows: list[dict[str, object]] = []
    for way, (front, finalists) in chosen.items():
        if replicates == "adaptive" and way == "by the trials":
            continue
        wrong = set(front) ^ set(on_front.index)
        promised = table.set_index("trial").loc[finalists, "validation_error"].to_numpy()
        if way == "by the means":
            named = generators.set_index("trial")["expected_validation_error"]
            promised = named.loc[finalists].to_numpy()
        rows.append(
            {
                "noise": noise,
                "model": model,
                "replicates": replicates,
                "recommended": way,
                "seed": seed,
                "generators": len(generators),
                "replicated": int((table["origin"] == "replicate").sum()),
                "misclassified": len(wrong),
                "front": share(true.loc[front]),
                "best_tried": best,
                "finalists": share(true.loc[finalists]),
                "optimism": float(
                    (true.loc[finalists, "validation_error"].to_numpy() - promised).mean()
                ),
                "brier": score(generators, on_front) if way == "by the means" else np.nan,
                "seconds": seconds,
            }
        )
    return rows


def share(losses: pd.DataFrame) -> float:
    """Return the hypervolume of losses as a share of the box from 0 to the reference."""
    point = np.array(REFERENCE)
    return measure_hypervolume(losses.to_numpy() / point, np.ones(2))


def score(generators: pd.DataFrame, on_front: pd.DataFrame) -> float:
    """Return the sum of squared errors of the probabilities to be Pareto-optimal."""
    truth = generators["trial"].isin(on_front.index)
    return float(((generators["probability_pareto_optimal"] - truth) ** 2).sum())


def describe(table: pd.DataFrame) -> str:
    """Return the page."""
    rows = []
    for key, group in table.groupby(["noise", "model", "replicates", "recommended"], sort=False):
        cells = [
            describe_spread(group[name].dropna().tolist(), digits)
            for name, digits in SHOWN.items()
        ]
        rows.append([*key, *cells])
    compared = [f"{name}: better, worse, difference" for name in PAIRED]
    return PAGE_TEXT.format(
        rows=write_rows(["noise", "model", "replicates", "recommended", *HEADINGS], rows),
        pairs=write_rows(["noise", "model", "seeds", *compared], compare(table)),
        evaluations=INITIAL + ROUNDS * BATCH,
        initial=INITIAL,
        rounds=ROUNDS,
        batch=BATCH,
        finalists=FINALISTS,
    )


def compare(table: pd.DataFrame) -> list[list[object]]:
    """Return a row for each problem and model: adaptive beside once, both by the means."""
    rows: list[list[object]] = []
    by_means = table[table["recommended"] == "by the means"]
    for (noise, model), group in by_means.groupby(["noise", "model"], sort=False):
        sides = {way: part.set_index("seed") for way, part in group.groupby("replicates")}
        cells: list[object] = [noise, model, len(sides["once"])]
        for name, sign in PAIRED.items():
            gaps = sides["adaptive"][name] - sides["once"][name]
            error = gaps.std(ddof=1) / len(gaps) ** 0.5
            better, worse = int((sign * gaps > 0).sum()), int((sign * gaps < 0).sum())
            cells.append(f"{better}, {worse}, {gaps.mean():+.3g} ± {error:.2g}")
        rows.append(cells)
    return rows


def main() -> None:
    """Measure what the table lacks, write the page."""
    for noise, model in itertools.product(NOISES, SEEDS):
        for seed, replicates in itertools.product(range(SEEDS[model]), ("once", "adaptive")):
            key = {"noise": noise, "model": model, "replicates": replicates, "seed": seed}
            if not is_measured(read_measured(TABLE, list(key)), key):
                add_measured(TABLE, measure(model, noise, replicates, seed))
    write_text(PAGE, describe(read_measured(TABLE, [])))


if __name__ == "__main__":
    main()
