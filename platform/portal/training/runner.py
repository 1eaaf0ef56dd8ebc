"""One attempt at a job: claim it, run the process, show its progress, write down how it ended."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any, Generic, TypeVar

import structlog
from django.db import InterfaceError, InternalError, OperationalError, connection
from psycopg.errors import IdleInTransactionSessionTimeout

from portal.common.errors import PortalError
from portal.training.crash_files import CrashFiles
from portal.training.history import HistoryThinner
from portal.training.leases import Heartbeat, Lease, LeaseLost, job_claim_next, job_heartbeat
from portal.training.memory import process_bytes
from portal.training.outcomes import (
    Cancelled,
    JobError,
    job_fail,
    job_give_back,
    job_retry,
    job_start_over,
    job_stop,
    job_wait,
)
from portal.training.process import BrokenProtocol, Ended, TrainingProcess
from portal.training.work import J, R, StaleJob, Work
from portal.training.work_dir import WorkDir, WorkDirBusy
from wire.errors import CANNOT_WRITE, ErrorCode
from wire.training import Phase, Progress, TrainFailure

MAX_SILENCE_S = 600.0  # the contract asks for a line every two seconds; a machine may be very busy
_POLL_S = 0.25
_RETRY_S = 0.5
_BEGINS_ANEW = Progress(
    phase=Phase.STARTING,
    step=0,
    num_steps=0,
    loss=None,
    validation_accuracy=None,
    eta_s=None,
    message="what it was learning from has been deleted or replaced: it begins anew without it",
)
_log = structlog.get_logger("portal.jobs")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class RunnerConfig:
    """How jobs' processes are started and watched."""

    command: tuple[str, ...]  # --job, --work and --watch-stdin are added
    environment: Mapping[str, str]  # all that the process gets: no secrets of database or broker
    work_root: Path
    lease_s: float
    max_attempts: int
    timeout_s: float  # of one attempt
    memory_bytes: int | None = None  # of this machine, for all jobs of the kind that run at a time; None: any
    max_running: int | None = None  # jobs of the kind on this machine at a time; None: as many as there are

    @property
    def heartbeat_s(self) -> float:
        """Often enough to miss some and keep the lease."""
        return min(2.0, self.lease_s / 5)


class Crashed(Exception):
    """The process ended without an outcome, broke the protocol, or hung: the next attempt may go well."""


class FailedForNow(Exception):
    """The process said what it lacks: later it may be there. Its words are for the operator."""

    def __init__(self, error: JobError, *, for_operator: str) -> None:
        super().__init__(for_operator or error.message)
        self.error = error


class PlaceTaken(Exception):
    """Something else stands where the process publishes: an earlier attempt's, whose scratch folder was
    another machine's."""


class DatabaseAway(Exception):
    """The database did not answer; it may later."""


def run_next_job(work: Work[Any, Any], config: RunnerConfig) -> bool:
    """Work on the free job whose turn it is, if there is one, and room for it; whether there was."""
    lease = job_claim_next(
        work.model,
        lease_s=config.lease_s,
        memory_bytes=config.memory_bytes,
        max_running=config.max_running,
    )
    if lease is None:
        return False
    run_lease(work, lease, config)
    return True


def run_lease(work: Work[Any, Any], lease: Lease, config: RunnerConfig) -> None:
    """Work on the job of ``lease``, which was just taken."""
    try:
        Attempt(work, lease, config).run()
    except LeaseLost:
        _log.warning("job.lease_lost", job=lease.job_id, attempt=lease.attempt)


