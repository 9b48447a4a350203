"""Search spaces: ranges of hyperparameters as a ConfigSpace, and what a configuration sets."""

import dataclasses
import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING

from nago.generators.generator import Range, Ranges
from nago.records import Configuration, GeneratorSettings, UserError

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace


LEAST_P = 0.05
"""The least P of Erdos-Renyi graphs that are searched: one draw in 30,000 is connected at 10."""


def choose_ranges(
    generator: str,
    spaces: Mapping[str, Ranges],
    space: str,
    changes: Mapping[str, Sequence[float]] | None = None,
) -> Ranges:
    """Return the ranges of a generator's search space, some of them changed.

    Args:
        generator: its name, for messages.
        spaces: the generator's.
        space: the name of one.
        changes: other limits, lowest and highest, by hyperparameter.

    Raises:
        UserError: there is no such space or hyperparameter, or limits are not in its domain.
    """
    if space not in spaces:
        raise UserError(f"{generator} has no space {space!r}; it has {', '.join(spaces)}")
    ranges = dict(spaces[space])
    for name, limits in (changes or {}).items():
        if name not in ranges:
            raise UserError(
                f"ranges: the space {space} of {generator} has no {name!r};"
                f" it has {', '.join(ranges)}"
            )
        whole = isinstance(ranges[name][0], int)
        ranges[name] = _check_limits(name, limits, find_domain(name, ranges), whole=whole)
    for name, limits in ranges.items():
        nodes = f"{name.removesuffix('_m')}_nodes"
        if name.endswith("_m") and limits[1] >= ranges[nodes][0]:
            raise UserError(
                f"ranges: {name} must stay below {nodes}, got {list(limits)}"
                f" and {list(ranges[nodes])}"
            )
    return ranges


def _check_limits(
    name: str, limits: Sequence[float], domain: tuple[float, float], *, whole: bool
) -> Range:
    lowest, highest = domain
    low, high = limits[0], limits[-1]
    if not lowest <= low < high <= highest or (whole and (low % 1 or high % 1)):
        kind = "whole numbers" if whole else "numbers"
        upper = f" to {highest:g}" if math.isfinite(highest) else " up"
        raise UserError(
            f"ranges: {name} takes two {kind} in rising order from {lowest:g}{upper},"
            f" got {list(limits)}"
        )
    return (int(low), int(high)) if whole else (float(low), float(high))


def find_domain(name: str, names: Collection[str]) -> tuple[float, float]:
    """Return the least and the most that a hyperparameter may be, by what its name means.

    Args:
        name: of the hyperparameter.
        names: of all hyperparameters of the space: a graph with a P and no K is Erdos-Renyi.
    """
    if name.startswith(("merge_", "operation_")):
        return 0, 1
    if "_ratio_" in name:
        return 0.01, 100
    level, _, kind = name.rpartition("_")
    if kind == "p":
        # Below, connected Erdos-Renyi graphs are all but impossible to draw.
        return 0 if f"{level}_k" in names else LEAST_P, 1
    if kind == "nodes":
        return 1 if level == "middle" else 3, math.inf
    return 2 if kind == "k" else 1, math.inf


def make_space(ranges: Ranges) -> "ConfigurationSpace":
    """Return a search space; what it samples depends on seeds set later."""
    # Imported here: the plan and the drawing of a known configuration need no ConfigSpace.
    from ConfigSpace import ConfigurationSpace  # noqa: PLC0415

    return ConfigurationSpace(dict(ranges), seed=0)


def apply_configuration(
    settings: GeneratorSettings, configuration: Configuration
) -> GeneratorSettings:
    """Return the settings with what the configuration decides of them.

    * `merge_<name>` and `operation_<name>` are weights, in place of all weights of the settings;
      a choice's probability is its weight's share of their sum.
    * `stage_ratio_<s>`, s = 1, 2, ..., are shares of the stages in the top nodes, of their sum.
    * `channel_ratio_<s>` are the widths of the stages, relative to the narrowest.

    Raises:
        UserError: weights are all 0, or the ratios of some stages are missing.
    """
    changes: dict[str, object] = {}
    for field, prefix in (("merges", "merge_"), ("operations", "operation_")):
        weights = _read(configuration, prefix)
        if weights:
            if not sum(weights.values()) > 0:
                names = ", ".join(f"{prefix}{name}" for name in weights)
                raise UserError(f"one at least of {names} must be above 0, got {weights}")
            changes[field] = weights
    for field, prefix in (("stage_ratios", "stage_ratio_"), ("channel_ratios", "channel_ratio_")):
        ratios = _read(configuration, prefix)
        if ratios:
            wanted = [str(place + 1) for place in range(len(getattr(settings, field)))]
            if sorted(ratios) != wanted:
                raise UserError(
                    f"a configuration with {prefix}s has {prefix}1 to {prefix}{len(wanted)},"
                    f" got {', '.join(sorted(ratios))}"
                )
            if not min(ratios.values()) > 0:
                raise UserError(f"all {prefix}s must be above 0, got {ratios}")
            smallest = min(ratios.values()) if field == "channel_ratios" else 1.0
            changes[field] = tuple(ratios[name] / smallest for name in wanted)
    return dataclasses.replace(settings, **changes)  # type: ignore[arg-type]


def open_settings(settings: GeneratorSettings, ranges: Ranges) -> GeneratorSettings:
    """Return the settings with all that a space searches as small as it may come.

    Every merge and operation that has a weight in the space may be drawn, and stages may be
    equally wide.
    """
    changes: dict[str, object] = {}
    for field, prefix in (("merges", "merge_"), ("operations", "operation_")):
        names = [name.removeprefix(prefix) for name in ranges if name.startswith(prefix)]
        if names:
            changes[field] = dict.fromkeys(names, 1.0)
    if "channel_ratio_1" in ranges:
        changes["channel_ratios"] = (1.0,) * len(settings.channel_ratios)
    return dataclasses.replace(settings, **changes)  # type: ignore[arg-type]


def effective_k(nodes: int, k: int) -> int:
    """Return the neighbours that a Watts-Strogatz ring has: K at most N-1, and even.

    networkx joins K // 2 neighbours on each side, so an odd K means K - 1.
    """
    return 2 * (min(k, nodes - 1) // 2)


def effective_neighbours(configuration: Configuration) -> dict[str, int]:
    """Return the K that each Watts-Strogatz graph really has, by its hyperparameter."""
    return {
        name: effective_k(int(configuration[f"{name.removesuffix('_k')}_nodes"]), int(value))
        for name, value in configuration.items()
        if name.endswith("_k")
    }


def _read(configuration: Configuration, prefix: str) -> dict[str, float]:
    """Return the numbers whose names start with a prefix, by the rest of the name."""
    return {
        name.removeprefix(prefix): float(value)
        for name, value in configuration.items()
        if name.startswith(prefix)
    }
