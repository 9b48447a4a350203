"""A tabular benchmark of real trials: any configuration gives what the nearest one gave.

Distances are of the features that models see, each hyperparameter from 0 to 1 over its range, as
the root of their mean square: 0 for the same configuration, 1 for opposite corners.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from ConfigSpace import ConfigurationSpace

from nago.records import Configuration, UserError
from nago.search.encoding import Array, Encoding, find_keys
from nago.tables import observations


@dataclass(frozen=True, slots=True)
class Result:
    """What an evaluation gave.

    Attributes:
        losses: minimised, in the order of the objectives; infinite if all trials failed.
        epochs: what it cost, the budget.
        configuration: the one that was trained.
        distance: from there to the one that was asked for, in [0, 1]; 0 for the same.
        trials: how many trainings the losses are the mean of.
    """

    losses: tuple[float, ...]
    epochs: int
    configuration: Configuration
    distance: float
    trials: int


class Replay:
    """The trials of searches of one space on one data set.

    Attributes:
        space: limits of each hyperparameter.
        objectives: the columns of the losses, all minimised.
        budgets: epochs that something was trained for, lowest first.
        configurations: all that were trained, in the order of the tables.
    """

    def __init__(
        self,
        tables: Sequence[pd.DataFrame],
        space: Mapping[str, Sequence[float]],
        objectives: Sequence[str] = ("validation_error",),
    ) -> None:
        """Read tables of trials.

        Args:
            tables: each a trials.csv, as `nago.tables.read_table` gives it.
            space: limits of each hyperparameter.
            objectives: the columns of the losses.

        Raises:
            UserError: there is no trial.
        """
        self.space, self.objectives = dict(space), tuple(objectives)
        limits = {name: (low, high) for name, (low, high) in self.space.items()}
        self._encoding = Encoding(ConfigurationSpace(limits, seed=0))
        trials = [item for table in tables for item in observations(table, self.objectives)]
        if not trials:
            raise UserError("a replay needs trials, the tables have none")
        found: dict[int, dict[bytes, list[int]]] = {}
        genes = self._encoding.encode([item.configuration for item in trials])
        keys = find_keys(genes)
        for place, (item, key) in enumerate(zip(trials, keys, strict=True)):
            found.setdefault(int(item.budget), {}).setdefault(key, []).append(place)
        self.budgets = tuple(sorted(found))
        firsts = {key: place for place, key in reversed([*enumerate(keys)])}
        self.configurations = tuple(
            trials[place].configuration for place in sorted(firsts.values())
        )
        self._places = {budget: [*known.values()] for budget, known in found.items()}
        self._features = {
            budget: self._encoding.describe(genes[[places[0] for places in known]])
            for budget, known in self._places.items()
        }
        self._trials = trials

    def evaluate(self, configuration: Configuration, budget: int) -> Result:
        """Return what the nearest configuration gave that was trained for `budget` epochs.

        Of equally near ones the first; of several trainings the mean of those that didn't fail.

        Raises:
            UserError: nothing was trained for that long, or it is no configuration of the space.
        """
        if budget not in self.budgets:
            known = ", ".join(map(str, self.budgets))
            raise UserError(f"nothing was trained for {budget} epochs; the budgets are {known}")
        if set(configuration) != set(self.space):
            raise UserError(
                f"a configuration has {', '.join(self.space)}, got {', '.join(configuration)}"
            )
        asked = self._encoding.describe(self._encoding.encode([configuration]))
        distances = np.sqrt(((self._features[budget] - asked) ** 2).mean(axis=1))
        nearest = int(np.argmin(distances))
        same = [self._trials[place] for place in self._places[budget][nearest]]
        results = [item.losses for item in same if math.isfinite(item.loss)]
        failed = (math.inf,) * len(self.objectives)
        losses = tuple(float(value) for value in np.mean(results, axis=0)) if results else failed
        return Result(losses, budget, same[0].configuration, float(distances[nearest]), len(same))

    def list_losses(self, budget: int) -> Array:
        """Return the losses (n, m) of all configurations trained for `budget` epochs.

        Those that failed are left out.
        """
        configurations = [self._trials[p[0]].configuration for p in self._places[budget]]
        losses = np.array([self.evaluate(values, budget).losses for values in configurations])
        return np.asarray(losses[np.isfinite(losses).all(axis=1)], dtype=float)
