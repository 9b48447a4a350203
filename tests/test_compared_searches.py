"""The searches of a run: which they are, what they share, and what is refused before it starts."""

from pathlib import Path

import pytest

from nago.comparison import SHARED, load_comparison
from nago.generators.named import NAMED, RNAG_D
from nago.schema import SettingsError
from nago.settings import load_settings

ROOT = Path(__file__).parents[1]
SIX = "[hnag-bohb, rnag-bohb, hnag-mobo, rnag-mobo, hnag-random, rnag-default]"


def load(**given):
    return load_comparison(given, ROOT)


def refuse(**given):
    """Return the message of a refusal, which is one line."""
    with pytest.raises(SettingsError) as caught:
        load(**given)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_without_searches_and_seeds_a_run_is_the_one_search_of_its_settings():
    comparison = load(dataset="digits", iterations=3)
    assert list(comparison.searches) == [("digits", "hnag-bohb")]
    (search,) = comparison.all
    assert search.values == load_settings({"dataset": "digits", "iterations": 3}, ROOT).values
    assert search.folder == "results/digits/hnag-bohb"
    assert (comparison.name, comparison.seed) == ("digits", 0)


def test_the_names_of_searches_say_generator_space_and_method():
    comparison = load(searches="[hnag-aug_v1-random, rnag-er-bohb]", space="aug_v2")
    kinds = [
        tuple(search.values[key] for key in ("generator", "space", "method"))
        for search in comparison.all
    ]
    assert kinds == [("hnag", "aug_v1", "random"), ("rnag", "er", "bohb")]
    assert comparison.names == ("hnag-aug_v1-random", "rnag-er-bohb")


def test_each_search_runs_on_each_data_set_with_each_seed_in_a_folder_of_its_own():
    comparison = load(dataset="[digits, cifar10]", searches=SIX, seeds="[0, 1, 2]")
    assert len(comparison.all) == 2 * 6 * 3
    assert len({search.folder for search in comparison.all}) == 2 * 6 * 3
    assert comparison.datasets == ("digits", "cifar10")
    assert comparison.name == "digits+cifar10"
    first, second, third = (
        comparison.find("digits", f"hnag-bohb{end}") for end in ("", "-seed1", "-seed2")
    )
    assert [search.values["seed"] for search in (first, second, third)] == [0, 1, 2]
    assert {search.settings.contestant for search in (first, second, third)} == {"hnag-bohb"}
    # The data set's own file holds for each search on it.
    assert comparison.find("cifar10", "hnag-bohb").values["iterations"] == 60
    assert first.values["iterations"] == 6


def test_all_seeds_see_the_same_parts_of_the_data():
    comparison = load(seed=7, seeds="[7, 8]")
    assert [search.search for search in comparison.all] == ["hnag-bohb", "hnag-bohb-seed8"]
    assert {search.settings.data_seed for search in comparison.all} == {7}
    # That is the search that one gets alone by saying so.
    alone = load_settings({"seed": 8, "data_seed": 7}, ROOT)
    assert comparison.all[1].values == alone.values
    own = load(seed=7, seeds="[8]", data_seed=3)
    assert own.all[0].settings.data_seed == 3


def test_a_search_differs_from_the_others_in_what_is_said_of_it_alone():
    searches = "{hnag-bohb: {iterations: 12}, two-at-once: {lag: 3}, hnag-random: }"
    comparison = load(searches=searches, lag=1, iterations=4)
    found = {
        search.search: tuple(search.values[key] for key in ("method", "iterations", "lag"))
        for search in comparison.all
    }
    assert found == {
        "hnag-bohb": ("bohb", 12, 1),
        "two-at-once": ("bohb", 4, 3),
        "hnag-random": ("random", 4, 1),
    }
    plans = {search.search: len(search.plan) for search in comparison.all}
    assert plans == {"hnag-bohb": 12, "two-at-once": 4, "hnag-random": 4}


