"""The configurations that a search has tried, and what is known of their mean losses.

A model has learnt from all trials, so what it says of a configuration that was tried holds the
trials of that one as well; to count them again beside it would make the means look surer than
they are. Losses that follow from an architecture alone, such as the sample memory, need no
model: their mean is that of the trials, and how far trials of one configuration differ is learnt
from those that were drawn more than once; as long as there are none, a trial tells the mean.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nago.search.encoding import Array, find_keys
from nago.search.models import Model
from nago.search.replicates import Means

Places = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Tried:
    """The n configurations of t trials that have a result, in the order of their first result.

    `first` (n,) is the trial of that result, `draws` and `failed` (n,) count the trials with a
    result and those without; `place` (t,) is the configuration of a trial, -1 if it has none here.
    """

    first: Places
    draws: Places
    failed: Places
    place: Places

    def average(self, losses: Array) -> Array:
        """Return the means (n, m) of the losses (t, m) of each configuration's results."""
        works = np.isfinite(losses).all(axis=1) & (self.place >= 0)
        total = np.zeros((len(self.first), losses.shape[1]))
        np.add.at(total, self.place[works], losses[works])
        return np.asarray(total / self.draws[:, None])

    def pool_variance(self, losses: Array) -> Array:
        """Return the variance (m,) of losses (t, m) about the means of their configurations.

        It is 0 if none was drawn more than once.
        """
        works = np.isfinite(losses).all(axis=1) & (self.place >= 0)
        gaps = losses[works] - self.average(losses)[self.place[works]]
        freedom = len(gaps) - len(self.first)
        return np.asarray((gaps**2).sum(axis=0) / max(freedom, 1))


def group_trials(genes: Array, losses: Array) -> Tried:
    """Return the configurations of trials.

    Args:
        genes: (t, g), snapped.
        losses: (t, m), infinite if a trial failed.
    """
    works = np.isfinite(losses).all(axis=1)
    keys = find_keys(genes)
    first: dict[bytes, int] = {}
    for trial in np.flatnonzero(works):
        first.setdefault(keys[trial], int(trial))
    order = {key: place for place, key in enumerate(first)}
    place = np.array([order.get(key, -1) for key in keys], dtype=np.int64)
    n = len(first)
    return Tried(
        first=np.array([*first.values()], dtype=np.int64),
        draws=np.bincount(place[works], minlength=n),
        failed=np.bincount(place[~works & (place >= 0)], minlength=n),
        place=place,
    )


def believe_means(
    model: Model, features: Array, losses: Array, tried: Tried, counted: NDArray[np.bool_]
) -> Means:
    """Return what is known of the mean losses of the n configurations tried.

    Args:
        model: fitted to the trials' losses.
        features: of the configurations, (n, d).
        losses: of all trials in the model's units, (t, m), infinite if they failed.
        tried: the configurations.
        counted: which losses follow from an architecture alone, (m,).
    """
    found = model.predict(features)
    covariance = np.moveaxis(model.covary(features, features), 2, 0)
    spread = tried.pool_variance(losses)
    own = spread[:, None, None] * np.diag(1 / tried.draws)
    return Means(
        mean=np.where(counted, tried.average(losses), found.mean),
        covariance=np.where(counted[:, None, None], own, covariance),
        noise=np.where(counted, spread, found.noise_variance),
    )
