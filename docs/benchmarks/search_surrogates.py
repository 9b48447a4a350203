"""How well the models predict: real trainings on digits, and the noise of NAS-Bench-201."""

from pathlib import Path

import numpy as np
import pandas as pd
from ConfigSpace import CategoricalHyperparameter, ConfigurationSpace
from scipy.stats import spearmanr
from search_models import CONTESTANTS, rate, train
from search_problems import EDGES, OPERATIONS, Array, read_architectures
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

from nago.search.encoding import Encoding
from nago.seeds import derive_seed
from nago.tables import hyperparameters, read_table

SPLITS, TRAINED, TESTED = 10, 50, 100
DIGITS = FOLDER / "surrogates-digits.csv"
DIGITS_COLUMNS = ("split", "model", "nll", "rmse", "seconds")
NOISE = FOLDER / "surrogates-noise.csv"
NOISE_COLUMNS = ("data", "seed", "model", "correlation", "seconds")
NOISE_SEEDS, NOISE_POINTS = 5, 300
NOISY = ("bnn", "pybnn, paper's network, our priors")


def list_digits() -> list[Path]:
    """Return the tables of random generators that were trained on digits."""
    return sorted(FOLDER.glob("digits-random-*.csv"))


def read_digits() -> tuple[Array, Array]:
    """Return features (n, 8) in [0, 1] and errors (n,) of the trainings that gave a result."""
    table = pd.concat([read_table(path) for path in list_digits()], ignore_index=True)
    table = table[table["status"] == "ok"]
    values = table[hyperparameters(table)].to_numpy(dtype=float)
    low, high = values.min(axis=0), values.max(axis=0)
    errors = table["validation_error"].to_numpy(dtype=float)
    return (values - low) / (high - low), errors


def measure_digits() -> None:
    """Fit the models to the splits that are missing."""
    if not list_digits():
        return
    features, errors = read_digits()
    for split in range(SPLITS):
        rng = np.random.default_rng(derive_seed(split, "split"))
        rows = rng.permutation(len(errors))
        known, held = rows[:TRAINED], rows[TRAINED : TRAINED + TESTED]
        for name in CONTESTANTS:
            key = {"split": split, "model": name}
            if is_measured(read_measured(DIGITS, DIGITS_COLUMNS), key):
                continue
            model, seconds = train(name, features[known], errors[known], split)
            nll, rmse = rate(model.predict(features[held]), errors[held])
            add_measured(DIGITS, [key | {"nll": nll, "rmse": rmse, "seconds": seconds}])


def measure_noise() -> None:
    """Fit the models to single trainings of NAS-Bench-201, and rank the noise they say."""
    for data in ("cifar10", "cifar100"):
        features, trainings = describe_architectures(data)
        for seed in range(NOISE_SEEDS):
            rng = np.random.default_rng(derive_seed(seed, "noise", data))
            rows = rng.permutation(len(trainings))
            known, held = rows[:NOISE_POINTS], rows[NOISE_POINTS:]
            errors = trainings[known, rng.integers(0, 3, NOISE_POINTS)]
            for name in NOISY:
                key = {"data": data, "seed": seed, "model": name}
                if is_measured(read_measured(NOISE, NOISE_COLUMNS), key):
                    continue
                model, seconds = train(name, features[known], errors, seed)
                noise = model.predict(features[held]).noise_variance[:, 0]
                true = trainings[held].std(axis=1, ddof=1)
                found = float(spearmanr(noise, true).statistic)
                add_measured(NOISE, [key | {"correlation": found, "seconds": seconds}])


def describe_architectures(data: str) -> tuple[Array, Array]:
    """Return features (n, 30) and errors (n, 3) of the architectures with three trainings."""
    known = {
        k: v["val_acc"] for k, v in read_architectures(data).items() if len(v["val_acc"]) == 3
    }
    names = [f"edge{place}" for place in range(EDGES)]
    space = ConfigurationSpace()
    space.add([CategoricalHyperparameter(name, OPERATIONS) for name in names])
    encoding = Encoding(space)
    configurations = [
        dict(zip(names, (OPERATIONS[int(digit)] for digit in key), strict=True)) for key in known
    ]
    features = encoding.describe(encoding.encode(configurations))
    return features, 100 - np.array(list(known.values()))


def describe_surrogates() -> str:
    """Return the section of the page."""
    table = read_measured(DIGITS, DIGITS_COLUMNS)
    noise = read_measured(NOISE, NOISE_COLUMNS)
    return "\n\n".join(
        [
            "## Surrogates on real data",
            describe_digits(table) if len(table) else f"On digits: {NOT_MEASURED}",
            "### The noise of NAS-Bench-201",
            describe_noise(noise) if len(noise) else NOT_MEASURED,
        ]
    )


def describe_digits(table: pd.DataFrame) -> str:
    """Return the table of likelihood and error on digits."""
    rows, medians = [], {}
    for name in CONTESTANTS:
        found = table[table["model"] == name]
        medians[name] = found[["nll", "rmse"]].median()
        cells = [describe_spread(found[key].tolist(), 3) for key in ("nll", "rmse")]
        rows.append([name, *cells, f"{found['seconds'].median():.1f}", len(found)])
    own, one = medians["bnn"], medians["homoscedastic"]
    others = [one, *(medians[name] for name in medians if name.startswith("pybnn"))]
    count = len(read_digits()[1])
    return "\n\n".join(
        [
            f"Validation errors of {count} real trainings of random HNAG generators on digits (the"
            " tables digits-random-*.csv beside this page, made by"
            " `python docs/benchmarks/digits_trials.py random SEED`),"
            f" {SPLITS} random splits: {TRAINED} to learn, {TESTED} to test. Negative log"
            " likelihood and RMSE: median and quartiles over the splits. All networks take 3,000"
            " steps to burn in and 1,000 that count.",
            write_rows(["model", "NLL", "RMSE", "s per fit", "splits"], rows),
            "Median NLL of the heteroscedastic network below the homoscedastic one's and all of"
            f" pybnn's: {answer(all(own['nll'] < other['nll'] for other in others))}. Its median"
            f" RMSE is {own['rmse'] / min(other['rmse'] for other in others):.3f} of the best of"
            " theirs.",
        ]
    )


def describe_noise(table: pd.DataFrame) -> str:
    """Return the table of how the noise that models say ranks beside the true one."""
    rows = []
    for (data, name), found in table.groupby(["data", "model"]):
        values = found["correlation"].tolist()
        rows.append([data, name, describe_spread(values, 2), answer(np.median(values) > 0.5)])
    return "\n\n".join(
        [
            f"{NOISE_POINTS} architectures, the error of one training each. Spearman's correlation"
            " of the noise's deviation that the model says and the deviation over three trainings,"
            " over all other architectures that have three. Three trainings give no exact"
            f" deviation, so 1 is out of reach. {NOISE_SEEDS} seeds.",
            write_rows(["data set", "model", "correlation", "above 0.5"], rows),
        ]
    )
