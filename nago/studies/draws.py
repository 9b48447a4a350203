"""Draws for studies of the generators, a row each: what they are and what they cost.

A draw's seed is derived from its place in the study, so it stays the same however many others
there are. `nago sample` with the seed and the hyperparameters of a row draws it again.
Source: Ru, Esperança and Carlucci 2020: appendix F (draws of all generators), figure 2 and
appendix G (draws of one configuration), figure 5 (samples).
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from nago.generators.darts import BASE as DARTS_WEIGHTS
from nago.generators.draw import GENERATORS
from nago.generators.named import TASKS
from nago.records import UserError
from nago.sampling import Recipe, as_record, make_recipe
from nago.seeds import derive_seed

IMAGES = {"small": TASKS["cifar10"], "large": TASKS["sport8"]}
"""The tasks: CIFAR-10's for small images, SPORT8's for large ones."""

SPACE = "base"
EQUAL_WEIGHTS = {"darts": dict.fromkeys(DARTS_WEIGHTS, 1.0)}
"""What isn't drawn. With equal weights a draw of darts is uniform over its space, as in the paper;
random weights would favour some operations."""

COSTS = ("nodes", "parameters", "multiply_adds", "sample_memory_bytes", "hash")

GALLERY: dict[str, Mapping[str, int] | None] = {
    "rnag-d": None,
    "hnag-as-darts": None,
    "cifar10-bohb": None,
    "cifar10-mobo": None,
    "random-1": {"middle_nodes": 3},
    "random-2": {"middle_nodes": 5},
}
"""The samples of the gallery: configurations with a name, or what is given of random ones."""


def draw_table(generator: str, images: str, draws: int, seed: int) -> pd.DataFrame:
    """Return random draws of a generator: of a random configuration each.

    Configurations are uniform over the base space, but for the equal weights of darts.

    Args:
        generator: its name.
        images: `small` or `large`.
        draws: how many.
        seed: the root of all seeds.

    Returns:
        A row per draw: `generator`, `images`, `draw`, `seed` (of the configuration and the
        architecture), the hyperparameters, then `nodes`, `parameters`, `multiply_adds`,
        `sample_memory_bytes` (per image) and `hash`.

    Raises:
        UserError: the generator or the kind of images is unknown, or there are no draws.
    """
    check_generator(generator)
    if images not in IMAGES:
        raise UserError(f"images must be one of {', '.join(IMAGES)}, got {images!r}")
    check_count(draws)
    task, weights = dataclasses.asdict(IMAGES[images]), EQUAL_WEIGHTS.get(generator)
    rows = []
    for draw in range(draws):
        own = derive_seed(seed, "studies", generator, images, draw)
        recipe = make_recipe(seed=own, generator=generator, given=weights, task=task)
        rows.append(_describe({"generator": generator, "images": images, "draw": draw}, recipe))
    return pd.DataFrame(rows)


def repeat_draws(configurations: Sequence[int], draws: int, seed: int) -> pd.DataFrame:
    """Return several draws of each of some random configurations of HNAG, for small images.

    Args:
        configurations: their numbers; each decides a configuration together with the seed.
        draws: of each configuration.
        seed: the root of all seeds.

    Returns:
        A row per draw: `configuration`, `draw`, `seed`, and the rest as in `draw_table`.

    Raises:
        UserError: there are no draws.
    """
    check_count(draws)
    task, rows = dataclasses.asdict(IMAGES["small"]), []
    for number in configurations:
        names = "studies", "variance", number
        first = make_recipe(seed=derive_seed(seed, *names), task=task)
        for draw in range(draws):
            own = derive_seed(seed, *names, draw)
            recipe = make_recipe(seed=own, given=first.configuration, task=task)
            rows.append(_describe({"configuration": number, "draw": draw}, recipe))
    return pd.DataFrame(rows)


def sample_for_gallery(name: str, seed: int) -> dict[str, Any]:
    """Return a sample of the gallery, as `nago sample --json` prints it.

    Raises:
        UserError: there is no such sample.
    """
    if name not in GALLERY:
        raise UserError(f"the gallery has no sample {name!r}; it has {', '.join(GALLERY)}")
    given, own = GALLERY[name], derive_seed(seed, "studies", "gallery", name)
    if given is None:
        recipe = make_recipe(seed=own, named=name)
    else:
        task = dataclasses.asdict(IMAGES["small"])
        recipe = make_recipe(seed=own, given=given, task=task)
    return as_record(recipe, recipe.draw())


def check_generator(generator: str) -> None:
    """Raise UserError unless there is a generator of that name."""
    if generator not in GENERATORS:
        raise UserError(f"generator must be one of {', '.join(GENERATORS)}, got {generator!r}")


def check_count(draws: int) -> None:
    """Raise UserError unless there is something to draw."""
    if draws < 1:
        raise UserError(f"draws must be 1 or more, got {draws}")


def _describe(place: Mapping[str, Any], recipe: Recipe) -> dict[str, Any]:
    """Return a row: its place in the study, the seed, the hyperparameters and the costs."""
    record = as_record(recipe, recipe.draw())
    costs = {name: record[name] for name in COSTS}
    return {**place, "seed": recipe.seed, **recipe.configuration, **costs}
