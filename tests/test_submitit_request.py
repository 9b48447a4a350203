"""What is asked of the cluster: from Snakemake's resources to the file that sbatch reads."""

import shutil
import subprocess
from pathlib import Path

import pytest
from submitit.slurm.slurm import SlurmExecutor, _make_sbatch_string

from snakemake_executor_plugin_submitit.request import (
    Request,
    RequestError,
    make_parameters,
    make_request,
    read_options,
)

GOLDEN = Path(__file__).with_name("golden") / "sbatch.sh"

RICH = {
    "runtime": 120,
    "mem_mb": 16000,
    "cpus_per_task": 4,
    "gpu": 2,
    "gpu_model": "a100",
    "slurm_partition": "gpu",
    "slurm_account": "project",
    "qos": "high",
    "constraint": "nvlink&ib",
    "nodes": 2,
    "tasks": 4,
    "slurm_extra": "--reservation=spring --exclusive --comment 'two words'",
    # What Snakemake adds by itself, and what is another's.
    "_cores": 4,
    "_nodes": 1,
    "tmpdir": "/tmp",
    "disk_mb": 1000,
}


def ask(threads=1, signal_delay=120, **resources):
    return make_request({"runtime": 60} | resources, threads, signal_delay)


def write_sbatch(request, *, requeue=True, array=1):
    """The text that sbatch gets, as submitit writes it."""
    parameters = make_parameters(request, "train.1a2b3c4d.5e6f", 120, requeue, array)
    count = {"map_count": array} if array > 1 else {}
    return _make_sbatch_string(command="exec python JOB", folder="/w/jobs", **parameters, **count)


def read_flags(text):
    """The options in the text of an sbatch file."""
    lines = [line[10:] for line in text.splitlines() if line.startswith("#SBATCH --")]
    assert len({line.partition("=")[0] for line in lines}) == len(lines), "an option twice"
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def test_the_file_for_sbatch_of_an_array_that_asks_for_much_is_the_golden_one():
    request = make_request(RICH, 1, 120)
    assert write_sbatch(request, array=3) == GOLDEN.read_text()


def test_the_golden_file_is_a_script_that_bash_can_read():
    subprocess.run(["bash", "-n", GOLDEN], check=True)


def test_a_job_that_asks_for_nothing_gets_one_cpu_and_no_option_it_did_not_ask_for():
    assert read_flags(write_sbatch(ask())) == {
        "job-name": "train.1a2b3c4d.5e6f",
        "time": "60",
        "nodes": "1",
        "ntasks": "1",
        "cpus-per-task": "1",
        "signal": "B:USR2@120",
        "requeue": "",
        "open-mode": "append",
        "output": "/w/jobs/%j_0_log.out",
        "error": "/w/jobs/%j_0_log.err",
    }


@pytest.mark.parametrize(
    ("resources", "flags"),
    [
        ({"runtime": 90}, {"time": "90"}),
        ({"mem_mb": 500}, {"mem": "500MB"}),
        ({"mem_mb_per_cpu": 300}, {"mem-per-cpu": "300MB"}),
        ({"mem_mb": 500, "mem_mb_per_cpu": 300}, {"mem-per-cpu": "300MB", "mem": None}),
        ({"cpus_per_task": 3}, {"cpus-per-task": "3"}),
        ({"threads": 5}, {"cpus-per-task": "5"}),
        ({"threads": 5, "cpus_per_task": 3}, {"cpus-per-task": "3"}),
        ({"threads": 0}, {"cpus-per-task": "1"}),
        ({"gpu": 1}, {"gpus": "1"}),
        ({"gpu": 0}, {"gpus": None}),
        ({"gpu": 2, "gpu_model": "a100"}, {"gpus": "a100:2"}),
        ({"gres": "gpu:a100:2"}, {"gres": "gpu:a100:2", "gpus": None}),
        ({"gpu": 0, "gres": "gpu:1"}, {"gres": "gpu:1", "gpus": None}),
        ({"slurm_partition": "gpu"}, {"partition": "gpu"}),
        ({"slurm_partition": ""}, {"partition": None}),
        ({"slurm_account": 1234}, {"account": "1234"}),
        ({"qos": "high"}, {"qos": "high"}),
        ({"constraint": "a100|h100"}, {"constraint": "'a100|h100'"}),
        ({"nodes": 2}, {"nodes": "2", "ntasks": "1"}),
        ({"tasks": 4}, {"ntasks": "4", "nodes": "1-4"}),
        ({"tasks": 4, "nodes": 2}, {"ntasks": "4", "nodes": "2"}),
        ({"slurm_extra": "--nice=5"}, {"nice": "5"}),
        ({"slurm_extra": "--nice 5 --exclusive"}, {"nice": "5", "exclusive": ""}),
        ({"slurm_extra": "--signal=B:USR2@600"}, {"signal": "B:USR2@600"}),
        ({"slurm_extra": "--licenses='a:1, b'"}, {"licenses": "'a:1, b'"}),
    ],
)
def test_a_resource_becomes_an_option_of_sbatch(resources, flags):
    written = read_flags(write_sbatch(ask(**resources)))
    assert {name: written.get(name) for name in flags} == flags


def test_a_job_that_may_not_be_requeued_says_so():
    flags = read_flags(write_sbatch(ask(), requeue=False))
    assert "no-requeue" in flags
    assert "requeue" not in flags


def test_all_jobs_of_an_array_may_run_at_once():
    assert read_flags(write_sbatch(ask(), array=300))["array"] == "0-299%300"


