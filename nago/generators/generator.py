"""What every generator brings: how it draws cells, what they compute, and its search spaces."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from nago.generators.architecture import Cell
from nago.generators.program import Writer
from nago.records import Configuration, GeneratorSettings

Range = tuple[int, int] | tuple[float, float]
"""Lowest and highest value of a hyperparameter, both within; whole numbers or reals."""

Ranges = Mapping[str, Range]
"""The hyperparameters of a search space."""


@dataclass(frozen=True, slots=True)
class Generator:
    """A generator.

    Attributes:
        draw_cells: draws cells from a configuration, the settings and a seed.
        write_cells: writes what cells compute on the place of the stem's output, and returns
            the place of what the head takes; the last argument counts the stages.
        smallest_cells: cells with at most the parameters of any draw within the given ranges.
        spaces: its search spaces by name; the first is the default.
        merges: the weights of its merges where the settings give none; empty if it has no choice.
        operations: likewise of its operations.
        stage_ratios: whether the settings share the cells among the stages.
        known_merges: names that the settings may give weights.
        known_operations: likewise.
    """

    draw_cells: Callable[[Configuration, GeneratorSettings, int], tuple[Cell, ...]]
    write_cells: Callable[[Writer, tuple[Cell, ...], int, int], int]
    smallest_cells: Callable[[Ranges, GeneratorSettings], tuple[Cell, ...]]
    spaces: Mapping[str, Ranges]
    merges: Mapping[str, float]
    operations: Mapping[str, float]
    stage_ratios: bool
    known_merges: tuple[str, ...]
    known_operations: tuple[str, ...]
