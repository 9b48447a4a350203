"""Cheap functions that stand for trainings at several budgets: a value, noise, a known optimum.

Counting ones of Falkner et al. 2018, and Hartmann's function in six dimensions with the fidelity
of Kandasamy et al. 2016, arXiv 1603.06288. They are minimised; nothing is trained.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from ConfigSpace import Categorical, ConfigurationSpace, Float
from numpy.typing import NDArray

from nago.records import Configuration, Trial
from nago.seeds import derive_seed

Array = NDArray[np.float64]
BUDGETS = (30, 60, 120)
"""Epochs, the paper's."""
ETA = 2

OPTIMUM = -3.32237
"""The least of Hartmann's function, as its authors give it to these digits."""


@dataclass(frozen=True)
class Function:
    """A function of a configuration and a budget.

    Attributes:
        name: of it.
        space: of the configurations.
        evaluate: from a configuration and a budget to the value without noise.
        observe: the same with noise, which falls with the budget.
        optimum: the least value at the largest budget.
    """

    name: str
    space: ConfigurationSpace
    evaluate: Callable[[Configuration, int], float]
    observe: Callable[[Configuration, int, np.random.Generator], float]
    optimum: float

    def regret(self, configuration: Configuration) -> float:
        """Return how far from the optimum a configuration is, without noise."""
        return self.evaluate(configuration, BUDGETS[-1]) - self.optimum


def make_counting_ones(categories: int, floats: int) -> Function:
    """Return counting ones: the share of zeros among choices of 0 and 1 and chances of a 1.

    A chance is observed by as many draws as the budget has epochs.
    """
    choices = [f"choice{place}" for place in range(categories)]
    chances = [f"chance{place}" for place in range(floats)]
    space = ConfigurationSpace()
    space.add([Categorical(name, [0, 1]) for name in choices])
    space.add([Float(name, (0.0, 1.0)) for name in chances])
    dimensions = categories + floats

    def evaluate(configuration: Configuration, budget: int) -> float:
        ones = sum(float(configuration[name]) for name in (*choices, *chances))
        return 1 - ones / dimensions

    def observe(configuration: Configuration, budget: int, rng: np.random.Generator) -> float:
        ones = sum(float(configuration[name]) for name in choices)
        drawn = rng.binomial(budget, [float(configuration[name]) for name in chances])
        return 1 - (ones + float(drawn.sum()) / budget) / dimensions

    return Function(f"counting ones {categories}+{floats}", space, evaluate, observe, 0.0)


HEIGHTS = np.array([1.0, 1.2, 3.0, 3.2])
WIDTHS = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
CENTRES = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)
HARTMANN_NOISE = 0.1
"""The deviation at the largest budget; it falls with the root of the budget."""


def evaluate_hartmann(point: Array, fidelity: float) -> float:
    """Return Hartmann's function at a point of the unit cube, (6,), and a fidelity of 0 to 1."""
    heights = HEIGHTS - 0.1 * (1 - fidelity)
    return -float(heights @ np.exp(-(WIDTHS * (point - CENTRES) ** 2).sum(axis=1)))


def make_hartmann() -> Function:
    """Return Hartmann's function, whose fidelity is the share of the largest budget."""
    names = [f"x{place}" for place in range(6)]
    space = ConfigurationSpace(dict.fromkeys(names, (0.0, 1.0)))

    def evaluate(configuration: Configuration, budget: int) -> float:
        point = np.array([float(configuration[name]) for name in names])
        return evaluate_hartmann(point, budget / BUDGETS[-1])

    def observe(configuration: Configuration, budget: int, rng: np.random.Generator) -> float:
        deviation = HARTMANN_NOISE * math.sqrt(BUDGETS[-1] / budget)
        return evaluate(configuration, budget) + deviation * rng.standard_normal()

    return Function("Hartmann 6", space, evaluate, observe, OPTIMUM)


FUNCTIONS: Mapping[str, Callable[[], Function]] = {
    "counting ones 4+4": lambda: make_counting_ones(4, 4),
    "Hartmann 6": make_hartmann,
}


@cache
def measure_deviation(name: str, drawn: int = 1000) -> float:
    """Return the standard deviation over random configurations, at the largest budget."""
    function = FUNCTIONS[name]()
    function.space.seed(derive_seed(0, "deviation", name))
    drawn_ones = [dict(one) for one in function.space.sample_configuration(drawn)]
    return float(np.std([function.evaluate(one, BUDGETS[-1]) for one in drawn_ones]))


def follow(
    trials: Sequence[Trial],
    ends: Sequence[float],
    times: Sequence[float],
    rate: Callable[[Sequence[Trial]], float],
) -> list[float]:
    """Return what the trials that have ended by each of some times are worth.

    Args:
        trials: of a search.
        ends: when each of them ends.
        times: when to look.
        rate: from trials of the largest budget that has ended, in the order of their ends.
    """
    order = sorted(range(len(trials)), key=lambda place: (ends[place], place))
    worth = []
    for time in times:
        ended = [trials[place] for place in order if ends[place] <= time]
        largest = max((trial.budget for trial in ended), default=0)
        worth.append(rate([trial for trial in ended if trial.budget == largest]))
    return worth


def find_best(trials: Sequence[Trial]) -> Trial:
    """Return the trial of the lowest error, the first of equal ones."""
    return min(trials, key=lambda trial: math.inf if (e := trial.validation_error) is None else e)
