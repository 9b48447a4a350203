"""Whether models find where the noise is: single trainings of NAS-Bench-201."""

from functools import partial

import numpy as np
import pandas as pd
from scipy.stats import spearmanr
from search_models import train
from search_problems import Array, make_space, read_architectures
from search_tables import (
    FOLDER,
    NOT_MEASURED,
    add_measured,
    answer,
    describe_spread,
    is_measured,
    read_measured,
    write_rows,
)
from sklearn.ensemble import HistGradientBoostingRegressor

from nago.search.encoding import Encoding
from nago.seeds import derive_seed

TABLE = FOLDER / "noise.csv"
COLUMNS = ("data", "seed", "model", "correlation", "of_learners", "in_groups")
SEEDS, KNOWN, TRAININGS, GROUPS = 5, 300, 3, 10
CHANCE = {"cifar10": 90.0, "cifar100": 99.0}
"""The error (%) of a network that learns nothing."""

MODELS = ("bnn", "pybnn, paper's network", "pybnn, paper's network, our priors")
ALL_KNOWN = "boosted trees that saw deviations"


def measure_noise() -> None:
    """Fit the models to single trainings, and rank the noise they say."""
    for data, chance in CHANCE.items():
        features, errors = describe_architectures(data)
        half = len(errors) // 2
        for seed in range(SEEDS):
            rng = np.random.default_rng(derive_seed(seed, "noise", data))
            rows = rng.permutation(len(errors))
            held = rows[half:]
            for name in (*MODELS, ALL_KNOWN):
                key = {"data": data, "seed": seed, "model": name}
                if is_measured(read_measured(TABLE, COLUMNS), key):
                    continue
                others = rows[:half] if name == ALL_KNOWN else rows[:KNOWN]
                learn = learn_deviations if name == ALL_KNOWN else partial(learn_noise, name, seed)
                noise = learn(features[others], errors[others], features[held])
                add_measured(TABLE, [key | rank_noise(noise, errors[held], chance)])


def learn_noise(name: str, seed: int, features: Array, errors: Array, held: Array) -> Array:
    """Return the noise's variance at held features that a model says, from single trainings."""
    rng = np.random.default_rng(derive_seed(seed, "training"))
    single = errors[np.arange(len(errors)), rng.integers(0, TRAININGS, len(errors))]
    model, _ = train(name, features, single, seed)
    return model.predict(held).noise_variance[:, 0]


def describe_architectures(data: str) -> tuple[Array, Array]:
    """Return features (n, 30) and errors (n, 3) of the architectures with three trainings."""
    known = {
        key: values["val_acc"]
        for key, values in read_architectures(data).items()
        if len(values["val_acc"]) == TRAININGS
    }
    space, read = make_space()
    encoding = Encoding(space)
    features = encoding.describe(encoding.encode([read(key) for key in known]))
    return features, 100 - np.array(list(known.values()))


def learn_deviations(features: Array, errors: Array, held: Array) -> Array:
    """Return the deviations at held features that those of other architectures predict."""
    trees = HistGradientBoostingRegressor(max_iter=200, random_state=0)
    trees.fit(features, np.log(errors.std(axis=1, ddof=1) + 1e-3))
    return np.asarray(trees.predict(held))


def rank_noise(noise: Array, errors: Array, chance: float) -> dict[str, float]:
    """Return rank correlations of predicted noise (n,) and the deviation of errors (n, k).

    Over all architectures; over those that learn something; and over groups of equal size by
    predicted noise, whose deviations are pooled.
    """
    true = errors.std(axis=1, ddof=1)
    learns = errors.mean(axis=1) < chance - 2
    groups = np.array_split(np.argsort(noise, kind="stable"), GROUPS)
    pooled = [np.sqrt((true[group] ** 2).mean()) for group in groups]
    return {
        "correlation": float(spearmanr(noise, true).statistic),
        "of_learners": float(spearmanr(noise[learns], true[learns]).statistic),
        "in_groups": float(spearmanr(range(GROUPS), pooled).statistic),
    }


def describe_noise() -> str:
    """Return the section of the page."""
    table = read_measured(TABLE, COLUMNS)
    title = "### The noise of NAS-Bench-201"
    if not len(table):
        return f"{title}\n\n{NOT_MEASURED}"
    return f"{title}\n\n{describe_correlations(table)}"


def describe_correlations(table: pd.DataFrame) -> str:
    """Return the table of how the predicted noise ranks beside the true one."""
    rows = []
    measures = ("correlation", "of_learners", "in_groups")
    for data in CHANCE:
        for name in (*MODELS, ALL_KNOWN):
            found = table[(table["data"] == data) & (table["model"] == name)]
            rows.append([data, name, *(describe_spread(found[m].tolist(), 2) for m in measures)])
    own = table[table["model"] == "bnn"].groupby("data")[["correlation", "in_groups"]].median()
    aims = [
        f"{data} {answer(own['correlation'][data] > 0.5)} (in groups"
        f" {answer(own['in_groups'][data] > 0.5)})"
        for data in own.index
    ]
    return "\n\n".join(
        [
            f"{KNOWN} architectures, the error of one training each. Spearman's correlation of the"
            " noise that the model says and the deviation over three trainings, over half of the"
            f" architectures that have three, none of which was learnt from; {SEEDS} seeds. A"
            " deviation of three trainings is itself mostly chance: the last row is what boosted"
            " trees reach that learn the deviations of the other half, about 4,000 architectures"
            " with 12,000 trainings. So the deviations are also pooled in ten groups, by the noise"
            " that the model says. Networks that learn nothing err by chance, all alike.",
            write_rows(
                ["data set", "model", "all", "those that learn", "ten groups"],
                rows,
            ),
            f"`bnn` above 0.5: {', '.join(aims)}.",
        ]
    )
