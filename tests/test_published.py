import re

import pytest

from nago.generators.named import NAMED
from nago.report.tables.published import (
    CORRELATIONS,
    DATASETS,
    GENERATORS,
    MINUTES,
    SURROGATES,
    TABLES,
    TEST,
    VALIDATION,
    find_published,
)

# Rows as they stand in the text of the paper.
TABLE_1 = """
CIFAR10 | 5.92 | 3.43 | 0.02 | 0.01
CIFAR100 | 7.15 | 0.89 | 0.02 | 0.02
SPORT8 | 23.8 | 19.0 | 0.15 | 0.14
MIT67 | 7.23 | -0.92 | 0.12 | 0.11
FLOWERS102 | 15.6 | 7.49 | 0.19 | 0.18
"""
TABLE_2 = """
CIFAR10 | 93.5 | 14.0 | 95.6 | 12.8
CIFAR100 | 72.2 | 11.8 | 77.2 | 10.4
SPORT8 | 94.7 | 23.4 | 95.3 | 17.6
MIT67 | 67.7 | 22.6 | 71.8 | 20.0
FLOWERS102 | 91.4 | 11.2 | 93.3 | 10.6
"""
TABLE_6 = """
CIFAR10 | 94.7 | 19.2 | 95.6 | 12.8
CIFAR100 | 74.5 | 21.3 | 77.2 | 10.4
SPORT8 | 94.0 | 26.1 | 95.3 | 17.6
MIT67 | 68.8 | 33.3 | 71.8 | 20.0
FLOWERS102 | 91.0 | 14.4 | 93.3 | 10.6
"""
TABLE_7 = """
CIFAR10 | 95.7 | 99.3(998) | 95.6 | 54.9(246)
CIFAR100 | 77.5 | 82.2(711) | 77.2 | 43.0(216)
SPORT8 | 95.9 | 20.6(93.6) | 95.3 | 22.8(37.0)
MIT67 | 72.0 | 130(1056) | 71.8 | 85.4(291)
FLOWERS102 | 93.3 | 58.4(397) | 93.3 | 45.4(105)
"""
ACCURACY, HOURS = "validation_accuracy_percent_mean", "gpu_hours_per_search"


def read_rows(text):
    for line in text.strip().splitlines():
        name, *cells = line.split(" | ")
        yield name.lower(), [float(x) for cell in cells for x in re.findall(r"-?[\d.]+", cell)]


def test_table_1_is_that_of_the_paper():
    for dataset, (nll, own_nll, rmse, own_rmse) in read_rows(TABLE_1):
        assert SURROGATES[dataset, "homoscedastic"] == {"nll_median": nll, "rmse_median": rmse}
        assert SURROGATES[dataset, "bnn"] == {"nll_median": own_nll, "rmse_median": own_rmse}


@pytest.mark.parametrize(
    ("table", "contestants"),
    [
        (TABLE_2, ("rnag-bohb", "hnag-bohb")),
        (TABLE_6, ("hnag-aug_v1-bohb", "hnag-bohb")),
    ],
)
def test_tables_2_and_6_are_those_of_the_paper(table, contestants):
    for dataset, (first, first_days, second, second_days) in read_rows(table):
        rows = [VALIDATION[dataset, name] for name in contestants]
        assert [row[ACCURACY] for row in rows] == [first, second]
        assert [row[HOURS] / 24 for row in rows] == pytest.approx([first_days, second_days])


def test_table_7_is_that_of_the_paper():
    for dataset, (accuracy, mean, worst, base, base_mean, base_worst) in read_rows(TABLE_7):
        assert VALIDATION[dataset, "hnag-aug_v2-bohb"] == {ACCURACY: accuracy}
        assert VALIDATION[dataset, "hnag-bohb"][ACCURACY] == base
        assert list(MINUTES[dataset, "hnag-aug_v2-bohb"].values()) == [mean, worst]
        assert list(MINUTES[dataset, "hnag-bohb"].values()) == [base_mean, base_worst]


def test_every_data_set_of_table_4_has_all_five_contestants():
    contestants = ("hnag-bohb", "hnag-mobo", "rnag-bohb", "rnag-default", "hnag-random")
    for dataset in DATASETS:
        assert all((dataset, name) in TEST for name in contestants)
    assert TEST["mit67", "hnag-random"] == {
        "test_accuracy_percent_mean": 72.5,
        "test_accuracy_percent_std": 1.38,
        "sample_memory_mb_mean": 324.8,
    }
    assert TEST["imagenet", "hnag-bohb"]["test_top5_accuracy_percent_mean"] == 93.4


def test_the_optima_are_those_that_have_a_name():
    assert GENERATORS["sport8", "hnag-mobo"] == {
        **NAMED["sport8-mobo"].configuration,
        "sample_memory_mb": 43.1,
    }
    assert GENERATORS["cifar10", "rnag-default"]["stage2_nodes"] == 32


def test_published_values_come_with_their_column_and_source():
    assert find_published("validation", "cifar10", "rnag-bohb") == {
        "published_validation_accuracy_percent_mean": 93.5,
        "published_gpu_hours_per_search": 336.0,
        "published_source": "text of the paper",
    }
    assert find_published("test", "digits", "hnag-bohb") == {}
    assert all(source for _, source in TABLES.values())
    assert CORRELATIONS["cifar10", "hnag-bohb", 60, 120] == (0.82, "text of the paper")
