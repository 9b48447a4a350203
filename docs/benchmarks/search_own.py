"""This project's searches as they compete, by name: the options of `mobo` that they set."""

from collections.abc import Mapping, Sequence
from typing import Any

from search_problems import Array, Problem

from nago.records import Configuration, Observation
from nago.search import mobo
from nago.seeds import derive_seed

BUDGET = 1
STEP = {"selection": "hypervolume", "acquisition": "lcb", "batch": "believer", "beta": 1.0}
"""The step as it is by default."""

PAPER = {**STEP, "selection": "uncertainty", "batch": "penaliser", "beta": None}
"""The step as the paper has it."""

OWN: Mapping[str, Mapping[str, Any]] = {
    "gp": STEP | {"surrogate": "gp"},
    "bnn": STEP | {"surrogate": "bnn"},
    "gp, paper's step": PAPER | {"surrogate": "gp"},
    "bnn, paper's step": PAPER | {"surrogate": "bnn"},
    "homoscedastic": STEP | {"surrogate": "homoscedastic"},
    "gp, EI": STEP | {"surrogate": "gp", "acquisition": "ei"},
    "gp, TS": STEP | {"surrogate": "gp", "acquisition": "ts"},
    "bnn, EI": STEP | {"surrogate": "bnn", "acquisition": "ei"},
    "bnn, TS": STEP | {"surrogate": "bnn", "acquisition": "ts"},
    "gp, penaliser": STEP | {"surrogate": "gp", "batch": "penaliser"},
    "bnn, penaliser": STEP | {"surrogate": "bnn", "batch": "penaliser"},
    "gp, top": STEP | {"surrogate": "gp", "batch": "top"},
    "bnn, top": STEP | {"surrogate": "bnn", "batch": "top"},
    "bnn, paper's step, top": PAPER | {"surrogate": "bnn", "batch": "top"},
    "gp, exact": STEP | {"surrogate": "gp", "exact": True},
    "bnn, exact": STEP | {"surrogate": "bnn", "exact": True},
}
"""`exact` is not an option but says whether exact objectives are given; `top` takes the best of
the candidates for a batch, without penalising neighbours. The rest are the options of `mobo`."""

SEQUENTIAL = ("gp", "bnn", "gp, paper's step", "bnn, paper's step")
"""Those that compete one proposal at a time too; a model is fitted at each evaluation there."""


class OwnSearcher:
    """Fits and proposes as the workflow does, after the same Sobol points as botorch's."""

    def __init__(self, problem: Problem, seed: int, options: Mapping[str, Any]) -> None:
        self._problem, self._seed = problem, seed
        given = dict(options)
        self._exact = problem.compute_exact if given.pop("exact", False) else None
        self._options = given | {"reference": list(problem.reference)}
        self._design = problem.draw_design(seed)
        self._observations: list[Observation] = []

    def ask(self, count: int) -> list[Configuration]:
        """Return the next points of the design, or a fitted surrogate's proposals."""
        if self._design:
            asked, self._design = self._design[:count], self._design[count:]
            return asked
        step = len(self._observations)
        surrogate = mobo.fit(
            self._problem.space,
            self._observations,
            self._options,
            derive_seed(self._seed, "fit", step),
        )
        suggestions = mobo.propose(
            self._problem.space,
            surrogate,
            count,
            BUDGET,
            derive_seed(self._seed, "propose", step),
            exact=self._exact,
        )
        return [suggestion.configuration for suggestion in suggestions]

    def tell(self, configurations: Sequence[Configuration], losses: Array) -> None:
        """Add observations."""
        self._observations += [
            Observation(configuration, BUDGET, tuple(row.tolist()))
            for configuration, row in zip(configurations, losses, strict=True)
        ]


def make_own(name: str, problem: Problem, seed: int) -> OwnSearcher:
    """Return one of our searches by its name in OWN."""
    return OwnSearcher(problem, seed, OWN[name])
