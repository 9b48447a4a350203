import hashlib
import math
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from scipy.stats import spearmanr
from svg_figures import marks, texts

from nago.report.figures.search_trials import draw_anytime, draw_correlation
from nago.report.tables.correlations import pair_budgets, rank_correlations

NAN = float("nan")
COLUMNS = ["trial", "bracket", "rung", "slot", "budget", "epochs", "origin", "parent"]


def make_table(*rows):
    """Rows are (bracket, rung, slot, budget, parent, validation error)."""
    table = pd.DataFrame(
        [
            (f"b{b}-r{r}-s{s}", b, r, s, budget, budget, "random", parent, error)
            for b, r, s, budget, parent, error in rows
        ],
        columns=[*COLUMNS, "validation_error"],
    )
    return table.assign(status=np.where(table["validation_error"].isna(), "diverged", "ok"))


def make_search(seed, brackets=6, failed=0.1):
    """Return a made-up search at 3, 6 and 12 epochs in which some trials failed."""
    rng = np.random.default_rng(seed)
    rows = []
    for bracket in range(brackets):
        first = bracket % 3
        parents = [None] * (4, 2, 3)[first]
        for rung, budget in enumerate([3, 6, 12][first:]):
            for slot, parent in enumerate(parents):
                error = NAN if rng.random() < failed else rng.random()
                rows.append((bracket, rung, slot, budget, parent, error))
            parents = [f"b{bracket}-r{rung}-s{slot}" for slot in range(len(parents) // 2)]
    return make_table(*rows)


def chain(*errors, bracket=0):
    """Return the rows of one configuration that is promoted through 3, 6, 12, ... epochs."""
    return [
        (bracket, rung, 0, 3 * 2**rung, f"b{bracket}-r{rung - 1}-s0" if rung else None, error)
        for rung, error in enumerate(errors)
    ]


# The any-time curve.


def test_every_trial_has_a_mark_filled_if_the_model_proposed_it(tmp_path):
    rows = [(0, 0, slot, 3, None, 0.1 + 0.01 * slot) for slot in range(7)]
    table = make_table(*rows, (0, 0, 7, 3, None, NAN))
    table["origin"] = ["model"] * 2 + ["random"] * 3 + ["fallback"] * 2 + ["random"]
    draw_anytime(table, tmp_path / "anytime.svg")
    # One filled mark more in the legend, for the budget.
    assert marks(tmp_path / "anytime.svg", "#0072b2") == {"filled": 2 + 1, "hollow": 5}
    assert "failed (1 of 8)" in texts(tmp_path / "anytime.svg")
    assert "random or fallback" in texts(tmp_path / "anytime.svg")


def test_the_axes_have_their_units_and_the_title_its_name(tmp_path):
    draw_anytime(make_search(2), tmp_path / "anytime.svg", "digits, hnag-bohb")
    found = texts(tmp_path / "anytime.svg")
    assert "validation error (%)" in found
    assert "epochs trained, all trials together" in found
    assert any(text.startswith("digits, hnag-bohb:") for text in found)
    assert {"3 epochs", "6 epochs", "12 epochs"} <= set(found)


def test_errors_of_zero_are_drawn_beside_large_ones(tmp_path):
    table = make_table(*[(0, 0, k, 3, None, e) for k, e in enumerate([0.0, 0.001, 0.5])])
    draw_anytime(table, tmp_path / "anytime.svg")
    assert marks(tmp_path / "anytime.svg", "#0072b2")["hollow"] == 3
    assert "0" in texts(tmp_path / "anytime.svg")


# The rank correlation.


def test_a_chain_of_promotions_gives_a_pair_for_any_two_of_its_budgets():
    pairs = pair_budgets(make_table(*chain(0.4, 0.3, 0.2)))
    found = {tuple(row) for row in pairs.to_numpy().tolist()}
    assert found == {(3, 6, 0.4, 0.3), (6, 12, 0.3, 0.2), (3, 12, 0.4, 0.2)}


def test_a_failed_trial_takes_out_its_own_pairs_only():
    pairs = pair_budgets(make_table(*chain(0.4, NAN, 0.2)))
    assert pairs.to_numpy().tolist() == [[3, 12, 0.4, 0.2]]


def test_a_parent_that_is_not_in_the_table_ends_the_chain():
    assert pair_budgets(make_table(*chain(0.4, 0.3)[1:])).empty


def test_the_correlation_of_a_small_table_is_the_one_computed_by_hand():
    # Ranks 1 2 3 4 against 1 3 2 4: 1 - 6 (0 + 1 + 1 + 0) / (4 (16 - 1)) = 0.8.
    errors = [(0.1, 0.01), (0.2, 0.03), (0.3, 0.02), (0.4, 0.04)]
    rows = [row for b, pair in enumerate(errors) for row in chain(*pair, bracket=b)]
    row = rank_correlations([make_table(*rows)]).iloc[0]
    assert (row["low_budget"], row["high_budget"], row["pairs"], row["note"]) == (3, 6, 4, "")
    assert row["spearman"] == pytest.approx(0.8)


@pytest.mark.parametrize("seed", range(10))
def test_the_correlation_is_scipys_with_ties_and_failures(seed):
    rng = np.random.default_rng(seed)
    chains = np.round(rng.random((12, 3)), 1)
    chains[rng.random(chains.shape) < 0.15] = NAN
    rows = [row for b, errors in enumerate(chains) for row in chain(*errors, bracket=b)]
    found = rank_correlations([make_table(*rows)]).set_index(["low_budget", "high_budget"])
    pooled = []
    for low, high in [(0, 1), (0, 2), (1, 2)]:
        both = chains[np.isfinite(chains[:, low]) & np.isfinite(chains[:, high])]
        expected = spearmanr(both[:, low], both[:, high]).statistic
        assert found.loc[(3 * 2**low, 3 * 2**high), "spearman"] == pytest.approx(expected)
        assert found.loc[(3 * 2**low, 3 * 2**high), "pairs"] == len(both)
        pooled += both[:, [low, high]].tolist()
    assert found["spearman"].iloc[-1] == pytest.approx(spearmanr(pooled).statistic)
    assert found["pairs"].iloc[-1] == len(pooled)


def test_two_pairs_give_no_coefficient_but_a_note(tmp_path):
    table = make_table(*chain(0.1, 0.2), *chain(0.3, 0.4, bracket=1))
    row = rank_correlations([table]).iloc[0]
    assert math.isnan(row["spearman"])
    assert "too few pairs" in row["note"]
    draw_correlation(table, tmp_path / "correlation.svg")
    assert "too few pairs (n = 2)" in texts(tmp_path / "correlation.svg")


def test_equal_errors_give_no_coefficient_but_a_note():
    rows = [row for b in range(4) for row in chain(0.1 * b, 0.5, bracket=b)]
    row = rank_correlations([make_table(*rows)]).iloc[0]
    assert math.isnan(row["spearman"])
    assert "equal" in row["note"]


def test_one_budget_or_no_trial_gives_the_overall_row_only():
    for table in (make_table((0, 0, 0, 3, None, 0.1)), make_table()):
        found = rank_correlations([table])
        assert len(found) == 1
        assert found["low_budget"].isna().all()
        assert found["pairs"].tolist() == [0]


def test_each_panel_names_its_coefficient_and_its_number_of_pairs(tmp_path):
    rows = [row for b in range(5) for row in chain(0.1 * b, 0.2 * b, bracket=b)]
    draw_correlation(make_table(*rows), tmp_path / "correlation.svg", "digits")
    found = texts(tmp_path / "correlation.svg")
    assert "Spearman 1.00 (n = 5)" in found
    assert "validation error (%) after 6 epochs" in found
    assert marks(tmp_path / "correlation.svg", "#0072b2")["filled"] == 5


# Both figures.


@pytest.mark.parametrize("draw", [draw_anytime, draw_correlation])
@pytest.mark.parametrize(
    "table",
    [
        make_table(),
        make_table((0, 0, 0, 3, None, 0.1)),
        make_table((0, 0, 0, 3, None, 0.0)),
        make_table((0, 0, 0, 3, None, NAN)),
        make_table(*chain(NAN, NAN, NAN)),
        make_table(*chain(0.5, 0.5), *chain(0.5, 0.5, bracket=1)),
    ],
    ids=["empty", "one", "zero", "failed", "all failed", "equal"],
)
def test_small_and_odd_tables_are_drawn_without_a_warning(draw, table, tmp_path, recwarn):
    draw(table, tmp_path / "figure.svg", "name")
    assert ET.parse(tmp_path / "figure.svg").getroot().tag.endswith("svg")
    assert [str(warning.message) for warning in recwarn] == []


@pytest.mark.parametrize("draw", [draw_anytime, draw_correlation])
def test_equal_tables_give_equal_bytes_whatever_the_users_own_style_is(draw, tmp_path):
    draw(make_search(3), tmp_path / "first.svg", "name")
    with mpl.rc_context({"font.size": 20, "xtick.major.size": 12, "svg.fonttype": "path"}):
        draw(make_search(3), tmp_path / "second.svg", "name")
        assert mpl.rcParams["font.size"] == 20
    assert (tmp_path / "first.svg").read_bytes() == (tmp_path / "second.svg").read_bytes()


def test_another_process_gives_equal_bytes_and_needs_no_pyplot(tmp_path):
    make_search(4).to_pickle(tmp_path / "table.pickle")
    script = (
        "import sys, pandas; from pathlib import Path;"
        "from nago.report.figures import search_trials;"
        f"table = pandas.read_pickle({str(tmp_path / 'table.pickle')!r});"
        f"search_trials.draw_anytime(table, Path({str(tmp_path / 'there.svg')!r}));"
        "assert 'matplotlib.pyplot' not in sys.modules"
    )
    root = Path(__file__).parents[1]
    subprocess.run([sys.executable, "-c", script], check=True, cwd=root)
    draw_anytime(make_search(4), tmp_path / "here.svg")
    here, there = (
        hashlib.sha256((tmp_path / name).read_bytes()).hexdigest()
        for name in ("here.svg", "there.svg")
    )
    assert here == there


@pytest.mark.parametrize("draw", [draw_anytime, draw_correlation])
def test_the_table_stays_as_it_was(draw, tmp_path):
    table = make_search(5).sample(frac=1, random_state=1)
    before = table.copy()
    draw(table, tmp_path / "figure.svg")
    pd.testing.assert_frame_equal(table, before)
