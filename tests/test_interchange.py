"""Searches for other tools: a journal that Optuna reads back, tables that pandas does."""

import json
import math
import re
import sys

import optuna
import pandas as pd
import pytest
from report_runs import make_run, make_trial

from nago.interchange.folders import read_searches
from nago.interchange.journal import write_journal
from nago.interchange.tidy import join_searches, write_csv, write_parquet
from nago.records import UserError
from nago.report.runs import read_run
from nago.tables import read_table

STATES = optuna.trial.TrialState
CURVE = "epoch,learning_rate,validation_error\n1,0.1,0.5\n2,0.1,\n3,0.1,0.25\n"


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """Searches: bohb of two seeds, the second going on, and mobo; not to be changed."""
    folder = tmp_path_factory.mktemp("results")
    run = make_run(folder, method="bohb", iterations=8)
    curve = run / "bracket0" / "rung0" / "slot0.curve.csv"
    curve.parent.mkdir()
    curve.write_text(CURVE)
    make_run(folder, method="bohb", iterations=8, seed=1, finished=False)
    make_run(folder, method="mobo", mobo_iterations=12)
    return folder


def load(path, name):
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    return optuna.load_study(study_name=name, storage=storage)


@pytest.fixture(scope="module")
def journal(results, tmp_path_factory):
    path = tmp_path_factory.mktemp("journal") / "searches.journal"
    write_journal(path, read_searches([results]))
    return path


NAMES = ("digits/hnag-bohb", "digits/hnag-bohb-seed1", "digits/hnag-mobo")


def test_there_is_a_study_for_each_search(journal):
    storage = optuna.storages.JournalStorage(
        optuna.storages.journal.JournalFileBackend(str(journal))
    )
    assert sorted(optuna.get_all_study_names(storage)) == sorted(NAMES)


@pytest.mark.parametrize("name", [NAMES[0], NAMES[2]])
def test_the_best_trials_are_those_of_the_front(name, journal, results):
    front = read_table(results / name / "front.csv")
    best = load(journal, name).best_trials
    assert sorted(trial.user_attrs["trial"] for trial in best) == sorted(front["trial"])
    assert len(front) > 1


@pytest.mark.parametrize("name", NAMES)
def test_the_trials_are_those_of_the_table_in_the_order_of_the_plan(name, journal, results):
    table = read_run(results / name).trials
    trials = load(journal, name).trials
    assert [trial.number for trial in trials] == [*range(len(table))]
    assert [trial.user_attrs["trial"] for trial in trials] == [*table["trial"]]
    highest = table.loc[table["status"] == "ok", "budget"].max()
    for trial, (_, row) in zip(trials, table.iterrows(), strict=True):
        assert trial.params == {name: row[name] for name in trial.params}
        assert trial.user_attrs["budget"] == row["budget"]
        if row["status"] == "ok":
            assert trial.values == [row["validation_error"], row["sample_memory_bytes"]]
            full = row["budget"] == highest
            assert trial.state == (STATES.COMPLETE if full else STATES.PRUNED)
            assert "error" not in trial.user_attrs
        else:
            assert (trial.state, trial.values) == (STATES.FAIL, None)
            assert trial.user_attrs["error"] == "the loss is not finite"
            assert trial.user_attrs["status"] == "diverged"


def test_some_of_these_trials_failed_and_some_were_stopped_early(journal):
    found = {trial.state for name in NAMES for trial in load(journal, name).trials}
    assert found == {STATES.COMPLETE, STATES.PRUNED, STATES.FAIL}


def test_the_distributions_are_the_ranges_of_the_search(journal):
    found = load(journal, NAMES[0]).trials[0].distributions
    assert found["top_nodes"] == optuna.distributions.IntDistribution(3, 10)
    assert found["top_p"] == optuna.distributions.FloatDistribution(0.1, 0.9)
    assert len(found) == 8


def test_the_study_says_of_what_it_is(journal):
    study = load(journal, NAMES[1])
    assert study.user_attrs == {
        **{"dataset": "digits", "contestant": "hnag-bohb", "seed": 1},
        **{"method": "bohb", "generator": "hnag"},
    }
    assert study.metric_names == ["validation_error", "sample_memory_bytes"]
    assert {direction.name for direction in study.directions} == {"MINIMIZE"}


def test_a_curve_becomes_intermediate_values_without_the_missing_ones(journal):
    first, second, *_ = load(journal, NAMES[0]).trials
    assert first.intermediate_values == {1: 0.5, 3: 0.25}
    assert second.intermediate_values == {}


def test_a_trial_lasts_a_second_for_each_epoch(journal):
    trials = load(journal, NAMES[0]).trials
    assert [t.duration.total_seconds() for t in trials] == [t.user_attrs["epochs"] for t in trials]
    assert trials[0].datetime_complete == trials[1].datetime_start


def test_equal_searches_give_equal_journals_which_optuna_can_go_on_with(
    results, journal, tmp_path
):
    path = tmp_path / "again.journal"
    write_journal(path, read_searches([results]))
    assert path.read_bytes() == journal.read_bytes()
    study = load(path, NAMES[2])
    study.add_trial(study.trials[0])
    assert len(load(path, NAMES[2]).trials) == len(load(journal, NAMES[2]).trials) + 1


