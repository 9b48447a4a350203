"""Trials and final networks on the digits: repeatable, resumable, blind to the test part."""

import dataclasses
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from draws import SMALL

import nago
from nago import objective
from nago.data.datasets import read_info, read_part
from nago.generators.architecture import Architecture
from nago.networks.build import build_network
from nago.networks.weights import save_network
from nago.objective import draw_network, evaluate_proposal, train_final
from nago.records import (
    GeneratorSettings,
    Proposal,
    Protocol,
    RecordError,
    TrainingSettings,
    Trial,
    read_trial,
    write_trial,
)
from nago.tables import tabulate, tabulate_costs, write_table
from nago.training import loop
from nago.training.optimiser import MomentumSGD
from nago.training.team import SOLO, Team

PROTOCOL = Protocol(
    generator="hnag",
    generator_settings=GeneratorSettings(
        stage_ratios=(1, 1, 1),
        channel_ratios=(1, 2, 4),
        merges={"sum": 1, "attention": 1, "concat": 1},
        operations={"conv3x3": 1, "conv1x1": 1},
    ),
    parameter_limit=20_000,
    training=TrainingSettings(
        batch_size=64,
        learning_rate=0.1,
        momentum=0.9,
        weight_decay=3e-4,
        gradient_clip=5.0,
        crop_padding=1,
        flip=False,
        cutout=2,
        threads=1,
    ),
)
CONFIGURATION = SMALL | {"top_nodes": 3, "middle_nodes": 1}
PROPOSAL = Proposal(configuration=CONFIGURATION, budget=3, seed=11, origin="random")


def train(data, folder, **changes):
    """Return the trial without its costs, and its curve."""
    arguments = {
        "name": "b0-r0-s0",
        "proposal": PROPOSAL,
        "protocol": PROTOCOL,
        "data": data,
        "checkpoint": folder / "slot0.checkpoint",
    }
    trial, curve = evaluate_proposal(**arguments | changes)
    return dataclasses.replace(trial, cost={}), curve


@pytest.fixture(scope="module")
def searchable(prepared_digits, tmp_path_factory):
    """The prepared digits as a search may see them: without the files of the test part."""
    folder = tmp_path_factory.mktemp("searchable") / "digits"
    shutil.copytree(prepared_digits, folder)
    test_files = list(folder.glob("test.*"))
    assert len(test_files) == 2
    for file in test_files:
        file.unlink()
    return folder


@pytest.fixture(scope="module")
def first(searchable, tmp_path_factory):
    return train(searchable, tmp_path_factory.mktemp("first"))


def test_a_trial_learns_the_digits_without_any_file_of_the_test_part(first):
    trial, curve = first
    assert isinstance(trial, Trial)
    assert (trial.status, trial.epochs, trial.budget, trial.error) == ("ok", 3, 3, None)
    assert trial.configuration == CONFIGURATION
    assert (trial.seed, trial.origin, trial.parent) == (11, "random", None)
    assert [row.epoch for row in curve] == [1, 2, 3]
    assert trial.validation_error == curve[-1].validation_error < 0.5
    assert 10_000 < trial.parameters <= 20_000
    assert trial.nodes == 9


def test_a_trial_repeats_bit_for_bit(first, searchable, tmp_path):
    torch.manual_seed(123)
    assert train(searchable, tmp_path) == first


