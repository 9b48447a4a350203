"""What Slurm says of jobs, and what is made of it."""

import random

import pytest

from snakemake_executor_plugin_submitit.states import (
    ENDED,
    PASSING,
    Cause,
    JobState,
    describe_waiting,
    expand_id,
    find_cause,
    read_sacct,
    read_squeue,
    succeeded,
)

LIVE = ["PENDING", "CONFIGURING", "RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "REQUEUED"]

FAILED = ("success", {"exit_code": 1, "node": "n1", "requeues": 0})
SUCCEEDED = ("success", {"exit_code": 0, "node": "n1", "requeues": 0})
OFTEN = ("success", {"exit_code": None, "node": "n1", "requeues": 11})
TRACE = ("error", "Traceback (most recent call last):\nOSError: No space left on device")
ENOUGH = (
    "error",
    "submitit.core.utils.UncompletedJobError: Job not requeued because: checkpoint function"
    " returned None.",
)

OF_MEMORY = [
    "slurmstepd: error: Detected 1 oom_kill event in StepId=5.batch. Some of the step tasks have"
    " been OOM Killed.",
    "slurmstepd: error: Detected 2 oom-kill event(s) in StepId=5.batch. Some of your processes"
    " may have been killed by the cgroup out-of-memory handler.",
    "srun: error: n1: task 0: Out Of Memory",
    "slurmstepd: error: Exceeded job memory limit at some point.",
    "slurmstepd: error: Exceeded step memory limit at some point.",
    "slurmstepd: error: StepId=5.batch exceeded memory limit (2097152 > 1048576), being killed",
    "slurmstepd: error: Job 5 exceeded virtual memory limit (20971 > 10485), being killed",
]
"""As Slurm from 17 to 24 writes them."""


def test_squeue_tells_of_single_jobs_and_of_jobs_of_arrays():
    text = (
        "7|train.1a.2b|RUNNING|n1|None\n"
        "12_7|train.1a.3c|COMPLETING|n2|None\n"
        "12_[3-5,8%2]|train.1a.3c|PENDING||Resources\n"
        "13_0|other|FAILED|n1|NonZeroExitCode\n"
    )
    waiting = JobState("PENDING", "train.1a.3c", "Resources", "")
    assert read_squeue(text) == {
        "7": JobState("RUNNING", "train.1a.2b", "None", "n1"),
        "12_7": JobState("COMPLETING", "train.1a.3c", "None", "n2"),
        "12_3": waiting,
        "12_4": waiting,
        "12_5": waiting,
        "12_8": waiting,
        "13_0": JobState("FAILED", "other", "NonZeroExitCode", "n1"),
    }


def test_squeue_may_say_nothing_or_something_else_between():
    assert read_squeue("") == {}
    assert read_squeue(
        "\nslurm_load_jobs error: Invalid job id specified\n7|a|RUNNING|n1|None\n"
    ) == {"7": JobState("RUNNING", "a", "None", "n1")}


def test_a_reason_of_squeue_may_have_blanks_and_bars():
    state = read_squeue("7|a|PENDING||Nodes required are DOWN| or DRAINED\n")["7"]
    assert state.reason == "Nodes required are DOWN| or DRAINED"


def test_sacct_tells_of_jobs_without_their_steps():
    text = (
        "12|a|COMPLETED|n1|0:0\n"
        "12.batch|batch|COMPLETED|n1|0:0\n"
        "12.extern|extern|COMPLETED|n1|0:0\n"
        "12.0|python|CANCELLED|n1|0:11\n"
        "13|a|CANCELLED by 0|None assigned|0:0\n"
        "14_3|a|CANCELLED+|n2|0:15\n"
        "14_[4-5]|a|PENDING|None assigned|0:0\n"
        "15_0|a|OUT_OF_MEMORY|n2|0:125\n"
        "15_0.batch|batch|OUT_OF_MEMORY|n2|0:125\n"
    )
    assert read_sacct(text) == {
        "12": JobState("COMPLETED", "a", "", "n1", "0:0"),
        "13": JobState("CANCELLED", "a", "", "", "0:0"),
        "14_3": JobState("CANCELLED", "a", "", "n2", "0:15"),
        "14_4": JobState("PENDING", "a", "", "", "0:0"),
        "14_5": JobState("PENDING", "a", "", "", "0:0"),
        "15_0": JobState("OUT_OF_MEMORY", "a", "", "n2", "0:125"),
    }


def test_sacct_may_know_no_state():
    assert read_sacct("12|a||n1|0:0\n")["12"].state == "UNKNOWN"
    assert not read_sacct("12|a||n1|0:0\n")["12"].ended
    assert read_sacct("") == {}


@pytest.mark.parametrize("text", ["7", "7_3", "7+0", "7_[]", ""])
def test_an_id_without_ranges_stands_for_itself(text):
    assert list(expand_id(text)) == [text]


@pytest.mark.parametrize("seed", range(30))
def test_an_id_of_an_array_stands_for_the_jobs_counted_one_by_one(seed):
    rng = random.Random(seed)
    parts, expected, at = [], [], 0
    for _ in range(rng.randint(1, 5)):
        first = at + rng.randint(0, 4)
        last, step = first + rng.randint(0, 9), rng.randint(1, 3)
        kind = rng.choice(["one", "range", "steps"])
        if kind == "one":
            last = first
        indices = {
            "one": [first],
            "range": [n for n in range(1000) if first <= n <= last],
            "steps": [n for n in range(1000) if first <= n <= last and not (n - first) % step],
        }[kind]
        parts.append(
            {"one": f"{first}", "range": f"{first}-{last}"}.get(kind, f"{first}-{last}:{step}")
        )
        expected += indices
        at = last + 1
    limit = rng.choice(["", "%4"])
    assert list(expand_id(f"12_[{','.join(parts)}{limit}]")) == [f"12_{n}" for n in expected]


def test_live_states_are_not_ended():
    assert [state for state in LIVE if JobState(state).ended] == []
    assert {"COMPLETED", "FAILED", "TIMEOUT", "CANCELLED", "OUT_OF_MEMORY"} <= ENDED
    assert PASSING <= ENDED


@pytest.mark.parametrize(
    ("state", "cause"),
    [
        ("OUT_OF_MEMORY", Cause.OUT_OF_MEMORY),
        ("TIMEOUT", Cause.TIMEOUT),
        ("DEADLINE", Cause.TIMEOUT),
        ("NODE_FAIL", Cause.NODE_FAIL),
        ("BOOT_FAIL", Cause.NODE_FAIL),
        ("LAUNCH_FAILED", Cause.NODE_FAIL),
        ("PREEMPTED", Cause.PREEMPTED),
        ("CANCELLED", Cause.CANCELLED),
        ("REVOKED", Cause.CANCELLED),
        ("FAILED", Cause.KILLED),
        ("RECONFIG_FAIL", Cause.KILLED),
        ("COMPLETED", Cause.NO_RESULT),
    ],
)
def test_a_job_without_a_result_failed_for_what_slurm_says(state, cause):
    assert find_cause(JobState(state), None, "") is cause


def test_every_ended_state_has_a_cause():
    for state in ENDED:
        assert isinstance(find_cause(JobState(state), None, ""), Cause)


def test_a_job_that_nobody_knows_is_lost():
    assert find_cause(None, None, "") is Cause.LOST


@pytest.mark.parametrize("state", [JobState("FAILED"), JobState("COMPLETED"), None])
@pytest.mark.parametrize(
    ("result", "cause"),
    [
        (FAILED, Cause.EXIT),
        (OFTEN, Cause.TOO_OFTEN),
        (ENOUGH, Cause.TOO_OFTEN),
        (TRACE, Cause.PYTHON),
    ],
)
def test_a_job_that_left_a_result_failed_for_what_it_says(state, result, cause):
    assert find_cause(state, result, "submitit INFO: Starting with JobEnvironment\n") is cause


@pytest.mark.parametrize("state", ["TIMEOUT", "NODE_FAIL", "PREEMPTED", "CANCELLED"])
def test_what_slurm_did_to_a_job_counts_more_than_what_the_job_says(state):
    without = find_cause(JobState(state), None, "")
    assert find_cause(JobState(state), FAILED, "") is without
    assert find_cause(JobState(state), TRACE, OF_MEMORY[0]) is without


@pytest.mark.parametrize("message", OF_MEMORY)
@pytest.mark.parametrize("state", [JobState("FAILED"), JobState("COMPLETED"), None])
@pytest.mark.parametrize("result", [None, FAILED, TRACE])
def test_out_of_memory_is_known_by_the_messages_of_slurm_where_the_state_hides_it(
    message, state, result
):
    assert find_cause(state, result, f"before\n{message}\nafter\n") is Cause.OUT_OF_MEMORY


@pytest.mark.parametrize(
    "message",
    [
        "slurmstepd: error: *** JOB 5 ON n1 CANCELLED AT 2024-01-01T00:00:00 ***",
        "srun: error: n1: task 0: Exited with exit code 1",
        "submitit ERROR: Submitted job triggered an exception",
    ],
)
def test_other_messages_are_not_of_memory(message):
    assert find_cause(JobState("FAILED"), FAILED, message) is Cause.EXIT


def test_the_cluster_is_to_blame_for_what_may_go_well_elsewhere():
    blamed = {cause for cause in Cause if cause.is_of_cluster}
    assert {Cause.NODE_FAIL, Cause.PREEMPTED, Cause.LOST} <= blamed
    of_the_job = {Cause.EXIT, Cause.PYTHON, Cause.OUT_OF_MEMORY, Cause.TOO_OFTEN}
    assert blamed & (of_the_job | {Cause.CANCELLED, Cause.REFUSED, Cause.UNWRITABLE}) == set()


def test_only_an_exit_code_of_zero_is_success():
    assert succeeded(SUCCEEDED)
    assert [r for r in (None, FAILED, OFTEN, TRACE, ENOUGH) if succeeded(r)] == []


def test_reasons_that_pass_by_themselves_are_not_spoken_of():
    passing = ["", "None", "Priority", "Resources", "BeginTime", "JobArrayTaskLimit"]
    states = {str(n): JobState("PENDING", "a", reason) for n, reason in enumerate(passing)}
    assert describe_waiting(states) == {}


def test_reasons_that_may_last_are_counted():
    states = {
        "1": JobState("PENDING", "a", "QOSMaxJobsPerUserLimit"),
        "2": JobState("PENDING", "a", "QOSMaxJobsPerUserLimit"),
        "3": JobState("PENDING", "a", "ReqNodeNotAvail, UnavailableNodes:n1"),
        "4": JobState("PENDING", "a", "Priority"),
        "5": JobState("RUNNING", "a", "Prolog"),
        "6": JobState("FAILED", "a", "NonZeroExitCode"),
    }
    assert describe_waiting(states) == {
        "QOSMaxJobsPerUserLimit": 2,
        "ReqNodeNotAvail, UnavailableNodes:n1": 1,
    }