def test_initial_trials_come_first_since_the_front_may_have_them(tmp_path):
    run = make_run(tmp_path, method="mobo", trials=[make_trial((0, 0, 0), 0.5)])
    table = read_table(run / "trials.csv")
    earlier = table.assign(trial="initial-0", bracket=-1, origin="initial", validation_error=0.25)
    earlier.to_csv(run / "initial.csv", index=False)
    write_journal(tmp_path / "x.journal", read_searches([run]))
    trials = load(tmp_path / "x.journal", "digits/hnag-mobo").trials
    assert [trial.user_attrs["trial"] for trial in trials] == ["initial-0", "b0-r0-s0"]


def test_a_journal_of_the_same_searches_is_written_anew(results, tmp_path):
    path = tmp_path / "x.journal"
    write_journal(path, read_searches([results / "digits" / "hnag-mobo"]))
    write_journal(path, read_searches([results]))
    write_journal(path, read_searches([results]))
    assert len(load(path, NAMES[2]).trials) == 54
    assert [file.name for file in tmp_path.iterdir()] == ["x.journal"]


def damage_last_line(path):
    path.write_bytes(path.read_bytes()[:-20])


def damage_a_line(path):
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([*lines[:5], lines[5][:-30] + "\n", *lines[6:]]))


def replace_by_text(path):
    path.write_text("notes\n")


def replace_by_json(path):
    path.write_text('{"a": 1}\n')


def empty(path):
    path.write_text("")


def add_a_trial(path):
    study = load(path, NAMES[0])
    study.add_trial(study.trials[0])


def make_folder(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (damage_last_line, "is damaged"),
        (damage_a_line, "is damaged"),
        (replace_by_text, "is there and no Optuna journal"),
        (replace_by_json, "is there and no Optuna journal"),
        (empty, "is there and no Optuna journal"),
        (add_a_trial, "was written to by another program, which would be lost"),
        (make_folder, "is a folder"),
    ],
)
def test_what_may_not_be_written_over_stays_as_it_is(change, said, results, journal, tmp_path):
    path = tmp_path / "x.journal"
    path.write_bytes(journal.read_bytes())
    change(path)
    before = None if path.is_dir() else path.read_bytes()
    with pytest.raises(UserError, match=re.escape(f"{path} {said}")) as caught:
        write_journal(path, read_searches([results]))
    assert "\n" not in str(caught.value)
    assert before is None or path.read_bytes() == before


def test_a_journal_of_other_searches_is_not_written_over(results, journal):
    with pytest.raises(UserError, match=r"holds digits/hnag-bohb, digits/hnag-bohb-seed1, which"):
        write_journal(journal, read_searches([results / "digits" / "hnag-mobo"]))


def test_the_table_has_the_rows_of_all_searches(results, tmp_path):
    write_csv(tmp_path / "all.csv", read_searches([results]))
    table = pd.read_csv(tmp_path / "all.csv")
    assert [*table.columns[:4]] == ["dataset", "contestant", "seed", "trial"]
    parts = [read_run(results / name).trials for name in NAMES]
    assert len(table) == sum(map(len, parts))
    of_second = table[(table["contestant"] == "hnag-bohb") & (table["seed"] == 1)]
    for name in ("trial", "top_p", "validation_error", "sample_memory_bytes", "hash"):
        pd.testing.assert_series_equal(
            of_second[name].reset_index(drop=True), parts[1][name], check_dtype=False
        )
    assert [*of_second["trial_seed"]] == [*parts[1]["seed"]]


def test_searches_of_different_spaces_share_a_table(tmp_path):
    for generator in ("hnag", "rnag"):
        make_run(tmp_path, generator=generator, method="default")
    table = join_searches(read_searches([tmp_path]))
    assert [*table["contestant"]] == ["hnag-default", "rnag-default"]
    own = [name for name in table.columns if name.endswith("_k") or name.startswith("middle")]
    assert table[own].isna().any().any()


def test_parquet_keeps_kinds_and_values(results, tmp_path):
    runs = read_searches([results])
    write_parquet(tmp_path / "all.parquet", runs)
    found = pd.read_parquet(tmp_path / "all.parquet")
    pd.testing.assert_frame_equal(found, join_searches(runs), check_dtype=False)
    assert found["parameters"].dtype == "Int64"
    assert math.isnan(found.loc[found["status"] == "diverged", "validation_error"].iloc[0])


@pytest.mark.parametrize(
    ("library", "write"), [("optuna", write_journal), ("pyarrow", write_parquet)]
)
def test_a_missing_library_names_the_extra(library, write, results, tmp_path, monkeypatch):
    runs = read_searches([results])
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(UserError, match=rf"needs {library}: .*pip install 'nago\[interchange\]'"):
        write(tmp_path / "x", runs)
    assert [*tmp_path.iterdir()] == []


def test_folders_without_trials_and_searches_of_one_name_are_refused(tmp_path):
    with pytest.raises(UserError, match="holds no search"):
        read_searches([tmp_path])
    run = make_run(tmp_path / "a", trials=())
    with pytest.raises(UserError, match="no bracket of a search is done yet"):
        read_searches([run])
    folders = [make_run(tmp_path / name) for name in ("b", "c")]
    with pytest.raises(UserError, match="are both digits/hnag-bohb: give one of them at a time"):
        read_searches(folders)
    assert len(read_searches([folders[0], folders[0]])) == 1


def test_every_line_of_a_journal_is_json(journal):
    records = [json.loads(line) for line in journal.read_text().splitlines()]
    assert {record["worker_id"] for record in records} == {"nago"}