class Attempt(Generic[J, R]):
    """One process under one lease. Used once, by one thread."""

    def __init__(self, work: Work[J, R], lease: Lease, config: RunnerConfig) -> None:
        self._work = work
        self._job: J | None = None
        self._lease = lease
        self._config = config
        self._started = time.monotonic()
        self._lease_until = self._started + config.lease_s
        self._next_heartbeat = self._started
        self._peak_bytes: int | None = None
        self._thinner = HistoryThinner()
        self._log = _log.bind(
            kind=work.model.kind, job=lease.job_id, tenant=lease.tenant_id, attempt=lease.attempt
        )

    def run(self) -> None:
        """From the claimed job to its next state. Raises LeaseLost."""
        try:
            work_dir = WorkDir(self._config.work_root, self._lease.job_id)
        except WorkDirBusy:
            self._log.warning("job.still_running")
            self._insist(lambda: job_give_back(lease=self._lease))
            return
        except OSError as exc:
            self._wait_to_write(exc)
            return
        try:
            self._work_in(work_dir)
        finally:
            work_dir.close()

    def _work_in(self, work_dir: WorkDir) -> None:
        lease = self._lease
        try:
            self._end(*self._outcome(work_dir))
        except PortalError as exc:
            self._fail(JobError(exc.code, exc.message))
        except Cancelled:
            self._insist(lambda: job_stop(lease=lease))
        except Crashed as exc:
            self._log.warning("job.crashed", reason=str(exc))
            self._insist(lambda: job_retry(lease=lease))
            return  # with its checkpoints kept
        except FailedForNow as exc:
            self._wait(exc.error, str(exc))
            return  # likewise
        except OSError as exc:
            self._wait_to_write(exc)
            return  # likewise
        except PlaceTaken:
            self._log.warning("job.place_taken")
            self._discard()
            self._insist(lambda: job_retry(lease=lease))
            return  # likewise: the next attempt publishes what this one has made
        except StaleJob:
            self._start_over(work_dir)
            return
        work_dir.delete()

    def _wait(self, error: JobError, for_operator: str) -> None:
        self._log.warning("job.failed_for_now", code=error.code.value, reason=for_operator)
        max_attempts = self._config.max_attempts
        self._insist(lambda: job_wait(lease=self._lease, error=error, max_attempts=max_attempts))

    def _wait_to_write(self, exc: OSError) -> None:
        place, reason = exc.filename or self._config.work_root, exc.strerror or exc
        self._wait(
            JobError(ErrorCode.STORE_UNAVAILABLE, CANNOT_WRITE),
            f"cannot write in {place} ({reason}): free disk space there, let the worker's user write there, "
            "or name another folder by HMI_WORK_DIR",
        )

    def _start_over(self, work_dir: WorkDir) -> None:
        """Nothing stays of what the job made from things that are gone; then it begins anew."""
        self._log.info("job.stale")
        self._insist(lambda: self._work.show(self._lease, _BEGINS_ANEW))
        if not self._discard():  # the next attempt finds the same job and tries again
            self._insist(lambda: job_retry(lease=self._lease))
            return
        work_dir.delete()
        self._insist(lambda: job_start_over(lease=self._lease))

    def _discard(self) -> bool:
        """Delete what stands where the job publishes. False: the store is away. Raises LeaseLost."""
        assert self._job is not None, "only a job that was begun has places"
        if self._insist(self._heartbeat) is Heartbeat.LOST:
            raise LeaseLost  # what stands under the job's name may be another worker's, and serve
        try:
            self._work.discard(self._job)
        except PortalError as exc:
            self._log.warning("job.not_discarded", reason=str(exc))
            return False
        return True

    def _end(self, job: J, outcome: R | TrainFailure) -> None:
        if isinstance(outcome, TrainFailure):
            self._fail(_error_of(outcome))
        else:
            self._insist(lambda: self._work.succeed(self._lease, job, outcome))

    def _fail(self, error: JobError) -> None:
        self._log.warning("job.failed", code=error.code.value)
        self._insist(lambda: job_fail(lease=self._lease, error=error))

    def _outcome(self, work_dir: WorkDir) -> tuple[J, R | TrainFailure]:
        self._beat()
        if self._lease.attempt > self._config.max_attempts:
            raise _given_up(self._work.name, self._config.max_attempts)
        begun = work_dir.job(self._work.job_type)
        job = self._job = begun or self._insist(lambda: self._work.make_job(self._lease))
        self._insist(self._check_fresh)
        work_dir.write_job(job)
        with self._started_in(work_dir) as process:
            try:
                return job, self._follow(process, job)
            except (BrokenProtocol, Crashed) as exc:
                process.close()
                said = CrashFiles(self._config.work_root).keep(
                    f"{self._lease.job_id}-{self._lease.attempt}-{time.time():.0f}",
                    f"{exc}\n{process.stderr_tail}",
                )
                raise Crashed(f"{exc}; see {said}") from exc

    def _started_in(self, work_dir: WorkDir) -> TrainingProcess:
        files = ("--job", str(work_dir.job_file), "--work", str(work_dir.checkpoints))
        try:
            return TrainingProcess(
                [*self._config.command, *files, "--watch-stdin"],
                environment={**self._config.environment, "TMPDIR": str(work_dir.temporary)},
                folder=work_dir.path,
                held_files=(work_dir.lock_file,),
            )
        except OSError as exc:
            raise Crashed(f"the process cannot be started: {exc}") from exc

    def _follow(self, process: TrainingProcess, job: J) -> R | TrainFailure:
        heard_at = time.monotonic()
        while True:
            event = process.next_event(timeout_s=_POLL_S)
            now = time.monotonic()
            self._peak_bytes = max(self._peak_bytes or 0, process_bytes(process.process_id) or 0) or None
            match event:
                case self._work.result_type():
                    self._work.check(job, event)
                    return event
                case TrainFailure():
                    # What a deletion took away under the process is no fault of the job's.
                    self._insist(self._check_fresh)
                    if event.code == ErrorCode.ALREADY_EXISTS.value:
                        raise PlaceTaken
                    if event.retryable:
                        raise FailedForNow(_error_of(event), for_operator=event.for_operator)
                    return event
                case Progress():
                    heard_at = now
                    self._show(event, now)
                case Ended():
                    raise Crashed(f"the process ended with status {event.exit_code}")
                case None:
                    if now - heard_at > MAX_SILENCE_S:
                        raise Crashed(f"the process said nothing for {MAX_SILENCE_S:.0f} s")
            if now >= self._next_heartbeat:
                self._beat()
            if now - self._started > self._config.timeout_s:
                raise _took_too_long(self._work.name, self._config.timeout_s)

    def _show(self, progress: Progress, now: float) -> None:
        if self._thinner.is_kept(progress, now):
            try:
                _ask(lambda: self._work.show(self._lease, progress))
            except DatabaseAway:
                self._log.warning("job.progress_not_written")  # a point less in the curve

    def _beat(self) -> None:
        sent_at = time.monotonic()
        try:
            heard = _ask(self._heartbeat)
            _ask(self._check_fresh)
        except DatabaseAway as exc:
            self._check_lease(exc)
            self._next_heartbeat = time.monotonic() + _RETRY_S
            return
        if heard is Heartbeat.LOST:
            raise LeaseLost
        if heard is Heartbeat.CANCEL:
            raise Cancelled
        self._lease_until = sent_at + self._config.lease_s
        self._next_heartbeat = sent_at + self._config.heartbeat_s

    def _heartbeat(self) -> Heartbeat:
        return job_heartbeat(lease=self._lease, lease_s=self._config.lease_s, num_bytes=self._peak_bytes)

    def _check_fresh(self) -> None:
        """Raise StaleJob when what the job was made from has been deleted or replaced."""
        job = self._job
        if job is not None and self._work.is_stale(self._lease, job):
            raise StaleJob

    def _insist(self, ask: Callable[[], T]) -> T:
        """Ask again while the database is away and the lease may still be ours."""
        while True:
            try:
                return _ask(ask)
            except DatabaseAway as exc:
                self._check_lease(exc)
                Event().wait(_RETRY_S)

    def _check_lease(self, reason: DatabaseAway) -> None:
        if time.monotonic() > self._lease_until:
            raise LeaseLost from reason


