"""How well searches find fronts at several budgets: what the page says of the runs in beyond/."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from beyond_own import BATCH, OWN
from beyond_peers import PEERS, VERSIONS
from beyond_problems import Problem, locate_table, make_problem
from beyond_runs import read_runs
from scipy.stats import spearmanr
from search_tables import NOT_MEASURED, NOTHING, answer, describe_spread, write_rows

from nago.search.bohb import OPTIONS
from nago.search.brackets import plan_search
from nago.search.pareto import find_front
from nago.tables import read_table

ANALYTIC = ("MOMF-BraninCurrin", "MOMF-Park")
DIGITS = "digits"
SEEDS = 10
COSTS = (5, 10, 20, 40)
"""Evaluations at the largest budget, or as much at smaller ones, after which is looked."""

BASE = "mobo, gp"
GOAL = 0.95
AIMS = {BASE: 0.6, "random": 0.35}
"""The share of a search's epochs with which mobohb should reach the same."""


def describe_quality() -> str:
    """Return the section of the problems whose best front is known."""
    runs = read_runs([*OWN, *PEERS])
    parts = [
        f"""## Several objectives at several budgets

Hypervolume, as a share of what botorch says is the largest, of what was evaluated at the largest
budget, against the total cost: {", ".join(map(str, COSTS))} evaluations at the largest budget, or
as much at smaller ones. Seeds 0 to {SEEDS - 1}, unless a number in square brackets says how many
were made; median and quartiles.

* MOMF-BraninCurrin (2 variables) and MOMF-Park (4) of
  [Irshad et al. 2021](https://arxiv.org/abs/2112.13901): the formulas and reference points of
  botorch. Of its largest hypervolumes a grid of 401 points a side has 0.952 on
  MOMF-BraninCurrin, and that of MOMF-Park is a little exceeded. The budgets are 3, 9 and 27
  epochs, the fidelity their share of 27.
* An evaluation that goes on with a configuration at a larger budget costs the difference, for all:
  ours as with `continue: true`. One worker.
* `random` and `mobo` evaluate at the largest budget only, `mobo` from 2 (d + 1) Sobol points on,
  {BATCH} at a time. `mobohb` runs Hyperband's brackets, with its densities or with models of all
  budgets: Gaussian processes or the Bayesian neural network. Options as they are by default;
  nobody is told the reference point.
* Peers, from their own packages ({VERSIONS}), as they are by default:
  MOASHA, once as it is and once mended, since it takes the places of the sorted trials for their
  ranks; multi-objective Hyperband with the epsilon-net; PriMO, which is given no prior, since
  nobody is."""
    ]
    for name in ANALYTIC:
        problem = make_problem(name)
        parts += [f"### {name}", _describe_problem(problem, runs[runs["problem"] == name])]
    return "\n\n".join([*parts, _describe_aims(runs)])


def describe_digits() -> str:
    """Return the section of the table of real trainings."""
    if not locate_table(DIGITS).is_file():
        return f"## Real trainings\n\n{NOT_MEASURED}"
    table, problem = read_table(locate_table(DIGITS)), make_problem(DIGITS)
    runs = read_runs([*OWN, *PEERS])
    runs = runs[runs["problem"] == DIGITS]
    configurations = table["bracket"].nunique()
    largest = problem.budgets[-1]
    text = f"""## Real trainings

[digits.csv](beyond/digits.csv) has {len(table):,} trainings of HNAG's generators on digits,
made by `trainings_table.py`: {configurations} configurations, half of random searches and half of
`mobo`'s, each trained for {", ".join(map(str, problem.budgets))} epochs, always with a new
architecture. A search that asks for a configuration gets what the nearest one gave
(`nago replay`). The objectives are the error and the multiply-adds: the least error and the least
memory are those of one network, so that memory would make no front. The reference point lies a
tenth of the front's extent beyond it, and shares are of the front of all that were trained for
{largest} epochs. A training costs all its epochs, at each budget. A run is worth {problem.total}
trainings of {largest} epochs. `mobo` and `mobohb` know the multiply-adds before training, as in
the workflow."""
    found = [_describe_problem(problem, runs), _describe_reached(runs, problem)]
    return "\n\n".join([text, *found, explain_budgets(table, problem)])


def explain_budgets(table: pd.DataFrame, problem: Problem) -> str:
    """Return what the smaller budgets of real trainings tell of the largest one."""
    errors = table.pivot_table(index="bracket", columns="budget", values="validation_error")
    largest = problem.budgets[-1]
    last = table[table["budget"] == largest].set_index("bracket")
    losses = np.column_stack([errors[largest], last.loc[errors.index, "multiply_adds"]])
    front = errors.index[find_front(losses)]
    rows = []
    for budget in problem.budgets[:-1]:
        cells: list[object] = [budget]
        for share in (1, 0.5, 0.25):
            best = errors[errors[largest] <= errors[largest].quantile(share)]
            cells.append(f"{spearmanr(best[budget], best[largest]).statistic:.2f}")
        worse = errors[budget].rank(pct=True).loc[front].median()
        rows.append([*cells, f"{worse:.0%}"])
    header = ["epochs", "all", "best half", "best quarter", "front's median place"]
    brackets = plan_search(3, problem.budgets[0], largest, problem.eta)
    spent = [rung.size * rung.budget for rungs in brackets for rung in rungs]
    there = sum(rungs[-1].size * largest for rungs in brackets) / sum(spent)
    chosen = there * (1 - OPTIONS["random_fraction"])
    return f"""Why does `mobohb` lead early and not later? By the plan {there:.0%} of its epochs
are at the largest budget, the only one that counts, and {chosen:.0%} are spent there on what its
model chose; `mobo` spends all there. What is trained for less has to make up for that. It tells
the bad from the good, which helps at first, but not the good from the best: rank correlation of
the errors after so many epochs and after {largest}, among all and among the best after {largest},
and where the {len(front)} configurations of the front stand by their error after so few (0% is
best).

{write_rows(header, rows)}"""


