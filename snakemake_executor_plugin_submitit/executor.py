"""The executor: jobs go out in arrays, are watched together, and come back with a cause."""

import asyncio
import shlex
import shutil
import signal
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from snakemake_interface_common.exceptions import WorkflowError
from snakemake_interface_executor_plugins.executors.base import SubmittedJobInfo
from snakemake_interface_executor_plugins.executors.remote import RemoteExecutor
from snakemake_interface_executor_plugins.jobs import JobExecutorInterface

from snakemake_executor_plugin_submitit.command import JobCommand
from snakemake_executor_plugin_submitit.earlier import EarlierJobs, find_ids, is_live
from snakemake_executor_plugin_submitit.ledger import (
    Entry,
    Ledger,
    Submission,
    fingerprint,
    identify,
)
from snakemake_executor_plugin_submitit.local import Local
from snakemake_executor_plugin_submitit.pace import Pace
from snakemake_executor_plugin_submitit.request import Request, RequestError, make_request
from snakemake_executor_plugin_submitit.slurm import RefusedError, Slurm, UnreachableError
from snakemake_executor_plugin_submitit.states import (
    PASSING,
    Cause,
    JobState,
    Result,
    describe_waiting,
    find_cause,
    succeeded,
)
from snakemake_executor_plugin_submitit.task import (
    Task,
    describe_failure,
    job_files,
    log_folder,
    read_messages,
    read_result,
    result_path,
)

STARTED = time.time()
"""When this driver began, before it looked at any file."""

PASSING_SECONDS = 30
"""How long a state may last that Slurm shows before it queues a job again."""

WARN_EVERY = 60
"""Seconds between warnings that Slurm doesn't answer."""

KEPT = "_log.err"
"""The ending of what is kept of a failed job: Slurm's own words."""


