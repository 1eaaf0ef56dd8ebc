"""How a worker that holds the lease ends a job, or gives it back."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

from portal.audit.services import audit_record
from portal.common.queue import enqueue_on_commit
from portal.training.leases import (
    COUNTED,
    MIN_PROGRESS,
    NO_LEASE,
    Lease,
    LeaseLost,
    held_by,
    lease_scope,
)
from portal.training.models import UNFINISHED, JobState, TrainingJob
from portal.training.states import job_move
from portal.webhooks.models import EventType
from portal.webhooks.services import event_emit
from wire.errors import ErrorCode

MAX_MESSAGE_CHARS = 500
RETRY_WAITS = tuple(timedelta(seconds=seconds) for seconds in (30, 30, 120, 600, 1800))
"""After a failure that passes: by the attempts that count so far."""
BUSY_WAIT = timedelta(seconds=10)
"""About what a process takes to end that was told to."""
_TOLD = {
    JobState.SUCCEEDED: EventType.TRAINING_SUCCEEDED,
    JobState.FAILED: EventType.TRAINING_FAILED,
}
"""What webhooks hear of a training's end."""


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job failed, as its tenant reads it."""

    code: ErrorCode
    message: str


class Cancelled(Exception):
    """Somebody asked for the end of the job, and has been told that it ends: nothing may come of it."""


def job_fail(*, lease: Lease, error: JobError) -> None:
    """End the job: trying again would not help. Raises LeaseLost."""
    with lease_scope(lease):
        job = _wanted(lease)
        if job is not None:
            shown = {"code": error.code.value, "message": error.message}
            job_end(lease, job, JobState.FAILED, error=shown, eta_s=None)


def job_stop(*, lease: Lease) -> None:
    """End the job because somebody asked for it. Raises LeaseLost."""
    with lease_scope(lease):
        job_end(lease, job_locked(lease), JobState.CANCELLED, eta_s=None)


def job_retry(*, lease: Lease) -> None:
    """Queue the job again, and call for a worker: its process died. Raises LeaseLost."""
    with lease_scope(lease):
        if _wanted(lease) is not None:
            _requeue(lease, attempt=COUNTED)
            enqueue_on_commit(lease.model.job_name, id=lease.job_id)


def job_wait(*, lease: Lease, error: JobError, max_attempts: int) -> None:
    """Queue the job again, for a while later: what it lacked may be there then. It fails by ``error`` when
    so many attempts have not brought it forward. Raises LeaseLost."""
    with lease_scope(lease):
        job = _wanted(lease)
        if job is None:
            return
        shown = {"code": error.code.value, "message": error.message, "retryable": True}
        attempt = lease.attempt - 1 if job.share >= job.claimed_share + MIN_PROGRESS else lease.attempt
        if attempt >= max_attempts:
            job_end(lease, job, JobState.FAILED, error=shown, eta_s=None)
            return
        wait = RETRY_WAITS[min(attempt, len(RETRY_WAITS) - 1)]
        _requeue(lease, attempt=attempt, error=shown, retry_at=Now() + wait)


def job_start_over(*, lease: Lease) -> None:
    """Queue the job as if nobody had begun it, and call for a worker. Raises LeaseLost."""
    with lease_scope(lease):
        if _wanted(lease) is not None:
            _requeue(lease, attempt=lease.attempt - 1)
            enqueue_on_commit(lease.model.job_name, id=lease.job_id)


def job_give_back(*, lease: Lease) -> None:
    """Queue the job as if it had not been claimed, for when its old process has ended; until then it is no
    other's turn that it takes. The reaper calls for a worker later. Raises LeaseLost."""
    with lease_scope(lease):
        if _wanted(lease) is not None:
            _requeue(lease, attempt=lease.attempt - 1, retry_at=Now() + BUSY_WAIT)


def job_cancel(*, jobs: QuerySet[Any]) -> bool:
    """End the one job of ``jobs`` at once; a running one's worker is asked, which hears it within seconds.
    False when it has ended."""
    if not jobs.filter(state__in=UNFINISHED).update(cancel_requested=True):  # locks the row
        return False
    job_move(jobs.exclude(state=JobState.RUNNING), JobState.CANCELLED, finished_at=Now(), eta_s=None)
    return True


def job_pause(*, jobs: QuerySet[Any]) -> bool:
    """Set the one job of ``jobs`` aside. Its worker, if any, hears within seconds that it lost the lease, and
    ends its process, which keeps a checkpoint. That attempt does not count. False when it has ended."""
    if job_move(jobs.filter(state=JobState.QUEUED), JobState.PAUSED, eta_s=None):
        return True
    return job_move(jobs, JobState.PAUSED, **NO_LEASE, eta_s=None, attempt=F("attempt") - 1)


def job_locked(lease: Lease, *related: str) -> Any:
    """The lease's job, its row locked. Raises LeaseLost. Needs the lease's scope."""
    job = held_by(lease).select_for_update(of=("self",)).select_related("tenant", *related).first()
    if job is None:
        raise LeaseLost
    return job


def job_to_succeed(lease: Lease, *related: str) -> Any:
    """As job_locked, before what came of the job is written down. Raises Cancelled, too."""
    job = job_locked(lease, *related)
    if job.cancel_requested:
        raise Cancelled
    return job


def job_end(lease: Lease, job: Any, state: JobState, **changes: object) -> None:
    """Move the locked job to its last state. Raises LeaseLost."""
    if not job_move(held_by(lease), state, **NO_LEASE, finished_at=Now(), **changes):
        raise LeaseLost
    audit_record(
        actor=f"job:{job.pk}",
        action=f"{lease.model.kind}.{state.value}",
        target=job,
        tenant=job.tenant,
        attempt=lease.attempt,
    )
    if isinstance(job, TrainingJob) and state in _TOLD:
        event_emit(
            tenant=job.tenant,
            type=_TOLD[state],
            subject=job.task_id,
            data={
                "task": job.task.slug,
                "training": str(job.pk),
                "error": changes.get("error"),
            },
        )


def _wanted(lease: Lease) -> Any | None:
    """As job_locked, but a job whose end somebody has asked for is ended, and None: queued again its turn may
    be hours away, and until then no other of its task may begin."""
    job = job_locked(lease)
    if not job.cancel_requested:
        return job
    job_end(lease, job, JobState.CANCELLED, eta_s=None)
    return None


def _requeue(lease: Lease, *, attempt: int | Combinable, **changes: object) -> None:
    """Queue the locked job again."""
    if not job_move(
        held_by(lease),
        JobState.QUEUED,
        **NO_LEASE,
        enqueued_at=Now(),
        eta_s=None,
        attempt=attempt,
        **changes,
    ):
        raise LeaseLost
