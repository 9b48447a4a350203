"""Searches in which trainings fail: how often do they go back to where something failed?

Writes failures.csv, a row for each search and way to fail, and prints the tables of failures.md.
The trainings are formulas, so that a search takes seconds to minutes; what fails, and where, is
injected: regions in which every training runs out of memory, diverges or takes too long, each
across a part of the best front, and single trials anywhere that diverge by their seed.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from ConfigSpace import ConfigurationSpace
from numpy.typing import NDArray
from scipy.stats import binomtest, qmc

from nago.records import Configuration, Proposal, Trial, parse_trial_name
from nago.search.brackets import Rung, count_seen, plan_rounds, plan_search
from nago.search.encoding import Array, Encoding
from nago.search.methods import find_method
from nago.search.simulate import run_search
from nago.search.steps import Search
from nago.seeds import derive_seed
from nago.tables import write_table

TABLE = Path(__file__).with_suffix(".csv")

RADIUS = 0.15
"""Of a ball around a failed trial, where the hyperparameters have a range of 1 each."""

SINGLE = 0.05
"""Share of the trials that diverge by their seed, wherever they are."""

POINTS = 2**13
"""Sobol points that tell what share of the space is somewhere."""

WAYS = ("out_of_memory", "diverged", "timed_out", "single")

SHORT = {"burn_in": 1000, "steps": 2000, "keep_every": 50, "folds": 0}
"""Of the sampler of bnn: a third of what a search takes, for the sake of time."""

ROUNDS = plan_rounds(20, 10, 6, 9)
BRACKETS = plan_search(15, 1, 9, 3)
CONTESTANTS: Mapping[str, tuple[str, Mapping[str, Any], Sequence[Sequence[Rung]]]] = {
    "mobo, gp": ("mobo", {"surrogate": "gp"}, ROUNDS),
    "mobo, gp, uncertainty": ("mobo", {"surrogate": "gp", "selection": "uncertainty"}, ROUNDS),
    "mobo, bnn": ("mobo", {"surrogate": "bnn", "surrogate_options": SHORT}, ROUNDS),
    "mobohb, density": ("mobohb", {"model": "density"}, BRACKETS),
    "mobohb, surrogate gp": ("mobohb", {"model": "surrogate", "surrogate": "gp"}, BRACKETS),
    "bohb": ("bohb", {}, BRACKETS),
    "bohb, failures at all budgets": ("bohb", {"failures": "all_budgets"}, BRACKETS),
}
"""The methods by name: method, options, plan. 80 trials in rounds; 101 in brackets."""


def make_space() -> ConfigurationSpace:
    """Return two floats and two numbers of nodes, all of which matter."""
    return ConfigurationSpace({"p": (0.0, 1.0), "q": (0.0, 1.0), "n": (1, 20), "k": (1, 20)})


def measure_size(values: Configuration) -> float:
    """Return how large a network is, in (0, 1]."""
    return (float(values["n"]) + float(values["k"])) / 40


def measure_error(values: Configuration, budget: int) -> float:
    """Return an error in [0, 1]: large networks, p near 0.5 and q near 0.35 are best."""
    p, q = float(values["p"]), float(values["q"])
    size = measure_size(values)
    return 0.05 + 0.4 * (1 - size) ** 2 + 0.5 * ((p - 0.5) ** 2 + (q - 0.35) ** 2) + 0.1 / budget


def find_region(values: Configuration) -> str | None:
    """Return in which way all trainings of a configuration fail, None if they don't."""
    size, p, q = measure_size(values), float(values["p"]), float(values["q"])
    if size > 0.75:
        return "out_of_memory"
    if 0.35 < p < 0.65 and q < 0.3:
        return "diverged"
    return "timed_out" if size > 0.5 and q > 0.7 else None


def find_way(values: Configuration, seed: int) -> str | None:
    """Return in which way a training fails, None if it doesn't."""
    alone = derive_seed(seed, "single") / 2**32 < SINGLE
    return find_region(values) or ("single" if alone else None)


def train(name: str, proposal: Proposal) -> Trial:
    """Return the trial of a proposal; `error` says in which way it failed."""
    values = proposal.configuration
    way = find_way(values, proposal.seed)
    return Trial(
        name=name,
        configuration=values,
        budget=proposal.budget,
        seed=proposal.seed,
        origin=proposal.origin,
        parent=proposal.parent,
        status={None: "ok", "single": "diverged"}.get(way, str(way)),
        epochs=proposal.budget,
        validation_error=None if way else measure_error(values, proposal.budget),
        hash=None,
        width=None,
        nodes=None,
        parameters=1,
        multiply_adds=1,
        sample_memory_bytes=round(1e6 * measure_size(values)),
        error=way,
        cost={},
    )


@dataclass(frozen=True, slots=True)
class Found:
    """What a search did about one way to fail.

    `failed` trials failed so. Of the `proposals` that a model made when some were known, `nearest`
    have one of those as the nearest of all known trials, `within` have one within RADIUS, and
    `again` failed so themselves; `chance_…` is how many of as many random ones would.
    """

    failed: int
    proposals: int
    nearest: int
    chance_nearest: float
    within: int
    chance_within: float
    again: int
    chance_again: float


def run(contestant: str, seed: int) -> dict[str, Found]:
    """Run a search and return what it did, by the way to fail."""
    method, options, plan = CONTESTANTS[contestant]
    several = find_method(method).multi_objective
    objectives = ("validation_error", "sample_memory_bytes") if several else ("validation_error",)
    logs = {"log_losses": [False, True]} if several else {}
    search = Search(method, make_space(), seed, {**options, **logs}, objectives=objectives)
    trials = run_search(search, train, plan, 1)
    return {way: look_back(trials, way, method, seed) for way in WAYS}


