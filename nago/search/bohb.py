"""BOHB by HpBandSter's own config generator, with its model as data between two steps.

`fit` replays a history through the generator and returns what it learnt; `propose` rebuilds the
generator from that and asks it. Together they give what one generator gives that lives through
the history. HpBandSter keeps a density of good and one of bad configurations per budget, and
asks those of the largest budget that has them: from 2 (d + 1) results on by default, for d
hyperparameters. Without a model, and for a share `random_fraction`, configurations are random.
What failed is worst at its own budget; HpBandSter hears nothing of it at others, unless the option
`failures` says so. Source: Falkner, Klein and Hutter 2018, ICML; hpbandster 0.7.4.
"""

import contextlib
import importlib
import logging
import math
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace

from nago.records import Observation, UserError
from nago.search.methods import Suggestion, Surrogate
from nago.search.random_search import draw, plain_values, seeded

OPTIONS: Mapping[str, Any] = {
    "min_points_in_model": None,
    "top_n_percent": 15,
    "num_samples": 64,
    "random_fraction": 1 / 3,
    "bandwidth_factor": 3,
    "min_bandwidth": 1e-3,
}
"""HpBandSter's options and defaults; `min_points_in_model` None is d + 1."""

FAILURES = ("own_budget", "all_budgets")
"""What the option `failures` may be, which is ours: at which budgets a failed trial is bad. The
first is HpBandSter's way, and the default; a surrogate has the option only if it was given."""


def fit(
    space: ConfigurationSpace,
    observations: Sequence[Observation],
    options: Mapping[str, Any],
    seed: int,
) -> Surrogate:
    """Return what HpBandSter learns from `observations`, in their order; it draws nothing.

    The surrogate has, per budget, the numbers of observations and failures, and of prior
    observations if there are any, which the densities treat as all others; and per budget with
    a model, for good and bad: `data` (n, d) scaled to [0, 1] or the number of a category, and
    `bandwidths` (d,), columns as in `hyperparameters`, of kinds `var_types` (c continuous,
    u category).

    Raises:
        UserError: an option is unknown or out of range, `min_points_in_model` is below d + 1, or
            a hyperparameter depends on another.
    """
    if space.conditional_hyperparameters:
        raise UserError(
            "BOHB is used for spaces without conditions, but there are some on"
            f" {sorted(space.conditional_hyperparameters)}"
        )
    settings = _complete(options, len(space))
    counts = Counter(item.budget for item in observations if not item.prior)
    prior = Counter(item.budget for item in observations if item.prior)
    failed = Counter(item.budget for item in observations if not math.isfinite(item.loss))
    needed = settings["min_points_in_model"] + len(space) + 1
    told = observations
    if settings.get("failures") == "all_budgets":
        fewest, share = settings["min_points_in_model"], settings["top_n_percent"]
        told = spread_failures(observations, fewest, share)
    most = max(Counter(item.budget for item in told).values(), default=0)
    # Below that no model can be, and the import of HpBandSter's statistics takes seconds.
    models = _learn(space, told, settings) if most >= needed else []
    budgets_with_model = [model["budget"] for model in models]
    return {
        "method": "bohb",
        "options": settings,
        "hyperparameters": list(space),
        "budgets": [
            {
                "budget": budget,
                "observations": counts[budget],
                "failed": failed[budget],
                "model": budget in budgets_with_model,
            }
            | ({"prior": prior[budget]} if prior[budget] else {})
            for budget in sorted(counts | prior)
        ],
        "model_budget": max(budgets_with_model, default=None),
        "models": models,
    }


def propose(
    space: ConfigurationSpace, surrogate: Surrogate, count: int, budget: int, seed: int
) -> list[Suggestion]:
    """Return the configurations that HpBandSter suggests for trials of `budget` epochs.

    Raises:
        UserError: the surrogate was fitted on another space.
    """
    if surrogate["hyperparameters"] != list(space):
        raise UserError(
            f"the surrogate was fitted on {surrogate['hyperparameters']},"
            f" got a space of {list(space)}"
        )
    if not surrogate["models"]:
        return draw(space, count, seed)  # as HpBandSter does, without its slow import
    log = _Log()
    with _quiet(), seeded(space, seed):
        generator = _generator(space, surrogate["options"], log)
        for model in surrogate["models"]:
            generator.kde_models[model["budget"]] = {
                side: _density(model["var_types"], model[side]) for side in ("good", "bad")
            }
        return [_ask(generator, budget, log) for _ in range(count)]


