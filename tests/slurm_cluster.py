"""A real Slurm cluster on this machine for tests: two nodes with two fake GPUs each.

The daemons listen on the loopback interface only, and belong to the user who runs the tests. All
files are in one temporary folder. A guard process ends what is left of a cluster whose test
process was killed.
"""

import ctypes
import fcntl
import inspect
import os
import pwd
import random
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

import pytest

SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"])
NODES = ("n1", "n2")
GPUS = 2
COUNTED = ("sbatch", "squeue", "sacct", "scancel")
PR_SET_PDEATHSIG = 1
LIBC = ctypes.CDLL(None)


def _missing(*names: str) -> list[str]:
    return [name for name in names if shutil.which(name, path=SEARCH_PATH) is None]


MISSING = _missing("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol")
ACCOUNTING_MISSING = _missing("slurmdbd", "mariadbd", "mariadb-install-db", "sacct")

PACKAGES = "slurm-wlm munge slurmdbd mariadb-server"
REQUIRED = bool(os.environ.get("CI"))
needs_slurm = pytest.mark.skipif(
    bool(MISSING) and not REQUIRED,
    reason=f"no {', '.join(MISSING)}: apt-get install slurm-wlm munge",
)
needs_accounting = pytest.mark.skipif(
    bool(MISSING + ACCOUNTING_MISSING) and not REQUIRED,
    reason=f"no {', '.join(MISSING + ACCOUNTING_MISSING)}: apt-get install {PACKAGES}",
)


# The guard runs these functions as a script, without the rest of this module.


def process_environments() -> Iterator[tuple[int, dict[str, str]]]:
    """Give each process that can be read, and the environment it started with.

    A zombie has none.
    """
    for file in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            items = file.read_bytes().decode(errors="replace").split("\0")
            yield int(file.parent.name), dict(item.partition("=")[::2] for item in items)


def is_job(environment: Mapping[str, str], folder: str) -> bool:
    """Tell a process of a job from a process that only talks to the cluster."""
    names = {"SLURM_JOB_ID", "SLURMD_NODENAME"}
    return environment.get("SLURM_CONF") == f"{folder}/etc/slurm.conf" and names <= {*environment}


def cluster_processes(folder: str) -> list[int]:
    """Return all daemons and jobs of a cluster, given its folder."""
    return [
        pid
        for pid, environment in process_environments()
        if environment.get("TEST_CLUSTER") == folder or is_job(environment, folder)
    ]


def kill_while_there(find: Callable[[], list[int]]) -> None:
    """Kill processes until none is found, as some may just be starting others."""
    deadline = time.monotonic() + 10
    while (found := find()) and time.monotonic() < deadline:
        for pid in found:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)


def guard(folder: str) -> None:
    """Wait until the test process closes the pipe or dies; leave nothing of its cluster."""
    sys.stdin.read()
    kill_while_there(lambda: cluster_processes(folder))
    shutil.rmtree(folder, ignore_errors=True)


GUARD = "\n".join(
    [
        "import os, shutil, signal, sys, time",
        "from collections.abc import Callable, Iterator, Mapping",
        "from contextlib import suppress",
        "from pathlib import Path",
        *map(
            inspect.getsource,
            (process_environments, is_job, cluster_processes, kill_while_there, guard),
        ),
        "guard(sys.argv[1])",
    ]
)