CHILD = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from test_objective import train
trial, curve = train(Path({data!r}), Path({folder!r}))
print(repr((trial, curve)))
"""


def test_a_trial_repeats_bit_for_bit_in_another_process(first, searchable, tmp_path):
    tests = Path(__file__).parent
    code = CHILD.format(tests=str(tests), data=str(searchable), folder=str(tmp_path))
    printed = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": "123"},
        cwd=tests.parent,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert printed.splitlines()[-1] == repr(first)


def test_another_seed_is_another_trial(first, searchable, tmp_path):
    proposal = dataclasses.replace(PROPOSAL, seed=12, budget=1)
    trial, curve = train(searchable, tmp_path, proposal=proposal)
    assert trial.hash != first[0].hash
    assert curve[0] != first[1][0]


def test_the_test_part_changes_nothing_in_a_trial(first, prepared_digits, tmp_path):
    assert train(prepared_digits, tmp_path) == first


@pytest.mark.parametrize("epochs", [0, 1, 2])
def test_a_trial_interrupted_and_resumed_repeats_bit_for_bit(
    epochs, first, searchable, tmp_path, monkeypatch
):
    def interrupted(*args, position, **others):
        if position.epoch == epochs:
            raise KeyboardInterrupt
        return train_epoch(*args, position=position, **others)

    train_epoch = loop.train_epoch
    monkeypatch.setattr(loop, "train_epoch", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train(searchable, tmp_path)
    trained = []
    monkeypatch.setattr(
        loop,
        "train_epoch",
        lambda *args, position, **others: (
            trained.append(position.epoch) or train_epoch(*args, position=position, **others)
        ),
    )
    assert train(searchable, tmp_path) == first
    assert trained == list(range(epochs, 3))


@pytest.mark.parametrize("change", ["seed", "configuration", "data"])
def test_a_checkpoint_of_another_trial_or_of_other_data_is_not_resumed(
    change, searchable, tmp_path, capsys
):
    short = dataclasses.replace(PROPOSAL, budget=1)
    train(searchable, tmp_path, proposal=short)
    proposal, data = short, searchable
    if change == "seed":
        proposal = dataclasses.replace(short, seed=5)
    elif change == "configuration":
        proposal = dataclasses.replace(short, configuration=CONFIGURATION | {"bottom_nodes": 4})
    else:
        data = tmp_path / "other"
        shutil.copytree(searchable, data)
        text = (data / "dataset.json").read_text()
        fingerprint = read_info(data).fingerprint
        (data / "dataset.json").write_text(text.replace(fingerprint, "f" * len(fingerprint)))
    capsys.readouterr()
    train(data, tmp_path, proposal=proposal)
    assert "is of another training" in capsys.readouterr().out


def test_a_trials_measures_are_those_of_the_architecture_of_its_seed(first, searchable):
    draw = draw_network(CONFIGURATION, PROTOCOL, read_info(searchable), 11)
    trial = first[0]
    assert trial.hash == draw.architecture.hash
    assert trial.width == draw.architecture.widths[0]
    assert trial.parameters == sum(p.numel() for p in draw.network.parameters())
    assert (draw.architecture.image_size, draw.architecture.image_channels) == (8, 1)
    assert draw.architecture.classes == 10


@pytest.mark.parametrize(
    ("protocol", "configuration", "message"),
    [
        (dataclasses.replace(PROTOCOL, parameter_limit=100), CONFIGURATION, "over the limit of 1"),
        (PROTOCOL, CONFIGURATION | {"top_p": 2.0}, "from 0 to 1, got 2.0"),
        (PROTOCOL, CONFIGURATION | {"top_nodes": 2}, "at least 3 nodes, got 2"),
    ],
)
def test_a_configuration_without_a_network_is_an_invalid_trial(
    protocol, configuration, message, searchable, tmp_path
):
    proposal = dataclasses.replace(PROPOSAL, configuration=configuration)
    trial, curve = train(searchable, tmp_path, protocol=protocol, proposal=proposal)
    assert (trial.status, trial.epochs, trial.validation_error) == ("invalid", 0, None)
    assert message in trial.error
    assert (trial.hash, trial.parameters, trial.nodes, curve) == (None, None, None, ())
    write_trial(tmp_path / "slot0.trial.json", trial)
    assert read_trial(tmp_path / "slot0.trial.json") == trial


def run_job(data, folder, *, dies_after=None, hours=None):
    """Train as a job does; return its table of trials as bytes and the restarts it counted.

    Args:
        data: the folder of the prepared data.
        folder: of the checkpoint.
        dies_after: steps after which the job is killed; then there is no result.
        hours: that the training may take.
    """
    steps = 0
    take_step = MomentumSGD.step

    def step(optimiser, rate):
        nonlocal steps
        steps += 1
        if steps == dies_after:
            raise KeyboardInterrupt
        take_step(optimiser, rate)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(MomentumSGD, "step", step)
        trial, _ = evaluate_proposal(
            name="b0-r0-s0",
            proposal=PROPOSAL,
            protocol=dataclasses.replace(PROTOCOL, max_hours=hours),
            data=data,
            checkpoint=folder / "slot0.checkpoint",
        )
    write_table(folder / "trials.csv", tabulate([trial]))
    restarts = tabulate_costs([trial])["restarts"].tolist()
    return (folder / "trials.csv").read_bytes(), restarts


def test_what_the_cluster_does_leaves_a_trial_to_the_byte_and_a_count_in_its_costs(
    searchable, tmp_path
):
    calm, restarts = run_job(searchable, tmp_path)
    assert restarts == [0]
    # Slurm runs the job a second time: before its files are removed, and after.
    assert run_job(searchable, tmp_path) == (calm, [1])
    (tmp_path / "slot0.checkpoint").unlink()
    assert run_job(searchable, tmp_path) == (calm, [0])
    (tmp_path / "slot0.checkpoint").unlink()
    for steps in (20, 25):  # 18 an epoch: in the second one, and again
        with pytest.raises(KeyboardInterrupt):
            run_job(searchable, tmp_path, dies_after=steps)
    # The limit of a training that stays clear of it changes nothing either.
    assert run_job(searchable, tmp_path, hours=10) == (calm, [2])


def test_a_training_that_takes_too_long_is_a_trial_that_says_so(searchable, tmp_path):
    hurried = dataclasses.replace(PROTOCOL, max_hours=1e-9)
    trial, curve = train(searchable, tmp_path, protocol=hurried)
    assert (trial.status, trial.validation_error, curve) == ("timed_out", None, ())
    assert trial.error.startswith("took longer than max_trial_hours 1e-09: ")
    assert trial.error.endswith(" s for 0 of 3 epochs")
    assert trial.parameters > 0


def diverging():
    training = dataclasses.replace(PROTOCOL.training, learning_rate=1e30, gradient_clip=1e30)
    return dataclasses.replace(PROTOCOL, training=training)


def test_a_batch_that_takes_more_memory_than_is_given_is_halved(searchable, tmp_path):
    proposal = dataclasses.replace(PROPOSAL, budget=1)
    whole, _ = train_with(searchable, tmp_path / "whole", proposal, batch_size=64)
    memory = whole.sample_memory_bytes
    bound = 40 * memory / 1e9  # room for 32 images, not for 64
    trial, curve = train_with(searchable, tmp_path / "bound", proposal, memory_gb=bound)
    small, expected = train_with(
        searchable, tmp_path / "small", proposal, batch_size=32, learning_rate=0.05
    )
    assert (trial.cost["batch_size"], small.cost["batch_size"]) == (32, 32)
    assert PROTOCOL.training.learning_rate == 0.1
    assert curve == expected


def train_with(data, folder, proposal, **training):
    settings = dataclasses.replace(PROTOCOL.training, **training)
    return evaluate_proposal(
        name="b0-r0-s0",
        proposal=proposal,
        protocol=dataclasses.replace(PROTOCOL, training=settings),
        data=data,
        checkpoint=folder / "checkpoint",
    )


def test_a_training_that_diverges_is_a_trial_that_says_so(searchable, tmp_path):
    trial, _ = train(searchable, tmp_path, protocol=diverging())
    assert (trial.status, trial.epochs, trial.validation_error) == ("diverged", 0, None)
    assert "in epoch 1" in trial.error
    assert trial.parameters > 0


def test_costs_are_there_and_json_holds_them(searchable, tmp_path):
    trial, _ = evaluate_proposal(
        name="b0-r0-s0",
        proposal=dataclasses.replace(PROPOSAL, budget=1),
        protocol=PROTOCOL,
        data=searchable,
        checkpoint=tmp_path / "checkpoint",
    )
    assert trial.cost["seconds"] > 0
    assert trial.cost["seconds_per_epoch"] == trial.cost["seconds"]
    assert trial.cost["images_per_second"] > 0
    assert trial.cost["batch_size"] == 64
    assert trial.cost["peak_memory_bytes"] > 2**20
    write_trial(tmp_path / "trial.json", trial)
    assert read_trial(tmp_path / "trial.json") == trial


@pytest.mark.parametrize(
    ("batch_size", "processes", "per_image"), [(64, 1, 1000), (64, 4, 4000), (0, 1, None)]
)
def test_a_gpu_leaves_its_peak_and_that_per_image(monkeypatch, batch_size, processes, per_image):
    monkeypatch.setattr(objective, "choose_device", lambda _: torch.device("cuda"))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda: 64_000)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "some GPU")
    outcome = SimpleNamespace(
        seconds=9.0, epochs=2, images_per_second=512.0, batch_size=batch_size, restarts=3
    )
    cost = objective._measure_cost(outcome, processes)
    assert cost["restarts"] == 3
    assert (cost["seconds_per_epoch"], cost["images_per_second"]) == (4.5, 512.0)
    assert (cost["device"], cost["gpu_peak_memory_bytes"]) == ("some GPU", 64_000)
    assert cost["gpu_peak_bytes_per_image"] == per_image


def finish(data, folder, protocol=PROTOCOL, epochs=2):
    return train_final(
        configuration=CONFIGURATION,
        protocol=protocol,
        epochs=epochs,
        seed=5,
        data=data,
        checkpoint=folder / "0.checkpoint",
    )


@pytest.fixture(scope="module")
def final(prepared_digits, tmp_path_factory):
    return finish(prepared_digits, tmp_path_factory.mktemp("final"))


def test_the_test_accuracy_is_that_of_the_saved_weights(final, prepared_digits, tmp_path):
    result, _, network = final
    path = tmp_path / "0.pt"
    save_network(path, network, read_info(prepared_digits), result["status"])
    pixels, labels = read_part(prepared_digits, "test")
    with torch.no_grad():
        logits = nago.load(path)(torch.from_numpy(np.array(pixels)))
    right = (logits.argmax(1).numpy() == labels).sum()
    assert result["test_accuracy"] == pytest.approx(right / len(labels), abs=1e-12)
    assert result["test_accuracy"] > 0.4


def test_a_final_network_repeats_bit_for_bit(final, prepared_digits, tmp_path):
    result, curve, network = finish(prepared_digits, tmp_path)
    assert {**result, "cost": None} == {**final[0], "cost": None}
    assert curve == final[1]
    others = final[2].state_dict()
    assert all(torch.equal(value, others[name]) for name, value in network.state_dict().items())


def test_a_final_network_is_rebuilt_from_its_result_alone(final):
    result, _, network = final
    architecture = Architecture.from_json(result["architecture"])
    assert architecture.hash == result["hash"]
    rebuilt = build_network(architecture, 0)
    rebuilt.load_state_dict(network.state_dict())
    assert result["parameters"] == sum(p.numel() for p in rebuilt.parameters())


def test_a_final_network_learns_from_validation_too(final, prepared_digits, monkeypatch, tmp_path):
    lengths = []

    def count(network, optimiser, images, *args, **others):
        lengths.append(len(images))
        return train_epoch(network, optimiser, images, *args, **others)

    train_epoch = loop.train_epoch
    monkeypatch.setattr(loop, "train_epoch", count)
    finish(prepared_digits, tmp_path, epochs=1)
    sizes = read_info(prepared_digits).sizes
    assert lengths == [sizes["train"] + sizes["validation"]]
    assert final[1][0].validation_error is None


def test_a_final_network_needs_the_test_part(searchable, tmp_path):
    with pytest.raises(RecordError, match=r"there is no file .*test\.images\.npy"):
        finish(searchable, tmp_path, epochs=1)


def test_a_final_network_that_diverges_is_not_tested_nor_loaded(searchable, tmp_path):
    result, _, network = finish(searchable, tmp_path, diverging())
    assert (result["status"], result["test_accuracy"]) == ("diverged", None)
    save_network(tmp_path / "0.pt", network, read_info(searchable), result["status"])
    with pytest.raises(RecordError, match="training ended as diverged"):
        nago.load(tmp_path / "0.pt")


class ReachedError(Exception):
    """The training would begin."""


@pytest.mark.parametrize(
    ("fused", "changes", "run"),
    [
        (True, {}, {}),
        (True, {"threads": 2, "label_smoothing": 0.1}, {}),
        (False, {}, {"device": "cuda"}),
        (False, {}, {"team": Team(rank=1, size=2)}),
        (False, {"precision": "bfloat16"}, {}),
        (False, {"channels_last": False}, {}),
        (False, {"compile": True}, {}),
    ],
)
def test_a_network_trains_by_the_fused_pass_where_that_computes_what_is_set(
    fused, changes, run, searchable, monkeypatch
):
    trained = []

    def note(network, *_):
        trained.append(network)
        raise ReachedError

    monkeypatch.setattr(objective, "train_network", note)
    device = torch.device(run.get("device", "cpu"))
    monkeypatch.setattr(objective, "choose_device", lambda *_: device)
    training = dataclasses.replace(PROTOCOL.training, **changes)
    protocol = dataclasses.replace(PROTOCOL, training=training)
    with pytest.raises(ReachedError):
        train(searchable, Path(), protocol=protocol, team=run.get("team", SOLO))
    assert [network.training_pass is not None for network in trained] == [fused]
