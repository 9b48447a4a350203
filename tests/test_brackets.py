"""Brackets against HpBandSter's own and against sizes worked out by hand."""

import subprocess
import sys

import pytest

from nago.search.brackets import (
    Rung,
    count_halvings,
    count_seen,
    plan_bracket,
    plan_rounds,
    plan_search,
)


def sizes_of(rungs):
    return [(rung.size, rung.budget) for rung in rungs]


@pytest.fixture
def hpbandster(monkeypatch):
    """Return a function that gives HpBandSter's own brackets, without its network server."""
    import ConfigSpace
    from hpbandster.core.master import Master
    from hpbandster.optimizers import BOHB, HyperBand

    def without_server(self, **_):
        self.config = {}

    def make(kind, min_budget, max_budget, eta):
        monkeypatch.setattr(Master, "__init__", without_server)
        space = ConfigSpace.ConfigurationSpace({"x": (0.0, 1.0)})
        optimizer = {"bohb": BOHB, "hyperband": HyperBand}[kind](
            configspace=space, min_budget=min_budget, max_budget=max_budget, eta=eta
        )
        optimizer.config_generator = type("NoGenerator", (), {"get_config": None})()
        return optimizer

    return make


GRID = [
    (min_budget, min_budget * eta**s, eta)
    for eta in (2, 3, 4, 5)
    for s in range(7)
    for min_budget in (1, 3, 9, 30)
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["bohb", "hyperband"])
def test_brackets_are_hpbandsters_wherever_its_logarithm_is_right(hpbandster, kind):
    compared = 0
    for min_budget, max_budget, eta in GRID:
        theirs = hpbandster(kind, min_budget, max_budget, eta)
        rungs = count_halvings(min_budget, max_budget, eta) + 1
        if theirs.max_SH_iter != rungs:
            assert theirs.max_SH_iter == rungs - 1  # the rung it loses
            continue
        for bracket in range(2 * rungs):
            iteration = theirs.get_next_iteration(bracket)
            budgets = [round(float(budget), 6) for budget in iteration.budgets]
            ours = plan_bracket(bracket, min_budget, max_budget, eta)
            assert sizes_of(ours) == list(zip(iteration.num_configs, budgets, strict=True))
        compared += 1
    assert compared > len(GRID) / 2


def test_the_papers_brackets_are_those_worked_out_by_hand():
    first, second, third, again = plan_search(4, 30, 120, 2)
    assert sizes_of(first) == [(4, 30), (2, 60), (1, 120)]
    assert sizes_of(second) == [(2, 60), (1, 120)]
    assert sizes_of(third) == [(3, 120)]
    assert again == first


def test_budgets_of_1_to_243_at_eta_3_keep_all_six_rungs():
    assert sizes_of(plan_bracket(0, 1, 243, 3)) == [
        (243, 1),
        (81, 3),
        (27, 9),
        (9, 27),
        (3, 81),
        (1, 243),
    ]


def test_60_iterations_are_260_trainings_of_19200_epochs():
    rungs = [rung for bracket in plan_search(60, 30, 120, 2) for rung in bracket]
    trainings = {b: sum(r.size for r in rungs if r.budget == b) for b in (30, 60, 120)}
    assert trainings == {30: 80, 60: 80, 120: 100}
    assert sum(rung.size * rung.budget for rung in rungs) == 19_200


def test_one_budget_is_a_search_of_single_trials():
    assert plan_search(2, 60, 60, 3) == ((Rung(1, 60),), (Rung(1, 60),))


@pytest.mark.parametrize(
    ("min_budget", "max_budget", "eta", "said"),
    [
        (30, 100, 2, r"max_budget=100.*could be 60 or 120"),
        (30, 20, 2, r"max_budget=20.*could be 30"),
        (1, 242, 3, r"could be 81 or 243"),
        (0, 8, 2, r"min_budget=0"),
        (1, 8, 1, r"eta=1"),
    ],
)
def test_budgets_that_make_no_whole_rungs_are_refused_with_what_would_be_right(
    min_budget, max_budget, eta, said
):
    with pytest.raises(ValueError, match=said):
        plan_search(3, min_budget, max_budget, eta)


def test_the_budgets_that_an_error_offers_are_accepted():
    assert count_halvings(30, 60, 2) == 1
    assert count_halvings(30, 120, 2) == 2


@pytest.mark.parametrize("iterations", [0, -1])
def test_a_search_without_iterations_is_refused(iterations):
    with pytest.raises(ValueError, match=f"iterations={iterations}"):
        plan_search(iterations, 30, 120, 2)


def test_planning_imports_no_numeric_library():
    heavy = "{'numpy', 'pandas', 'ConfigSpace', 'hpbandster', 'statsmodels', 'torch', 'networkx'}"
    code = (
        "import sys, nago.search.brackets, nago.search.methods, nago.search.steps;"
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def test_a_search_at_one_budget_has_a_round_of_initial_points_and_then_its_batches():
    assert plan_rounds(50, 2, 8, 60) == ((Rung(50, 60),), (Rung(8, 60),), (Rung(8, 60),))
    assert plan_rounds(0, 1, 8, 60) == ((Rung(8, 60),),)


@pytest.mark.parametrize(
    ("lag", "makes_initial", "seen"),
    [
        (1, False, [0, 1, 2, 3, 4]),
        (3, False, [0, 0, 0, 1, 2]),
        (1, True, [0, 1, 2, 3, 4]),
        (3, True, [0, 1, 1, 1, 2]),
    ],
)
def test_a_bracket_sees_those_that_end_before_it_starts_and_always_the_initial_points(
    lag, makes_initial, seen
):
    assert [count_seen(b, lag, makes_initial=makes_initial) for b in range(5)] == seen
