"""The benchmarks of several objectives at several budgets, on cases known by hand."""

import math

import numpy as np
import pandas as pd
import pytest
from benchmark_modules import load

problems, runs, quality, own = load(
    "beyond_problems", "beyond_runs", "beyond_quality", "beyond_own"
)
LIMITS = {"x": (0.0, 1.0)}


def make_problem(*, continues=True):
    def evaluate(configuration, budget):
        return configuration["x"], 1 - configuration["x"] + (0 if budget == 4 else 5)

    return problems.Problem(
        "line", LIMITS, (1, 2, 4), evaluate, (1.0, 1.0), 0.5, 3, continues=continues, exact=False
    )


def test_a_dense_grid_has_the_share_that_the_page_says():

    axis = np.linspace(0, 1, 401)
    branin = problems.make_problem("MOMF-BraninCurrin")
    found = [problems.branin_currin(x, y, 1.0) for x in axis for y in axis]
    assert branin.share(np.array(found)) == pytest.approx(0.952, abs=0.001)


@pytest.mark.parametrize(
    ("losses", "share"), [([], 0.0), ([(0.5, 0.5)], 0.5), ([(0.0, 0.5), (0.5, 0.0)], 1.5)]
)
def test_a_share_is_of_what_is_below_the_reference(losses, share):
    points = np.array([*losses, (2.0, 0.0)]).reshape(-1, 2)
    assert make_problem().share(points) == pytest.approx(share)


@pytest.mark.parametrize(("continues", "spent"), [(True, 4), (False, 7)])
def test_going_on_costs_the_difference_where_a_problem_lets_it(continues, spent):
    account = runs.Account(make_problem(continues=continues))
    for before, budget in ((0, 1), (1, 2), (2, 4)):
        account.evaluate({"x": 0.5}, budget, before)
    # Only what was evaluated at the largest budget counts.
    assert account.rows == [(spent, 3, pytest.approx(0.5))]
    account.evaluate({"x": 0.5}, 4)
    if not continues:
        account.evaluate({"x": 0.5}, 1)
    with pytest.raises(runs.SpentError):
        account.evaluate({"x": 0.25}, 4, 3 if not continues else -1)
    account.close()
    assert account.rows[-1] == (12, 4 if continues else 5, pytest.approx(0.5))


@pytest.mark.parametrize("name", ["random", "mobohb, density"])
def test_our_searches_spend_what_they_may_and_are_functions_of_their_seed(name):
    found = []
    for _ in range(2):
        account = runs.Account(problems.make_problem("MOMF-BraninCurrin"))
        seen = []

        def evaluate(values, budget, spent=0, account=account, seen=seen):
            losses = account.evaluate(values, budget, spent)
            seen.append((tuple(values.values()), budget, spent))
            return losses

        with pytest.raises(runs.SpentError):
            own.run_own(name, problems.make_problem("MOMF-BraninCurrin"), 3, evaluate)
        found.append(seen)
    assert found[0] == found[1]
    budgets = {budget for _, budget, _ in found[0]}
    assert budgets == ({27} if name == "random" else {3, 9, 27})
    # A promoted one goes on where the one before ended: at the same place, with what it had.
    for place, budget, spent in found[0]:
        assert spent == 0 or (place, spent) in {(p, b) for p, b, _ in found[0] if b < budget}


def test_what_a_run_had_after_some_epochs_and_when_it_had_a_share():
    run = pd.DataFrame({"epochs": [4, 9, 20], "share": [0.1, 0.4, 0.6]})
    assert [quality.share_at(run, epochs) for epochs in (4, 8, 9, 99)] == [0.1, 0.1, 0.4, 0.6]
    assert math.isnan(quality.share_at(run, 3))
    assert [quality.epochs_to(run, share) for share in (0.05, 0.4, 0.5)] == [4, 9, 20]
    assert math.isnan(quality.epochs_to(run, 0.7))


@pytest.mark.parametrize("dataset", ["digits", "mnist"])
def test_a_table_of_trainings_has_each_configuration_at_each_budget(dataset):
    table = pd.read_csv(problems.locate_table(dataset))
    assert len(table) >= 300
    counts = table.groupby("bracket")["budget"].agg(["count", "nunique"])
    assert (counts == 3).all(axis=None)
    names = list(problems.make_replayed(dataset).limits)
    assert (table.groupby("bracket")[names].nunique() == 1).all(axis=None)
    assert table["trial"].is_unique


def test_what_small_budgets_tell_is_told_of_all_and_of_the_best():
    """Of eight, the order after 1 epoch is that after 4; after 2 that of the best is reversed."""
    errors = {1: [*range(8)], 2: [3, 2, 1, 0, 4, 5, 6, 7], 4: [*range(8)]}
    table = pd.DataFrame(
        {"bracket": place, "budget": budget, "validation_error": error, "multiply_adds": 5 + place}
        for budget, found in errors.items()
        for place, error in enumerate(found)
    )
    rows = quality.explain_budgets(table, make_problem()).splitlines()[-2:]
    assert rows[0] == "| 1 | 1.00 | 1.00 | 1.00 | 12% |"
    # 1 - 6 * (9 + 1 + 1 + 9) / (8 * 63) of all; only the first is on the front, the fourth there.
    assert rows[1] == "| 2 | 0.76 | -1.00 | -1.00 | 50% |"
