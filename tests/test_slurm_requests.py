"""What jobs ask of Slurm, how few calls they take, and what is left of them."""

import itertools
import signal
import subprocess
import time

import pytest
from slurm_cluster import SlurmCluster, needs_slurm, slurm
from slurm_runs import TIMEOUT
from workflow_runs import SNAKEMAKE, Outcome, kill_group

from snakemake_executor_plugin_submitit.command import JobCommand
from snakemake_executor_plugin_submitit.ledger import Submission
from snakemake_executor_plugin_submitit.request import Request
from snakemake_executor_plugin_submitit.settings import ExecutorSettings
from snakemake_executor_plugin_submitit.slurm import Slurm
from snakemake_executor_plugin_submitit.task import read_result, result_path

__all__ = ["slurm"]

pytestmark = needs_slurm

MANY = """
rule all:
    input:
        expand("out/{number}.txt", number=range(NUMBER)),

rule one:
    output:
        "out/{number}.txt",
    shell:
        "while [ -e hold ]; do sleep 0.1; done; echo job {wildcards.number}; touch {output}"
"""


class Workflow:
    """A Snakefile in a folder of its own, whose jobs go to a cluster."""

    def __init__(self, folder, cluster, text):
        self.folder, self.cluster = folder, cluster
        folder.mkdir()
        (folder / "Snakefile").write_text(text)
        self.log = folder / "driver.log"
        cluster.count_calls()

    def command(self, *arguments):
        return [
            *(*SNAKEMAKE, "--executor", "submitit", "--jobs", "500", "--latency-wait", "3"),
            *("--submitit-status-interval", "1", "--max-jobs-per-timespan", "1000/1s", *arguments),
            *("--default-resources", "runtime=60", "mem_mb=100"),
        ]

    def start(self, *arguments):
        with self.log.open("ab") as log:
            return subprocess.Popen(
                self.command(*arguments),
                cwd=self.folder,
                env=self.cluster.full_environment(),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def finish(self, *arguments):
        driver = self.start(*arguments)
        try:
            code = driver.wait(TIMEOUT)
        finally:
            kill_group(driver)
        assert code == 0, self.log.read_text()
        return Outcome(code, self.log.read_text(), "")

    def read(self, name):
        return (self.folder / name).read_text()

    def wait_for(self, condition, driver):
        deadline = time.monotonic() + TIMEOUT
        while not (value := condition()):
            assert time.monotonic() < deadline, "nothing happened for too long"
            assert driver.poll() is None, self.log.read_text()
            time.sleep(0.05)
        return value


def test_two_hundred_commands_go_in_one_call_and_all_results_arrive(slurm, tmp_path, monkeypatch):
    slurm.count_calls()
    for name, value in slurm.environment.items():
        monkeypatch.setenv(name, value)
    cluster = Slurm(tmp_path, ExecutorSettings())
    commands = [
        JobCommand(f"exit {number}", str(tmp_path), str(tmp_path / f"{number}.log"), 0)
        for number in range(200)
    ]
    ids = cluster.submit(Submission("many.run.1", []), Request(minutes=60, mem_mb=100), commands)
    assert slurm.calls("sbatch") == 1
    assert len(set(ids)) == 200

    deadline = time.monotonic() + TIMEOUT
    while not all(result_path(tmp_path, job).exists() for job in ids):
        assert time.monotonic() < deadline, slurm.jobs()
        time.sleep(0.2)
    codes = [read_result(tmp_path, job)[1]["exit_code"] for job in ids]
    assert codes == list(range(200))


@pytest.mark.parametrize(("limit", "calls"), [(500, 1), (150, 2), (100, 2)])
def test_equal_jobs_go_in_as_few_calls_as_the_limit_of_arrays_allows(
    limit, calls, slurm, tmp_path
):
    for node in ("n1", "n2"):
        slurm.set_node(node, "drain")  # so that no job costs time
    workflow = Workflow(tmp_path / "w", slurm, MANY.replace("NUMBER", "200"))
    driver = workflow.start("--submitit-array-limit", str(limit))
    try:
        workflow.wait_for(lambda: len(slurm.jobs()) == 200, driver)
        workflow.wait_for(lambda: slurm.calls("squeue") >= 2, driver)
        assert slurm.calls("sbatch") == calls
        driver.send_signal(signal.SIGINT)
        assert driver.wait(60) != 0
    finally:
        kill_group(driver)
    assert slurm.calls("scancel") == 1
    assert slurm.calls("sacct") == 0
    assert {job["state"] for job in slurm.jobs()} == {"CANCELLED"}


def test_squeue_is_asked_ever_less_while_nothing_changes(slurm, tmp_path):
    workflow = Workflow(tmp_path / "w", slurm, MANY.replace("NUMBER", "4"))
    (workflow.folder / "hold").touch()
    driver = workflow.start("--submitit-status-interval-max", "60")
    try:
        workflow.wait_for(
            lambda: [job["state"] for job in slurm.jobs()] == ["RUNNING"] * 4, driver
        )
        slurm.calls_reset()
        workflow.wait_for(lambda: slurm.calls("squeue") == 5, driver)
        lines = (slurm.folder / "log/calls.txt").read_text().splitlines()
        times = [float(line.split()[1]) for line in lines if line.startswith("squeue")]
        # 1 s after a change, then 1.5 times as long each time; never less on a busy machine.
        for (before, after), least in zip(
            itertools.pairwise(times), [1, 1.5, 2.25, 3.375], strict=True
        ):
            assert after - before > 0.7 * least
        assert times[-1] - times[0] > 7
        (workflow.folder / "hold").unlink()
        assert driver.wait(TIMEOUT) == 0, workflow.log.read_text()
    finally:
        kill_group(driver)
    # A result is seen without squeue, and nothing was missing.
    assert slurm.calls("sacct") == 0
    assert slurm.calls("sbatch") == 0


def test_nodes_tasks_and_gpus_reach_the_job(slurm, tmp_path):
    workflow = Workflow(
        tmp_path / "w",
        slurm,
        """
rule all:
    input:
        "two.txt", "one.txt", "none.txt",

rule two:
    output:
        "two.txt",
    resources:
        nodes=2, tasks=2, gpu=2,
    shell:
        "srun sh -c 'echo $SLURMD_NODENAME $CUDA_VISIBLE_DEVICES' > {output}"

rule one:
    output:
        "one.txt",
    threads: 3
    resources:
        gpu=1,
    shell:
        "echo $CUDA_VISIBLE_DEVICES $SLURM_CPUS_PER_TASK $SLURM_MEM_PER_NODE > {output}"

rule none:
    output:
        "none.txt",
    shell:
        "echo ${{CUDA_VISIBLE_DEVICES-nothing}} > {output}"
""",
    )
    workflow.finish()
    nodes = [line.split() for line in workflow.read("two.txt").splitlines()]
    assert sorted(node for node, _ in nodes) == ["n1", "n2"]
    assert {gpu for _, gpu in nodes} <= {"0", "1"}
    assert workflow.read("one.txt").split()[0] in ("0", "1")
    assert workflow.read("one.txt").split()[1:] == ["3", "100"]
    assert workflow.read("none.txt").strip() == "nothing"


def test_a_group_of_four_goes_as_one_job(slurm, tmp_path):
    workflow = Workflow(tmp_path / "w", slurm, MANY.replace("NUMBER", "8"))
    workflow.finish("--groups", "one=four", "--group-components", "four=4")
    assert [job["state"] for job in slurm.jobs()] == ["COMPLETED"] * 2
    assert slurm.calls("sbatch") == 1
    made = {path.name for path in (workflow.folder / "out").iterdir()}
    assert made == {f"{number}.txt" for number in range(8)}


SPECIAL = """
rule special:
    output:
        "special.txt",
    resources:
        slurm_partition="low", slurm_account="physics", qos="long", constraint="fast",
        slurm_extra="--nice=77 --comment='two words' --exclusive",
    shell:
        "scontrol show job $SLURM_JOB_ID > {output}"
"""


def test_partition_account_qos_constraint_and_options_of_ones_own_reach_slurm(tmp_path):
    with SlurmCluster(preemption=True) as cluster:
        features = ("AvailableFeatures=fast", "ActiveFeatures=fast")
        cluster.run("scontrol", "update", "NodeName=n2", *features)
        workflow = Workflow(tmp_path / "w", cluster, SPECIAL)
        sbatch = cluster.folder / "bin/sbatch"
        copy = f'#!/bin/sh\ncp "$1" {tmp_path}/script.sh\n'
        sbatch.write_text(sbatch.read_text().replace("#!/bin/sh\n", copy))
        workflow.finish()
    # Without accounting Slurm accepts a quality of service, but forgets it.
    assert "#SBATCH --qos=long\n" in (tmp_path / "script.sh").read_text()
    shown = workflow.read("special.txt")
    for line in (
        *("Partition=low", "Account=physics", "Features=fast", "NodeList=n2"),
        *("Nice=77", "Comment=two words", "OverSubscribe=NO", "TimeLimit=01:00:00", "Requeue=1"),
    ):
        assert line in shown


LOGS = """
rule all:
    input:
        "a-1.txt", "b-2.txt",

rule say:
    output:
        "{letter}-{number}.txt",
    shell:
        "echo heard {wildcards.letter}; touch {output}"
"""


def test_logs_of_successful_jobs_are_removed(slurm, tmp_path):
    workflow = Workflow(tmp_path / "w", slurm, LOGS)
    workflow.finish()
    left = [path.name for path in (workflow.folder / ".snakemake/submitit").rglob("*")]
    assert set(left) <= {"run.txt", "logs"}


def test_kept_logs_lie_in_one_folder_per_rule_and_wildcards(slurm, tmp_path):
    workflow = Workflow(tmp_path / "w", slurm, LOGS)
    workflow.finish("--submitit-keep-logs")
    logs = workflow.folder / ".snakemake/submitit/logs"
    files = [path for path in logs.rglob("*") if path.is_file()]
    assert {str(path.parent.relative_to(logs)) for path in files} == {
        "say/letter=a,number=1",
        "say/letter=b,number=2",
    }
    assert len(files) == 2
    for path in files:
        letter = path.parent.name.removeprefix("letter=")[0]
        assert f"heard {letter}" in path.read_text()
