"""One training on two nodes of a real Slurm cluster, each process with its share of a batch."""

import json

from slurm_cluster import needs_slurm, slurm
from slurm_runs import SlurmProject
from workflow_runs import RESULTS, TINY, make_project

__all__ = ["slurm"]

SLOT = f"{RESULTS}/bracket0/rung0/slot0"
PAIR = TINY | {"gpus_per_trial": 2}


@needs_slurm
def test_a_training_on_two_nodes_is_that_of_two_processes_on_one_machine(slurm, tmp_path):
    local = make_project(tmp_path / "local", PAIR)
    local.finish(f"{SLOT}.trial.json")
    project = SlurmProject(make_project(tmp_path / "slurm", PAIR), slurm)
    resources = {
        **{"train:nodes": "2", "train:gpu": "2"},
        **{"prepare:mem_mb": "100", "prepare:runtime": "60"},
    }
    done = project.run(target=f"{SLOT}.trial.json", resources=resources)
    assert done.code == 0, done.text
    ours, theirs = (folder / f"{SLOT}.curve.csv" for folder in (project.folder, local.folder))
    assert ours.read_bytes() == theirs.read_bytes()
    trial = json.loads((project.folder / f"{SLOT}.trial.json").read_text())
    assert trial["status"] == "ok"
    assert trial["cost"]["slurm_job"]
    job = slurm.run("scontrol", "show", "job", trial["cost"]["slurm_job"])
    assert "NumNodes=2" in job
    assert "NumTasks=2" in job
