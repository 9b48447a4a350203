"""Problems of two objectives and several budgets, for searches that have both.

MOMF-BraninCurrin and MOMF-Park of Irshad, Karsch and Döpp 2021, arXiv 2112.13901, as botorch has
them, their fidelity from 0 to 1 the share of the largest budget; and the real trainings of
beyond/digits.csv and beyond/mnist.csv. Losses are minimised. Only numpy is needed for the first
two.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nago.records import Configuration
from nago.search.pareto import find_front, measure_hypervolume

Array = NDArray[np.float64]
Losses = tuple[float, float]
FOLDER = Path(__file__).parent / "beyond"
REPLAYED = ("validation_error", "multiply_adds")
"""The losses of real trainings."""


@dataclass(frozen=True)
class Problem:
    """A problem of two losses.

    Attributes:
        name: of it.
        limits: of each hyperparameter; whole numbers are whole.
        budgets: epochs, each eta times the one before.
        evaluate: from a configuration and a budget to the losses.
        reference: what bounds the hypervolume.
        maximum: the hypervolume of the best possible front at the largest budget.
        total: what a search may spend, in evaluations at the largest budget.
        continues: whether an evaluation at a larger budget goes on where the one before ended, and
            so costs the difference only.
        exact: whether the second loss at the largest budget is known without an evaluation.
    """

    name: str
    limits: Mapping[str, tuple[float, float]]
    budgets: tuple[int, ...]
    evaluate: Callable[[Configuration, int], Losses]
    reference: Losses
    maximum: float
    total: int
    continues: bool
    exact: bool

    @property
    def eta(self) -> int:
        """How many times a budget is the one before."""
        return self.budgets[1] // self.budgets[0]

    @property
    def epochs(self) -> int:
        """What a search may spend, in epochs."""
        return self.total * self.budgets[-1]

    def share(self, losses: Array) -> float:
        """Return the hypervolume of losses (n, 2), as a share of the maximum."""
        inside = losses[(losses < np.asarray(self.reference)).all(axis=1)]
        return measure_hypervolume(inside, np.asarray(self.reference)) / self.maximum


def branin_currin(x1: float, x2: float, s: float) -> Losses:
    """Return MOMF-BraninCurrin at a point of the unit square and a fidelity."""
    u, v = 15 * x1 - 5, 15 * x2
    b = 5.1 / (4 * math.pi**2) - 0.01 * (1 - s)
    c = 5 / math.pi - 0.1 * (1 - s)
    t = 1 / (8 * math.pi) + 0.05 * (1 - s)
    branin = (v - b * u**2 + c * u - 6) ** 2 + 10 * (1 - t) * math.cos(u) + 10
    over = 2300 * x1**3 + 1900 * x1**2 + 2092 * x1 + 60
    under = 100 * x1**3 + 500 * x1**2 + 4 * x1 + 20
    damped = 1 - 0.1 * (1 - s) * (math.exp(-1 / (2 * x2)) if x2 > 0 else 0.0)
    return (branin - 21) / 22, (damped * over / under - 14) / 15


def park(x1: float, x2: float, x3: float, x4: float, s: float) -> Losses:
    """Return MOMF-Park at a point of the unit cube of four dimensions and a fidelity."""
    x1, x3, x4 = 1 - 2 * (x1 - 0.6) ** 2, 1 - 3 * (x3 - 0.5) ** 2, 1 - (x4 - 0.8) ** 2
    a, b = 0.9 + 0.1 * s, 0.1 * (1 - s)
    first = (x1 + 1e-3 * (1 - s)) / 2 * math.sqrt(1 + (x2 + x3**2) * x4 / (x1**2 + 1e-4))
    second = (x1 + 3 * x4) * math.exp(1 + math.sin(x3))
    other = 5 - 2 / 3 * math.exp(x1 + x2) + x4 * math.sin(x3) * a - x3 + b
    return 0.8 - a * (first + second - b) / 22, 0.7 - a * other / 4


def _make_analytic(
    name: str, function: Callable[..., Losses], dimensions: int, maximum: float
) -> Problem:
    names = [f"x{place + 1}" for place in range(dimensions)]
    budgets = (3, 9, 27)

    def evaluate(configuration: Configuration, budget: int) -> Losses:
        return function(*(configuration[key] for key in names), budget / budgets[-1])

    limits = dict.fromkeys(names, (0.0, 1.0))
    return Problem(
        name, limits, budgets, evaluate, (0.0, 0.0), maximum, 40, continues=True, exact=False
    )


def locate_table(dataset: str) -> Path:
    """Return where the trainings of a data set are kept."""
    return FOLDER / f"{dataset}.csv"


@cache
def make_replayed(dataset: str, *others: str) -> Problem:
    """Return the problem of a data set whose trainings are kept.

    Its limits are those of what was trained on it, or on others.
    """
    # What follows needs ConfigSpace.
    from nago.replay.table import Replay
    from nago.tables import hyperparameters, join_tables, read_table

    table = read_table(locate_table(dataset))
    known = join_tables([table, *(read_table(locate_table(name)) for name in others)])
    limits = {}
    for name in hyperparameters(table):
        low, high = known[name].min().item(), known[name].max().item()
        limits[name] = (low, high)
    replay = Replay([table], limits, REPLAYED)

    def evaluate(configuration: Configuration, budget: int) -> Losses:
        error, multiply_adds = replay.evaluate(configuration, budget).losses
        return error, multiply_adds

    losses = replay.list_losses(replay.budgets[-1])
    # A tenth beyond the range of the front, so that its ends count and what is far off doesn't.
    front = losses[find_front(losses)]
    worst = front.max(axis=0) + 0.1 * np.ptp(front, axis=0)
    reference = (float(worst[0]), float(worst[1]))
    inside = losses[(losses < worst).all(axis=1)]
    maximum = measure_hypervolume(inside, worst)
    return Problem(
        *(dataset, limits, replay.budgets, evaluate, reference, maximum, 160),
        continues=False,
        exact=True,
    )


PROBLEMS: Mapping[str, Callable[[], Problem]] = {
    # The largest hypervolumes are botorch's.
    "MOMF-BraninCurrin": lambda: _make_analytic(
        "MOMF-BraninCurrin", branin_currin, 2, 0.5235514158034145
    ),
    "MOMF-Park": lambda: _make_analytic("MOMF-Park", park, 4, 0.08551927363087991),
    "digits": lambda: make_replayed("digits"),
}


def make_problem(name: str) -> Problem:
    """Return a problem by its name in PROBLEMS."""
    return PROBLEMS[name]()
