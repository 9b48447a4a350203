"""What `continue` saves in epochs, and what it does to the quality of a search.

`python docs/benchmarks/beyond_continuation.py` makes the searches that are missing in
beyond/continuation.csv, by the steps of the workflow on cheap functions with noise. Nothing is
trained. How strong the noise of real trainings is comes from the replication's tables.
"""

import argparse
import itertools
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from beyond_functions import (
    BUDGETS,
    ETA,
    FUNCTIONS,
    Array,
    find_best,
    follow,
    measure_deviation,
)
from scipy.stats import wilcoxon
from search_tables import (
    NOT_MEASURED,
    add_measured,
    describe_spread,
    is_measured,
    read_measured,
    write_rows,
)

from nago.forecast.schedule import Order, Plan, list_trainings, simulate_jobs
from nago.records import Proposal, Trial
from nago.search.brackets import plan_search
from nago.search.simulate import make_trial, run_search
from nago.search.steps import Search
from nago.seeds import derive_seed
from nago.tables import read_table

TABLE = Path(__file__).parent / "beyond/continuation.csv"
RUNS = Path(__file__).parents[1] / "replication/runs"
COLUMNS = (
    *("function", "search", "architecture", "keep", "seed"),
    *("epochs", "generator", "network"),
)

ITERATIONS = 30
PARTS = (0.5, 1.0)
"""When to look, as shares of the epochs of the search that keeps nothing."""

ARCHITECTURE = (0.0, 0.25, 0.5, 1.0)
TRAINING = 0.25
"""Deviations of the noise of an architecture, and of a training, over that of configurations."""

CLEAR = 0.05
NEVER = 10**6
SEARCHES = {
    "bohb": ({}, 10),
    # Without a model only the promotion is left, and a search takes no time.
    "hyperband": ({"min_points_in_model": NEVER}, 50),
}
"""By name: options of BOHB, and seeds."""


def main() -> None:
    """Make the searches that are missing."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--searches", nargs="+", choices=SEARCHES, default=list(SEARCHES))
    parser.add_argument("--functions", nargs="+", choices=FUNCTIONS, default=list(FUNCTIONS))
    args = parser.parse_args()
    for name in args.searches:
        for seed in range(SEARCHES[name][1]):
            for function in args.functions:
                for architecture in ARCHITECTURE:
                    for keep in (False, True):
                        measure_search(function, name, architecture, keep=keep, seed=seed)


def measure_search(
    function: str, search: str, architecture: float, *, keep: bool, seed: int
) -> None:
    """Make one search, unless it is there, and note its regret in the course of its epochs."""
    key = {"function": function, "search": search, "architecture": architecture}
    key |= {"keep": keep, "seed": seed}
    if is_measured(read_measured(TABLE, COLUMNS), key):
        return
    noisy = Noisy(function, architecture, derive_seed(seed, "continuation", function))
    plan = plan_search(count_brackets(keep=keep), BUDGETS[0], BUDGETS[-1], ETA)
    options = SEARCHES[search][0]
    trials = run_search(
        Search("bohb", noisy.function.space, seed, options, keep=keep), noisy.train, plan, 1
    )
    ends = np.cumsum([epochs for *_, epochs in list_trainings(plan, continues=keep)])
    total = count_epochs(plan_search(ITERATIONS, BUDGETS[0], BUDGETS[-1], ETA), continues=False)
    times = [part * total for part in PARTS]
    add_measured(
        TABLE,
        [
            key
            | {
                "epochs": int(time),
                "generator": round(follow(trials, ends.tolist(), [time], noisy.rate)[0], 5),
                "network": round(follow(trials, ends.tolist(), [time], noisy.rate_network)[0], 5),
            }
            for time in times
        ],
    )


class Noisy:
    """A function whose architectures and trainings differ, in units of its deviation.

    The error of a trial is the value of its configuration at its budget, plus what its
    architecture adds, at every budget the same, plus what its training adds.
    """

    def __init__(self, function: str, architecture: float, seed: int) -> None:
        self.function = FUNCTIONS[function]()
        self._deviation = measure_deviation(function)
        self._architecture = architecture
        self._seed = seed

    def train(self, name: str, proposal: Proposal) -> Trial:
        """Return the trial of a proposal."""
        value = self.function.evaluate(proposal.configuration, proposal.budget)
        value += self._offset(proposal.seed)
        value += TRAINING * self._deviation * self._draw("training", name)
        return make_trial(name, proposal, value)

    def rate(self, trials: Sequence[Trial]) -> float:
        """Return the regret of the incumbent's generator, without noise, in deviations."""
        return self.function.regret(find_best(trials).configuration) / self._deviation

    def rate_network(self, trials: Sequence[Trial]) -> float:
        """Return the same of the incumbent's own architecture; below 0 if it is a lucky one."""
        best = find_best(trials)
        regret = self.function.regret(best.configuration) + self._offset(best.seed)
        return regret / self._deviation

    def _offset(self, seed: int) -> float:
        """Return what an architecture adds; its seed tells it from all others of a search."""
        return self._architecture * self._deviation * self._draw("architecture", seed)

    def _draw(self, *names: str | int) -> float:
        return float(np.random.default_rng(derive_seed(self._seed, *names)).standard_normal())


