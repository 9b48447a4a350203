"""What the files of a search take on the disk, at most."""

from dataclasses import dataclass

import numpy as np

from nago.forecast.population import Population
from nago.forecast.schedule import list_trainings
from nago.settings import Settings

TRIAL_BYTES = 1600
"""Of a trial with its proposal, two rows in each of two tables, and its log."""

ROW_BYTES = 140
"""Of an epoch in a curve."""

ARCHITECTURE_BYTES = 60
"""Of an operation in the result of a final network."""

FLOAT_BYTES = 4


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes: of trials and tables, curves, final networks' weights, and checkpoints at most."""

    trials: int
    curves: int
    weights: int
    checkpoints: int

    @property
    def kept(self) -> int:
        """What is there when the search is over; checkpoints are gone by then."""
        return self.trials + self.curves + self.weights


def measure_disk(settings: Settings, population: Population, at_once: int) -> Disk:
    """Return what the files of a search take.

    Args:
        settings: of the search.
        population: networks of its space; the weights are those of the largest.
        at_once: trainings that run side by side at most; a checkpoint holds weights and momentum.
    """
    values = settings.values
    trainings = [*list_trainings(settings.plan, continues=values["continue"])]
    finals = settings.final_networks
    epochs = sum(epochs for _, _, epochs in trainings) + finals * values["final_epochs"]
    largest = FLOAT_BYTES * int(population.parameters.max())
    nodes = int(np.max(population.nodes))
    states = 2 if values["continue"] else 1  # the parent's beside one's own
    return Disk(
        trials=TRIAL_BYTES * (len(trainings) + finals) + ARCHITECTURE_BYTES * nodes * finals,
        curves=ROW_BYTES * epochs,
        weights=largest * finals,
        checkpoints=2 * largest * states * at_once,
    )
