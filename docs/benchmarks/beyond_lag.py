"""What `lag`, the brackets in flight, costs a search in quality and saves it in time.

`python docs/benchmarks/beyond_lag.py` measures what is missing in beyond/lag-quality.csv and
beyond/lag-time.csv. Searches are made by the steps of the workflow on cheap functions; their
trainings end when the forecast's simulation of the jobs says. Nothing is trained. The unit of time
is an epoch on one GPU.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from beyond_functions import BUDGETS, ETA, FUNCTIONS, find_best, follow
from beyond_problems import branin_currin, make_problem
from ConfigSpace import ConfigurationSpace
from search_tables import (
    NOT_MEASURED,
    add_measured,
    describe_spread,
    is_measured,
    read_measured,
    write_rows,
)

from nago.comparison import load_comparison
from nago.forecast.calibration import Assumed
from nago.forecast.outlook import recommend_lag
from nago.forecast.population import draw_population
from nago.forecast.schedule import LAGS as RECOMMENDED
from nago.forecast.schedule import Order, list_trainings, simulate_jobs
from nago.forecast.simulation import Images, simulate_times
from nago.records import Proposal, Trial
from nago.search.brackets import plan_full_budget, plan_search
from nago.search.simulate import make_trial, run_search
from nago.search.steps import Search
from nago.seeds import derive_seed

ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent / "beyond"
QUALITY, TIME = FOLDER / "lag-quality.csv", FOLDER / "lag-time.csv"
QUALITY_COLUMNS = ("problem", "method", "lag", "seed", "gpus", "time", "score")
TIME_COLUMNS = ("trainings", "gpus", "lag", "seed", "end", "work")

ITERATIONS = 60
LAGS = (1, 2, 4, 8)
TIMED = (*RECOMMENDED, 16)
"""The lags whose wall time is simulated: those that the forecast tries, and more."""
SHOWN = (*LAGS, 16)
GPUS = (1, 4, 16, 64)
PARTS = (0.25, 0.5, 1.0)
"""When to look, as shares of the time that the quickest lag takes on so many GPUs."""
SEEDS = 10
UNEVEN = 21
"""Searches whose trainings take uneven times."""

MOMF = "MOMF-BraninCurrin"
METHODS = {"counting ones 4+4": "bohb", "Hartmann 6": "bohb", MOMF: "mobohb"}
"""By problem: the method that is measured, beside random search."""
OBJECTIVES = ("validation_error", "sample_memory_bytes")
UNIT = 1_000_000
"""The second loss is kept in the column of the memory, which holds whole numbers."""

Objective = Callable[[str, Proposal], Trial]
Rate = Callable[[Sequence[Trial]], float]


def main() -> None:
    """Measure what is missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--problems", nargs="+", choices=METHODS, default=list(METHODS))
    parser.add_argument("--seeds", type=int, default=SEEDS)
    args = parser.parse_args()
    measure_times()
    for seed in range(args.seeds):
        for problem in args.problems:
            for lag in LAGS:
                measure_quality(problem, METHODS[problem], lag, seed)
            measure_quality(problem, "random", 1, seed)


def measure_quality(problem: str, method: str, lag: int, seed: int) -> None:
    """Make one search, unless it is there, and note what it is worth in the course of time."""
    key = {"problem": problem, "method": method, "lag": lag, "seed": seed}
    if is_measured(read_measured(QUALITY, QUALITY_COLUMNS), key):
        return
    learns = method != "random"
    make_plan = plan_search if learns else plan_full_budget
    plan = make_plan(ITERATIONS, BUDGETS[0], BUDGETS[-1], ETA)
    space, train, rate = make_objective(problem, derive_seed(seed, "lag", problem))
    objectives = OBJECTIVES if problem == MOMF else OBJECTIVES[:1]
    options = {"model": "density"} if method == "mobohb" else {}
    search = Search(method, space, seed, options, objectives=objectives)
    trials = run_search(search, train, plan, lag)
    epochs = [float(trial.budget) for trial in trials]
    rows = []
    for gpus in GPUS:
        times = list_times(gpus)
        ends = simulate_jobs(Order(plan, lag, learns), epochs, gpus).ends
        scores = follow(trials, ends, times, rate)
        rows += [
            key | {"gpus": gpus, "time": time, "score": round(score, 6)}
            for time, score in zip(times, scores, strict=True)
        ]
    add_measured(QUALITY, rows)
    print(*key.values(), rows[len(PARTS) - 1]["score"], flush=True)


def make_objective(problem: str, seed: int) -> tuple[ConfigurationSpace, Objective, Rate]:
    """Return the space of a problem, what makes its trials, and what trials are worth.

    Of one loss that is the regret of the incumbent, without noise; of two the hypervolume of all
    trials, as a share of the largest possible.

    Args:
        problem: its name in METHODS.
        seed: of the noise.
    """
    if problem == MOMF:
        return _make_momf()
    function = FUNCTIONS[problem]()

    def train(name: str, proposal: Proposal) -> Trial:
        rng = np.random.default_rng(derive_seed(seed, "noise", name))
        error = function.observe(proposal.configuration, proposal.budget, rng)
        return make_trial(name, proposal, error)

    def rate(trials: Sequence[Trial]) -> float:
        return function.regret(find_best(trials).configuration) if trials else np.nan

    return function.space, train, rate


