"""How well the models predict real trainings on digits, from 50 of them."""

from pathlib import Path

import numpy as np
import pandas as pd
from search_models import CONTESTANTS, rate, train
from search_problems import Array
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

from nago.seeds import derive_seed
from nago.tables import hyperparameters, read_table

SPLITS, TRAINED, TESTED = 10, 50, 100
DIGITS = FOLDER / "surrogates-digits.csv"
DIGITS_COLUMNS = ("split", "model", "nll", "rmse", "seconds")


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


def describe_surrogates() -> str:
    """Return the section of the page."""
    table = read_measured(DIGITS, DIGITS_COLUMNS)
    text = describe_digits(table) if len(table) else NOT_MEASURED
    return f"## Surrogates on real trainings\n\n{text}"


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
