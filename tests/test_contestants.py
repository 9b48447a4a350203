"""Who is compared: runs by data set, contestant and seed."""

import pytest
from contest_runs import make_trials, settings_of, write_run

from nago.records import UserError
from nago.report.contestants import (
    choose_searches,
    choose_spreads,
    count_seeds,
    find_best,
    group_runs,
    list_contestants,
    list_runs,
)

CONFIGURATION = {"top_nodes": 3}


def run(folder, contestant, seed=0, dataset="digits", trials=None, **more):
    return write_run(folder, settings_of(dataset, contestant, seed), trials, **more)


def test_contestants_come_as_they_appear_and_their_runs_by_rising_seed(tmp_path):
    given = [
        ("mnist", "rnag-bohb", 2),
        ("digits", "hnag-bohb", 0),
        ("mnist", "hnag-aug_v1-bohb", 0),
        ("mnist", "rnag-bohb", 0),
        ("digits", "rnag-bohb", 1),
    ]
    runs = [
        run(tmp_path / str(place), contestant, seed, dataset)
        for place, (dataset, contestant, seed) in enumerate(given)
    ]
    contest = group_runs(runs)
    names = [(c.dataset, c.name, [r.seed for r in c.runs]) for c in list_contestants(contest)]
    assert names == [
        ("mnist", "rnag-bohb", [0, 2]),
        ("mnist", "hnag-aug_v1-bohb", [0]),
        ("digits", "hnag-bohb", [0]),
        ("digits", "rnag-bohb", [1]),
    ]
    assert contest["mnist"]["hnag-aug_v1-bohb"].baseline == "hnag-aug_v1-random"
    assert list_runs(contest["mnist"].values()) == [runs[3], runs[0], runs[2]]
    assert count_seeds(list_contestants(contest)) == "1 to 2 seeds"


def test_who_spreads_configurations_does_not_search(tmp_path):
    runs = [run(tmp_path / name, name) for name in ("hnag-spread", "hnag-random", "hnag-default")]
    assert choose_searches(runs) == runs[1:]
    later = run(tmp_path / "later", "hnag-spread", 5)
    assert choose_spreads([later, *runs]) == [runs[0], later]


def test_one_seed_twice_is_refused_in_one_line_that_names_both_folders(tmp_path):
    runs = [run(tmp_path / name, "hnag-bohb", 7) for name in ("new", "old")]
    with pytest.raises(UserError, match=r"new and .*old are both hnag-bohb on digits with seed 7"):
        group_runs(runs)


def test_before_its_own_first_trial_a_search_has_what_it_began_with(tmp_path):
    earlier = make_trials((-1, 0, 0, 12, None, 0.5, 9, CONFIGURATION)).assign(trial="initial-0")
    begun = run(tmp_path / "begun", "hnag-mobo", initial=earlier)
    assert find_best(begun)["trial"] == "initial-0"
    assert find_best(run(tmp_path / "none", "hnag-mobo", 1)) is None
