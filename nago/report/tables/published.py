"""What the paper publishes, to set beside what the searches here give.

Each table is keyed by data set and contestant, as in `("cifar10", "hnag-bohb")`; values bear the
names of the columns that they stand beside. Accuracies and their standard deviations are in per
cent, memory in MB of 2**20 bytes per image, times of one GPU.
Source: Ru, Esperança and Carlucci 2020. Tables 1, 2, 3, 6 and 7 stand in the text that this
project works from; 4, 5 and some correlations are transcribed from the paper's pages. Of table 7
the text keeps the numbers and not all of their headings: that the minutes are the mean, with the
worst in brackets, is read from what the text says of them. Table 3 is in
`nago.generators.named`, beside the generators.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from nago.generators.named import PUBLISHED as OPTIMA
from nago.generators.named import RNAG_D, RNAG_D_MEMORY

Key = tuple[str, str]
"""A data set, and a contestant or a model."""

DATASETS = ("cifar10", "cifar100", "sport8", "mit67", "flowers102")
"""The order of the lists below."""

TEXT, TRANSCRIBED = "text of the paper", "transcribed from the paper"
BOTH = "text of the paper, memory transcribed"
HOURS = 24.0
"""Of a GPU-day."""


def _by_dataset(
    names: Sequence[str], values: Mapping[str, Sequence[Sequence[float]]]
) -> dict[Key, dict[str, float]]:
    """Return numbers by data set and contestant, given a list per contestant."""
    return {
        (dataset, contestant): dict(zip(names, numbers, strict=True))
        for contestant, rows in values.items()
        for dataset, numbers in zip(DATASETS, rows, strict=True)
    }


SURROGATES = _by_dataset(
    ("nll_median", "rmse_median"),
    {
        "homoscedastic": ((5.92, 0.02), (7.15, 0.02), (23.8, 0.15), (7.23, 0.12), (15.6, 0.19)),
        "bnn": ((3.43, 0.01), (0.89, 0.02), (19.0, 0.14), (-0.92, 0.11), (7.49, 0.18)),
    },
)
"""Table 1: medians over 10 random splits of 150 points, 50 to learn and 100 to test; keyed by the
names of this project's models, of which `bnn` is the heteroscedastic one."""

_DAYS = _by_dataset(
    ("validation_accuracy_percent_mean", "gpu_days"),
    {
        "rnag-bohb": ((93.5, 14.0), (72.2, 11.8), (94.7, 23.4), (67.7, 22.6), (91.4, 11.2)),
        "hnag-bohb": ((95.6, 12.8), (77.2, 10.4), (95.3, 17.6), (71.8, 20.0), (93.3, 10.6)),
        "hnag-aug_v1-bohb": ((94.7, 19.2), (74.5, 21.3), (94.0, 26.1), (68.8, 33.3), (91.0, 14.4)),
    },
)
_ACCURACIES = {"hnag-aug_v2-bohb": (95.7, 77.5, 95.9, 72.0, 93.3)}

VALIDATION: dict[Key, dict[str, float]] = {
    key: {
        "validation_accuracy_percent_mean": values["validation_accuracy_percent_mean"],
        "gpu_hours_per_search": HOURS * values["gpu_days"],
    }
    for key, values in _DAYS.items()
} | {
    (dataset, contestant): {"validation_accuracy_percent_mean": accuracy}
    for contestant, row in _ACCURACIES.items()
    for dataset, accuracy in zip(DATASETS, row, strict=True)
}
"""Tables 2, 6 and 7: the best validation accuracy of a search, and what the search cost."""

MINUTES = _by_dataset(
    ("training_minutes_mean", "training_minutes_worst"),
    {
        "hnag-aug_v2-bohb": ((99.3, 998), (82.2, 711), (20.6, 93.6), (130, 1056), (58.4, 397)),
        "hnag-bohb": ((54.9, 246), (43.0, 216), (22.8, 37.0), (85.4, 291), (45.4, 105)),
    },
)
"""Table 7: minutes of a training of the search."""

