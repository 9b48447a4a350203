"""What is believed of a candidate: its objectives and their uncertainty, and whether it works.

Everything is in standardised units: the mean and deviation of the results seen.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nago.records import UserError
from nago.search.acquisition import ACQUISITIONS, find_beta
from nago.search.encoding import Array, Encoding, find_keys
from nago.search.feasibility import rate_feasibility
from nago.search.methods import Exact, Surrogate
from nago.search.models import Fit, restore_model

LEAST = 0.5
"""Probability of working below which a candidate is doubtful."""

UNWANTED = 1e9
"""Every acquisition of a candidate that mustn't be chosen."""

FENCE = 1.5
"""Tukey's fence: how many interquartile ranges above the upper quartile."""


class Scaling:
    """How losses become standardised ones, learnt from finite losses (n, m).

    Those far worse than usual, beyond Tukey's upper fence, count by the logarithm of how far they
    lie beyond it: networks that learnt nothing would otherwise be most of what a model explains.
    """

    def __init__(self, losses: Array, logs: Sequence[bool] | None) -> None:
        m = losses.shape[1]
        self.logs = np.zeros(m, dtype=bool) if logs is None else np.array(logs, dtype=bool)
        if self.logs.shape != (m,):
            raise UserError(
                f"log_losses must say of {m} objectives whether they are modelled by their"
                f" logarithm, got {logs}"
            )
        if (losses[:, self.logs] <= 0).any():
            lowest = losses[:, self.logs].min()
            raise UserError(f"log_losses is for objectives above 0, got {lowest:g}")
        plain = self._take_logs(losses)
        low, high = np.quantile(plain, (0.25, 0.75), axis=0)
        wide = high - low > 1e-12 * (1 + np.abs(high))
        self.steps = np.where(wide, high - low, 1.0)
        self.fences = np.where(wide, high + FENCE * self.steps, np.inf)
        scaled = self._compress(plain)
        self.centre, spread = scaled.mean(axis=0), scaled.std(axis=0)
        self.spread = np.where(spread > 1e-12 * (1 + np.abs(self.centre)), spread, 1.0)

    def standardise(self, losses: Array) -> Array:
        """Return losses (n, m) in the units of the results seen; NaN and infinity stay."""
        scaled = self._compress(self._take_logs(losses))
        return np.asarray((scaled - self.centre) / self.spread)

    def restore(self, standardised: Array) -> Array:
        """Return losses (n, m) in their own units."""
        scaled = standardised * self.spread + self.centre
        beyond = np.maximum(scaled - self.fences, 0.0)
        plain = np.minimum(scaled, self.fences) + self.steps * np.expm1(beyond / self.steps)
        plain[:, self.logs] = np.exp(plain[:, self.logs])
        return np.asarray(plain)

    def _take_logs(self, losses: Array) -> Array:
        plain = losses.astype(float)
        plain[:, self.logs] = np.log(plain[:, self.logs])
        return plain

    def _compress(self, plain: Array) -> Array:
        far = plain > self.fences
        beyond = np.subtract(plain, self.fences, out=np.zeros_like(plain), where=far)
        near = np.minimum(plain, self.fences)
        return np.asarray(near + self.steps * np.log1p(beyond / self.steps))


@dataclass(frozen=True, slots=True)
class Belief:
    """Of n candidates: `mean` and `deviation` (n, m) of their objectives.

    `feasible` (n,) is the probability that they can be trained, 0 if it is known that not.
    """

    mean: Array
    deviation: Array
    feasible: Array

    def take(self, rows: Sequence[int]) -> "Belief":
        """Return what is believed of some of the candidates."""
        places = list(rows)
        return Belief(self.mean[places], self.deviation[places], self.feasible[places])

    @property
    def doubtful(self) -> NDArray[np.bool_]:
        """Which come after all others, (n,): a promise beyond failures would outweigh any odds."""
        return self.feasible < LEAST


