"""Choices: a configuration read by name and kind, and merges and operations drawn by weight."""

import math
import random
from collections.abc import Mapping, Sequence

from nago.generators.architecture import CONVOLUTIONS, SEPARABLES, SKIP
from nago.records import Configuration, UserError


class Values:
    """A configuration, read by name and kind."""

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    def _read(self, name: str) -> int | float | str:
        if name not in self._configuration:
            raise UserError(f"the configuration has no {name}: {dict(self._configuration)}")
        return self._configuration[name]

    def whole(self, name: str) -> int:
        """Return a whole number."""
        value = self._read(name)
        if isinstance(value, str) or not float(value).is_integer():
            raise UserError(f"{name} must be a whole number, got {value!r}")
        return int(value)

    def real(self, name: str) -> float:
        """Return a number."""
        value = self._read(name)
        if isinstance(value, str):
            raise UserError(f"{name} must be a number, got {value!r}")
        return float(value)


class Choice:
    """Draws one of `known` names by their weights, 0 where none is given.

    Raises:
        UserError: a name is unknown, or the weights are no weights.
    """

    def __init__(self, kind: str, given: Mapping[str, float], known: Sequence[str]) -> None:
        self._known = known
        self._weights = read_weights(kind, given, known)

    def draw(self, rng: random.Random) -> str:
        """Return a name."""
        return rng.choices(self._known, self._weights)[0]


def read_weights(kind: str, given: Mapping[str, float], known: Sequence[str]) -> list[float]:
    """Return the weight of each known name.

    Raises:
        UserError: a name is unknown, or the weights are no weights.
    """
    unknown = sorted(set(given) - set(known))
    if unknown:
        names = ", ".join(known) if known else "no choice with this generator"
        raise UserError(f"{kind} has no {unknown[0]!r}; it has {names}")
    weights = [float(given.get(key, 0)) for key in known]
    # So written that a NaN is refused, too.
    if not (min(weights) >= 0 and 0 < sum(weights) < math.inf):
        raise UserError(f"{kind} must be weights of at least 0, not all 0, got {dict(given)}")
    return weights


def smallest_operation(operations: Mapping[str, float], width: int) -> str:
    """Return the operation with the fewest parameters at a width, of those with a weight above 0.

    Args:
        operations: weights by name.
        width: channels of the stage; which of two is smaller depends on it.
    """

    def count(name: str) -> float:
        """Return the parameters for each channel of the input."""
        if name in CONVOLUTIONS:
            height, across = CONVOLUTIONS[name]
            return height * across * width + 2
        if name in SEPARABLES:
            kernel, _, repeats = SEPARABLES[name]
            return repeats * (kernel**2 + width + 2)
        return 0.5 if name == SKIP else 0  # with a stride a skip is a convolution

    return min((name for name, weight in operations.items() if weight > 0), key=count)


def chain(nodes: int) -> list[tuple[int, ...]]:
    """Return the wiring of nodes one after another, the graph with the fewest merges."""
    return [(place - 1,) if place else () for place in range(nodes)]
