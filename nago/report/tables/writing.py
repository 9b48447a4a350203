"""All tables that compare searches, under fixed names."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from nago.report.runs import Run
from nago.report.tables.anytime import tabulate_anytime
from nago.report.tables.claims import tabulate_claims
from nago.report.tables.correlations import tabulate_correlations
from nago.report.tables.differences import tabulate_differences
from nago.report.tables.expanded import tabulate_expanded
from nago.report.tables.failures import tabulate_failures
from nago.report.tables.standings import tabulate_generators, tabulate_validation
from nago.report.tables.tested import tabulate_test
from nago.tables import write_table

TABLES: Mapping[str, Callable[[Sequence[Run]], pd.DataFrame]] = {
    "table2-validation": tabulate_validation,
    "table3-generators": tabulate_generators,
    "table4-test": tabulate_test,
    "table6-expanded": tabulate_expanded,
    "failures": tabulate_failures,
    "anytime": tabulate_anytime,
    "correlations": tabulate_correlations,
    "differences": tabulate_differences,
}
"""What is tabulated of the runs alone; `claims` comes with them."""


def write_tables(
    runs: Sequence[Run], surrogates: pd.DataFrame | None, folder: Path
) -> dict[str, pd.DataFrame]:
    """Write the tables that compare some runs, and return them by name.

    Args:
        runs: of several contestants, seeds and data sets, at any point of their search.
        surrogates: as `tabulate_surrogates` gives them; None if they were not rated.
        folder: of the tables.
    """
    tables = {name: tabulate(runs) for name, tabulate in TABLES.items()}
    tables["claims"] = tabulate_claims(runs, tables["differences"], surrogates)
    for name, table in tables.items():
        write_table(folder / f"{name}.csv", table)
    return tables
