"""Settings: what the YAML files and the command line say, checked and made into records.

The schema of the workflow gives every key's kind and default; checks that need more than one
key stand here. All of it runs before the first job starts.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nago.generators.architecture import Task
from nago.generators.draw import GENERATORS, check_settings, fit_cells
from nago.generators.generator import Generator, Ranges
from nago.generators.named import NAMED
from nago.generators.spaces import choose_ranges, make_space, open_settings
from nago.generators.stages import assign_stages
from nago.records import Configuration, GeneratorSettings, Protocol, TrainingSettings, read_json
from nago.schema import SettingsError, plain, read_texts, read_yaml, validate
from nago.search.brackets import Rung
from nago.search.limits import read_limits
from nago.search.methods import Method, find_method
from nago.search.steps import Search

SCHEMA = Path("workflow/schemas/config.schema.yaml")
CONFIG = Path("config/config.yaml")
DATASETS = Path("config/datasets")


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of a search, checked; `values` has one for every key of the schema.

    `given_name` is what it is called whatever its seed, by default its generator, space and
    method; `suffix` ends the name of its folder.
    """

    values: Mapping[str, Any]
    given_name: str | None = None
    suffix: str = ""

    @property
    def dataset(self) -> str:
        """The name of the folders of data and results."""
        return str(self.values["name"] or self.values["dataset"])

    @property
    def contestant(self) -> str:
        """What is compared, as in `hnag-bohb` or `hnag-aug_v1-bohb`."""
        generator, space, method = (self.values[key] for key in ("generator", "space", "method"))
        parts = [generator, method] if space == "base" else [generator, space, method]
        return self.given_name or "-".join(parts)

    @property
    def search(self) -> str:
        """The name of the search's folder: the contestant's, with `-seed1` for another seed."""
        return self.contestant + self.suffix

    @property
    def data_seed(self) -> int:
        """The root of the seeds that cut the data in parts."""
        seed = self.values["data_seed"]
        return int(self.values["seed"] if seed is None else seed)

    @property
    def configuration(self) -> Configuration:
        """The configuration that method default trains.

        Raises:
            SettingsError: it is not one of the space.
        """
        return find_configuration(self.values["generator"], self.ranges, self.values)

    @property
    def generator(self) -> Generator:
        """The generator that is searched."""
        return GENERATORS[self.values["generator"]]

    @property
    def ranges(self) -> Ranges:
        """The hyperparameters of the search and their ranges."""
        values = self.values
        return choose_ranges(
            values["generator"], self.generator.spaces, values["space"], values["ranges"]
        )

    @property
    def plan(self) -> tuple[tuple[Rung, ...], ...]:
        """The rungs of each bracket."""
        # With a table of initial points there is no round that makes them.
        given = {
            **self.values,
            "initial_points": self.values["initial_points"] * self.makes_initial,
        }
        return self.method.plan(*(given[key] for key in self.method.plan_keys))

    @property
    def budgets(self) -> list[int]:
        """The epochs that trials are trained for, lowest first."""
        return sorted({rung.budget for rungs in self.plan for rung in rungs})

    @property
    def makes_initial(self) -> bool:
        """Whether the first bracket makes the initial points, which later ones always see."""
        return self.method.begins_with_points and self.values["initial"] is None

    @property
    def lag(self) -> int:
        """How many brackets are in flight."""
        return int(self.values[self.method.lag_key])

    @property
    def finalists(self) -> int:
        """How many generators have networks that are trained to completion."""
        if not self.method.completes:
            return 0
        return int(self.values["finalists"]) if self.method.multi_objective else 1

    @property
    def final_networks(self) -> int:
        """How many networks are trained to completion, those of all finalists together."""
        return self.finalists * int(self.values["final_networks"])

    @property
    def replicates(self) -> bool:
        """Whether the search draws further architectures of generators that it has tried."""
        return bool(self.values["replicates"] == "adaptive")

    @property
    def reference(self) -> list[float | None]:
        """The reference point: a value for each objective, None where the search gives it."""
        unknown = [None] * (len(self.values["objectives"]) - 1)
        return list(self.values["reference"] or [1.0, *unknown])

    @property
    def method(self) -> Method:
        """The search method."""
        return find_method(self.values["method"])

    @property
    def objectives(self) -> tuple[str, ...]:
        """The measures that the search minimises."""
        several = self.method.multi_objective
        return tuple(self.values["objectives"]) if several else ("validation_error",)

    @property
    def limits(self) -> dict[str, float]:
        """The most that networks may have of each limited measure, in its units."""
        return read_limits(self.values) if self.method.chooses else {}

    @property
    def search_definition(self) -> dict[str, Any]:
        """All that decides what is proposed, beside the plan; `read_search` takes it."""
        values = self.values
        names = OPTIONS.get(values["method"], {})
        options: dict[str, Any] = {option: values[key] for option, key in names.items()}
        # HpBandSter's way isn't written, as before there was a choice: nothing is made again.
        if values["method"] == "bohb" and values["bohb_failures"] != "own_budget":
            options["failures"] = values["bohb_failures"]
        objectives = list(self.objectives)
        if values["method"] == "default":
            options["configuration"] = dict(self.configuration)
        if self.replicates:
            options["replicates"] = values["replicates"]
        if self.method.multi_objective:
            options["log_losses"] = [name != "validation_error" for name in objectives]
        shared = {key: values[key] for key in ("generator", "method", "seed", "continue")}
        ranges = {name: list(limits) for name, limits in self.ranges.items()}
        definition = shared | {"ranges": ranges, "options": options, "objectives": objectives}
        return definition | ({"limits": self.limits} if self.limits else {})

    @property
    def search_protocol(self) -> Protocol:
        """How the trials of the search are trained."""
        batch_size, rate = self.values["batch_size"], self.values["learning_rate"]
        protocol = self._protocol(batch_size, rate, False)
        return replace(protocol, max_hours=self.values["max_trial_hours"])

    @property
    def final_protocol(self) -> Protocol:
        """How the winner's networks are trained to completion."""
        batch_size, rate, compiled = (
            self.values[f"final_{key}"] for key in ("batch_size", "learning_rate", "compile")
        )
        return self._protocol(batch_size, rate, compiled)

    @property
    def stored_size(self) -> int:
        """Height and width of prepared images, in pixels."""
        given, size = self.values["stored_size"], self.values["image_size"]
        return int(given or (round(size * 8 / 7) if self.values["crop"] == "resized" else size))

    @property
    def generator_settings(self) -> GeneratorSettings:
        """What the generator is given beside its hyperparameters."""
        return GeneratorSettings(
            stage_ratios=tuple(self.values["stage_ratios"]),
            channel_ratios=tuple(self.values["channel_ratios"]),
            merges=self._weights("merges", self.generator.merges),
            operations=self._weights("operations", self.generator.operations),
        )

    def _weights(self, key: str, default: Mapping[str, float]) -> Mapping[str, float]:
        """Return weights as given, or else the generator's own."""
        given: Mapping[str, float] | None = self.values[key]
        return dict(default) if given is None else given

    def _length(self, key: str, share: int) -> int:
        """Return a length in pixels, by default a share of the image's side."""
        given = self.values[key]
        return int(self.values["image_size"] // share if given is None else given)

    def _protocol(self, batch_size: int, learning_rate: float | None, compiled: bool) -> Protocol:
        values = self.values
        return Protocol(
            generator=values["generator"],
            generator_settings=self.generator_settings,
            parameter_limit=values["parameter_limit"],
            training=TrainingSettings(
                batch_size=batch_size,
                learning_rate=learning_rate,
                crop_padding=self._length("crop_padding", 8),
                cutout=self._length("cutout", 2),
                processes=values["gpus_per_trial"],
                compile=compiled,
                crop_scale=tuple(values["crop_scale"]),
                colour_jitter=tuple(values["colour_jitter"]),
                **{key: values[key] for key in TRAINING_KEYS},
            ),
        )


TRAINING_KEYS = (
    "momentum",
    "weight_decay",
    "gradient_clip",
    "flip",
    "threads",
    "crop",
    "warmup_epochs",
    "label_smoothing",
    "synchronise_norm",
    "precision",
    "channels_last",
    "memory_gb",
)
DEFAULTS = {"rnag": "rnag-d"}
"""By generator: the name of the configuration that counts as its default."""

OPTIONS = {
    "bohb": {
        "min_points_in_model": "min_points",
        "top_n_percent": "top_percent",
        "num_samples": "samples",
        "random_fraction": "random_fraction",
        "bandwidth_factor": "bandwidth_factor",
        "min_bandwidth": "min_bandwidth",
    },
    "mobo": {
        "surrogate": "surrogate",
        "acquisition": "acquisition",
        "selection": "selection",
        "beta": "beta",
        "reference": "reference",
        "batch": "batch_choice",
    },
}
OPTIONS["mobohb"] = {
    **OPTIONS["bohb"],
    **OPTIONS["mobo"],
    "model": "mobohb_model",
    "promotion": "promotion",
    "lowest_error": "lowest_error",
}
"""By method: the names of its options, HpBandSter's for BOHB, and of the settings."""


def load_settings(given: Mapping[str, Any], root: Path) -> Settings:
    """Return the checked settings of a run.

    Args:
        given: what config/config.yaml and the command line say, together.
        root: the folder of the project.

    Raises:
        SettingsError: one line that says what was given and what would be right.
    """
    schema = read_yaml(root / SCHEMA)
    defaults = {key: rule.get("default") for key, rule in schema["properties"].items()}
    dataset = given.get("dataset", defaults["dataset"])
    given = {key: read_texts(key, value, schema) for key, value in given.items()}
    path = root / DATASETS / f"{dataset}.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.stem for file in (root / DATASETS).glob("*.yaml")))
        raise SettingsError(f"there is no data set {dataset!r}; there are {known}")
    specific = read_yaml(path) or {}
    for origin, values in ((str(path.relative_to(root)), specific), ("settings", given)):
        validate(values, schema, origin)
    values = {key: plain(value) for key, value in {**defaults, **specific, **given}.items()}
    settings = Settings(values)
    try:
        _check_together(settings)
    except ValueError as error:
        raise SettingsError(str(error)) from None
    return settings


def find_configuration(generator: str, ranges: Ranges, values: Mapping[str, Any]) -> Configuration:
    """Return the configuration that method default trains.

    Args:
        generator: of the search.
        ranges: the hyperparameters of the search.
        values: the settings; `configuration` is hyperparameters, a name or None.

    Raises:
        SettingsError: there is none of that name, or it isn't one of the space.
    """
    given = DEFAULTS.get(generator) if (own := values["configuration"]) is None else own
    own_names = [name for name, named in NAMED.items() if named.generator == generator]
    if given is None:
        raise SettingsError(
            f"{generator} has no default: configuration must be its hyperparameters or one of"
            f" {', '.join(own_names)}"
        )
    if isinstance(given, str):
        if given not in own_names:
            raise SettingsError(
                f"configuration: {generator} has none named {given!r}; there are"
                f" {', '.join(own_names) or 'none'}"
            )
        given = NAMED[given].configuration
    if set(given) != set(ranges):
        raise SettingsError(
            f"configuration must have the hyperparameters {', '.join(ranges)}, got"
            f" {', '.join(given)}"
        )
    for name, (low, high) in ranges.items():
        value = given[name]
        if isinstance(value, str) or not low <= value <= high:
            raise SettingsError(
                f"configuration: {name} must be from {low} to {high} (or set its range), got"
                f" {value!r}"
            )
    return dict(given)


def read_config(root: Path) -> dict[str, Any]:
    """Return what config/config.yaml says."""
    return dict(read_yaml(root / CONFIG) or {})


def read_search(path: Path) -> Search:
    """Return the search that a file defines, as `Settings.search_definition` says it.

    Raises:
        RecordError: the file is missing or damaged.
    """
    values = read_json(path)
    return Search(
        method=values["method"],
        space=make_space({name: tuple(limits) for name, limits in values["ranges"].items()}),
        seed=values["seed"],
        options=values["options"],
        keep=values["continue"],
        objectives=tuple(values["objectives"]),
        limits=values.get("limits", {}),
    )


def find_root(start: Path) -> Path:
    """Return the folder of the project at or above `start`.

    Raises:
        SettingsError: there is none.
    """
    for folder in (start, *start.parents):
        if (folder / SCHEMA).is_file() and (folder / CONFIG).is_file():
            return folder
    raise SettingsError(f"{start} is not in a project: no {CONFIG} and {SCHEMA} at or above it")


def _check_together(settings: Settings) -> None:
    """Raise ValueError where settings don't go together."""
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


def _check_objectives(settings: Settings) -> None:
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


def _check_images(settings: Settings) -> None:
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


def _check_generator(settings: Settings) -> None:
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
