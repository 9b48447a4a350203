"""Several processes that train one network, against one process with the whole batch."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from nago.records import UserError
from nago.training.epoch import cut_batches
from nago.training.launch import choose_command
from nago.training.team import SOLO, Team, join_team, read_team

TESTS = Path(__file__).parent
CLOSE = {"rel": 1e-3, "abs": 1e-4}
"""Sums in another order: float32 has 7 digits, and each step carries the last one on."""


def start(folder, processes, **changes):
    folder.mkdir(exist_ok=True)
    script = [str(TESTS / "team_train.py"), str(folder), json.dumps(changes)]
    return subprocess.Popen(
        choose_command(processes, script, {}),
        cwd=TESTS.parent,
        env=os.environ | {"PYTHONPATH": f"{TESTS.parent}:{TESTS}", "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def train(folder, processes, **changes):
    process = start(folder, processes, **changes)
    text, _ = process.communicate(timeout=120)
    assert process.returncode == 0, text
    weights = [torch.load(folder / f"weights{rank}.pt") for rank in range(processes)]
    return json.loads((folder / "outcome.json").read_text()), weights, text


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return train(tmp_path_factory.mktemp("alone"), 1)


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    return train(tmp_path_factory.mktemp("pair"), 2)


def assert_close(outcome, other):
    for row, expected in zip(outcome["curve"], other["curve"], strict=True):
        assert row["learning_rate"] == expected["learning_rate"]
        for name in ("train_loss", "validation_loss"):
            assert row[name] == pytest.approx(expected[name], **CLOSE), name
        for name in ("train_error", "validation_error"):
            assert row[name] == pytest.approx(expected[name], abs=0.02), name  # 2 of 89 images


def test_two_processes_have_the_loss_curve_of_one_with_the_double_batch(alone, pair):
    assert_close(pair[0], alone[0])
    assert pair[0]["curve"][-1]["train_loss"] < pair[0]["curve"][0]["train_loss"]


def test_the_processes_end_with_equal_weights_and_those_of_one(alone, pair):
    first, second = pair[1]
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    for name, value in first.items():
        expected = alone[1][0][name]
        torch.testing.assert_close(value, expected, rtol=0.02, atol=2e-3)


def test_only_the_first_process_reports(pair):
    lines = [line for line in pair[2].splitlines() if line.startswith("epoch ")]
    assert [line.split()[1] for line in lines] == ["1/2", "2/2"]


def test_norms_of_each_process_for_itself_give_another_curve(alone, tmp_path):
    outcome, _, _ = train(tmp_path, 2, synchronise_norm=False, budget=1)
    loss, other = (result["curve"][0]["train_loss"] for result in (outcome, alone[0]))
    assert abs(loss - other) > 10 * CLOSE["abs"]


def test_a_team_that_is_told_to_stop_goes_on_where_it_was(alone, tmp_path):
    process = start(tmp_path, 2, budget=12)
    assert [process.stdout.readline()[:10] for _ in range(3)][-1] == "epoch 3/12"
    process.send_signal(signal.SIGTERM)
    text, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "stopped by SIGTERM after epoch" in text
    outcome, _, text = train(tmp_path, 2, budget=12)
    assert text.splitlines()[0].startswith("goes on after epoch")
    whole, _, _ = train(tmp_path / "whole", 2, budget=12)
    rows = [(row["train_loss"], row["validation_error"]) for row in outcome["curve"]]
    assert rows == [(row["train_loss"], row["validation_error"]) for row in whole["curve"]]


def test_a_team_ends_together_when_the_time_of_its_first_process_is_up(tmp_path):
    outcome, _, text = train(tmp_path, 2, budget=5000, most_seconds=3.0)
    assert (outcome["status"], outcome["validation_error"]) == ("timed_out", None)
    assert outcome["epochs"] == len(outcome["curve"]) < 5000
    assert outcome["error"] in text
    again, _, _ = train(tmp_path, 2, budget=5000, most_seconds=3.0)
    assert again["curve"] == outcome["curve"]
    assert (again["status"], again["restarts"]) == ("timed_out", 1)


NORMS = """
import sys
import torch
from torch import nn
from nago.training.norm import synchronise_norms
from nago.training.team import join_team

