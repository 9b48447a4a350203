"""Bayesian neural networks with one variance of the noise per loss, sampled like `bnn`'s."""

from collections.abc import Mapping
from typing import Any

from nago.search.bnn import OPTIONS, fit_networks, restore_networks
from nago.search.ensemble import Ensemble
from nago.search.models import Array, Fit, Groups, complete_options


def fit(
    features: Array, losses: Array, options: Mapping[str, Any], seed: int, groups: Groups
) -> Fit:
    """Return networks sampled for every loss, with noise that is the same at all points."""
    settings = complete_options("homoscedastic", options, OPTIONS)
    return fit_networks("homoscedastic", features, losses, settings, seed)


def restore(fit: Fit) -> Ensemble:
    """Return the model that a fit describes."""
    return restore_networks(fit, depends=False)