def count_epochs(plan: Plan, *, continues: bool) -> int:
    """Return the epochs that a search trains."""
    return sum(epochs for *_, epochs in list_trainings(plan, continues=continues))


def count_saving(plan: Plan) -> float:
    """Return the share of the epochs of a search that it saves by going on."""
    return 1 - count_epochs(plan, continues=True) / count_epochs(plan, continues=False)


def count_brackets(*, keep: bool) -> int:
    """Return the brackets that spend the epochs of ITERATIONS brackets that keep nothing."""
    if not keep:
        return ITERATIONS
    total = count_epochs(plan_search(ITERATIONS, BUDGETS[0], BUDGETS[-1], ETA), continues=False)
    number = ITERATIONS
    while True:
        plan = plan_search(number, BUDGETS[0], BUDGETS[-1], ETA)
        if count_epochs(plan, continues=True) >= total:
            return number
        number += 1


def measure_noise(trials: pd.DataFrame) -> pd.DataFrame:
    """Return how noisy promoted trials are: a row for each two budgets.

    If the errors of a configuration at two budgets differed by noise only, of deviation s over
    that of the configurations, their correlation would be r = 1 / (1 + s^2). That budgets differ
    in more, and that only the better trials are promoted, makes r less: s is too large, if
    anything.

    Args:
        trials: of a search whose promoted trials draw a new architecture, as in trials.csv.

    Returns:
        the columns `below`, `above` (budgets), `pairs`, `correlation` and `noise` (s).
    """
    good = trials[trials["status"] == "ok"]
    parents = good[["trial", "budget", "validation_error"]]
    pairs = good.dropna(subset=["parent"]).merge(
        parents, left_on="parent", right_on="trial", suffixes=("", "_below")
    )
    rows = []
    budgets = sorted(set(zip(pairs["budget_below"], pairs["budget"], strict=True)))
    for below, above in budgets:
        found = pairs[(pairs["budget_below"] == below) & (pairs["budget"] == above)]
        correlation = float(
            np.corrcoef(found["validation_error"], found["validation_error_below"])[0, 1]
        )
        noise = math.sqrt(1 / correlation - 1) if correlation > 0 else math.inf
        rows.append((int(below), int(above), len(found), correlation, noise))
    return pd.DataFrame(rows, columns=["below", "above", "pairs", "correlation", "noise"])


INTRODUCTION = """## Continuation

With `continue: true` a promoted trial keeps its architecture and trains only the epochs that its
parent hasn't; by default, as in the paper, a new architecture of the same generator is drawn and
trained from the start."""


def describe_continuation() -> str:
    """Return the section of the page, from what was measured."""
    parts = [
        INTRODUCTION,
        "### Epochs and time",
        describe_saving(),
        "### How noisy trainings are",
        describe_noise(),
        "### Quality at equal epochs",
    ]
    table = read_measured(TABLE, COLUMNS)
    return "\n\n".join([*parts, describe_quality(table) if len(table) else NOT_MEASURED])


def describe_saving() -> str:
    """Return what going on saves at the paper's setting, by the plan."""
    plan = plan_search(60, BUDGETS[0], BUDGETS[-1], ETA)
    ends, epochs = {}, {}
    for continues in (False, True):
        durations = [float(number) for *_, number in list_trainings(plan, continues=continues)]
        epochs[continues] = int(sum(durations))
        ends[continues] = simulate_jobs(Order(plan, lag=1), durations, None).end
    return (
        f"At the paper's setting (60 brackets, budgets {', '.join(map(str, BUDGETS))}, eta {ETA})"
        f" {epochs[True]:,} epochs instead of {epochs[False]:,}: {count_saving(plan):.2%} less, by"
        " the plan alone, and so `nago forecast` counts them. With GPUs enough and a `lag` of 1"
        f" the search ends after the time of {ends[True]:,.0f} epochs instead of"
        f" {ends[False]:,.0f}, {1 - ends[True] / ends[False]:.0%} sooner."
    )