def share_at(run: pd.DataFrame, epochs: float) -> float:
    """Return the share that a run had after so many epochs."""
    return float(run[run["epochs"] <= epochs]["share"].max()) if len(run) else 0.0


def epochs_to(run: pd.DataFrame, goal: float) -> float:
    """Return the epochs after which a run had a share; infinite if it never had."""
    return float(run[run["share"] >= goal]["epochs"].min()) if len(run) else np.inf


def _take(runs: pd.DataFrame, contestant: str) -> list[pd.DataFrame]:
    chosen = runs[runs["contestant"] == contestant]
    return [run for _, run in chosen.groupby("seed")]


def _read_shares(runs: pd.DataFrame, contestant: str, epochs: float) -> list[float]:
    found = [share_at(run, epochs) for run in _take(runs, contestant)]
    return [0.0 if np.isnan(value) else value for value in found]


def _list_costs(problem: Problem) -> Sequence[int]:
    return COSTS if problem.name != DIGITS else (16, 32, 64, 160)


def _describe_problem(problem: Problem, runs: pd.DataFrame) -> str:
    costs = _list_costs(problem)
    rows = []
    for name in [*OWN, *PEERS]:
        made = len(_take(runs, name))
        if not made:
            continue
        shares = [_read_shares(runs, name, cost * problem.budgets[-1]) for cost in costs]
        label = name if made == SEEDS else f"{name} [{made}]"
        rows.append([label, *(describe_spread(values, 3) for values in shares)])
    if not rows:
        return NOT_MEASURED
    return write_rows(["contestant", *(f"{cost} evaluations" for cost in costs)], rows)


def _describe_aims(runs: pd.DataFrame) -> str:
    rows = []
    names = set(runs["contestant"])
    ours = [name for name in OWN if name.startswith("mobohb") and name in names]
    others = [n for n in [*PEERS, "random", "mobo, gp", "mobo, bnn"] if n in names]
    for problem in map(make_problem, ANALYTIC):
        chosen = runs[runs["problem"] == problem.name]
        for name in ours:
            cells = []
            for cost in COSTS:
                epochs = cost * problem.budgets[-1]
                mine = np.median(_read_shares(chosen, name, epochs) or [0.0])
                above = [
                    other
                    for other in others
                    if np.median(_read_shares(chosen, other, epochs) or [0.0]) >= mine
                ]
                cells.append(answer(not above) + (f": {', '.join(above)}" if above else ""))
            rows.append([problem.name, name, *cells])
    header = ["problem", "of ours", *(f"above all at {cost}" for cost in COSTS)]
    return (
        "Is the median above that of each peer, of random search and of `mobo` at one budget? If"
        f" not, below whose it is.\n\n{write_rows(header, rows)}"
    )


def _describe_reached(runs: pd.DataFrame, problem: Problem) -> str:
    base = _read_shares(runs, BASE, problem.epochs)
    if not base:
        return NOT_MEASURED
    goal = GOAL * float(np.median(base))
    found = {
        name: [epochs_to(run, goal) for run in _take(runs, name)]
        for name in [*OWN, *PEERS]
        if _take(runs, name)
    }
    found = {n: [np.inf if np.isnan(v) else v for v in values] for n, values in found.items()}
    medians = {name: float(np.median(values)) for name, values in found.items()}
    rows = []
    for name, values in found.items():
        reached = sum(np.isfinite(values))
        ratios = [
            f"{100 * medians[name] / medians[other]:.0f} %"
            if np.isfinite(medians[name]) and np.isfinite(medians[other])
            else NOTHING
            for other in AIMS
            if other in medians
        ]
        median = f"{medians[name]:.0f}" if np.isfinite(medians[name]) else f"over {problem.epochs}"
        rows.append([name, median, f"{reached} of {len(values)}", *ratios])
    header = ["contestant", "epochs, median", "runs that reached it"]
    header += [f"of those of {name}" for name in AIMS if name in medians]
    return (
        f"Epochs until {100 * GOAL:.0f} % of the median hypervolume that `{BASE}` has in the end,"
        f" {goal:.3f} of the front's. The aims for `mobohb`:"
        f" {', '.join(f'{aim:.0%} of {name}' for name, aim in AIMS.items())}."
        f"\n\n{write_rows(header, rows)}\n\n{_judge_aims(medians, problem.epochs)}"
    )


def _judge_aims(medians: Mapping[str, float], epochs: int) -> str:
    """Return for each of our searches at several budgets whether it meets the aims."""
    lines = []
    for name in (n for n in OWN if n.startswith("mobohb") and n in medians):
        cells = []
        for other in (o for o in AIMS if o in medians):
            # Of one that never got there, all that is known is that it takes longer than a run.
            met = medians[name] <= AIMS[other] * min(medians[other], epochs)
            known = met or np.isfinite(medians[other]) or not np.isfinite(medians[name])
            said = answer(met) if known else "not shown, it takes more than a run"
            cells.append(f"{AIMS[other]:.0%} of {other}: {said}")
        lines.append(f"* {name}: {'; '.join(cells)}.")
    return "\n".join(["Are the aims met?", "", *lines])