def _ask(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except (OperationalError, InterfaceError, InternalError) as exc:
        # Of InternalErrors one is no fault of ours: the worker stalled amid its transaction, past MAX_STALL.
        if isinstance(exc, InternalError) and not isinstance(exc.__cause__, IdleInTransactionSessionTimeout):
            raise
        connection.close()  # the next question takes a fresh one
        raise DatabaseAway from exc


def _error_of(failure: TrainFailure) -> JobError:
    known = failure.code in ErrorCode.__members__.values()
    # It may quote a tenant's file, and PostgreSQL keeps no NUL.
    message = failure.message.replace("\0", "\ufffd")
    return JobError(ErrorCode(failure.code) if known else ErrorCode.TRAINING_FAILED, message)


def _given_up(name: str, max_attempts: int) -> PortalError:
    return PortalError(
        f"The {name} stopped unexpectedly {max_attempts} times at one place. Start it again; if it stops "
        "again, tell the operator the job's id.",
        code=ErrorCode.TRAINING_FAILED,
    )


def _took_too_long(name: str, timeout_s: float) -> PortalError:
    return PortalError(
        f"The {name} was stopped: one attempt may take {timeout_s / 60:.4g} minutes on this installation. "
        "Use fewer rows, epochs or tokens.",
        code=ErrorCode.TRAINING_FAILED,
    )