class Judge:
    """What a surrogate says of candidates, with the objectives that are computed exactly.

    Attributes:
        encoding: of the space.
        options: of the search.
        seen: keys of the trials' genes.
        genes: of the trials with results, (n, g).
        losses: theirs, standardised, (n, m).
        scaling: how losses become standardised ones.
        uncertain: which objectives are modelled.
        left: configurations whose exact objectives may still be computed.
    """

    def __init__(
        self, encoding: Encoding, surrogate: Surrogate, fit: Fit, exact: Exact | None, seed: int
    ) -> None:
        """Restore a surrogate's model; `seed` is of the functions that Thompson sampling draws."""
        self.encoding, self.options = encoding, surrogate["options"]
        arrays = surrogate["arrays"]
        finite = np.isfinite(arrays["losses"]).all(axis=1)
        # Trials at other budgets, of a search that has several, say what fails, and were tried.
        others = arrays.get("other_genes", arrays["genes"][:0])
        tried = np.concatenate([arrays["genes"], others])
        self._trials = encoding.locate(tried)
        self._failed = np.concatenate([~finite, arrays.get("other_failed", ~finite[:0])])
        self.seen = frozenset(find_keys(tried))
        self.genes = arrays["genes"][finite]
        # With a model of all budgets, their losses are of one scale.
        elsewhere = arrays.get("other_losses", arrays["losses"][:0])
        known = np.concatenate([arrays["losses"][finite], elsewhere])
        self.scaling = Scaling(known, self.options["log_losses"])
        self.losses = self.scaling.standardise(arrays["losses"][finite])
        self.model = restore_model(self.options["surrogate"], fit)
        self.beta = self.options["beta"]
        if self.beta is None:
            self.beta = find_beta(len(self.genes), encoding.features, self.options["delta"])
        self._drawn: Callable[[Array], Array] | None = None
        if self.options["acquisition"] == "ts":
            self._drawn = self.model.draw_functions(seed)
        self.best = self.losses.min(axis=0)
        self.exact, self._known = exact, dict[bytes, Array]()
        self.left = self.options["exact_evaluations"] if exact else 0
        self.uncertain = self._find_uncertain()

    def _find_uncertain(self) -> NDArray[np.bool_]:
        """Return which objectives aren't known exactly, by the first trial that has costs."""
        if self.exact is not None:
            for configuration in self.encoding.decode(self.genes):
                values = np.asarray(self.exact([configuration]), dtype=float)[0]
                if not np.isinf(values).any():
                    return np.asarray(np.isnan(values))
        return np.ones(self.losses.shape[1], dtype=bool)

    def standardise_reference(self) -> Array | None:
        """Return the reference point (m,) that the options give, standardised."""
        given = self.options["reference"]
        if given is None:
            return None
        if len(given) != self.losses.shape[1]:
            raise UserError(f"reference must have {self.losses.shape[1]} values, got {len(given)}")
        values = np.array([given], dtype=float)
        if (values[:, self.scaling.logs] <= 0).any():
            raise UserError(f"reference must be above 0 where log_losses is, got {list(given)}")
        return np.asarray(self.scaling.standardise(values)[0])

    def believe(self, genes: Array) -> Belief:
        """Return what is believed of snapped genes (n, g)."""
        features = self.encoding.describe(genes)
        prediction = self.model.predict(features)
        total = self.options["total_variance"]
        variance = prediction.variance if total else prediction.model_variance
        mean, deviation = prediction.mean.copy(), np.sqrt(variance)
        feasible = rate_feasibility(self.encoding.locate(genes), self._trials, self._failed)
        for row, key in enumerate(find_keys(genes)) if self._known else ():
            known = self._known.get(key)
            if known is None:
                continue
            if np.isinf(known).any():
                feasible[row] = 0.0
            else:
                exact = np.isfinite(known)
                mean[row, exact], deviation[row, exact] = known[exact], 0.0
        return Belief(mean, deviation, feasible)

    def settle(self, genes: Array, most: int) -> NDArray[np.bool_]:
        """Compute the exact objectives of snapped genes (n, g), `most` of them or the limit.

        Returns:
            of which all is known that can be, (n,).
        """
        if self.exact is None:
            return np.ones(len(genes), dtype=bool)
        keys = find_keys(genes)
        new = {key: row for row, key in enumerate(keys) if key not in self._known}
        chosen = list(new)[: min(most, self.left)]
        if chosen:
            rows = self.encoding.decode(genes[[new[key] for key in chosen]])
            values = np.asarray(self.exact(rows), dtype=float)
            self._known |= dict(zip(chosen, self.scaling.standardise(values), strict=True))
            self.left -= len(chosen)
        return np.array([key in self._known for key in keys], dtype=bool)

    def is_possible(self, genes: Array) -> NDArray[np.bool_]:
        """Return which of genes (n, g) aren't known to have no network, (n,)."""
        nothing = np.zeros(len(self.best))
        known = (self._known.get(key, nothing) for key in find_keys(genes))
        return np.array([not np.isinf(values).any() for values in known], dtype=bool)

    def acquire(self, genes: Array, belief: Belief) -> Array:
        """Return the acquisitions (n, m), minimised; exact objectives are their own.

        The less likely a candidate can be trained, the nearer they are to the worst seen, and
        beyond it if that is doubtful.
        """
        kind = self.options["acquisition"]
        if self._drawn is not None:
            values = self._drawn(self.encoding.describe(genes))
        else:
            values = ACQUISITIONS[kind](belief.mean, belief.deviation, self.best, self.beta)
        values = np.where(self.uncertain, values, belief.mean)
        worst = np.where(self.uncertain & (kind in ("ei", "pi")), 0.0, self.losses.max(axis=0))
        doubt = (1 - belief.feasible)[:, None]
        values = values + doubt * np.maximum(worst - values, 0.0)
        values = np.where(belief.doubtful[:, None], worst + doubt, values)
        unwanted = np.array([key in self.seen for key in find_keys(genes)], dtype=bool)
        return np.where((unwanted | (belief.feasible <= 0))[:, None], UNWANTED, values)