with join_team(2) as team:
    images, gradients = torch.load(sys.argv[1])
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    network.load_state_dict(torch.load(sys.argv[2]))
    synchronise_norms(network)
    share = team.share(len(images))
    own = images[share].requires_grad_()
    output = network(own)
    output.backward(gradients[share])
    team.add(network[0].weight.grad, network[1].weight.grad, network[1].bias.grad)
    parts = [output.detach(), own.grad, network[0].weight.grad, network[1].weight.grad,
             network[1].bias.grad, network[1].running_mean, network[1].running_var]
    torch.save(parts, f"{sys.argv[3]}{team.rank}")
"""


def test_a_synchronised_norm_is_torchs_norm_of_the_whole_batch(tmp_path):
    rng = torch.Generator().manual_seed(0)
    images = torch.randn(7, 3, 4, 5, generator=rng) * 3 + 1  # shares of 3 and 4 images
    gradients = torch.randn(7, 4, 4, 5, generator=rng)
    network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    for name, value in (("given", (images, gradients)), ("weights", network.state_dict())):
        torch.save(value, tmp_path / name)
    (tmp_path / "norms.py").write_text(NORMS)
    arguments = [str(tmp_path / name) for name in ("norms.py", "given", "weights", "result")]
    subprocess.run(choose_command(2, arguments, {}), cwd=TESTS.parent, check=True, timeout=60)
    whole = images.clone().requires_grad_()
    output = network(whole)
    output.backward(gradients)
    first, second = (torch.load(tmp_path / f"result{rank}") for rank in range(2))
    close = {"rtol": 1e-4, "atol": 1e-5}
    torch.testing.assert_close(torch.cat([first[0], second[0]]), output.detach(), **close)
    torch.testing.assert_close(torch.cat([first[1], second[1]]), whole.grad, **close)
    norm = network[1]
    expected = [network[0].weight.grad, norm.weight.grad, norm.bias.grad]
    expected += [norm.running_mean, norm.running_var]
    for ours, theirs in zip(first[2:], expected, strict=True):
        torch.testing.assert_close(ours, theirs, **close)


@pytest.mark.parametrize("number", [0, 1, 5, 96, 97])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_shares_hold_each_thing_once_and_differ_by_one_at_most(number, size):
    shares = [list(range(number))[Team(rank, size).share(number)] for rank in range(size)]
    assert [thing for share in shares for thing in share] == list(range(number))
    lengths = [len(share) for share in shares]
    assert max(lengths) - min(lengths) <= 1


def test_each_process_has_images_enough_for_batch_norm_in_every_batch():
    batches = cut_batches(67, 16, seed=0, processes=2)
    assert [len(batch) for batch in batches] == [16, 16, 16, 16]  # three left over
    batches = cut_batches(68, 16, seed=0, processes=2)
    assert min(len(range(4)[Team(rank, 2).share(4)]) for rank in range(2)) == 2
    assert len(batches[-1]) == 4


def test_the_place_in_a_team_is_read_from_what_torchrun_says():
    said = {"RANK": "3", "WORLD_SIZE": "4", "LOCAL_RANK": "1", "MASTER_ADDR": "h"}
    assert read_team(said) == (Team(3, 4, 1), "env://")


def test_the_place_in_a_team_is_read_from_what_a_step_of_slurm_says():
    said = {"SLURM_JOB_ID": "12345", "SLURM_NTASKS": "4", "SLURM_PROCID": "2"}
    said |= {"SLURM_LOCALID": "0", "SLURM_STEP_ID": "1"}
    assert read_team(said) == (SOLO, "")  # a batch script has a rank, too
    said["SLURM_LAUNCH_NODE_IPADDR"] = "10.0.0.7"
    assert read_team(said) == (Team(2, 4, 0), "tcp://10.0.0.7:22346")


def test_another_number_of_processes_than_the_settings_say_is_refused():
    with pytest.raises(UserError, match="gpus_per_trial is 2, but processes started: 1"):
        join_team(2, {}).__enter__()


def test_within_a_slurm_job_of_as_many_tasks_srun_starts_the_processes():
    job = {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "2", "SLURM_CPUS_PER_TASK": "3"}
    command = choose_command(2, ["train.py", "--slot", "1"], job)
    assert command[0].endswith("srun")
    assert command[1:6] == ["--ntasks", "2", "--cpus-per-task", "3", "--kill-on-bad-exit"]
    assert command[6:] == [sys.executable, "train.py", "--slot", "1"]
    for other in ({}, job | {"SLURM_NTASKS": "1"}):
        assert choose_command(2, ["train.py"], other)[1:3] == ["-m", "torch.distributed.run"]
    assert choose_command(1, ["train.py"], job) == [sys.executable, "train.py"]
