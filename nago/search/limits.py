"""Limits on what is known before training: what is above one is never trained.

A network's parameters, multiply-adds and sample memory follow from the configuration and the seed
of a trial. A proposal above a limit is drawn again, by seeds that its place in the plan decides.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from nago.records import Configuration, UserError
from nago.seeds import derive_seed

if TYPE_CHECKING:
    from nago.search.methods import Suggestion

Limits = Mapping[str, float]
"""By measure, as in `sample_memory_bytes`: the most that a network may have."""

Costs = Callable[[Configuration, int], Mapping[str, float]]
"""From a configuration and a trial's seed to the measures of its network, known without training;
infinite ones if there is none."""

Fits = Callable[[Configuration, int], bool]
"""Whether the network of a configuration and a trial's seed keeps the limits."""

Draw = Callable[[int, int], "list[Suggestion]"]
"""From a number of suggestions and a seed to as many suggestions or fewer."""

SETTINGS = {
    "max_sample_memory_mb": ("sample_memory_bytes", 2**20),
    "max_parameters": ("parameters", 1),
    "max_multiply_adds": ("multiply_adds", 1),
}
"""By setting: the measure that it limits, and how many of the measure's units it counts in."""

TRIES = 10
"""How often a method is asked again for what was above a limit."""

DRAWS = 1000
"""Random configurations at most that are looked at for one trial after that."""

EARLY_DRAWS = 200
"""Random configurations at most that are looked at before a search starts."""


def read_limits(values: Mapping[str, float | None]) -> dict[str, float]:
    """Return the limits that settings give."""
    return {
        measure: value * unit
        for key, (measure, unit) in SETTINGS.items()
        if (value := values[key]) is not None
    }


def make_check(costs: Costs, limits: Limits) -> Fits:
    """Return what says whether a network keeps the limits; one that there isn't keeps any."""

    def fits(configuration: Configuration, seed: int) -> bool:
        return keeps(costs(configuration, seed), limits)

    return fits


def keeps(measures: Mapping[str, float], limits: Limits) -> bool:
    """Return whether measures are within limits.

    A configuration without a network, whose measures are infinite, is above any limit.
    """
    return all(measures[name] <= most for name, most in limits.items())


def fill_slots(
    propose: Draw, draw: Draw, fits: Fits, trial_seeds: Sequence[int], seed: int
) -> "list[Suggestion]":
    """Return a suggestion for each trial that keeps the limits.

    The method's own, best first, each for the first free trial that it fits; the method is asked
    again, with other seeds, while some are free. Those still free then get random configurations.

    Args:
        propose: the method's suggestions.
        draw: random configurations.
        fits: what is within the limits.
        trial_seeds: one of each trial.
        seed: of the suggestions.

    Raises:
        UserError: no configuration was found for a trial.
    """
    found: dict[int, Suggestion] = {}
    for attempt in range(TRIES):
        free = [place for place in range(len(trial_seeds)) if place not in found]
        if not free:
            break
        again = seed if attempt == 0 else derive_seed(seed, "again", attempt)
        for suggestion in propose(len(free), again):
            if attempt and suggestion.parent:
                continue  # what is drawn again was decided for the whole batch
            if any(suggestion.configuration == item.configuration for item in found.values()):
                continue
            for place in free:
                if place not in found and fits(suggestion.configuration, trial_seeds[place]):
                    found[place] = suggestion
                    break
    for place, trial_seed in enumerate(trial_seeds):
        if place not in found:
            found[place] = _draw_one(draw, fits, trial_seed, derive_seed(seed, "within", place))
    return [found[place] for place in range(len(trial_seeds))]


def _draw_one(draw: Draw, fits: Fits, trial_seed: int, seed: int) -> "Suggestion":
    for number in range(DRAWS):
        suggestion = draw(1, derive_seed(seed, number))[0]
        if fits(suggestion.configuration, trial_seed):
            return suggestion
    raise UserError(
        f"none of {DRAWS} random configurations keeps the limits: raise"
        f" {', '.join(SETTINGS)}, whichever are set"
    )


def refuse_unmet(draw: Draw, costs: Costs, limits: Limits, seed: int) -> None:
    """Raise if no random configuration keeps the limits.

    Args:
        draw: random configurations.
        costs: what is known of their networks.
        limits: to keep.
        seed: of the draws.

    Raises:
        UserError: none does.
    """
    least: dict[str, float] = {}
    for number, suggestion in enumerate(draw(EARLY_DRAWS, seed)):
        measures = costs(suggestion.configuration, derive_seed(seed, number))
        if keeps(measures, limits):
            return
        for name in limits:
            least[name] = min(measures[name], least.get(name, measures[name]))
    raise UserError(
        f"none of {EARLY_DRAWS} random configurations keeps the limits: "
        + "; ".join(
            f"{key} is {limits[measure] / unit:g}, the least found {least[measure] / unit:.6g}"
            for key, (measure, unit) in SETTINGS.items()
            if measure in limits
        )
        + "; networks are as wide as parameter_limit allows, so lower that or raise the limits"
    )