def test_a_search_may_begin_with_another_of_the_same_run_and_seed():
    searches = "{hnag-bohb: {}, hnag-mobo: {initial: hnag-bohb}}"
    comparison = load(searches=searches, seeds="[0, 5]")
    begins = {search.search: search.initial for search in comparison.all}
    assert begins == {
        "hnag-bohb": None,
        "hnag-bohb-seed5": None,
        "hnag-mobo": "results/digits/hnag-bohb/trials.csv",
        "hnag-mobo-seed5": "results/digits/hnag-bohb-seed5/trials.csv",
    }
    assert len(comparison.find("digits", "hnag-mobo").plan) == 3  # no round of initial points


def test_the_default_of_a_generator_is_the_published_one_or_what_is_given():
    assert load(generator="rnag", method="default").all[0].settings.configuration == RNAG_D
    given = load(method="default", configuration="flowers102-mobo").all[0].settings
    assert given.configuration == NAMED["flowers102-mobo"].configuration
    assert given.search_definition["options"] == {"configuration": given.configuration}
    assert [len(rungs) for rungs in given.plan] == [1]
    (rung,) = given.plan[0]
    assert (rung.size, rung.budget) == (1, 4)
    own = dict(given.configuration) | {"top_nodes": 5}
    text = "{" + ", ".join(f"{name}: {value}" for name, value in own.items()) + "}"
    assert load(method="default", configuration=text).all[0].settings.configuration == own


def test_a_spread_trains_each_configuration_as_often_as_asked_and_completes_none():
    (search,) = load(method="spread", spread_configurations=3, spread_draws=4).all
    assert [[(rung.size, rung.budget) for rung in rungs] for rungs in search.plan] == [
        [(4, 4)],
        [(4, 4)],
        [(4, 4)],
    ]
    assert search.settings.final_networks == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"searches": "[hnag-foo]"}, "'hnag-foo' is not generator-method"),
        ({"searches": "[darts-er-bohb]"}, "'darts-er-bohb' is not generator-method"),
        ({"searches": "[x]"}, "of another name say in which settings it differs"),
        ({"searches": "[tables]"}, "is none of tables, figures, report"),
        ({"searches": "['../x']"}, "a name has letters, digits"),
        ({"searches": "[hnag-bohb-seed1]"}, "doesn't end like -seed1"),
        ({"searches": "[]"}, "searches: [] should be non-empty"),
        ({"searches": "7"}, "searches: 7 is not of type"),
        ({"searches": "{hnag-bohb: {iteratons: 3}}"}, "did you mean 'iterations'?"),
        ({"searches": "{hnag-bohb: {iterations: 0}}"}, "hnag-bohb: settings: iterations: 0"),
        ({"searches": "{hnag-bohb: {seed: 3}}"}, "seed holds for all searches of a run"),
        ({"searches": "{hnag-bohb: {image_size: 9, split: x}}"}, "image_size, split holds"),
        ({"searches": "[hnag-default]"}, "hnag has no default: configuration must be"),
        ({"method": "default", "configuration": "rnag-d"}, "hnag has none named 'rnag-d'"),
        ({"method": "default", "configuration": "{top_k: 3}"}, "must have the hyperparameters"),
        ({"method": "default", "configuration": "hnag-as-rnag"}, "top_p must be from 0.1 to 0.9"),
        ({"seeds": "[0, 0]"}, "seeds: [0, 0] has non-unique elements"),
        ({"seeds": "[-1]"}, "seeds.0: -1 is less than the minimum of 0"),
        ({"dataset": "[digits, foo]"}, "there is no data set 'foo'"),
        ({"dataset": "[digits, cifar10]", "name": "x"}, "name is of one data set"),
        ({"searches": "{hnag-mobo: {initial: hnag-mobo}}"}, "it can't begin with its own trials"),
        (
            {"searches": "{hnag-bohb: {}, rnag-mobo: {initial: hnag-bohb}}"},
            "hnag-bohb is of another space",
        ),
        (
            {"searches": "{hnag-bohb: {}, hnag-mobo: {initial: hnag-bohb, mobo_budget: 3}}"},
            "mobo_budget must be a budget of hnag-bohb, which has 1, 2, 4, got 3",
        ),
    ],
)
def test_what_cannot_be_compared_is_told_in_one_line(given, said):
    assert said in refuse(**given)


def test_what_searches_share_are_settings_that_there_are():
    known = load().all[0].values
    assert set(SHARED) <= set(known)