GENERATORS: dict[Key, dict[str, float]] = {
    (name.split("-")[0], f"hnag-{name.split('-')[1]}"): {
        **{key: float(value) for key, value in configuration.items()},
        "sample_memory_mb": memory,
    }
    for name, (configuration, memory) in OPTIMA.items()
} | {
    (dataset, "rnag-default"): {**RNAG_D, "sample_memory_mb": memory}
    for dataset, memory in RNAG_D_MEMORY.items()
}
"""Table 3: the optimal hyperparameters and their sample memory; the default of Xie et al. 2019."""

_TESTED = ("test_accuracy_percent_mean", "test_accuracy_percent_std", "sample_memory_mb_mean")
TEST: dict[Key, dict[str, float]] = _by_dataset(
    _TESTED,
    {
        "hnag-bohb": (
            *((96.6, 0.15, 17.0), (79.3, 0.31, 14.0), (94.9, 0.52, 121.9)),
            *((74.2, 0.67, 54.1), (97.9, 0.18, 61.7)),
        ),
        "hnag-mobo": (
            *((96.6, 0.07, 12.8), (77.6, 0.45, 12.8), (95.2, 0.40, 43.1)),
            *((73.5, 0.56, 48.1), (98.1, 0.19, 48.4)),
        ),
        "rnag-bohb": (
            *((94.3, 0.13, 57.9), (73.0, 0.50, 56.5), (93.6, 0.76, 101.9)),
            *((68.3, 0.78, 156.1), (95.7, 0.38, 143.5)),
        ),
        "rnag-default": (
            *((94.1, 0.16, 44.2), (71.7, 0.36, 43.5), (93.6, 0.99, 112.1)),
            *((66.7, 0.54, 111.7), (94.7, 0.46, 111.6)),
        ),
        "hnag-random": (
            *((95.7, 0.68, 53.9), (77.1, 1.34, 72.6), (93.2, 1.55, 375.7)),
            *((72.5, 1.38, 324.8), (95.3, 1.29, 211.2)),
        ),
    },
) | {
    ("imagenet", "hnag-bohb"): {
        "test_accuracy_percent_mean": 76.8,
        "test_top5_accuracy_percent_mean": 93.4,
        "parameters_mean": 5.7e6,
    }
}
"""Tables 4 and 5: test accuracy, with the standard deviation of 8 networks. The paper's HNAG-RS,
here `hnag-random`, is networks of random hyperparameters; the random search of this project
chooses the best of its trials first."""

OTHERS: dict[Key, dict[str, float]] = {
    ("imagenet", "XNAS"): {"test_accuracy_percent_mean": 76.0, "parameters_mean": 5.2e6},
    ("imagenet", "RandWire-WS"): {
        "test_accuracy_percent_mean": 74.7,
        "test_top5_accuracy_percent_mean": 92.2,
        "parameters_mean": 5.6e6,
    },
    ("imagenet", "DARTS"): {
        "test_accuracy_percent_mean": 73.1,
        "test_top5_accuracy_percent_mean": 91.0,
        "parameters_mean": 4.9e6,
    },
}
"""Table 5: what others had reached on ImageNet."""

CORRELATIONS: dict[tuple[str, str, int, int], tuple[float, str]] = {
    ("cifar10", "hnag-bohb", 30, 60): (0.52, TRANSCRIBED),
    ("cifar10", "hnag-bohb", 60, 120): (0.82, TEXT),
    ("cifar10", "hnag-bohb", 30, 120): (0.86, TRANSCRIBED),
}
"""Appendix I: Spearman's correlation between the errors at two budgets, and its source."""

TABLES: Mapping[str, tuple[Mapping[Key, Mapping[str, float]], str]] = {
    "surrogates": (SURROGATES, TEXT),
    "validation": (VALIDATION, TEXT),
    "minutes": (MINUTES, TEXT),
    "generators": (GENERATORS, BOTH),
    "test": (TEST, TRANSCRIBED),
    "others": (OTHERS, TRANSCRIBED),
}
"""Each table and where its numbers were read."""


def find_published(table: str, dataset: str, contestant: str) -> dict[str, Any]:
    """Return published values by the names of columns, and `published_source`; {} if none.

    Args:
        table: a key of TABLES.
        dataset: as its file in config/datasets is called.
        contestant: as in `hnag-bohb`; a model's name for `surrogates`.
    """
    values, source = TABLES[table]
    found = values.get((dataset, contestant))
    if found is None:
        return {}
    return {f"published_{name}": value for name, value in found.items()} | {
        "published_source": source
    }
