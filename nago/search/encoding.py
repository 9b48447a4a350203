"""Configurations as numbers: genes for the evolution of candidates, features for models.

Each hyperparameter is one gene in [0, 1]. A whole number or a category owns a share of the gene,
so that a gene is always that of a configuration once it is snapped to its share's middle. Features
keep the order of numbers, 0 for the least and 1 for the most, and give each category a column of
its own. Hyperparameters with a log scale are spaced by their logarithm.
"""

import itertools
import math
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from ConfigSpace import (
    CategoricalHyperparameter,
    ConfigurationSpace,
    Constant,
    OrdinalHyperparameter,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)
from numpy.typing import NDArray

from nago.records import Configuration, UserError

Array = NDArray[np.float64]
STEPS = 1_000_000
"""Steps over the range of a float: values closer than one step count as equal."""


class _Column(Protocol):
    """One hyperparameter."""

    @property
    def choices(self) -> int | None:
        """How many values there are, None for a float."""
        ...

    def decode(self, genes: Array) -> list[Any]:
        """Return the values of genes (n,)."""
        ...

    def encode(self, values: Sequence[Any]) -> Array:
        """Return the genes (n,) of values."""
        ...

    def describe(self, genes: Array) -> Array:
        """Return the features (n, columns) of snapped genes (n,)."""
        ...


class _Float:
    choices: int | None = None

    def __init__(self, hyperparameter: UniformFloatHyperparameter) -> None:
        self.lower, self.upper = float(hyperparameter.lower), float(hyperparameter.upper)
        self.log = bool(hyperparameter.log)

    def decode(self, genes: Array) -> list[Any]:
        ratio = self.upper / self.lower if self.log else 0.0
        values = [
            self.lower * ratio**gene if self.log else self.lower + gene * (self.upper - self.lower)
            for gene in genes.tolist()
        ]
        return [min(max(value, self.lower), self.upper) for value in values]

    def encode(self, values: Sequence[Any]) -> Array:
        array = np.asarray(values, dtype=float)
        if self.log:
            genes = np.log(array / self.lower) / math.log(self.upper / self.lower)
        else:
            genes = (array - self.lower) / (self.upper - self.lower)
        return np.round(genes * STEPS) / STEPS

    def describe(self, genes: Array) -> Array:
        return genes[:, None]


class _Integer:
    def __init__(self, hyperparameter: UniformIntegerHyperparameter) -> None:
        self.lower, self.upper = int(hyperparameter.lower), int(hyperparameter.upper)
        self.log = bool(hyperparameter.log)
        self.choices = self.upper - self.lower + 1
        # Half a number beyond both ends, so that those own as much as the others.
        self.start, self.stop = self._scale(np.array([self.lower - 0.5, self.upper + 0.5]))

    def decode(self, genes: Array) -> list[Any]:
        scaled = self.start + genes * (self.stop - self.start)
        values = np.rint(np.exp(scaled) if self.log else scaled)
        return [int(value) for value in np.clip(values, self.lower, self.upper)]

    def encode(self, values: Sequence[Any]) -> Array:
        scaled = self._scale(np.asarray(values, dtype=float))
        return np.asarray((scaled - self.start) / (self.stop - self.start))

    def describe(self, genes: Array) -> Array:
        first, last = self.encode([self.lower, self.upper])
        return np.asarray(np.clip((genes - first) / max(last - first, 1e-300), 0, 1))[:, None]

    def _scale(self, values: Array) -> Array:
        return np.asarray(np.log(values) if self.log else values)


class _Choice:
    def __init__(self, values: Sequence[Any], *, ordered: bool) -> None:
        self.values, self.ordered = list(values), ordered
        self.choices = len(self.values)

    def decode(self, genes: Array) -> list[Any]:
        return [self.values[place] for place in self._places(genes)]

    def encode(self, values: Sequence[Any]) -> Array:
        places = np.array([self.values.index(value) for value in values], dtype=float)
        return np.asarray((places + 0.5) / self.choices)

    def describe(self, genes: Array) -> Array:
        places = self._places(genes)
        if self.ordered:
            return np.asarray(places / max(self.choices - 1, 1))[:, None]
        return np.eye(self.choices)[places]

    def _places(self, genes: Array) -> NDArray[np.int64]:
        return np.minimum((genes * self.choices).astype(np.int64), self.choices - 1)


