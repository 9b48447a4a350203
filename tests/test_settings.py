"""Settings: what beats what, and that anything wrong is one line before a job starts."""

import json
import math
import re
import shutil
from pathlib import Path

import pytest
import yaml

from nago.generators.draw import GENERATORS
from nago.schema import SettingsError
from nago.search.methods import METHODS
from nago.search.mobohb import split_options
from nago.settings import find_root, load_settings, read_config, read_search

ROOT = Path(__file__).parents[1]
SCHEMA = yaml.safe_load((ROOT / "workflow/schemas/config.schema.yaml").read_text())
DATASETS = sorted(path.stem for path in (ROOT / "config/datasets").glob("*.yaml"))


@pytest.fixture
def project(tmp_path):
    """A project of its own, whose files may be changed."""
    for part in ("config", "workflow/schemas"):
        shutil.copytree(ROOT / part, tmp_path / part)
    return tmp_path


def refuse(given, root=ROOT):
    """Return the message of a refusal, which is one line."""
    with pytest.raises(SettingsError) as caught:
        load_settings(given, root)
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_every_key_of_the_schema_has_a_description_and_a_default_that_it_allows():
    import jsonschema

    for key, rule in SCHEMA["properties"].items():
        assert len(rule["description"]) > 10, key
        assert "default" in rule, key
        jsonschema.validate(rule["default"], rule)


def test_the_documentation_of_the_settings_has_every_key_and_its_default():
    text = (ROOT / "config/README.md").read_text()
    for key, rule in SCHEMA["properties"].items():
        rows = [line for line in text.splitlines() if line.startswith(f"| `{key}` |")]
        assert len(rows) == 1, key
        default = rows[0].split("|")[2].strip(" `")
        assert yaml.safe_load(default) == rule["default"], key


def test_the_limit_of_hours_is_of_trials_alone_and_off_unless_given():
    settings = load_settings({"dataset": "digits"}, ROOT)
    assert settings.search_protocol.max_hours is None
    limited = load_settings({"dataset": "digits", "max_trial_hours": "1.5"}, ROOT)
    assert limited.search_protocol.max_hours == 1.5
    assert limited.search_protocol.training == settings.search_protocol.training
    assert limited.final_protocol == settings.final_protocol
    for value in (0, -1, "soon"):
        message = refuse({"dataset": "digits", "max_trial_hours": value})
        assert "max_trial_hours: " in message
        assert "Most hours that the training of a trial may take" in message


def test_where_failures_count_for_bohb_is_written_only_if_it_is_not_hpbandsters_way():
    options = load_settings({"dataset": "digits"}, ROOT).search_definition["options"]
    assert "failures" not in options
    given = {"dataset": "digits", "bohb_failures": "all_budgets"}
    told = load_settings(given, ROOT).search_definition["options"]
    assert told == options | {"failures": "all_budgets"}
    other = load_settings(given | {"method": "mobohb"}, ROOT).search_definition["options"]
    split_options(other)


@pytest.mark.parametrize("dataset", DATASETS)
def test_the_settings_of_every_data_set_load_and_have_all_keys(dataset):
    settings = load_settings({"dataset": dataset}, ROOT)
    assert set(settings.values) == set(SCHEMA["properties"])
    assert settings.dataset == dataset
    assert settings.search == "hnag-bohb"


def test_the_paper_s_search_on_small_images_is_260_trainings_of_19200_epochs():
    settings = load_settings({"dataset": "cifar10"}, ROOT)
    rungs = [rung for bracket in settings.plan for rung in bracket]
    assert sum(rung.size for rung in rungs) == 260
    assert sum(rung.size * rung.budget for rung in rungs) == 19_200
    protocol = settings.search_protocol
    assert protocol.parameter_limit == 4_000_000
    assert (protocol.training.batch_size, protocol.training.cutout) == (512, 16)
    assert protocol.training.learning_rate is None
    assert settings.final_protocol.training.batch_size == 96
    assert settings.final_protocol.training.learning_rate == 0.025


