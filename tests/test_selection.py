"""The choice by hypervolume where trainings fail: gain times probability, by other means."""

import math

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace

from nago.records import Observation
from nago.search import judge as judging
from nago.search import mobo
from nago.search.encoding import Encoding, find_keys
from nago.search.feasibility import MOST, PRIOR
from nago.search.random_search import draw

SIDE = 14
REFERENCE = (1.5, 1.5)
OPTIONS = {"surrogate": "gp", "batch": "top", "reference": REFERENCE}
DRAWS = 20_000


def grid():
    """A space small enough that all of it is the pool."""
    return ConfigurationSpace({"x": (1, SIDE), "y": (1, SIDE)})


def losses(values):
    x, y = values["x"] / SIDE, values["y"] / SIDE
    return 1 - x + (y - 0.5) ** 2, x**2 / 2 + (y - 0.4) ** 2


def observe(seed, fails):
    return [
        Observation(
            item.configuration,
            1,
            (math.inf, math.inf) if fails(item.configuration) else losses(item.configuration),
        )
        for item in draw(grid(), 30, seed)
    ]


def gain_by_draws(mean, deviation, front, reference, rng):
    """Return the mean area that draws of a point (2,) add to a front (f, 2), strip by strip."""
    points = mean + deviation * rng.standard_normal((DRAWS, 2))
    ordered = front[np.argsort(front[:, 0])]
    ordered = ordered[(ordered < reference).all(axis=1)]
    lefts = [-np.inf, *ordered[:, 0]]
    rights = [*ordered[:, 0], reference[0]]
    heights = [reference[1], *np.minimum.accumulate(ordered[:, 1])]
    area = np.zeros(DRAWS)
    for left, right, height in zip(lefts, rights, heights, strict=True):
        width = np.maximum(right - np.maximum(points[:, 0], left), 0.0)
        area += width * np.maximum(height - points[:, 1], 0.0)
    return area.mean()


def work_by_hand(place, trials, failed):
    """Return the probability that a place (d,) works, of trials (t, d), one by one."""
    squares = [sum((a - b) ** 2 for a, b in zip(place, trial, strict=True)) for trial in trials]
    reach = sorted(squares)[len(place)]
    weights = [math.exp(-0.5 * square / reach) for square in squares]
    good = sum(w for w, bad in zip(weights, failed, strict=True) if not bad)
    nearest = {bad for square, bad in zip(squares, failed, strict=True) if square == min(squares)}
    rate = (good + PRIOR) / (sum(weights) + PRIOR)
    return min(rate, MOST) if nearest == {True} else rate


@pytest.mark.parametrize("seed", range(6))
def test_the_choice_is_the_largest_gain_times_probability(seed):
    space, encoding = grid(), Encoding(grid())
    observations = observe(seed, lambda values: values["x"] > 0.7 * SIDE)
    surrogate = mobo.fit(space, observations, OPTIONS, seed)
    judge = judging.Judge(encoding, surrogate, mobo.restore_fit(surrogate), None, 0)
    (chosen,) = mobo.propose(space, surrogate, 1, 1, seed)

    everything = encoding.enumerate()
    seen = set(find_keys(encoding.encode([item.configuration for item in observations])))
    left = everything[[key not in seen for key in find_keys(everything)]]
    belief = judge.believe(left)
    trials = encoding.describe(encoding.encode([item.configuration for item in observations]))
    failed = [math.isinf(item.loss) for item in observations]
    works = np.array([work_by_hand(row, trials, failed) for row in encoding.describe(left)])
    assert belief.feasible == pytest.approx(works)

    reference = judge.standardise_reference()
    rng = np.random.default_rng(seed)
    front = judge.losses
    gains = np.array(
        [
            gain_by_draws(mean, deviation, front, reference, rng)
            for mean, deviation in zip(belief.mean, belief.deviation, strict=True)
        ]
    )
    values = np.where(works < judging.LEAST, -1.0, gains * works)
    (place,) = [
        row
        for row, values_of in enumerate(encoding.decode(left))
        if values_of == dict(chosen.configuration)
    ]
    assert values[place] > 0.97 * values.max()
    # Without the probability it would be another one, where trainings fail.
    alone = encoding.decode(left[[int(gains.argmax())]])[0]
    assert alone["x"] > 0.7 * SIDE
    assert values[int(gains.argmax())] < 0.9 * values.max()
