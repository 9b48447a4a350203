"""What a user would pick instead, from its own package: each as a Searcher."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from ConfigSpace import CategoricalHyperparameter
from search_problems import Array, Problem

from nago.records import Configuration
from nago.search.encoding import Encoding
from nago.seeds import derive_seed

SAMPLERS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "NSGA-II": ("NSGAIISampler", {}),
    "TPE": ("TPESampler", {}),
    "TPE, multivariate": ("TPESampler", {"multivariate": True}),
}
"""The samplers of Optuna and what they are given beside their defaults."""

PEERS = ("random", *SAMPLERS, "qLogNEHVI")


class Searcher(Protocol):
    """Asks for evaluations, and is told what came of them."""

    def ask(self, count: int) -> list[Configuration]:
        """Return `count` configurations to evaluate together."""
        ...

    def tell(self, configurations: Sequence[Configuration], losses: Array) -> None:
        """Learn the losses (n, m) of what was asked last."""
        ...


class RandomSearcher:
    """Draws each configuration uniformly, whatever it is told."""

    def __init__(self, problem: Problem, seed: int) -> None:
        self._encoding = Encoding(problem.space)
        self._rng = np.random.default_rng(derive_seed(seed, "random", problem.name))

    def ask(self, count: int) -> list[Configuration]:
        """Return points drawn now."""
        return self._encoding.decode(self._rng.random((count, self._encoding.genes)))

    def tell(self, configurations: Sequence[Configuration], losses: Array) -> None:
        """Learn nothing."""


class OptunaSearcher:
    """A sampler of Optuna, defaults but for `options`; trials of a batch are asked together."""

    def __init__(self, problem: Problem, seed: int, kind: str, options: Mapping[str, Any]) -> None:
        import optuna

        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        seed = derive_seed(seed, kind, problem.name)
        sampler = getattr(optuna.samplers, kind)(seed=seed, **options)
        self._study = optuna.create_study(directions=["minimize"] * 2, sampler=sampler)
        self._space = {
            name: optuna.distributions.CategoricalDistribution(hyperparameter.choices)
            if isinstance(hyperparameter, CategoricalHyperparameter)
            else optuna.distributions.FloatDistribution(hyperparameter.lower, hyperparameter.upper)
            for name, hyperparameter in problem.space.items()
        }
        self._trials: list[Any] = []

    def ask(self, count: int) -> list[Configuration]:
        """Return what the sampler suggests for so many new trials."""
        self._trials = [self._study.ask(self._space) for _ in range(count)]
        return [dict(trial.params) for trial in self._trials]

    def tell(self, configurations: Sequence[Configuration], losses: Array) -> None:
        """Close the trials that were asked last."""
        for trial, row in zip(self._trials, losses, strict=True):
            self._study.tell(trial, row.tolist())


class BotorchSearcher:
    """qLogNEHVI as botorch's tutorial of multi-objective optimisation sets it up.

    An exact Gaussian process per objective (its default priors, standardised losses), the
    problem's reference point, 128 quasi-random samples; 10 restarts from 512 raw points, at most
    200 iterations, the points of a batch one after the other.
    """

    def __init__(self, problem: Problem, seed: int) -> None:
        import torch

        self._problem = problem
        self._names = list(problem.space)
        self._seed = derive_seed(seed, "botorch", problem.name)
        torch.manual_seed(self._seed)
        self._design = problem.draw_design(seed)
        self._points = torch.empty((0, len(self._names)), dtype=torch.float64)
        self._values = torch.empty((0, 2), dtype=torch.float64)

    def ask(self, count: int) -> list[Configuration]:
        """Return the next points of the design, or a batch of the acquisition's."""
        if self._design:
            asked, self._design = self._design[:count], self._design[count:]
            return asked
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = self._optimise(count)
        return [dict(zip(self._names, row, strict=True)) for row in found.tolist()]

    def tell(self, configurations: Sequence[Configuration], losses: Array) -> None:
        """Add points and their negative losses: botorch maximises."""
        import torch

        rows = [[values[name] for name in self._names] for values in configurations]
        self._points = torch.cat([self._points, torch.tensor(rows, dtype=torch.float64)])
        self._values = torch.cat([self._values, -torch.from_numpy(losses)])

    def _optimise(self, count: int) -> Any:
        import torch
        from botorch.acquisition.multi_objective.logei import (
            qLogNoisyExpectedHypervolumeImprovement,
        )
        from botorch.optim import optimize_acqf
        from botorch.sampling import SobolQMCNormalSampler

        acquisition = qLogNoisyExpectedHypervolumeImprovement(
            model=self._fit(),
            ref_point=[-value for value in self._problem.reference],
            X_baseline=self._points,
            sampler=SobolQMCNormalSampler(torch.Size([128]), seed=self._seed % 1_000_000),
            prune_baseline=True,
        )
        d = len(self._names)
        bounds = torch.tensor([[0.0] * d, [1.0] * d], dtype=torch.float64)
        found, _ = optimize_acqf(
            acquisition,
            bounds=bounds,
            q=count,
            num_restarts=10,
            raw_samples=512,
            options={"batch_limit": 5, "maxiter": 200},
            sequential=True,
        )
        return found.detach()

    def _fit(self) -> Any:
        from botorch import fit_gpytorch_mll
        from botorch.models import ModelListGP, SingleTaskGP
        from botorch.models.transforms.outcome import Standardize
        from gpytorch.mlls import SumMarginalLogLikelihood

        model = ModelListGP(
            *(
                SingleTaskGP(self._points, column[:, None], outcome_transform=Standardize(m=1))
                for column in self._values.T
            )
        )
        fit_gpytorch_mll(SumMarginalLogLikelihood(model.likelihood, model))
        return model


def make_peer(name: str, problem: Problem, seed: int) -> Searcher:
    """Return a peer by its name in PEERS."""
    if name == "random":
        return RandomSearcher(problem, seed)
    if name == "qLogNEHVI":
        return BotorchSearcher(problem, seed)
    return OptunaSearcher(problem, seed, *SAMPLERS[name])