def _free_ports(number: int) -> list[int]:
    """Return free ports below those that the system hands out itself.

    Each test process has its own: a cluster that another one is just starting doesn't yet listen.
    """
    process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    ports: list[int] = []
    while len(ports) < number:
        port = random.randrange(20000 + process, 32000, processes)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            if port not in ports:
                ports.append(port)
    return ports


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _die_with_parent() -> None:
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class SlurmCluster:
    """A running cluster; use it as a context manager.

    Args:
        accounting: Whether there is a database, so that `sacct` works.
        preemption: Whether jobs of a partition `high` displace those of a partition `low`, which
            get 10 seconds and start again. Jobs of `main` are left alone.
        cpus: CPUs of each node; they are only counted.
        memory: Megabytes of each node; they are only counted.
        node_timeout: Seconds of silence before the controller takes a node for lost. It looks
            seldom: 15 mean about 30.
        min_job_age: Seconds for which the controller remembers a job that ended.
        database: A folder with an empty database to start from; see `empty_database`.
    """

    def __init__(
        self,
        accounting: bool = False,
        preemption: bool = False,
        cpus: int = 4,
        memory: int = 4000,
        *,
        node_timeout: int = 15,
        min_job_age: int = 3600,
        database: Path | None = None,
    ) -> None:
        self.accounting, self.preemption = accounting, preemption
        self.cpus, self.memory = cpus, memory
        self.node_timeout, self.min_job_age = node_timeout, min_job_age
        self.database = database
        self.daemons: dict[str, subprocess.Popen[bytes]] = {}
        self.environment: dict[str, str] = {}
        """Variables that lead commands to this cluster, to be laid over those of the process."""

    def __enter__(self) -> "SlurmCluster":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start all daemons, and wait until the nodes are idle."""
        # Longer paths don't work: they become names of sockets.
        self.folder = Path(tempfile.mkdtemp(prefix="ms-")).resolve()
        self.guard = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", GUARD, str(self.folder)],
            stdin=subprocess.PIPE,
            cwd="/",
            start_new_session=True,
        )
        try:
            self._configure()
            self._start_munge()
            if self.accounting:
                self._start_database()
                self.start_accounting()
            self.start_controller()
            for name in NODES:
                self._launch_node(name)
            self._wait(lambda: all(map(self._is_up, NODES)), "the nodes don't answer")
        except BaseException:
            self.stop()
            raise

    def stop(self, keep_database: Path | None = None) -> None:
        """End everything and remove the folder, whatever still lives; keep an empty database."""
        self.stop_controller()
        for name in NODES:  # One whose job is just ending doesn't end by itself.
            self._end(name, 0.5)
        kill_while_there(lambda: [pid for name in NODES for pid in self._node_processes(name)])
        for name in ("slurmdbd", "mariadbd", "munged"):
            self._end(name, 10)
        if keep_database is not None:
            shutil.copytree(self.folder / "mysql", keep_database)
        with suppress(OSError):
            self.guard.stdin.close()  # It does the rest.
        with suppress(subprocess.TimeoutExpired):
            self.guard.wait(20)

    def full_environment(self) -> dict[str, str]:
        """Return all variables for a command, without those of another Slurm around the tests."""
        foreign = ("SLURM_", "SBATCH_", "SLURMD_")
        kept = {key: value for key, value in os.environ.items() if not key.startswith(foreign)}
        return kept | self.environment

    def run(self, *command: str, check: bool = True) -> str:
        """Run a command of Slurm, without counting it, and return what it printed."""
        done = self._execute(*command)
        assert done.returncode == 0 or not check, f"{command}: {done.stderr}"
        return done.stdout

    def jobs(self) -> list[dict[str, str]]:
        """Return all jobs, also those that ended, each task of an array by itself."""
        fields = {
            "id": "JobArrayID",
            "state": "State",
            "node": "NodeList",
            "submitted": "SubmitTime",
            "restarts": "RestartCnt",
            "reason": "Reason",
            "name": "Name",
        }
        wanted = ",".join(f"{field}:256" for field in fields.values())
        text = self.run("squeue", "--noheader", "--array", "--states=all", f"--Format={wanted}")
        return [
            {key: line[256 * i : 256 * (i + 1)].strip() for i, key in enumerate(fields)}
            for line in text.splitlines()
        ]

    def state(self, job_id: int | str) -> str:
        """Return the state of a job or of a task such as `7_0`; nothing of an unknown one."""
        return next((job["state"] for job in self.jobs() if job["id"] == str(job_id)), "")

    def wait_for_state(self, job_id: int | str, *states: str, timeout: float = 60) -> str:
        """Wait until a job is in one of the states, and return it."""
        deadline = time.monotonic() + timeout
        while (state := self.state(job_id)) not in states:
            assert time.monotonic() < deadline, f"{job_id} is {state}, not {states}: {self.jobs()}"
            time.sleep(0.1)
        return state

    def node_state(self, name: str) -> str:
        """Return the state of a node, with a star if it doesn't answer."""
        return self.run("sinfo", "--noheader", f"--nodes={name}", "--Node", "--format=%T").strip()

    def set_node(self, name: str, state: str) -> None:
        """Change the state of a node, such as `down`, `drain` or `resume`."""
        self.run("scontrol", "update", f"NodeName={name}", f"State={state}", "Reason=test")

    def start_controller(self) -> None:
        """Start the controller and wait until it answers."""
        self._launch("slurmctld", "-D", "-f", self.environment["SLURM_CONF"])
        self._wait(
            lambda: (
                _listens(self.ports["slurmctld"])
                and self._execute("scontrol", "ping").returncode == 0
            ),
            "the controller doesn't answer",
        )

    def stop_controller(self, kill: bool = False) -> None:
        """End the controller; a killed one doesn't save the last seconds."""
        self._end("slurmctld", 0 if kill else 5, kill=kill)

    def start_node(self, name: str) -> None:
        """Start a node and, if there is a controller, wait until it knows it."""
        self._launch_node(name)
        self._wait(lambda: _listens(self.ports[name]), f"{name} doesn't start")
        if "slurmctld" in self.daemons:
            self._wait(lambda: self._is_up(name), f"{name} isn't known")

    def kill_node(self, name: str) -> None:
        """Kill all that runs on a node, as when a machine is lost."""
        self._end(name, 0, kill=True)
        kill_while_there(lambda: self._node_processes(name))

    def start_accounting(self) -> None:
        """Start the daemon between Slurm and the database."""
        self._launch("slurmdbd", "-D", MYSQL_UNIX_PORT=f"{self.folder}/run/mysqld.sock")
        self._wait(lambda: _listens(self.ports["slurmdbd"]), "slurmdbd doesn't answer", 60)

    def stop_accounting(self) -> None:
        """End the daemon between Slurm and the database."""
        self._end("slurmdbd", 10)

    def job_processes(self, job_id: int | str | None = None) -> list[int]:
        """Return the processes of all jobs, or of one job, by its own number in an array too."""
        return [
            pid
            for pid, environment in process_environments()
            if is_job(environment, str(self.folder))
            and (job_id is None or str(job_id) in _job_ids(environment))
        ]

    def count_calls(self) -> None:
        """From now on count the commands that are run with `environment`."""
        folder = self.folder / "bin"
        folder.mkdir()
        for name in COUNTED:
            log, real = shlex.quote(str(self._call_log)), shlex.quote(_find(name))
            text = f'#!/bin/sh\necho "{name} $(date +%s.%N)" >> {log}\nexec {real} "$@"\n'
            (folder / name).write_text(text)
            (folder / name).chmod(0o755)
        path = os.environ.get("PATH", os.defpath)
        self.environment["PATH"] = os.pathsep.join([str(folder), path])
        self.calls_reset()

    def calls(self, name: str) -> int:
        """Return how often a command was called."""
        return sum(line.split()[0] == name for line in self._call_log.read_text().splitlines())

    def calls_reset(self) -> None:
        """Count from zero again."""
        self._call_log.write_text("")

    @property
    def _call_log(self) -> Path:
        return self.folder / "log/calls.txt"

    def _execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [_find(command[0]), *command[1:]],
            env=self._plain_environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def _plain_environment(self) -> dict[str, str]:
        return self.full_environment() | {"PATH": SEARCH_PATH}

    def _launch(self, name: str, *arguments: str, label: str = "", **variables: str) -> None:
        """Start a daemon in the foreground, that ends when this process is killed."""
        label = label or name
        assert label not in self.daemons, f"{label} is already there"
        variables["TEST_CLUSTER"] = str(self.folder)
        with (self.folder / "log" / f"{label}.out").open("ab") as log:
            self.daemons[label] = subprocess.Popen(
                [_find(name), *arguments],
                env=self._plain_environment() | variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509
            )

    def _launch_node(self, name: str) -> None:
        arguments = ("-D", "-N", name, "-f", self.environment["SLURM_CONF"])
        self._launch("slurmd", *arguments, label=name, TEST_NODE=name)

    def _end(self, label: str, patience: float, kill: bool = False) -> None:
        """Terminate a daemon, or kill it at once or if that takes too long."""
        daemon = self.daemons.pop(label, None)
        if daemon is None:
            return
        if not kill:
            daemon.terminate()
            with suppress(subprocess.TimeoutExpired):
                daemon.wait(patience)
        daemon.kill()
        daemon.wait()

    def _wait(self, condition: Callable[[], bool], problem: str, timeout: float = 30) -> None:
        """Wait while all daemons live."""
        deadline = time.monotonic() + timeout
        while not condition():
            dead = [label for label, daemon in self.daemons.items() if daemon.poll() is not None]
            if dead or time.monotonic() > deadline:
                raise RuntimeError(f"{problem}; ended: {dead}\n{self._logs()}")
            time.sleep(0.02)

    def _logs(self) -> str:
        files = sorted((self.folder / "log").iterdir())
        return "\n".join(f"{file.name}:\n{file.read_text()[-8000:]}" for file in files)

    def _is_up(self, name: str) -> bool:
        state = self.node_state(name)
        return "*" not in state and not state.startswith(("down", "unk"))

    def _node_processes(self, name: str) -> list[int]:
        """Return the daemon of a node, those that watch its jobs, and the jobs."""
        folder = str(self.folder)
        return [
            pid
            for pid, variables in process_environments()
            if (variables.get("TEST_CLUSTER"), variables.get("TEST_NODE")) == (folder, name)
            or (is_job(variables, folder) and variables["SLURMD_NODENAME"] == name)
        ]

    def _start_munge(self) -> None:
        key, munge_socket = self.folder / "etc/munge.key", f"{self.folder}/run/munge.socket"
        key.write_bytes(os.urandom(128))
        key.chmod(0o400)
        self._launch(
            "munged",
            "--foreground",
            "--force",
            f"--socket={munge_socket}",
            f"--key-file={key}",
            f"--pid-file={self.folder}/run/munged.pid",
            f"--log-file={self.folder}/log/munged.log",
            f"--seed-file={self.folder}/run/munged.seed",
            "--num-threads=2",
        )
        command = ("munge", "-n", "-S", munge_socket)
        self._wait(lambda: self._execute(*command).returncode == 0, "munged doesn't answer")

    def _start_database(self) -> None:
        data, user = self.folder / "mysql", pwd.getpwuid(os.geteuid()).pw_name
        if self.database is not None:
            shutil.copytree(self.database, data)
        else:
            self.run(
                "mariadb-install-db",
                "--no-defaults",
                f"--datadir={data}",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                "--skip-name-resolve",
                f"--user={user}",
                "--innodb-log-file-size=10M",
            )
        self._launch(
            "mariadbd",
            "--no-defaults",
            f"--datadir={data}",
            # A server that starts removes the temporary tables of all others in its folder.
            f"--tmpdir={self.folder}/tmp",
            f"--socket={self.folder}/run/mysqld.sock",
            f"--pid-file={self.folder}/run/mariadbd.pid",
            f"--log-error={self.folder}/log/mariadbd.log",
            f"--user={user}",
            "--skip-networking",
            "--skip-grant-tables",
            "--skip-log-bin",
            "--innodb-buffer-pool-size=128M",
            "--innodb-lock-wait-timeout=900",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-doublewrite=0",
            "--innodb-log-file-size=10M",
            "--innodb-flush-method=nosync",
        )
        self._wait((self.folder / "run/mysqld.sock").exists, "the database doesn't start", 60)

    def _configure(self) -> None:
        """Write all files that the daemons read."""
        for name in ("etc", "log", "run", "state", "spool", "dev", "tmp"):
            (self.folder / name).mkdir()
        for index in range(GPUS):  # Slurm wants devices; it takes the number from the name.
            (self.folder / f"dev/nvidia{index}").symlink_to("/dev/null")
        names = ("slurmctld", "slurmdbd", *NODES)
        self.ports = dict(zip(names, _free_ports(len(names)), strict=True))
        self.environment["SLURM_CONF"] = f"{self.folder}/etc/slurm.conf"
        devices = f"{self.folder}/dev/nvidia[0-{GPUS - 1}]"
        texts = {
            "slurm.conf": self._slurm_conf(),
            "gres.conf": "".join(f"NodeName={name} Name=gpu File={devices}\n" for name in NODES),
            "cgroup.conf": self._cgroup_conf(),
            "plugstack.conf": "",
            "slurmdbd.conf": self._slurmdbd_conf(),
        }
        for name, text in texts.items():
            (self.folder / "etc" / name).write_text(text)
        (self.folder / "etc/slurmdbd.conf").chmod(0o600)

    def _cgroup_conf(self) -> str:
        """Ask newer versions, that look for cgroups in any case, not to."""
        version = self.run("slurmd", "-V").split()[-1].split(".")
        return "CgroupPlugin=disabled\n" if [int(part) for part in version[:2]] >= [23, 2] else ""

    def _slurm_conf(self) -> str:
        user = pwd.getpwuid(os.geteuid()).pw_name
        folder, host = self.folder, socket.gethostname().partition(".")[0]
        text = f"""
ClusterName=mini
SlurmctldHost=localhost
SlurmctldPort={self.ports["slurmctld"]}
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
CredType=cred/munge
# A requeued job starts again after cred_expire seconds; with less than 10 what is left of its
# first run may be in the way.
AuthInfo=socket={folder}/run/munge.socket,cred_expire=10
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/run/slurmctld.pid
SlurmdPidFile={folder}/run/slurmd.%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=100
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1,sched_min_interval=0,\
default_queue_depth=1000,bf_max_job_test=1000
SlurmdParameters=config_overrides
ReturnToService=2
JobRequeue=1
MinJobAge={self.min_job_age}
MaxArraySize=2001
KillWait=2
SlurmctldTimeout=30
SlurmdTimeout={self.node_timeout}
MessageTimeout=10
TCPTimeout=2
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobCompType=jobcomp/none
GresTypes=gpu
"""
        if self.accounting:
            text += f"""
AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStoragePort={self.ports["slurmdbd"]}
AccountingStoragePass={folder}/run/munge.socket
AccountingStorageTRES=gres/gpu
"""
        else:
            text += "AccountingStorageType=accounting_storage/none\n"
        for name in NODES:
            text += (
                f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={self.ports[name]} "
                f"CPUs={self.cpus} RealMemory={self.memory} Gres=gpu:{GPUS} State=UNKNOWN\n"
            )
        partition = "Nodes=ALL MaxTime=INFINITE State=UP"
        if not self.preemption:
            return text + f"PartitionName=main {partition} Default=YES\n"
        return f"""{text}
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldParameters=preempt_send_user_signal
PartitionName=main {partition} Default=YES PriorityTier=1 PreemptMode=OFF
PartitionName=low {partition} PriorityTier=1 PreemptMode=REQUEUE GraceTime=10
PartitionName=high {partition} PriorityTier=10 PreemptMode=OFF
"""

    def _slurmdbd_conf(self) -> str:
        return f"""
AuthType=auth/munge
AuthInfo=socket={self.folder}/run/munge.socket
DbdHost={socket.gethostname().partition(".")[0]}
DbdAddr=127.0.0.1
DbdPort={self.ports["slurmdbd"]}
SlurmUser={pwd.getpwuid(os.geteuid()).pw_name}
LogFile={self.folder}/log/slurmdbd.log
PidFile={self.folder}/run/slurmdbd.pid
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=root
StorageLoc=slurm_acct_db
"""


