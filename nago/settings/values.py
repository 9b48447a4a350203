"""The settings of a run as values, and the records that follow from them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from nago.generators.draw import GENERATORS
from nago.generators.generator import Generator, Ranges
from nago.generators.named import NAMED
from nago.generators.spaces import choose_ranges
from nago.records import Configuration, GeneratorSettings, Protocol, TrainingSettings
from nago.schema import SettingsError
from nago.search.brackets import Rung
from nago.search.limits import read_limits
from nago.search.methods import Method, find_method


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
        if "surrogate" in options:
            options["surrogate"] = options["surrogate"] or SURROGATES[values["method"]]
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

SURROGATES = {"mobo": "bnn", "mobohb": "gp"}
"""By method: the model of the objectives that it has by default."""


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
