"""The models as they compete, by name: kind and options, and how well they predict."""

import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from search_problems import Array

from nago.search.models import Model, Prediction, fit_model, restore_model

STEPS = {"burn_in": 3000, "steps": 1000}
PAPER_NETWORK = {"hidden": (10, 10, 10), "depends": True}
CONTESTANTS: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "bnn": ("bnn", STEPS),
    "homoscedastic": ("homoscedastic", STEPS),
    "gp": ("gp", {}),
    "pybnn, stock": ("pybnn", STEPS),
    "pybnn, paper's network": ("pybnn", STEPS | PAPER_NETWORK),
    "pybnn, paper's network, our priors": ("pybnn", STEPS | PAPER_NETWORK | {"priors": "own"}),
}


def train(name: str, features: Array, losses: Array, seed: int) -> tuple[Model, float]:
    """Return a contestant fitted to features (n, d) and losses (n,), and its CPU seconds."""
    kind, options = CONTESTANTS[name]
    start = time.process_time()
    model = restore_model(kind, fit_model(kind, features, losses[:, None], options, seed))
    return model, time.process_time() - start


def rate(prediction: Prediction, losses: Array) -> tuple[float, float]:
    """Return the mean negative log likelihood and the RMSE of losses (n,)."""
    mean, variance = prediction.mean[:, 0], prediction.variance[:, 0]
    errors = losses - mean
    nll = 0.5 * (np.log(2 * math.pi * variance) + errors**2 / variance)
    return float(nll.mean()), float(np.sqrt((errors**2).mean()))


def cover(prediction: Prediction, losses: Array) -> float:
    """Return the share of losses (n,) that lie in the central 90 % intervals of a normal."""
    deviation = np.sqrt(prediction.variance[:, 0])
    return float((np.abs(losses - prediction.mean[:, 0]) <= 1.6448536 * deviation).mean())