def spread_failures(
    observations: Sequence[Observation], fewest: int, share: float
) -> list[Observation]:
    """Return the observations budget by budget, with the failures of all others at each.

    Where a network can't be, takes too much memory or too long, it does so for any number of
    epochs, or would at more of them. A budget where failed trials would be among the good ones,
    since too few worked, is left out.

    Args:
        observations: of all budgets.
        fewest: configurations that a density needs.
        share: percentage of a budget's that are good.
    """
    failed = [item for item in observations if not math.isfinite(item.loss)]
    told: list[Observation] = []
    for budget in sorted({item.budget for item in observations}):
        own = [item for item in observations if item.budget == budget]
        others = [replace(item, budget=budget) for item in failed if item.budget != budget]
        works = sum(math.isfinite(item.loss) for item in own)
        # As many as HpBandSter takes for the good ones.
        if works >= max(fewest, share * (len(own) + len(others)) // 100):
            told += own + others
    return told


def _complete(options: Mapping[str, Any], dimensions: int) -> dict[str, Any]:
    known = {*OPTIONS, "failures"}
    unknown = sorted(set(options) - known)
    if unknown:
        raise UserError(f"BOHB has no options {unknown}; they could be {sorted(known)}")
    if options.get("failures", FAILURES[0]) not in FAILURES:
        raise UserError(f"failures could be {', '.join(FAILURES)}, got {options['failures']!r}")
    settings = {**OPTIONS, **options}
    least = dimensions + 1
    if settings["min_points_in_model"] is None:
        settings["min_points_in_model"] = least
    if settings["min_points_in_model"] < least:
        raise UserError(
            f"min_points_in_model must be {least} or more for {dimensions} hyperparameters,"
            f" got {settings['min_points_in_model']}"
        )
    return settings


def _learn(
    space: ConfigurationSpace, observations: Sequence[Observation], settings: Mapping[str, Any]
) -> list[dict[str, Any]]:
    with _quiet():
        generator = _generator(space, settings, _Log())
        for observation, rank in zip(observations, _ranks(observations), strict=True):
            generator.new_result(
                SimpleNamespace(
                    kwargs={
                        "config": dict(observation.configuration),
                        "budget": observation.budget,
                    },
                    result={"loss": float(rank)},
                    exception=None,
                )
            )
    return [
        {"budget": budget, "var_types": generator.kde_vartypes}
        | {
            side: {"data": density.data.tolist(), "bandwidths": density.bw.tolist()}
            for side, density in sides.items()
        }
        for budget, sides in sorted(generator.kde_models.items())
    ]


def _ranks(observations: Sequence[Observation]) -> list[int]:
    """Return the place of each loss among all, failures last, equal ones in their order.

    HpBandSter only sorts the losses, with a sort that orders equal ones differently from one
    processor to the next. Their ranks say the same and have no equals.
    """
    losses = [item.loss if math.isfinite(item.loss) else math.inf for item in observations]
    ranks = [0] * len(losses)
    for rank, place in enumerate(sorted(range(len(losses)), key=losses.__getitem__)):
        ranks[place] = rank
    return ranks


def _ask(generator: Any, budget: int, log: "_Log") -> Suggestion:
    """Return one suggestion, and whether the model gave it.

    HpBandSter turns to a random configuration, with a line in its log, whenever its model
    fails. Its first draw decides between random and model, so a look at that draw tells a
    random configuration that was meant from one that wasn't.
    """
    log.messages.clear()
    first_draw = np.random.RandomState()
    first_draw.set_state(np.random.get_state())  # noqa: NPY002  # HpBandSter's stream
    model_is_meant = first_draw.random_sample() >= generator.random_fraction
    configuration, info = generator.get_config(budget)
    values = plain_values(configuration)
    failures = [text for text in log.messages if "using random configuration" in text.lower()]
    if not model_is_meant:
        return Suggestion(values, "random")
    if info["model_based_pick"] and not failures:
        return Suggestion(values, "model")
    return Suggestion(values, "fallback", _shorten(failures[0]) if failures else "no reason given")


def _shorten(message: str) -> str:
    """Return a message of HpBandSter without the indented lines: those of a stack trace."""
    return "; ".join(line for line in message.splitlines() if line and not line[0].isspace())


def _generator(space: ConfigurationSpace, settings: Mapping[str, Any], log: "_Log") -> Any:
    logger = logging.Logger("hpbandster", logging.DEBUG)
    logger.addHandler(log)
    module = importlib.import_module("hpbandster.optimizers.config_generators.bohb")
    theirs = {name: settings[name] for name in OPTIONS}
    return module.BOHB(space, logger=logger, **theirs)


def _density(var_types: str, values: Mapping[str, Any]) -> Any:
    module = importlib.import_module("statsmodels.nonparametric.kernel_density")
    return module.KDEMultivariate(
        data=np.array(values["data"], dtype=float),
        var_type=var_types,
        bw=np.array(values["bandwidths"], dtype=float),
    )


class _Log(logging.Handler):
    """Keeps the messages of one generator."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Silence, for a while, what HpBandSter's use of old interfaces makes libraries say.

    Also numpy's division by zero where a density knows one category only; HpBandSter treats it.
    """
    with warnings.catch_warnings(), np.errstate(divide="ignore", invalid="ignore"):
        warnings.simplefilter("ignore")
        yield