class Encoding:
    """The genes and features of a space's configurations.

    Attributes:
        genes: how many there are: one for each hyperparameter that isn't constant.
        features: how many columns a model sees.
        size: how many configurations there are, None if a float makes them countless.
        unordered: which genes (genes,) are of categories.
        shares: of a gene that one of its values owns, (genes,); 0 for floats.
        groups: the gene that each feature describes, (features,).
    """

    def __init__(self, space: ConfigurationSpace) -> None:
        """Read a space.

        Raises:
            UserError: it has conditions, forbidden clauses or hyperparameters of another kind.
        """
        if space.conditional_hyperparameters or space.forbidden_clauses:
            raise UserError(
                "multi-objective search is for spaces without conditions and forbidden clauses,"
                f" got conditions on {sorted(space.conditional_hyperparameters)} and"
                f" {len(space.forbidden_clauses)} forbidden clauses"
            )
        self._names = list(space)
        self._constants = {n: h.value for n, h in space.items() if isinstance(h, Constant)}
        self._columns: dict[str, _Column] = {
            name: _read_column(name, hyperparameter)
            for name, hyperparameter in space.items()
            if name not in self._constants
        }
        self.genes = len(self._columns)
        counts = [column.choices for column in self._columns.values()]
        finite = [count for count in counts if count is not None]
        self.size = math.prod(finite) if len(finite) == len(counts) else None
        columns = list(self._columns.values())
        kinds = [isinstance(column, _Choice) and not column.ordered for column in columns]
        self.unordered = np.array(kinds, dtype=bool)
        self.shares = np.array([1 / c.choices if c.choices else 0.0 for c in columns])
        middle = np.full(1, 0.5)
        widths = [column.describe(middle).shape[1] for column in columns]
        self.groups = np.repeat(np.arange(self.genes), widths)
        self.features = len(self.groups)

    def encode(self, configurations: Sequence[Configuration]) -> Array:
        """Return the snapped genes (n, genes) of configurations."""
        genes = np.zeros((len(configurations), self.genes))
        for place, (name, column) in enumerate(self._columns.items()):
            genes[:, place] = column.encode([values[name] for values in configurations])
        return genes

    def decode(self, genes: Array) -> list[Configuration]:
        """Return the configurations of genes (n, genes), snapped or not."""
        values: dict[str, list[Any]] = {
            name: column.decode(genes[:, place])
            for place, (name, column) in enumerate(self._columns.items())
        }
        values |= {name: [value] * len(genes) for name, value in self._constants.items()}
        return [{name: values[name][row] for name in self._names} for row in range(len(genes))]

    def snap(self, genes: Array) -> Array:
        """Return the genes (n, genes) of the configurations that genes stand for."""
        snapped = np.empty_like(genes)
        for place, column in enumerate(self._columns.values()):
            snapped[:, place] = column.encode(column.decode(genes[:, place]))
        return snapped

    def describe(self, genes: Array) -> Array:
        """Return the features (n, features) of snapped genes (n, genes), in [0, 1]."""
        return self.locate(genes)

    def locate(self, genes: Array) -> Array:
        """Return the features of the hyperparameters alone: which configurations are near."""
        columns = [c.describe(genes[:, place]) for place, c in enumerate(self._columns.values())]
        return np.hstack([np.empty((len(genes), 0)), *columns])

    def enumerate(self) -> Array:
        """Return the snapped genes (size, genes) of all configurations of a finite space."""
        shares = [
            ((np.arange(column.choices or 0) + 0.5) / (column.choices or 1)).tolist()
            for column in self._columns.values()
        ]
        grid = np.array(list(itertools.product(*shares))).reshape(self.size or 0, self.genes)
        return self.snap(grid)


class EncodingAtBudget(Encoding):
    """The encoding of a space whose trials have several budgets: one more feature says which.

    Attributes:
        place: of the budget, the feature in [0, 1].
    """

    def __init__(self, space: ConfigurationSpace, place: float) -> None:
        """Read a space, as `Encoding` does."""
        super().__init__(space)
        self.place = place
        self.features += 1
        self.groups = np.append(self.groups, self.genes)

    def describe(self, genes: Array) -> Array:
        """Return the features (n, features) of snapped genes (n, genes) at the budget."""
        return np.hstack([self.locate(genes), np.full((len(genes), 1), self.place)])


def find_keys(genes: Array) -> list[bytes]:
    """Return for each of n snapped genes (n, genes) what only equal configurations share."""
    return [row.tobytes() for row in np.rint(genes * STEPS).astype(np.int64)]


def _read_column(name: str, hyperparameter: Any) -> _Column:
    if isinstance(hyperparameter, UniformFloatHyperparameter):
        return _Float(hyperparameter)
    if isinstance(hyperparameter, UniformIntegerHyperparameter):
        return _Integer(hyperparameter)
    if isinstance(hyperparameter, CategoricalHyperparameter):
        return _Choice(hyperparameter.choices, ordered=False)
    if isinstance(hyperparameter, OrdinalHyperparameter):
        return _Choice(hyperparameter.sequence, ordered=True)
    raise UserError(
        f"multi-objective search is for uniform, categorical and ordinal hyperparameters,"
        f" {name} is a {type(hyperparameter).__name__}"
    )