class Executor(RemoteExecutor):
    """Sends jobs to a cluster and follows each to its real end."""

    def __init__(self, workflow: Any, logger: Any) -> None:
        # The thread that watches jobs starts in the constructor of the base class.
        self.settings = workflow.executor_settings
        self.folder = Path(self.settings.folder).absolute()
        self.jobs_folder = self.folder / "jobs"
        self.jobs_folder.mkdir(parents=True, exist_ok=True)
        self.ledger = Ledger(self.folder)
        backend = Slurm if self.settings.cluster == "slurm" else Local
        self.cluster = backend(self.jobs_folder, self.settings)
        self._mutex = threading.RLock()
        self._tasks: dict[JobExecutorInterface, Task] = {}
        self._ended: dict[JobExecutorInterface, Task] = {}
        self._waiting: list[Task] = []
        self._doubtful: set[str] = set()
        self._open: dict[str, set[str]] = {}
        self._reports: deque[Callable[[], None]] = deque()
        self._earlier = EarlierJobs(self.ledger, self.jobs_folder, STARTED)
        self._stopped = False
        self._warned_at: dict[str, float] = {}
        self._warned_of: set[str] = set()
        self._pace = Pace(self.settings.status_interval, self.settings.status_interval_max)
        super().__init__(workflow, logger)

    def __post_init__(self) -> None:
        self.next_seconds_between_status_checks = self.settings.status_interval
        self._refuse_bad_requests()

    def get_python_executable(self) -> str:
        """Return this Python, for the shell."""
        return shlex.quote(sys.executable)

    def get_job_args(self, job: JobExecutorInterface) -> str:
        """Return the arguments of the Snakemake in the job; it may use the CPUs that it asked for.

        All of the node's, as is the default, would let members of a group run at once that were
        planned one after another.
        """
        return f"{super().get_job_args(job)} --cores {self._make_request(job).cpus}"

    def _refuse_bad_requests(self) -> None:
        """Raise before the first job if a rule asks for what can't be asked for."""
        seen = set()
        for job in self.workflow.dag.needrun_jobs():
            if job.is_local or job.name in seen:
                continue
            # Resources that depend on files that aren't there yet are looked at when they are.
            known = {name: it for name, it in job.resources.items() if str(it) != "<TBD>"}
            if "runtime" not in known and job.resources.get("runtime") is not None:
                continue
            seen.add(job.name)
            try:
                make_request(known, job.threads, self.settings.signal_delay)
            except RequestError as error:
                raise WorkflowError(f"rule {job.name}: {error}") from None

    def _make_request(self, job: JobExecutorInterface) -> Request:
        return make_request(job.resources, job.threads, self.settings.signal_delay)

    # Jobs go out.

    def run_jobs(self, jobs: list[JobExecutorInterface]) -> None:
        """Send all jobs that are ready, those of equal resources as one array."""
        self._stop_on_sigterm()
        tasks = []
        for job in jobs:
            self.run_job_pre(job)
            try:
                tasks.append(self._make_task(job))
            except RequestError as error:
                self.report_job_error(SubmittedJobInfo(job), msg=f"{error}\n")
        rest = self._attach(tasks)
        with self._hold_interrupts(), self._mutex:
            self._send(rest)
        self._report()

    def run_job(self, job: JobExecutorInterface) -> None:
        """Send one job."""
        self.run_jobs([job])

    def _make_task(self, job: JobExecutorInterface) -> Task:
        request = self._make_request(job)
        entry = Entry(identify(job), fingerprint(job), log_folder(job))
        command = JobCommand(
            command=self.format_job_exec(job),
            folder=str(Path.cwd()),
            log="",
            max_requeues=self.settings.max_requeues,
        )
        return Task(SubmittedJobInfo(job), request, command, entry)

    def _send(self, tasks: Sequence[Task]) -> None:
        """Send tasks, those of equal requests together; what can't be sent now waits."""
        batches: dict[tuple[Request, str], list[Task]] = {}
        for task in tasks:
            batches.setdefault((task.request, task.job.name), []).append(task)
        for (request, _), batch in batches.items():
            for start in range(0, len(batch), self.settings.array_limit):
                self._send_batch(request, batch[start : start + self.settings.array_limit])

    def _send_batch(self, request: Request, batch: list[Task]) -> None:
        if self._stopped:
            return
        name = self.ledger.name_submission(batch[0].job.name)
        submission = Submission(name, [task.entry for task in batch])
        for task in batch:
            self._name(task, name)
        try:
            self.ledger.write(submission)
            commands = [task.command for task in batch]
            submission.ids = self.cluster.submit(submission, request, commands)
            self.ledger.write(submission)
        except UnreachableError as error:
            self._warn(f"can't submit, trying again: {error}")
            self._doubtful.add(name)
            self._waiting += batch
            return
        except (RefusedError, OSError) as error:
            self.ledger.forget(name)
            refused = isinstance(error, RefusedError)
            what = (Cause.REFUSED if refused else Cause.UNWRITABLE).value
            for task in batch:
                self._report_failure(task, f"{what}: {error}; it asked for {request.describe()}\n")
            return
        self._open[name] = set(submission.ids)
        self.logger.info(
            f"{self.cluster.name} job {describe_ids(submission.ids)}: {batch[0].job.name}"
        )
        for task, job in zip(batch, submission.ids, strict=True):
            self._follow(task, job)
        self._pace.hurry()

    def _name(self, task: Task, submission: str) -> None:
        """Make a task one of a submission; its log is of that number."""
        task.submission = submission
        number = submission.rpartition(".")[2]
        task.command.log = str(self.folder / "logs" / task.entry.log / f"{number}.log")

    def _follow(self, task: Task, job: str) -> None:
        """Watch a job of the cluster as a task, and tell Snakemake of it."""
        task.id = task.info.external_jobid = job
        self._tasks[task.job] = task
        if not task.reported:
            task.reported = True
            self.report_job_submission(task.info)

    @contextmanager
    def _hold_interrupts(self) -> Iterator[None]:
        """Let Ctrl-C wait, so that no job is sent without a note of it.

        Not for this machine: its jobs are processes that would inherit it.
        """
        main = threading.current_thread() is threading.main_thread()
        if not main or isinstance(self.cluster, Local):
            yield
            return
        held = {signal.SIGINT, signal.SIGTERM}
        before = signal.pthread_sigmask(signal.SIG_BLOCK, held)
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _stop_on_sigterm(self) -> None:
        """Let SIGTERM cancel the jobs as Ctrl-C does; Snakemake's own way waits for them all."""
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, _interrupt)

    # Jobs of an earlier driver.

    def _attach(self, tasks: list[Task]) -> list[Task]:
        """Follow jobs that an earlier driver sent and that still stand; return the other tasks."""
        if not self._earlier.know(tasks):
            return tasks
        states = self._look_patiently()
        rest, old = [], []
        for task in tasks:
            earlier = self._earlier.take(task, states)
            if earlier is None:
                rest.append(task)
            elif earlier.stands:
                self._adopt(task, earlier.submission, earlier.id, states)
            else:
                task.after = earlier.id
                old.append(task)
        if old:
            self.logger.info(f"{len(old)} jobs of an earlier run are out of date: cancelling them")
            with self._mutex:
                self._waiting += old
            self._cancel([task.after for task in old if task.after])
        return rest

    def _adopt(
        self, task: Task, submission: Submission, job: str, states: Mapping[str, JobState]
    ) -> None:
        self._name(task, submission.name)
        self.logger.info(f"{task.label}: job {job} of an earlier run goes on")
        with self._mutex:
            # All of it, so that the note stays for those that are asked for later.
            self._open.setdefault(submission.name, set(find_ids(submission, states)))
            self._follow(task, job)

    def _look_patiently(self) -> dict[str, JobState]:
        """Return all jobs of the cluster; wait while it doesn't answer."""
        while True:
            try:
                return self.cluster.look()
            except UnreachableError as error:
                self._warn(f"waiting to learn of jobs of an earlier run: {error}")
                time.sleep(self.settings.status_interval)

    # Jobs are watched.

    async def check_active_jobs(
        self, active_jobs: list[SubmittedJobInfo]
    ) -> AsyncIterator[SubmittedJobInfo]:
        """Report the jobs that have ended; give back the others."""
        with self._mutex:
            infos = {id(info) for info in active_jobs}
            tasks = [task for task in self._tasks.values() if id(task.info) in infos]
            results = self._read_results(tasks)
            for task in tasks:
                if task.id and succeeded(results.get(task.id)):
                    self._end(task)
                    self._reports.append(partial(self.report_job_success, task.info))
            left = [task for task in tasks if task.job in self._tasks]
            if self._is_time_to_look(left, results):
                self._look(left, results)
            # A job that Snakemake tries again has a new task, with another record.
            active = {id(task.info) for task in self._tasks.values()}
        self._report()
        for info in active_jobs:
            if id(info) in active:
                yield info

    def _read_results(self, tasks: Sequence[Task]) -> dict[str, Result]:
        """Return the results that are there; one look into the folder for all jobs."""
        there = {path.name for path in self.jobs_folder.iterdir()}
        results = {}
        for task in tasks:
            if task.id and result_path(self.jobs_folder, task.id).name in there:
                result = read_result(self.jobs_folder, task.id)
                if result is not None:
                    results[task.id] = result
        return results

    def _is_time_to_look(self, tasks: Sequence[Task], results: Mapping[str, Result]) -> bool:
        if not tasks and not self._waiting:
            return False
        soon = bool(self._waiting) or any(
            task.ended_since is not None or task.id in results for task in tasks
        )
        return soon or self._pace.is_due()

    def _look(self, tasks: Sequence[Task], results: Mapping[str, Result]) -> None:
        """Ask the cluster once for all jobs, and deal with those that have ended."""
        try:
            states = self.cluster.look()
            recalled = self.cluster.recall({t.id for t in tasks if t.id and t.id not in states})
        except UnreachableError as error:
            self._warn(f"no answer, waiting: {error}")
            return
        self._pace.note(Counter(states[t.id].state for t in tasks if t.id and t.id in states))
        self._speak_of_waiting(states)
        for task in tasks:
            if task.id is None:
                continue
            state = states.get(task.id) or recalled.get(task.id)
            if state and state.name not in ("", task.submission):
                state = None  # an id that the cluster gave again
            result = results.get(task.id)
            if self._has_ended(task, state, result):
                self._finish(task, result)
        self._send_waiting(states)

    def _has_ended(self, task: Task, state: JobState | None, result: Result | None) -> bool:
        """Return whether a job that didn't succeed has come to its real end."""
        now = time.monotonic()
        task.state = state or task.state
        if state is None:
            task.missing_since = task.missing_since or now
            return result is not None or now - task.missing_since >= self.settings.lost_after
        task.missing_since = None
        if not state.ended:
            task.ended_since = None
            return False
        task.ended_since = task.ended_since or now
        patience = 0.0
        if result is None:
            patience = float(self.workflow.execution_settings.latency_wait)
        if state.state in PASSING:
            patience = max(patience, PASSING_SECONDS)
        return now - task.ended_since >= patience

    def _speak_of_waiting(self, states: Mapping[str, JobState]) -> None:
        """Warn once of each reason for which jobs wait that may not pass by itself."""
        ours = {job: state for job, state in states.items() if self.ledger.is_ours(state.name)}
        for reason, number in describe_waiting(ours).items():
            if reason not in self._warned_of:
                self._warned_of.add(reason)
                self.logger.warning(f"{number} jobs wait in the queue: {reason}")
        for job, state in ours.items():
            held = state.reason.lower().replace(" ", "_")
            if state.state == "PENDING" and held.startswith("launch_failed_requeued_held"):
                self.cluster.release(job)

    def _send_waiting(self, states: Mapping[str, JobState]) -> None:
        """Send what couldn't be sent before, where nothing stands in its way."""
        doubtful = [job for job, state in states.items() if state.name in self._doubtful]
        if doubtful:  # sbatch took them after all; they have nothing to run
            self._cancel([job for job in doubtful if not states[job].ended])
        for name in self._doubtful:
            self.ledger.forget(name)
        self._doubtful.clear()
        waiting, self._waiting = self._waiting, []
        ready = []
        for task in waiting:
            before = states.get(task.after) if task.after else None
            if before is not None and not before.ended:
                self._waiting.append(task)
            else:
                ready.append(task)
        self._send(ready)

    # Jobs come back.

    def _finish(self, task: Task, result: Result | None) -> None:
        """Send a failed job again, or report it."""
        assert task.id is not None
        end = task.state if task.state and task.state.ended else None  # or last seen alive
        cause = find_cause(end, result, read_messages(self.jobs_folder, task.id))
        if cause is Cause.OUT_OF_MEMORY and task.doubled < self.settings.out_of_memory_retries:
            more = task.request.with_memory(2)
            if more != task.request:
                task.doubled += 1
                task.request = more
                self._send_again(task, f"{cause.value}; sent again, with twice the memory")
                return
        if cause.is_of_cluster and task.resent < self.settings.max_requeues:
            task.resent += 1
            number = f"{task.resent} of at most {self.settings.max_requeues}"
            self._send_again(task, f"{cause.value}; sent again ({number})")
            return
        self._report_failure(task, describe_failure(task, cause, result, self.jobs_folder))

    def _send_again(self, task: Task, why: str) -> None:
        node = f" on {task.state.node}" if task.state and task.state.node else ""
        self.logger.warning(f"{task.label}, job {task.id}{node}: {why}")
        if task.id and not (task.state and task.state.ended):
            self._cancel([task.id])  # if it is only out of sight, it must not run beside
        self._close(task)
        task.send_again()
        self._waiting.append(task)

    def _end(self, task: Task) -> None:
        """Follow a task no longer."""
        self._tasks.pop(task.job, None)
        self._ended[task.job] = task

    def _report_failure(self, task: Task, message: str) -> None:
        self._end(task)
        logs = [path for path in [task.command.log] if task.id and Path(path).exists()]
        report = partial(self.report_job_error, task.info, msg=message, aux_logs=logs)
        self._reports.append(report)

    def _report(self) -> None:
        """Tell Snakemake what has ended, when no lock is held: Snakemake takes its own."""
        with suppress(IndexError):
            while True:
                self._reports.popleft()()

    def handle_job_success(self, job: JobExecutorInterface) -> None:
        """Clean up once Snakemake has recorded the job."""
        super().handle_job_success(job)
        self._clean(job, keep=self.settings.keep_logs)

    def handle_job_error(self, job: JobExecutorInterface) -> None:
        """Clean up, but for the logs, once Snakemake has recorded the failure."""
        super().handle_job_error(job)
        self._clean(job, keep=True)

    def _clean(self, job: JobExecutorInterface, keep: bool) -> None:
        with self._mutex:
            task = self._ended.pop(job, None)
            if task is None:
                return
            if not keep:
                folder = self.folder / "logs" / task.entry.log
                shutil.rmtree(folder, ignore_errors=True)
                with suppress(OSError):
                    folder.parent.rmdir()
            self._close(task, keep=keep)

    def _close(self, task: Task, keep: bool = False) -> None:
        """Forget a job of the cluster: remove its files, and its submission with the last."""
        if task.id is None:
            return
        for path in job_files(self.jobs_folder, task.id):
            if not (keep and path.name.endswith(KEPT)):
                path.unlink(missing_ok=True)
        jobs = self._open.get(task.submission, set())
        jobs.discard(task.id)
        if not jobs:
            self._open.pop(task.submission, None)
            self.ledger.forget(task.submission)

    # The end.

    def cancel(self) -> None:
        """Cancel all jobs in one call, and note that they were: on Ctrl-C and on SIGTERM."""
        with self._mutex:
            self._stopped = True
            tasks = [task for task in self._tasks.values() if task.id]
            self._waiting.clear()
        self._cancel([task.id for task in tasks if task.id])
        for submission in self.ledger.read_all():
            if submission.name in self._open:
                submission.cancelled = True
                self.ledger.write(submission)
        if tasks:
            self.logger.info(f"cancelled {len(tasks)} jobs")
        self.shutdown()

    def cancel_jobs(self, active_jobs: list[SubmittedJobInfo]) -> None:
        """Cancel jobs in one call."""
        self._cancel([info.external_jobid for info in active_jobs if info.external_jobid])

    def _cancel(self, ids: Sequence[str]) -> None:
        try:
            self.cluster.cancel(ids)
        except UnreachableError as error:
            self.logger.warning(f"can't cancel: {error}; do it by: scancel {' '.join(ids)}")

    def shutdown(self) -> None:
        """Stop watching; remove what is left of earlier jobs that nobody needs."""
        super().shutdown()
        if not self._stopped:
            self._settle_earlier_jobs()
        if not self.ledger.read_all():
            shutil.rmtree(self.ledger.submissions, ignore_errors=True)
            for path in self.jobs_folder.iterdir():
                if not path.name.endswith(KEPT):
                    path.unlink(missing_ok=True)
            with suppress(OSError):
                self.jobs_folder.rmdir()

    def _settle_earlier_jobs(self) -> None:
        """Forget jobs of earlier drivers that have ended; tell of those that still run."""
        earlier = self.ledger.read_all()
        if not earlier:
            return
        try:
            states = self.cluster.look()
        except UnreachableError as error:
            self._warn(f"can't tell whether jobs of an earlier run are still there: {error}")
            return
        for submission in earlier:
            ids = find_ids(submission, states)
            live = [job for job in ids if is_live(states.get(job), submission.name)]
            if live:
                self.logger.warning(
                    "jobs of an earlier run go on, though nothing here needs them; to stop"
                    f" them: scancel {' '.join(live)}"
                )
                continue
            for job in ids:
                for path in job_files(self.jobs_folder, job):
                    path.unlink(missing_ok=True)
            self.ledger.forget(submission.name)

    async def sleep(self) -> None:
        """Sleep until the next look, but not on when the run is over."""
        until = time.monotonic() + self.settings.status_interval
        while self.wait and time.monotonic() < until:
            await asyncio.sleep(min(0.2, self.settings.status_interval))

    def _warn(self, message: str) -> None:
        """Warn, but of one thing not at every look."""
        what, now = message.partition(":")[0], time.monotonic()
        if now - self._warned_at.get(what, float("-inf")) >= WARN_EVERY:
            self._warned_at[what] = now
            self.logger.warning(f"Slurm: {message}")


def _interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def describe_ids(ids: Sequence[str]) -> str:
    """Return the ids of jobs that were sent together, as Slurm writes those of an array."""
    if len(ids) == 1 or "_" not in ids[0]:
        return ", ".join(ids)
    return f"{ids[0].partition('_')[0]}_[0-{len(ids) - 1}]"