def _make_momf() -> tuple[ConfigurationSpace, Objective, Rate]:
    """Return Branin and Currin with a fidelity; there is no noise."""
    problem = make_problem(MOMF)
    space = ConfigurationSpace({"x0": (0.0, 1.0), "x1": (0.0, 1.0)})

    def train(name: str, proposal: Proposal) -> Trial:
        values = proposal.configuration
        fidelity = proposal.budget / BUDGETS[-1]
        first, second = branin_currin(float(values["x0"]), float(values["x1"]), fidelity)
        trial = make_trial(name, proposal, first)
        return replace(trial, sample_memory_bytes=round(second * UNIT))

    def rate(trials: Sequence[Trial]) -> float:
        at_largest = [trial for trial in trials if trial.budget == BUDGETS[-1]]
        losses = np.array(
            [[t.validation_error, (t.sample_memory_bytes or 0) / UNIT] for t in at_largest]
        ).reshape(-1, 2)
        return problem.share(losses)

    return space, train, rate


@cache
def list_times(gpus: int) -> tuple[float, ...]:
    """Return when to look at searches on so many GPUs: before the quickest of them ends."""
    plan = plan_search(ITERATIONS, BUDGETS[0], BUDGETS[-1], ETA)
    epochs = [float(number) for *_, number in list_trainings(plan, continues=False)]
    quickest = min(simulate_jobs(Order(plan, lag), epochs, gpus).end for lag in LAGS)
    return tuple(part * quickest for part in PARTS)


def measure_times() -> None:
    """Simulate the jobs of the search at each lag, unless that is there."""
    if len(read_measured(TIME, TIME_COLUMNS)):
        return
    plan = plan_search(ITERATIONS, BUDGETS[0], BUDGETS[-1], ETA)
    even = np.array([[float(number) for *_, number in list_trainings(plan, continues=False)]])
    rows = []
    for name, searches in (("even", even), ("uneven", draw_uneven())):
        for seed, durations in enumerate(searches.tolist()):
            for gpus in GPUS:
                for lag in TIMED:
                    end = simulate_jobs(Order(plan, lag), durations, gpus).end
                    key = {"trainings": name, "gpus": gpus, "lag": lag, "seed": seed}
                    rows.append(key | {"end": round(end, 3), "work": round(sum(durations), 3)})
    add_measured(TIME, rows)


def draw_uneven() -> np.ndarray:
    """Return epochs' worth of each training, (UNEVEN, trainings), as the forecast draws them.

    Of the networks of HNAG on CIFAR-10, an epoch takes as long as their multiply-adds, on average
    one unit of time.
    """
    given = {"dataset": "cifar10", "iterations": ITERATIONS}
    settings = load_comparison(given, ROOT).all[0].settings
    population = draw_population(settings, None)
    speed = Assumed(1.0, UNEVEN)
    return simulate_times(settings, population, speed, Images(1.0, 1.0)).search


INTRODUCTION = f"""## Brackets in flight

With a `lag` of l, a bracket learns from those up to the one l before it, so l of them run at a
time. More keep more GPUs busy, and know less when they choose. Here both are simulated, and
nothing is trained: searches of {ITERATIONS} brackets (budgets {BUDGETS[0]} to {BUDGETS[-1]}, eta
{ETA}: 260 trainings, 19,200 epochs) by the steps of the workflow on cheap functions; their
trainings end when the forecast's own simulation of the jobs says. The unit of time is an epoch on
one GPU.

* `bohb` on counting ones (4 choices and 4 chances, observed by as many draws as the budget has
  epochs) and on Hartmann's function of 6 variables (the fidelity is the share of the largest
  budget; noise of a deviation of 0.1 at that, more by the root below). What counts is the regret
  of the incumbent, without noise; less is better.
* `mobohb` with its densities on MOMF-BraninCurrin, without noise: the hypervolume as a share of
  the largest possible; more is better."""


def describe_lag() -> str:
    """Return the section of the page, from what was measured."""
    times = read_measured(TIME, TIME_COLUMNS)
    quality = keep_whole_seeds(read_measured(QUALITY, QUALITY_COLUMNS))
    if not len(times) or not len(quality):
        return f"{INTRODUCTION}\n\n{NOT_MEASURED}"
    return "\n\n".join(
        [
            INTRODUCTION,
            "### Quality at equal epochs",
            describe_quality(quality),
            "### Wall time",
            describe_times(times),
            "### Quality at equal wall time",
            describe_both(quality),
        ]
    )