def _find(name: str) -> str:
    """Return the path of a program of the system, not of a wrapper in front of it."""
    path = shutil.which(name, path=SEARCH_PATH)
    if path is None:
        raise FileNotFoundError(f"no {name}: apt-get install {PACKAGES}")
    return path


def _job_ids(environment: Mapping[str, str]) -> set[str]:
    """Return all names of a job: its own number, its array's, and its place in the array."""
    array, task = (environment.get(f"SLURM_ARRAY_{part}_ID") for part in ("JOB", "TASK"))
    return {environment["SLURM_JOB_ID"]} | ({array, f"{array}_{task}"} if array else set())


def empty_database(factory: pytest.TempPathFactory) -> Path:
    """Return an empty database, made by the first test process that asks for it.

    A cluster starts from a copy of it in a second or two, in place of ten.
    """
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder = base / "slurm-database"
    with (base / "slurm-database.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (base / "slurm-database.done").exists():
            shutil.rmtree(folder, ignore_errors=True)
            cluster = SlurmCluster(accounting=True)
            cluster.start()
            cluster.stop(keep_database=folder)
            (base / "slurm-database.done").touch()
    return folder


@pytest.fixture
def slurm() -> Iterator[SlurmCluster]:
    """A cluster of its own for each test, without accounting."""
    with SlurmCluster() as cluster:
        yield cluster


@pytest.fixture
def slurm_with_accounting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlurmCluster]:
    """A cluster of its own for each test, where `sacct` works."""
    with SlurmCluster(accounting=True, database=empty_database(tmp_path_factory)) as cluster:
        yield cluster