def look_back(trials: Sequence[Trial], way: str, method: str, seed: int) -> Found:
    """Return how often proposals went where trials had failed in a way, beside chance."""
    encoding = Encoding(make_space())
    sobol = encoding.snap(qmc.Sobol(4, seed=derive_seed(seed, "chance")).random(POINTS))
    points = encoding.describe(sobol)
    regions = [find_region(values) for values in encoding.decode(sobol)]
    share = np.mean([region == way for region in regions])
    if way == "single":
        share = SINGLE * np.mean([region is None for region in regions])
    makes_initial = find_method(method).begins_with_points
    totals = np.zeros(7)
    for bracket in sorted({find_bracket(trial) for trial in trials}):
        number = count_seen(bracket, 1, makes_initial=makes_initial)
        known = [trial for trial in trials if find_bracket(trial) < number]
        failed = np.array([trial.error == way for trial in known], dtype=bool)
        new = [trial for trial in trials if find_bracket(trial) == bracket and is_asked(trial)]
        if not (failed.any() and new):
            continue
        seen = encoding.describe(encoding.encode([trial.configuration for trial in known]))
        asked = encoding.describe(encoding.encode([trial.configuration for trial in new]))
        own, chance = count_near(asked, seen, failed), count_near(points, seen, failed)
        n, scale = len(new), len(new) / POINTS
        again = sum(trial.error == way for trial in new)
        totals += (n, own[0], scale * chance[0], own[1], scale * chance[1], again, n * share)
    return Found(sum(trial.error == way for trial in trials), *totals.tolist())


def find_bracket(trial: Trial) -> int:
    """Return the number of a trial's bracket."""
    return parse_trial_name(trial.name)[0]


def is_asked(trial: Trial) -> bool:
    """Return whether a model proposed a trial, for this place."""
    return trial.parent is None and trial.origin == "model"


def count_near(places: Array, seen: Array, failed: NDArray[np.bool_]) -> tuple[int, int]:
    """Return of how many places (n, d) the nearest trial failed, and how many are near a failure.

    Args:
        places: of proposals or points.
        seen: of all known trials, (t, d).
        failed: which of them failed in the way in question, (t,).
    """
    squares = ((places[:, None, :] - seen[None, :, :]) ** 2).sum(axis=2)
    to_failure = squares[:, failed].min(axis=1)
    to_others = squares[:, ~failed].min(axis=1, initial=np.inf)
    return int((to_failure < to_others).sum()), int((to_failure < RADIUS**2).sum())


MEASURES = ("nearest", "within", "again")
"""What is counted of proposals and of chance."""


def summarise(table: pd.DataFrame) -> pd.DataFrame:
    """Return shares (%) of all seeds together, a row per contestant and way to fail.

    Intervals are Clopper and Pearson's, of 95%, as if proposals were independent.
    """
    rows = []
    for (contestant, way), group in table.groupby(["contestant", "way"], sort=False):
        number = int(group["proposals"].sum())
        row = {"contestant": contestant, "way": way, "seeds": group["seed"].nunique()}
        row |= {"failed": int(group["failed"].sum()), "proposals": number}
        for name in MEASURES if number else ():
            hits = int(group[name].sum())
            interval = binomtest(hits, number).proportion_ci(0.95)
            row |= {
                name: 100 * hits / number,
                f"{name}_low": 100 * interval[0],
                f"{name}_high": 100 * interval[1],
                f"{name}_chance": 100 * float(group[f"chance_{name}"].sum()) / number,
            }
        rows.append(row)
    return pd.DataFrame(rows)


def describe(summary: pd.DataFrame) -> str:
    """Return the summary as a table of Markdown; beside each share its interval and chance."""
    lines = [
        "| search | failure | seeds | failed | proposals | nearest to one (%) | by chance"
        f" | within {RADIUS} of one (%) | by chance | fail so again (%) | by chance |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in summary.to_dict("records"):
        cells = [
            *(row["contestant"], str(row["way"]).replace("_", " ")),
            *(row["seeds"], row["failed"], row["proposals"]),
        ]
        for name in MEASURES:
            low, high = row[f"{name}_low"], row[f"{name}_high"]
            cells += [f"{row[name]:.1f} ({low:.1f} to {high:.1f})", f"{row[f'{name}_chance']:.1f}"]
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run the searches that the table lacks, add them, print the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10, help="of each contestant, from 0 on")
    parser.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=[*CONTESTANTS])
    parser.add_argument("--output", type=Path, default=TABLE)
    args = parser.parse_args()

    columns = ["contestant", "seed", "way"]
    table = pd.read_csv(args.output) if args.output.exists() else pd.DataFrame(columns=columns)
    for contestant in args.contestants:
        for seed in range(args.seeds):
            if ((table["contestant"] == contestant) & (table["seed"] == seed)).any():
                continue
            rows = [
                {"contestant": contestant, "seed": seed, "way": way}
                | {name: getattr(found, name) for name in Found.__slots__}
                for way, found in run(contestant, seed).items()
            ]
            new = pd.DataFrame(rows).round(4)
            table = pd.concat([table, new], ignore_index=True) if len(table) else new
            write_table(args.output, table)
    print(describe(summarise(table)))


if __name__ == "__main__":
    main()
