"""The generators by name: from a configuration and a seed to an architecture."""

from collections.abc import Callable

from nago.generators import hnag
from nago.generators.architecture import Architecture, Cell, Task
from nago.generators.widths import solve_widths
from nago.records import Configuration, GeneratorSettings

DrawCells = Callable[[Configuration, GeneratorSettings, int], tuple[Cell, ...]]

GENERATORS: dict[str, DrawCells] = {"hnag": hnag.draw_cells}
"""Each generator draws cells; widths are found for all in the same way."""


def draw_architecture(
    generator: str,
    configuration: Configuration,
    settings: GeneratorSettings,
    task: Task,
    seed: int,
) -> Architecture:
    """Return the architecture that a generator draws with `seed`, as wide as the limit allows.

    Raises:
        ValueError: a hyperparameter is out of range, or no width meets the limit.
    """
    cells = GENERATORS[generator](configuration, settings, seed)
    widths, head_width = solve_widths(cells, settings.channel_ratios, task)
    return Architecture(
        generator=generator,
        image_size=task.image_size,
        image_channels=task.image_channels,
        classes=task.classes,
        widths=widths,
        head_width=head_width,
        cells=cells,
    )