def describe_noise() -> str:
    """Return how noisy promoted trials of real searches are."""
    rows = []
    for name in ("hnag-bohb", "rnag-bohb"):
        for row in measure_noise(read_table(RUNS / name / "trials.csv")).itertuples():
            rows.append(
                [
                    name,
                    f"{row.below} and {row.above}",
                    row.pairs,
                    f"{row.correlation:.2f}",
                    f"{row.noise:.2f}",
                ]
            )
    return "\n\n".join(
        [
            "Real trainings: BOHB's searches of the replication on digits, where each promotion"
            " draws a new architecture. If the errors of a configuration at two budgets differed"
            " by architecture and training alone, with a deviation s over that of the"
            " configurations, they would correlate by 1 / (1 + s²). Budgets differ in more, and"
            " only the better half is promoted, so s is at most about what the table says; 12"
            " pairs each don't tell it well, nor the share of the architecture in it.",
            write_rows(["search", "budgets", "pairs", "correlation", "s"], rows),
        ]
    )


def describe_quality(table: pd.DataFrame) -> str:
    """Return the tables of regret with and without continuation, by the noise."""
    last = keep_pairs(table[table["epochs"] == table["epochs"].max()])
    rows, clear = [], []
    for search, function, level in itertools.product(SEARCHES, FUNCTIONS, ARCHITECTURE):
        found = last[(last["search"] == search) & (last["function"] == function)]
        found = found[found["architecture"] == level].sort_values("seed")
        if found.empty:
            continue
        # Without that noise the network is as good as its generator.
        for measure in ("generator", "network") if level else ("generator",):
            fresh, kept = (
                found[found["keep"] == keep][measure].to_numpy(float) for keep in (False, True)
            )
            counts, gain, p = compare_pairs(fresh, kept)
            spreads = [describe_spread(regrets.tolist(), 2) for regrets in (fresh, kept)]
            noise = f"{level:g} ({math.hypot(level, TRAINING):.2f})"
            rows.append([f"{search}, {function}", noise, measure, *spreads, counts, gain, p])
            if float(p) < CLEAR:
                clear.append(f"{search} on {function} at {level:g}, {measure} ({gain})")
    return "\n\n".join(
        [
            "Simulated, nothing is trained: the error of a trial is a function of configuration"
            " and budget (counting ones has the same value at all budgets, Hartmann's changes),"
            " plus noise of its architecture, which stays if the architecture does, plus noise of"
            f" its training, {TRAINING:g} of the deviation of random configurations. What a"
            " training that goes on has in common with its first part beside the architecture is"
            f" left out. Equal epochs: {ITERATIONS} brackets that keep nothing, or"
            f" {count_brackets(keep=True)} that keep. `hyperband` is `bohb` without a model."
            " Regret of the incumbent without noise, in deviations of random"
            " configurations: of its generator, and of its very network, whose architecture may be"
            " a lucky one. Median and quartiles; in how many seeds keeping was better, equal and"
            " worse, the mean of what it gained, and p of Wilcoxon's signed ranks, of each row"
            " alone.",
            write_rows(
                [
                    *("search", "architecture (with training)", "regret of", "new", "kept"),
                    *("better, equal, worse", "gain", "p"),
                ],
                rows,
            ),
            f"With p < {CLEAR:g} differ: {'; '.join(clear) or 'none'}.",
        ]
    )


def keep_pairs(table: pd.DataFrame) -> pd.DataFrame:
    """Return the searches whose seed was made both with and without keeping."""
    made = table.groupby(["search", "function", "architecture", "seed"])["keep"]
    return table[made.transform("nunique") == 2]


def compare_pairs(fresh: Array, kept: Array) -> tuple[str, str, str]:
    """Return how much lower regrets are kept than fresh, pair by pair: counts, mean and p."""
    gains = fresh - kept
    counts = f"{(gains > 0).sum()}, {(gains == 0).sum()}, {(gains < 0).sum()}"
    p = float(wilcoxon(gains).pvalue) if gains.any() else 1.0
    return counts, f"{gains.mean():+.2f}", f"{p:.3f}"


if __name__ == "__main__":
    main()
