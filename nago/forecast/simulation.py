"""A search's trainings simulated before it runs: which networks, and how long each takes.

Which configurations a search will choose is unknown before it runs. Networks are drawn from its
space; a search that learns comes back to what it found good, so that each simulated one has a few
favourites of its own and trains them but for its share of random ones: any networks, whatever they
cost, or those that the search has found good already.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nago.forecast.calibration import Assumed, Speed, Work
from nago.forecast.population import Population
from nago.forecast.schedule import list_trainings
from nago.settings import Settings

Array = NDArray[np.float64]
Places = NDArray[np.int64]

SMALLEST_BATCH = 2
"""Images of a process, as in training."""

FAVOURITES = 8
"""Configurations that a simulated search which learns comes back to."""


@dataclass(frozen=True, slots=True)
class Images:
    """Images of an epoch of a trial, and of a final network."""

    search: float
    final: float


@dataclass(frozen=True, slots=True, eq=False)
class Times:
    """Seconds of trainings: (simulations, trials) and (simulations, final networks)."""

    search: Array
    final: Array

    @property
    def all(self) -> Array:
        """Those of the search in the order of the plan, then those of the final networks."""
        return np.concatenate([self.search, self.final], axis=1)


def simulate_times(
    settings: Settings,
    population: Population,
    speed: Speed | Assumed,
    images: Images,
    seed: int = 0,
    *,
    liked: Population | None = None,
) -> Times:
    """Return how long the trainings of a search take, simulated as often as `speed` says.

    Args:
        settings: of the search.
        population: networks of its space.
        speed: what trainings take.
        images: of an epoch.
        seed: of what is drawn.
        liked: networks that the search has found good; None if it has none yet.
    """
    rng = np.random.default_rng(seed)
    values, drawn = settings.values, len(population.nodes)
    population = population if liked is None else population.join(liked)
    trainings = [*list_trainings(settings.plan, continues=values["continue"])]
    batches = fit_batches(population, values["batch_size"], values)
    starts, rates = speed.predict(population, Work(images.search, batches))
    favourites = draw_favourites(rng, len(rates), drawn, rates.shape[1])
    brackets = np.array([bracket for bracket, _ in _list_configurations(settings)])
    chosen = choose_networks(settings, brackets, favourites, drawn, rng)
    keys = {key: place for place, key in enumerate(_list_configurations(settings))}
    single = values["method"] == "spread"
    configurations = [keys[bracket, 0 if single else slot] for bracket, slot, _ in trainings]
    epochs = np.array([float(epochs) for _, _, epochs in trainings])
    rate = np.take_along_axis(rates, chosen[:, configurations], axis=1)
    search = (starts[:, None] + epochs * rate) * speed.draw_ratios(rng, len(trainings))
    winners = favourites[:, np.arange(settings.finalists) % FAVOURITES]
    batches = fit_batches(population, values["final_batch_size"], values)
    starts, rates = speed.predict(population, Work(images.final, batches))
    rate = np.take_along_axis(rates, np.repeat(winners, values["final_networks"], axis=1), axis=1)
    ratios = speed.draw_ratios(rng, settings.final_networks)
    return Times(search, (starts[:, None] + values["final_epochs"] * rate) * ratios)


def fit_batches(population: Population, batch_size: int, values: Mapping[str, Any]) -> Array:
    """Return the batch of each network: halved until `memory_gb` has room for it."""
    batches = np.full(len(population.nodes), float(batch_size))
    if values["memory_gb"] is None:
        return batches
    processes = values["gpus_per_trial"]
    most = values["memory_gb"] * 1e9 * processes / population.sample_memory
    while (halved := (batches > most) & (batches // 2 >= SMALLEST_BATCH * processes)).any():
        batches[halved] //= 2
    return batches


def _list_configurations(settings: Settings) -> list[tuple[int, int]]:
    """Return bracket and slot of the new configurations of a search; promoted ones are older."""
    return [
        (bracket, slot)
        for bracket, rungs in enumerate(settings.plan)
        for slot in range(rungs[0].size)
    ]


def draw_favourites(
    rng: np.random.Generator, simulations: int, drawn: int, networks: int
) -> Places:
    """Return the favourites of simulated searches: (simulations, FAVOURITES), places of networks.

    Args:
        rng: what decides.
        simulations: how many searches.
        drawn: networks of the space, which come first.
        networks: those and what the search has found good, the only favourites if there are any.
    """
    low = drawn if networks > drawn else 0
    return rng.integers(low, networks, (simulations, FAVOURITES))


def choose_networks(
    settings: Settings,
    brackets: Places,
    favourites: Places,
    networks: int,
    rng: np.random.Generator,
) -> Places:
    """Return a network for each configuration: (simulations, configurations).

    Args:
        settings: of the search.
        brackets: that of each configuration; those that learn from none choose at random.
        favourites: (simulations, FAVOURITES), places of networks.
        networks: how many are drawn from the space.
        rng: what decides.
    """
    size = (len(favourites), len(brackets))
    at_random = rng.integers(0, networks, size)
    if not settings.method.learns:
        return at_random
    liked = np.take_along_axis(favourites, rng.integers(0, FAVOURITES, size), axis=1)
    share = 0.0 if settings.method.multi_objective else settings.values["random_fraction"]
    blind = settings.lag if not settings.makes_initial else 1
    random = (rng.random(size) < share) | (brackets < blind)
    return np.where(random, at_random, liked)