def keep_whole_seeds(quality: pd.DataFrame) -> pd.DataFrame:
    """Return the searches of seeds that have all lags and random search of their problem."""
    made = quality.drop_duplicates(["problem", "method", "lag", "seed"])
    counts = made.groupby(["problem", "seed"]).size()
    whole = counts[counts == len(LAGS) + 1].index
    return quality[pd.MultiIndex.from_frame(quality[["problem", "seed"]]).isin(whole)]


def describe_quality(quality: pd.DataFrame) -> str:
    """Return the tables of what a search of so many epochs is worth, by its lag."""
    total = list_times(1)[-1]
    head = ["problem", "epochs", *(f"lag {lag}" for lag in LAGS), "random"]
    rows = []
    for problem in METHODS:
        for time in list_times(1):
            found = _choose(quality, problem, 1, time)
            rows.append(
                [
                    problem,
                    f"{time:,.0f}",
                    *(describe_spread(_scores(found, lag), 3) for lag in LAGS),
                    describe_spread(_scores(found, None), 3),
                ]
            )
    at_end = {problem: _choose(quality, problem, 1, total) for problem in METHODS}
    against = "; ".join(
        f"{problem} {', '.join(_compare(found, lag) for lag in LAGS[1:])}"
        for problem, found in at_end.items()
    )
    seeds = quality.groupby("problem")["seed"].nunique()
    made = ", ".join(f"{seeds[problem]} on {problem}" for problem in METHODS)
    return "\n\n".join(
        [
            f"Median and quartiles over seeds: {made}.",
            write_rows(head, rows),
            "In how many seeds a lag was better than, as good as and worse than lag 1 at the end:"
            f" {against}.",
        ]
    )


def _choose(quality: pd.DataFrame, problem: str, gpus: int, time: float) -> pd.DataFrame:
    at = np.isclose(quality["time"].astype(float), time)
    return quality[(quality["problem"] == problem) & (quality["gpus"] == gpus) & at]


def _scores(found: pd.DataFrame, lag: int | None) -> list[float]:
    """Return the scores of a lag in the order of the seeds; those of random search if None."""
    random = found["method"] == "random"
    chosen = found[random] if lag is None else found[~random & (found["lag"] == lag)]
    return [float(score) for score in chosen.sort_values("seed")["score"]]


def _compare(found: pd.DataFrame, lag: int) -> str:
    """Return in how many seeds a lag was better, equal and worse than lag 1."""
    sign = -1 if found["problem"].iloc[0] == MOMF else 1
    pairs = zip(_scores(found, 1), _scores(found, lag), strict=True)
    gains = [sign * (one - other) for one, other in pairs]
    better, worse = sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)
    return f"{better}/{len(gains) - better - worse}/{worse} at {lag}"


def describe_times(times: pd.DataFrame) -> str:
    """Return the table of wall times over the ideal, and the lag that the forecast recommends."""
    share = times["end"] * times["gpus"] / times["work"]
    medians = times.assign(share=share).groupby(["trainings", "gpus", "lag"])[["share", "end"]]
    table = medians.median()
    rows = []
    for name in ("even", "uneven"):
        for gpus in GPUS:
            shares = [table["share"][name, gpus, lag] for lag in SHOWN]
            ends = {lag: float(table["end"][name, gpus, lag]) for lag in RECOMMENDED}
            cells = [f"{value:.2f} ({1 / value:.0%})" for value in shares]
            rows.append([name, gpus, *cells, recommend_lag(ends)])
    return "\n\n".join(
        [
            "Over the ideal, all GPUs busy all the time; in brackets the share of the GPUs that is"
            " busy. Trainings take as long as their epochs (even), or as networks drawn from HNAG"
            f" by the forecast do (uneven, median of {UNEVEN} searches). `nago forecast --gpus 16`"
            " recommends the smallest lag within a tenth of the best, from the plan and the"
            " networks of the search in question; the last column is that rule here, of 1 to 8.",
            write_rows(
                ["trainings", "GPUs", *(f"lag {lag}" for lag in SHOWN), "recommended"],
                rows,
            ),
        ]
    )


def describe_both(quality: pd.DataFrame) -> str:
    """Return the table of what a search is worth after a time on so many GPUs."""
    head = ["problem", "GPUs", "time", *(f"lag {lag}" for lag in LAGS), "random"]
    rows = []
    for problem in METHODS:
        for gpus in GPUS[1:]:
            for time in list_times(gpus)[1:]:
                found = _choose(quality, problem, gpus, time)
                medians = [
                    float(np.median(scores)) if (scores := _scores(found, lag)) else np.nan
                    for lag in (*LAGS, None)
                ]
                best = (max if problem == MOMF else min)(medians[:-1])
                cells = [f"{v:.3f}" if v != best else f"**{v:.3f}**" for v in medians]
                rows.append([problem, gpus, f"{time:,.0f}", *cells])
    return "\n\n".join(
        [
            "Medians after half of the time that the quickest lag takes for all its brackets on so"
            " many GPUs, and after all of it; the best lag is bold. A smaller lag has not come to"
            " its end by then. Random search waits for nothing.",
            write_rows(head, rows),
        ]
    )


if __name__ == "__main__":
    main()