def test_multi_objective_search_is_by_the_papers_numbers():
    settings = load_settings({"dataset": "sport8", "method": "mobo"}, ROOT)
    rungs = [rung for bracket in settings.plan for rung in bracket]
    assert [(rung.size, rung.budget) for rung in rungs] == [(50, 200)] + [(8, 200)] * 30
    assert settings.search_definition["objectives"] == ["validation_error", "sample_memory_bytes"]
    assert settings.search_definition["options"]["surrogate"] == "bnn"
    assert settings.final_networks == 3 * 8
    given = {"dataset": "sport8", "method": "mobo", "initial": "results/x/trials.csv"}
    assert len(load_settings(given, ROOT).plan) == 30
    assert load_settings({"dataset": "sport8"}, ROOT).final_networks == 8


def test_multi_objective_bohb_has_bohbs_plan_and_mobos_objectives(tmp_path):
    settings = load_settings({"dataset": "cifar10", "method": "mobohb"}, ROOT)
    bohb, mobo = (
        load_settings({"dataset": "cifar10", "method": m}, ROOT) for m in ("bohb", "mobo")
    )
    assert settings.plan == bohb.plan
    assert (settings.lag, settings.makes_initial) == (bohb.lag, False)
    assert settings.final_networks == mobo.final_networks
    given = settings.search_definition
    assert given["objectives"] == mobo.search_definition["objectives"]
    shared = bohb.search_definition["options"] | mobo.search_definition["options"]
    assert mobo.search_definition["options"]["surrogate"] == "bnn"
    own = {"surrogate": "gp", "model": "surrogate", "promotion": "hypervolume", "lowest_error": 0}
    assert given["options"] == shared | own
    # The options that it takes.
    split_options(given["options"])


def test_limits_are_of_the_searches_that_choose_and_no_key_without_them():
    limits = {"max_sample_memory_mb": 1.5, "max_multiply_adds": 9}
    for method in METHODS:
        given = {"dataset": "digits", "generator": "rnag", "method": method}
        assert "limits" not in load_settings(given, ROOT).search_definition
        found = load_settings(given | limits, ROOT).search_definition.get("limits")
        expected = {"sample_memory_bytes": 1.5 * 2**20, "multiply_adds": 9}
        assert found == (None if method in ("default", "spread") else expected)


@pytest.mark.parametrize(
    ("given", "search"),
    [
        ({"generator": "rnag"}, "rnag-bohb"),
        ({"generator": "darts", "method": "random"}, "darts-random"),
        ({"space": "aug_v2"}, "hnag-aug_v2-bohb"),
        ({"generator": "rnag", "space": "ba", "method": "random"}, "rnag-ba-random"),
    ],
)
def test_a_search_has_the_name_of_its_generator_space_and_method(given, search, tmp_path):
    settings = load_settings({"dataset": "cifar10", **given}, ROOT)
    assert settings.search == search
    definition = tmp_path / "search.json"
    definition.write_text(json.dumps(settings.search_definition))
    space = read_search(definition).space
    assert {name: (space[name].lower, space[name].upper) for name in space} == settings.ranges


def test_ranges_of_the_settings_are_what_is_searched(tmp_path):
    given = {"dataset": "digits", "ranges": {"top_nodes": [4, 6], "bottom_p": [0.2, 0.3]}}
    definition = tmp_path / "search.json"
    definition.write_text(json.dumps(load_settings(given, ROOT).search_definition))
    space = read_search(definition).space
    assert (space["top_nodes"].lower, space["top_nodes"].upper) == (4, 6)
    assert (space["bottom_p"].lower, space["bottom_p"].upper) == (0.2, 0.3)
    assert (space["top_k"].lower, space["top_k"].upper) == (2, 5)


