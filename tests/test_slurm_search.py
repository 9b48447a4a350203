"""The whole search on a real Slurm cluster: the same table as on one machine."""

import json
from collections import defaultdict

import pytest
from slurm_cluster import SlurmCluster, needs_accounting, needs_slurm
from slurm_runs import SlurmProject, make_slurm_project
from workflow_runs import RESULTS, TABLE, TINY, build_once, make_project


@needs_slurm
@needs_accounting
@pytest.mark.parametrize("accounting", [False, True])
def test_a_search_on_two_nodes_gives_the_bytes_of_a_local_run(
    accounting, tmp_path, tmp_path_factory
):
    with SlurmCluster(accounting=accounting) as cluster:
        project, expected = make_slurm_project(tmp_path_factory, tmp_path / "p", cluster)
        cluster.count_calls()
        project.finish()
        assert project.table() == expected
        assert project.epochs_trained_twice() == 0
        ends = project.notes("end")
        assert len(ends) == 7
        assert {note["node"] for note in ends} == {"n1", "n2"}
        assert {note["gpus"] for note in ends} == {"0", "1"}
        # Four trials of a rung went as one array, the others together or alone.
        assert len({note["job"].partition("_")[0] for note in ends}) == 3
        assert cluster.calls("sbatch") == 3
        assert not (project.folder / ".snakemake/submitit/jobs").exists()
        assert not [
            path
            for path in (project.folder / ".snakemake/submitit").rglob("*")
            if path.name not in ("run.txt", "logs")
        ]


@needs_slurm
def test_trainings_of_a_rung_go_in_one_job_one_after_another(tmp_path, tmp_path_factory):
    with SlurmCluster() as cluster:
        project, expected = make_slurm_project(tmp_path_factory, tmp_path / "p", cluster)
        project.finish(
            *("--groups", "train=rung-{bracket}-{rung}"),
            *("--group-components", "rung-{bracket}-{rung}=2"),
            *("--set-resource-scopes", "gpu=local", "--resources", "gpu=1"),
        )
        assert project.table() == expected
        assert project.epochs_trained_twice() == 0
        # Two of two trainings for the four of a rung, one for the promoted, one for the last two.
        assert len(cluster.jobs()) == 4
        assert {note["gpus"] for note in project.notes("end")} <= {"0", "1"}
        of_job = defaultdict(list)
        for note in project.notes():
            if note["what"] != "epoch":
                of_job[note["job"]].append(note["what"])
        assert sorted(map(len, of_job.values())) == [2, 4, 4, 4]
        for whats in of_job.values():
            assert whats == ["start", "end"] * (len(whats) // 2)


@needs_slurm
def test_the_whole_digits_search_trains_on_the_cluster_as_it_does_here(tmp_path, tmp_path_factory):
    local = build_once(tmp_path_factory, "finished", make_project, TINY)
    with SlurmCluster() as cluster:
        project = SlurmProject(make_project(tmp_path / "p", TINY), cluster)
        resources = {
            "train:mem_mb": "1000",
            "train_final:mem_mb": "1000",
            "prepare:mem_mb": "1000",
        }
        outcome = project.finish(target="all", resources=resources)
        for name in (TABLE, f"{RESULTS}/incumbent.json", f"{RESULTS}/final.csv"):
            assert project.project.read(name) == local.read(name), name
        assert "test accuracy" in outcome.text
        jobs = {job["id"]: job for job in cluster.jobs()}
        assert {job["state"] for job in jobs.values()} == {"COMPLETED"}
        # prepare, 2 trials, 1 promoted, 2 trials, 1 final network, the rating of surrogates
        assert len(jobs) == 8
        for path in (project.folder / RESULTS).glob("bracket*/rung*/*.trial.json"):
            assert json.loads(path.read_text())["cost"]["slurm_job"] in jobs
