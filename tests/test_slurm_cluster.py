"""The Slurm cluster of the tests itself."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from slurm_cluster import (
    NODES,
    SlurmCluster,
    cluster_processes,
    empty_database,
    needs_accounting,
    needs_slurm,
    slurm,
    slurm_with_accounting,
)

__all__ = ["slurm", "slurm_with_accounting"]

WORKING = ("RUNNING", "COMPLETING")

KILLED_OWNER = """
import time
from slurm_cluster import SlurmCluster

cluster = SlurmCluster()
cluster.start()
job = cluster.run("sbatch", "--parsable", "--output=/dev/null", "--wrap=sleep 300").strip()
cluster.wait_for_state(job, "RUNNING")
while not cluster.job_processes(job):
    time.sleep(0.05)
print(cluster.folder, flush=True)
time.sleep(300)
"""


def submit(cluster, command, *options, output="/dev/null"):
    """Submit a shell command and return the number of the job."""
    arguments = ("--parsable", f"--output={output}", *options, f"--wrap={command}")
    return cluster.run("sbatch", *arguments).strip()


def eventually(condition, timeout=10):
    """Wait for a condition, and tell whether it came true."""
    deadline = time.monotonic() + timeout
    while not (true := condition()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return true


@needs_slurm
def test_a_job_on_each_node_knows_its_gpus(slurm, tmp_path):
    jobs = {}
    for node in NODES:
        for name, options in {
            "one": ["--gres=gpu:1"],
            "two": ["--gres=gpu:2"],
            "none": [],
        }.items():
            output = tmp_path / f"{node}-{name}"
            command = "echo $SLURMD_NODENAME ${CUDA_VISIBLE_DEVICES-unset}"
            jobs[output] = submit(slurm, command, f"-w{node}", *options, output=output)
    for job in jobs.values():
        slurm.wait_for_state(job, "COMPLETED")
    for node in NODES:
        assert (tmp_path / f"{node}-one").read_text().split() in ([node, "0"], [node, "1"])
        assert (tmp_path / f"{node}-two").read_text().split() == [node, "0,1"]
        assert (tmp_path / f"{node}-none").read_text().split() == [node, "unset"]


@needs_slurm
def test_an_array_uses_all_gpus_of_both_nodes(slurm, tmp_path):
    job = submit(
        slurm,
        "echo $SLURMD_NODENAME $CUDA_VISIBLE_DEVICES; sleep 300",
        "--array=0-4",
        "--gres=gpu:1",
        output=tmp_path / "%a",
    )
    for task in range(4):
        slurm.wait_for_state(f"{job}_{task}", "RUNNING")
        assert eventually(lambda task=task: slurm.job_processes(f"{job}_{task}"))
    assert eventually(lambda: all((tmp_path / f"{i}").read_text() for i in range(4)))
    places = {(tmp_path / f"{task}").read_text().strip() for task in range(4)}
    assert places == {"n1 0", "n1 1", "n2 0", "n2 1"}
    waiting = next(row for row in slurm.jobs() if row["id"] == f"{job}_4")
    assert (waiting["state"], waiting["node"], waiting["restarts"]) == ("PENDING", "", "0")
    slurm.run("scancel", job)
    assert slurm.wait_for_state(f"{job}_4", "CANCELLED") == "CANCELLED"
    assert eventually(lambda: not slurm.job_processes(job))


@needs_slurm
def test_a_killed_node_loses_its_jobs_and_comes_back(slurm):
    lost, other = (submit(slurm, "sleep 300", f"-w{node}") for node in NODES)
    for job in (lost, other):
        slurm.wait_for_state(job, "RUNNING")
        assert eventually(lambda job=job: slurm.job_processes(job))
    slurm.kill_node("n1")
    assert not slurm.job_processes(lost)
    assert slurm.job_processes(other)
    slurm.set_node("n1", "down")
    assert slurm.node_state("n1").startswith("down")
    assert slurm.state(lost) == "PENDING"
    slurm.start_node("n1")
    assert slurm.node_state("n1") == "idle"
    assert slurm.state(other) == "RUNNING"


@needs_slurm
@pytest.mark.parametrize("kill", [False, True])
def test_a_job_outlives_the_controller(slurm, kill):
    job = submit(slurm, "sleep 300")
    slurm.wait_for_state(job, "RUNNING")
    assert eventually(lambda: slurm.job_processes(job))
    slurm.stop_controller(kill=kill)
    assert slurm.job_processes(job)
    slurm.start_controller()
    known = [job["state"] for job in slurm.jobs()]
    assert known == ["RUNNING"] or kill  # A killed one may not have saved the job.


@needs_slurm
def test_calls_of_commands_are_counted(slurm):
    slurm.count_calls()
    slurm.run("squeue")
    for _ in range(2):
        subprocess.run(["squeue"], env=os.environ | slurm.environment, check=True)
    failed = subprocess.run(
        ["sacct"], env=slurm.full_environment(), capture_output=True, text=True, check=False
    )
    assert failed.returncode != 0
    assert "accounting storage is disabled" in failed.stderr
    assert [slurm.calls(name) for name in ("squeue", "sacct", "sbatch")] == [2, 1, 0]
    slurm.calls_reset()
    assert slurm.calls("squeue") == 0


@needs_slurm
def test_a_job_of_the_high_partition_displaces_one_of_the_low(tmp_path):
    command = "trap 'echo told; exit' USR2; echo ready; while true; do sleep 0.1; done"
    output = tmp_path / "low"
    with SlurmCluster(preemption=True) as cluster:
        low = submit(cluster, command, "-plow", "-N2", "--signal=B:USR2@60", output=output)
        assert eventually(lambda: output.exists() and output.read_text())
        high = submit(cluster, "true", "-phigh", "-N2", "--exclusive")
        cluster.wait_for_state(high, "COMPLETED")
        assert cluster.state(low) != "RUNNING"
    assert output.read_text().split() == ["ready", "told"]


@needs_accounting
def test_accounting_remembers_jobs_and_can_be_absent(slurm_with_accounting):
    cluster = slurm_with_accounting
    query = (
        "sacct",
        "--allocations",
        "--noheader",
        "--parsable2",
        "--format=JobID,State,NodeList",
    )

    def submit_and_find(*options):
        job = submit(cluster, "true", *options)
        cluster.wait_for_state(job, "COMPLETED")
        return job, f"{job}|COMPLETED|n2"

    _, first = submit_and_find("-wn2")
    assert eventually(lambda: first in cluster.run(*query).splitlines())
    cluster.stop_accounting()
    _, second = submit_and_find("-wn2")
    assert cluster.run(*query, check=False) == ""
    cluster.start_accounting()
    assert eventually(lambda: second in cluster.run(*query, check=False).splitlines(), 20)


@needs_accounting
def test_an_accounting_cluster_starts_without_jobs_of_another(tmp_path_factory):
    database = empty_database(tmp_path_factory)
    with SlurmCluster(accounting=True, database=database) as cluster:
        assert cluster.run("sacct", "--allocations", "--noheader", "--starttime=now-1days") == ""


@needs_slurm
def test_nothing_is_left_after_stop_even_of_a_damaged_cluster():
    cluster = SlurmCluster()
    cluster.start()
    jobs = [submit(cluster, "trap '' TERM; sleep 300", f"-w{node}") for node in NODES]
    for job in jobs:
        cluster.wait_for_state(job, *WORKING)
        assert eventually(lambda job=job: cluster.job_processes(job))
    cluster.kill_node("n2")
    cluster.daemons["munged"].kill()
    cluster.daemons["slurmctld"].kill()
    assert cluster_processes(str(cluster.folder))
    cluster.stop()
    assert cluster_processes(str(cluster.folder)) == []
    assert not cluster.folder.exists()
    cluster.stop()


@needs_slurm
def test_nothing_is_left_when_the_test_process_is_killed():
    owner = subprocess.Popen(
        [sys.executable, "-c", KILLED_OWNER],
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        folder = owner.stdout.readline().strip()
        assert len(cluster_processes(folder)) >= 5
    finally:
        owner.kill()
        owner.communicate()
    assert eventually(lambda: not cluster_processes(folder))
    assert eventually(lambda: not Path(folder).exists())