def test_the_command_runs_without_srun_so_that_the_signal_reaches_it():
    assert write_sbatch(ask()).rstrip().splitlines()[-1] == "exec python JOB"


def test_submitit_takes_every_parameter(tmp_path, monkeypatch):
    # Its constructor asks only whether srun is there.
    monkeypatch.setattr(shutil, "which", lambda name: f"/usr/bin/{name}")
    executor = SlurmExecutor(tmp_path)
    executor.update_parameters(**make_parameters(make_request(RICH, 1, 120), "a", 120, True, 3))
    assert executor.parameters["additional_parameters"]["gpus"] == "a100:2"


@pytest.mark.parametrize(
    "name",
    [
        *("runtime", "mem_mb", "mem_mb_per_cpu", "cpus_per_task", "gpu", "nodes", "tasks"),
    ],
)
@pytest.mark.parametrize("value", [-1, 1.5, True, False, "many", "8", "-1"])
def test_a_number_that_no_cluster_can_give_is_refused_by_name_and_value(name, value):
    with pytest.raises(RequestError) as caught:
        ask(**{name: value})
    message = str(caught.value)
    assert message.startswith(f"{name} is {value!r}; ")
    assert "whole number" in message
    assert "\n" not in message


@pytest.mark.parametrize("name", ["mem_mb", "mem_mb_per_cpu", "cpus_per_task", "nodes", "tasks"])
def test_none_of_a_thing_can_only_be_asked_for_gpus(name):
    with pytest.raises(RequestError, match=f"^{name} is 0; it must be a whole number from 1 on$"):
        ask(**{name: 0})
    assert ask(gpu=0).gpus == 0


@pytest.mark.parametrize(
    ("resources", "given"),
    [
        ({"runtime": None}, ["runtime", "default-resources: runtime=60"]),
        ({"gpu": 2, "gres": "gpu:1"}, ["gpu=2", "gres=gpu:1"]),
        ({"gpu_model": "a100"}, ["gpu_model is a100", "gpu isn't given"]),
        ({"gpu_model": "a100", "gpu": 0}, ["gpu_model is a100", "gpu isn't given"]),
        ({"slurm_extra": "-p gpu"}, ["slurm_extra", "'-p gpu'", "--reservation=name"]),
        ({"slurm_extra": "gpu"}, ["slurm_extra", "'gpu'"]),
        ({"slurm_extra": "--nice=5 -p gpu"}, ["slurm_extra", "'--nice=5 -p gpu'"]),
        ({"slurm_extra": "--nice 5 6"}, ["slurm_extra", "'--nice 5 6'"]),
        ({"slurm_extra": "--"}, ["slurm_extra", "'--'"]),
        ({"slurm_extra": "--comment='a"}, ["slurm_extra", "--comment='a", "quotation"]),
    ],
)
def test_what_does_not_go_together_is_refused_with_what_was_given(resources, given):
    with pytest.raises(RequestError) as caught:
        ask(**resources)
    message = str(caught.value)
    assert [words for words in given if words not in message] == []
    assert "\n" not in message


@pytest.mark.parametrize(
    ("delay", "too_short", "advice"), [(120, 3, 15), (30, 1, 15), (3600, 61, 62)]
)
def test_a_runtime_must_leave_time_between_start_and_signal(delay, too_short, advice):
    with pytest.raises(RequestError) as caught:
        ask(runtime=too_short, signal_delay=delay)
    message = str(caught.value)
    assert f"runtime is {too_short} min" in message
    assert f"{delay} s" in message
    assert f"ask for {advice} min or more" in message
    assert "\n" not in message
    assert ask(runtime=too_short + 1, signal_delay=delay).minutes == too_short + 1
    assert ask(runtime=advice, signal_delay=delay).minutes == advice


def test_more_memory_is_more_of_what_was_asked_for_and_of_nothing_else():
    assert ask(mem_mb=500, gpu=1).with_memory(2) == ask(mem_mb=1000, gpu=1)
    assert ask(mem_mb_per_cpu=300).with_memory(2) == ask(mem_mb_per_cpu=600)
    assert ask(mem_mb=500).with_memory(2).with_memory(2) == ask(mem_mb=2000)


def test_where_no_memory_was_asked_for_there_is_none_to_double():
    assert ask(gpu=1).with_memory(2) == ask(gpu=1)


def test_jobs_with_equal_resources_go_together():
    assert len({ask(gpu=1, slurm_extra="--nice=5"), ask(gpu=1, slurm_extra="--nice 5")}) == 1
    assert len({ask(gpu=1), ask(gpu=2), ask(gpu=1, mem_mb=5)}) == 3


def test_a_request_in_words_names_all_that_was_asked_for():
    words = make_request(RICH, 1, 120).describe()
    assert words == (
        "partition gpu, account project, qos high, constraint nvlink&ib, nodes 2, tasks 4,"
        " cpus 4, memory 16000 MB, gpu 2, runtime 120 min"
    )
    assert Request().describe() == "cpus 1, runtime 60 min"


def test_options_keep_their_order_and_the_last_of_a_name_counts():
    options = read_options("--nice=5 --exclusive --nice=6 --empty=")
    assert options == (("nice", "5"), ("exclusive", True), ("nice", "6"), ("empty", ""))
    assert read_options("  ") == ()
    assert read_flags(write_sbatch(ask(slurm_extra="--nice=5 --nice=6")))["nice"] == "6"
