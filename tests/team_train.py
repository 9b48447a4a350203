"""A training in a team, for tests: `python -m torch.distributed.run … team_train.py FOLDER`.

Alone, it trains in one process what the team trains together. Without dropout, whose numbers each
process draws for itself.
"""

import json
import os
import sys
from dataclasses import asdict, replace
from pathlib import Path

import torch
from test_loop import SETTINGS, TRAIN, VALIDATION
from torch import nn

from nago.generators.architecture import Task
from nago.generators.draw import default_settings, draw_architecture
from nago.networks.build import build_network
from nago.training.loop import train_network
from nago.training.run import Run
from nago.training.team import join_team

CONFIGURATION = {
    "top_nodes": 3, "top_k": 2, "top_p": 0.5, "middle_nodes": 1, "middle_p": 0.5,
    "bottom_nodes": 3, "bottom_k": 2, "bottom_p": 0.5,
}  # fmt: skip


def make_network():
    architecture = draw_architecture(
        "hnag", CONFIGURATION, default_settings("hnag"), Task(8, 1, 10, 20_000), 0
    )
    network = build_network(architecture, 0)
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return network


def main():
    folder, changes = Path(sys.argv[1]), json.loads(sys.argv[2])
    budget, most = changes.pop("budget", 2), changes.pop("most_seconds", None)
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    settings = replace(SETTINGS, processes=processes, **changes)
    with join_team(processes) as team:
        network = make_network()
        run = Run(settings, budget, 3, folder / "checkpoint", "team", device="cpu", team=team)
        # The time of the first process decides for all.
        run = replace(run, most_seconds=most if team.leads else most and 1e9)
        outcome = train_network(network, TRAIN, VALIDATION, run)
        weights = {name: value.clone() for name, value in network.state_dict().items()}
        torch.save(weights, folder / f"weights{team.rank}.pt")
        if team.leads:
            (folder / "outcome.json").write_text(json.dumps(asdict(outcome)))


if __name__ == "__main__":
    main()