def test_a_limit_that_only_some_of_what_is_searched_can_meet_is_no_error():
    given = {"dataset": "digits", "ranges": {"bottom_nodes": [8, 9]}, "parameter_limit": 3000}
    assert "narrowest network" in refuse(given | {"operations": {"conv5x5": 1}})
    # Of the searched operations two are poolings, without parameters.
    load_settings(given | {"space": "aug_v1"}, ROOT)
    given = {"dataset": "digits", "channel_ratios": [1, 20, 40], "parameter_limit": 40000}
    assert "narrowest network" in refuse(given)
    load_settings(given | {"space": "aug_v2"}, ROOT)


def test_weights_that_are_not_given_are_the_generator_s_own():
    for generator, merges, operations in (
        ("hnag", {"sum": 1}, {"conv3x3": 1}),
        ("rnag", {"sum": 1}, {"sepconv3x3": 1}),
        ("darts", {}, dict.fromkeys(GENERATORS["darts"].known_operations, 1)),
    ):
        given = {"dataset": "digits", "generator": generator, "parameter_limit": 200_000}
        settings = load_settings(given, ROOT).generator_settings
        assert (settings.merges, settings.operations) == (merges, operations)


def test_a_data_set_beats_the_defaults_and_what_is_given_beats_both(project):
    assert SCHEMA["properties"]["batch_size"]["default"] == 512
    (project / "config/datasets/birds.yaml").write_text("batch_size: 33\ncutout: 7\n")
    values = load_settings({"dataset": "birds", "cutout": 5}, project).values
    assert (values["batch_size"], values["cutout"]) == (33, 5)
    assert values["momentum"] == SCHEMA["properties"]["momentum"]["default"]


@pytest.mark.parametrize(
    ("image_size", "lengths"), [(32, (4, 16)), (224, (28, 112)), (48, (6, 24))]
)
def test_crop_and_cutout_go_with_the_image_unless_they_are_given(image_size, lengths):
    training = load_settings(
        {"dataset": "folder", "image_size": image_size}, ROOT
    ).search_protocol.training
    assert (training.crop_padding, training.cutout) == lengths
    given = {"dataset": "folder", "image_size": image_size, "cutout": 0, "crop_padding": 1}
    training = load_settings(given, ROOT).final_protocol.training
    assert (training.crop_padding, training.cutout) == (1, 0)


def test_a_cutout_that_leaves_nothing_of_an_image_is_refused():
    said = refuse({"dataset": "folder", "image_size": 32, "cutout": 32})
    assert "cutout must be below image_size" in said
    assert "got 32 at 32 pixels" in said


def test_the_config_file_is_read_and_every_key_in_it_is_known():
    config = read_config(ROOT)
    assert load_settings(config, ROOT).values["dataset"] == config["dataset"]


def test_a_name_keeps_two_searches_on_one_data_set_apart():
    settings = load_settings({"dataset": "folder", "name": "birds-2.1"}, ROOT)
    assert settings.dataset == "birds-2.1"


def test_a_learning_rate_is_the_one_given_or_left_to_the_batch():
    assert load_settings({}, ROOT).search_protocol.training.learning_rate == 0.1
    for rate in (None, 0.7):
        given = load_settings({"dataset": "cifar10", "learning_rate": rate}, ROOT)
        assert given.search_protocol.training.learning_rate == rate


def test_a_whole_float_is_an_integer_as_4e6_is_meant():
    limit = load_settings({"parameter_limit": 4e6}, ROOT).values["parameter_limit"]
    assert limit == 4_000_000
    assert isinstance(limit, int)


@pytest.mark.parametrize(
    ("key", "typed", "expected"),
    [
        ("continue", "true", True),
        ("flip", "False", False),
        ("min_points", "null", None),
        ("channel_ratios", "[1, 2, 3.5]", [1, 2, 3.5]),
        ("merges", "{sum: 1, concat: 1e-1}", {"sum": 1, "concat": 0.1}),
        ("data_root", "2024", "2024"),
        ("name", "true", "true"),
    ],
)
def test_settings_typed_for_snakemake_are_what_they_are_in_yaml(key, typed, expected):
    # Snakemake reads numbers, and all else as YAML in which every scalar is a text.
    given = yaml.load(typed, Loader=yaml.BaseLoader)
    assert load_settings({"dataset": "digits", key: given}, ROOT).values[key] == expected
    assert load_settings({"dataset": "digits", key: typed}, ROOT).values[key] == expected


