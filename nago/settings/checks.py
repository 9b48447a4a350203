"""Checks of settings that need more than one key, before the first job starts."""

from typing import TYPE_CHECKING

from nago.generators.architecture import Task
from nago.generators.draw import check_settings, fit_cells
from nago.generators.spaces import open_settings
from nago.generators.stages import assign_stages

if TYPE_CHECKING:
    from nago.settings.values import Settings


def check_together(settings: "Settings") -> None:
    """Raise ValueError where settings don't go together, with what would be right."""
    values = settings.values
    _ = settings.plan
    _check_objectives(settings)
    _check_generator(settings)
    if values["method"] == "default":
        _ = settings.configuration
    fewest = len(settings.ranges) + 1
    if values["min_points"] is not None and values["min_points"] < fewest:
        raise ValueError(
            f"min_points must be at least {fewest}, the hyperparameters + 1,"
            f" got {values['min_points']}"
        )
    _check_images(settings)
    # Two classes is the least: with more, the smallest network is larger still.
    task = Task(values["image_size"], values["image_channels"], 2, values["parameter_limit"])
    given = open_settings(settings.generator_settings, settings.ranges)
    smallest = settings.generator.smallest_cells(settings.ranges, given)
    fit_cells(values["generator"], smallest, given.channel_ratios, task)


def _check_objectives(settings: "Settings") -> None:
    """Raise ValueError where objectives, reference point and rounds don't go together."""
    values = settings.values
    objectives, reference = values["objectives"], values["reference"]
    if objectives[0] != "validation_error":
        raise ValueError(f"objectives must begin with validation_error, got {objectives}")
    if reference is not None and len(reference) != len(objectives):
        raise ValueError(f"reference must have a value for each of {objectives}, got {reference}")
    if values["initial"] is not None and not settings.method.begins_with_points:
        raise ValueError(
            f"initial is where mobo begins; method {values['method']} takes none: leave it away"
        )
    if settings.replicates and not values["exact_objectives"]:
        raise ValueError(
            "replicates: adaptive takes what follows from an architecture as it is:"
            " exact_objectives must be true, got false"
        )
    if settings.replicates and values["method"] != "mobo":
        raise ValueError(
            "replicates: adaptive is for method mobo, whose trials all have one budget; method"
            f" {values['method']} draws each generator once: leave it away"
        )
    if values["warm_start"] is not None and not settings.method.learns:
        raise ValueError(
            "warm_start is for methods that learn from trials; method"
            f" {values['method']} takes none: leave it away"
        )
    trials = sum(rung.size for rungs in settings.plan for rung in rungs)
    if settings.finalists > trials:
        raise ValueError(
            f"finalists must be at most the {trials} trials, got {settings.finalists}"
        )


def _check_images(settings: "Settings") -> None:
    """Raise ValueError where what is done to the images doesn't go together."""
    values = settings.values
    size, channels = values["image_size"], values["image_channels"]
    for key in ("cutout", "crop_padding"):
        if values[key] is not None and values[key] >= size:
            raise ValueError(
                f"{key} must be below image_size, or nothing is left of an image, got"
                f" {values[key]} at {size} pixels"
            )
    if settings.stored_size < size:
        raise ValueError(
            f"stored_size must be image_size or more, got {settings.stored_size} for {size} pixels"
        )
    for key in ("channel_mean", "channel_std"):
        if values[key] is not None and len(values[key]) != channels:
            raise ValueError(
                f"{key} must have a number for each of the {channels} channels, got {values[key]}"
            )
    if values["crop_scale"][0] > values["crop_scale"][1]:
        raise ValueError(
            f"crop_scale must be the least, then the largest, got {values['crop_scale']}"
        )
    if channels == 1 and (values["colour_jitter"][2] or values["colour_jitter"][3]):
        raise ValueError(
            "grey images have no saturation and hue to change: colour_jitter must end in 0, 0,"
            f" got {values['colour_jitter']}"
        )
    budgets = [rung.budget for rungs in settings.plan for rung in rungs]
    shortest = min(*budgets, values["final_epochs"])
    if values["warmup_epochs"] >= shortest:
        raise ValueError(
            f"warmup_epochs must be below the shortest training, {shortest} epochs, got"
            f" {values['warmup_epochs']}"
        )
    if values["colour_jitter"][3] > 0.5:
        raise ValueError(
            "colour_jitter's hue must be at most 0.5, half a turn, got"
            f" {values['colour_jitter'][3]}"
        )


def _check_generator(settings: "Settings") -> None:
    """Raise ValueError where the generator can't be drawn as set."""
    given = settings.generator_settings
    if "top_nodes" in settings.ranges and "stage_ratio_1" not in settings.ranges:
        lowest, highest = settings.ranges["top_nodes"]
        for nodes in range(int(lowest), int(highest) + 1):
            assign_stages(nodes, given.stage_ratios)
    check_settings(settings.values["generator"], given)
    for field, prefix in (("merges", "merge_"), ("operations", "operation_")):
        searched = any(name.startswith(prefix) for name in settings.ranges)
        if searched and settings.values[field] is not None:
            raise ValueError(
                f"{field} are searched in the space {settings.values['space']} of"
                f" {settings.values['generator']}: leave {field} away, or set their ranges"
            )
