"""Measure a driver: its cost while many jobs wait, how fast it sends them and sees their end.

`make driver` runs it on a test cluster. For the first its nodes are drained, so that all jobs stay
pending; for the last each job has a local one after it, and the time between what the two wrote
counts.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

TESTS = Path(__file__).parents[2] / "tests"
sys.path.insert(0, str(TESTS))

from slurm_cluster import SlurmCluster  # noqa: E402

SNAKEFILE = """
rule all:
    input: expand("out/{n}", n=range(JOBS))
rule one:
    output: "out/{n}"
    resources: runtime=60, mem_mb=100
    shell: "touch {output}"
localrules: all
"""

CHAIN = """
rule all:
    input: expand("after/{n}", n=range(JOBS))
rule one:
    output: "out/{n}"
    resources: runtime=60, mem_mb=100
    shell: "sleep $(({wildcards.n} % 4)); date +%s.%N > {output}"
rule after:
    input: "out/{n}"
    output: "after/{n}"
    shell: "date +%s.%N > {output}"
localrules: all, after
"""


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--interval", type=int, default=5, help="status interval, seconds")
    args = parser.parse_args()
    measure_waiting(args)
    measure_notice(args)


def measure_notice(args: argparse.Namespace) -> None:
    """Print how long after a job's last write the next job had written."""
    with SlurmCluster() as cluster, tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "Snakefile").write_text(CHAIN.replace("JOBS", "24"))
        command = [sys.executable, "-m", "snakemake", "--executor", "submitit", "--jobs", "4"]
        command += ["--submitit-status-interval", str(args.interval), "--scheduler", "greedy"]
        subprocess.run(
            command, cwd=folder, env=cluster.full_environment(), check=True, capture_output=True
        )
        delays = sorted(
            float(path.read_text()) - float((folder / "out" / path.name).read_text())
            for path in (folder / "after").iterdir()
        )
    middle, last = delays[len(delays) // 2], delays[-1]
    print(
        "from a job's last write to that of the next, with a status interval of"
        f" {args.interval} s: {middle:.1f} s at the median of {len(delays)}, {last:.1f} s at most"
    )


def measure_waiting(args: argparse.Namespace) -> None:
    """Print how fast many jobs were sent, and what the driver costs while they wait."""
    with SlurmCluster() as cluster, tempfile.TemporaryDirectory() as temporary:
        cluster.set_node("n1", "drain")
        cluster.set_node("n2", "drain")
        cluster.count_calls()
        folder = Path(temporary)
        (folder / "Snakefile").write_text(SNAKEFILE.replace("JOBS", str(args.jobs)))
        command = [sys.executable, "-m", "snakemake", "--executor", "submitit"]
        command += ["--jobs", str(args.jobs), "--scheduler", "greedy"]
        command += ["--max-jobs-per-timespan", "1000/1s"]
        start = time.monotonic()
        with (folder / "log").open("w") as log:
            driver = subprocess.Popen(
                command, cwd=folder, env=cluster.full_environment(), stdout=log, stderr=log
            )
        try:
            while len(cluster.jobs()) < args.jobs:
                time.sleep(0.2)
            print(
                f"{args.jobs} jobs in the queue {time.monotonic() - start:.1f} s after the start"
            )
            print(f"sbatch calls: {cluster.calls('sbatch')}")
            time.sleep(20)
            process = psutil.Process(driver.pid)
            cluster.calls_reset()
            before, since = cpu_seconds(process), time.monotonic()
            time.sleep(args.seconds)
            used = (cpu_seconds(process) - before) / (time.monotonic() - since)
            print(f"CPU of one core while waiting: {used:.2%}")
            print(f"memory: {process.memory_info().rss / 2**20:.0f} MB")
            print(f"squeue calls in {args.seconds:.0f} s: {cluster.calls('squeue')}")
        finally:
            driver.kill()
            driver.wait()


def cpu_seconds(process: psutil.Process) -> float:
    """Return the CPU time of a process and of the commands that it has called."""
    times = process.cpu_times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    main()