@pytest.mark.parametrize(
    ("given", "said"),
    [
        # what was given, and what would be right
        ({"dataset": "digit"}, ["'digit'", "cifar10", "digits"]),
        ({"dataset": "../digits"}, ["'../digits'", "digits"]),
        ({"dataset": None}, ["None", "digits"]),
        ({"iteration": 3}, ["'iteration'", "'iterations'"]),
        ({"zzzz": 3}, ["'zzzz'", "config/README.md"]),
        ({"iterations": "many"}, ["iterations", "'many'", "integer"]),
        ({"iterations": 0}, ["iterations", "0", "minimum of 1"]),
        ({"iterations": 2.5}, ["iterations", "2.5", "integer"]),
        ({"parameter_limit": True}, ["parameter_limit", "True", "integer"]),
        ({"flip": "yes please"}, ["flip", "'yes please'", "boolean"]),
        ({"stage_ratios": "1,1,1"}, ["stage_ratios", "'1,1,1'", "array"]),
        ({"stage_ratios": [1, 1]}, ["stage_ratios", "[1, 1]", "three stages"]),
        ({"stage_ratios": [1, -1, 1]}, ["stage_ratios", "-1"]),
        ({"data_root": 5}, ["data_root", "5", "string"]),
        ({"method": "bayes"}, ["'bayes'", " bohb,", " random"]),
        ({"generator": "dats"}, ["'dats'", " hnag,"]),
        ({"source": "cifar"}, ["'cifar'", " digits,", " folder"]),
        ({"surrogate": "gpp"}, ["surrogate", "'gpp'", "null, bnn, homoscedastic"]),
        ({"image_channels": 2}, ["image_channels", "2", "3 for colour"]),
        ({"name": "my birds"}, ["name", "'my birds'"]),
        ({"name": "../../etc"}, ["name", "'../../etc'"]),
        ({"random_fraction": 1.5}, ["random_fraction", "1.5", "1"]),
        ({"test_fraction": 1}, ["test_fraction", "1"]),
        ({"batch_size": 1}, ["batch_size", "1", "2"]),
        ({"seed": -1}, ["seed", "-1", "0"]),
        ({"merges": {"add": 1}}, ["merges", "'add'"]),
        ({"operations": {"conv3x3": 0}}, ["operations", "not all 0"]),
        ({"merges": {}}, ["merges", "not all 0"]),
        ({"learning_rate": math.nan}, ["learning_rate", "nan", "finite"]),
        ({"weight_decay": math.inf}, ["weight_decay", "inf", "finite"]),
        ({"channel_ratios": [1, math.inf, 4]}, ["channel_ratios", "inf", "finite"]),
        # what doesn't go together
        ({"min_budget": 30, "max_budget": 100}, ["max_budget=100", "60 or 120"]),
        ({"min_budget": 30, "max_budget": 120, "eta": 3}, ["max_budget=120", "90 or 270"]),
        ({"min_budget": 4, "max_budget": 2}, ["max_budget=2", "4"]),
        ({"stage_ratios": [50, 1, 1]}, ["stage_ratios", "[50, 1, 1]", "[1, 1, 1]"]),
        ({"parameter_limit": 100}, ["100", "narrowest network", "raise the limit"]),
        ({"min_points": 3}, ["min_points", "3", "9"]),
        ({"space": "aug_v1", "min_points": 15}, ["min_points", "15", "16"]),
        ({"space": "er"}, ["hnag", "'er'", "base, aug_v1, aug_v2"]),
        ({"space": "aug_v1", "merges": {"sum": 1}}, ["merges", "aug_v1", "leave"]),
        ({"ranges": {"top_n": [3, 4]}}, ["'top_n'", "top_nodes"]),
        ({"ranges": {"top_nodes": [1, 4]}}, ["top_nodes", "from 3 up", "[1, 4]"]),
        ({"ranges": {"top_nodes": [4]}}, ["ranges.top_nodes", "[4]"]),
        ({"ranges": {"top_nodes": [3, 20]}, "stage_ratios": [9, 1, 1]}, ["stage", "empty at 3"]),
        ({"generator": "rnag", "operations": {"skip": 1}}, ["'skip'", "sepconv3x3"]),
        ({"generator": "rnag", "stage_ratios": [1, 2, 1]}, ["stage_ratios", "rnag", "equal"]),
        ({"generator": "darts", "merges": {"sum": 1}}, ["merges", "'sum'", "no choice"]),
        ({"generator": "rnag", "parameter_limit": 400}, ["narrowest network", "limit of 400;"]),
        ({"stored_size": 7}, ["stored_size", "7", "8 pixels"]),
        ({"cutout": 8}, ["cutout", "below image_size", "8"]),
        ({"channel_mean": [0.5, 0.5, 0.5]}, ["channel_mean", "1 channels", "[0.5, 0.5, 0.5]"]),
        ({"crop_scale": [1, 0.5]}, ["crop_scale", "[1, 0.5]"]),
        ({"colour_jitter": [0.4, 0.4, 0.4, 0]}, ["colour_jitter", "saturation", "0, 0"]),
        ({"image_channels": 3, "colour_jitter": [0, 0, 0, 0.6]}, ["hue", "0.5", "0.6"]),
        ({"warmup_epochs": 1}, ["warmup_epochs", "below", "1 epochs"]),
        ({"precision": "float16"}, ["precision", "'float16'", " bfloat16"]),
        ({"split": "published"}, ["split", "'published'", " official"]),
    ],
)
def test_a_wrong_setting_is_one_line_that_says_what_was_given_and_what_would_be_right(given, said):
    message = refuse({"dataset": "digits", **given})
    for part in said:
        assert part in message


