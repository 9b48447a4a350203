"""Search spaces: the hyperparameters of each generator and their ranges.

Source of the ranges: Ru, Esperança and Carlucci 2020, appendix E.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace

HNAG_RANGES: dict[str, tuple[int, int] | tuple[float, float]] = {
    "top_nodes": (3, 10),
    "top_k": (2, 5),
    "top_p": (0.1, 0.9),
    "middle_nodes": (1, 10),
    "middle_p": (0.1, 0.9),
    "bottom_nodes": (3, 10),
    "bottom_k": (2, 5),
    "bottom_p": (0.1, 0.9),
}
"""Lowest and highest value of each hyperparameter, both within; whole numbers or reals."""

RANGES = {"hnag": HNAG_RANGES}
"""The ranges of each generator."""


def make_space(generator: str) -> "ConfigurationSpace":
    """Return the search space of a generator; what it samples depends on seeds set later."""
    # Imported here: the plan and the drawing of a known configuration need no ConfigSpace.
    from ConfigSpace import ConfigurationSpace  # noqa: PLC0415

    return ConfigurationSpace(dict(RANGES[generator]), seed=0)