def test_images_are_stored_larger_where_a_crop_is_resized():
    for given, size in (
        ({"image_size": 32, "crop": "padded"}, 32),
        ({"image_size": 224, "crop": "resized"}, 256),
        ({"image_size": 224, "crop": "resized", "stored_size": 300}, 300),
    ):
        assert load_settings({"dataset": "folder", **given}, ROOT).stored_size == size


def test_a_wrong_data_set_file_is_named(project):
    path = project / "config/datasets/birds.yaml"
    path.write_text("image_sise: 32\n")
    message = refuse({"dataset": "birds"}, project)
    assert "config/datasets/birds.yaml" in message
    assert "'image_size'" in message
    path.write_text("- image_size\n")
    assert "expected keys with values" in refuse({"dataset": "birds"}, project)
    path.write_text("image_size: [32\n")
    assert "is not YAML" in refuse({"dataset": "birds"}, project)
    path.write_text("")
    assert load_settings({"dataset": "birds"}, project).values["image_size"] == 224


def test_a_data_set_file_whose_name_cannot_be_a_folder_is_refused(project):
    (project / "config/datasets/my birds.yaml").write_text("image_size: 32\n")
    assert "'my birds'" in refuse({"dataset": "my birds"}, project)


def test_values_of_settings_survive_as_the_arguments_of_a_rule(tmp_path):
    import json

    settings = load_settings({"continue": True, "min_points": 12, "seed": 7}, ROOT)
    path = tmp_path / "search.json"
    path.write_text(json.dumps(settings.search_definition))
    search = read_search(path)
    assert (search.method, search.seed, search.keep) == ("bohb", 7, True)
    assert search.options["min_points_in_model"] == 12
    assert len(search.space) == 8


def test_the_root_of_the_project_is_found_from_below_and_missed_elsewhere(project):
    below = project / "results" / "digits"
    below.mkdir(parents=True)
    assert find_root(below) == project
    with pytest.raises(SettingsError, match=re.escape("config/config.yaml")):
        find_root(Path("/"))
