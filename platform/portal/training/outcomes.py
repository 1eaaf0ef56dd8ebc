"""What a worker writes about a job while it holds the lease: progress, and how the training ended."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import F, Max
from django.db.models.functions import Now

from portal.audit.services import audit_record
from portal.catalog.models import Backbone
from portal.catalog.services import version_register
from portal.common.queue import JobName, enqueue_on_commit
from portal.training.leases import NO_LEASE, Lease, LeaseLost, held_by, lease_scope
from portal.training.models import JobState, TrainingEvent, TrainingJob
from portal.training.states import job_move
from wire.errors import ErrorCode
from wire.training import Progress, TrainJob, TrainResult

MAX_MESSAGE_CHARS = 500


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job failed, as its tenant reads it."""

    code: ErrorCode
    message: str


def training_progress(*, lease: Lease, progress: Progress) -> None:
    """Show where the job is, and add a point to its curve. Raises LeaseLost."""
    shown = {
        "phase": progress.phase.value,
        "step": progress.step,
        "num_steps": progress.num_steps,
        "loss": progress.loss,
        "validation_accuracy": progress.validation_accuracy,
        "message": progress.message[:MAX_MESSAGE_CHARS],
    }
    with lease_scope(lease):
        if not held_by(lease).update(
            **shown, eta_s=progress.eta_s
        ):  # locks the row: its events come in order
            raise LeaseLost
        events = TrainingEvent.objects.unscoped().filter(job_id=UUID(lease.job_id))
        last = events.aggregate(last=Max("seq"))["last"] or 0
        TrainingEvent(tenant_id=lease.tenant_id, job_id=lease.job_id, seq=last + 1, **shown).save(
            force_insert=True
        )


def training_succeed(*, lease: Lease, done: TrainJob, result: TrainResult) -> None:
    """Register the version that ``done`` made and end the job, in one transaction. Raises LeaseLost."""
    with lease_scope(lease):
        job = _locked(lease)
        if job.dataset is None:
            raise RuntimeError(f"job {job.pk} lost its dataset while it was running")
        version = version_register(
            task=job.task,
            job_id=job.pk,
            dataset=job.dataset,
            backbone=Backbone.objects.get(digest=done.backbone_digest),
            labels=done.labels,
            result=result,
        )
        _end(lease, job, JobState.SUCCEEDED, version=version.pk, step=F("num_steps"), eta_s=0.0, error=None)


def training_fail(*, lease: Lease, error: JobError) -> None:
    """End the job: trying again would not help. Raises LeaseLost."""
    with lease_scope(lease):
        shown = {"code": error.code.value, "message": error.message}
        _end(lease, _locked(lease), JobState.FAILED, error=shown, eta_s=None)


def training_stop(*, lease: Lease) -> None:
    """End the job because its tenant asked for it. Raises LeaseLost."""
    with lease_scope(lease):
        _end(lease, _locked(lease), JobState.CANCELLED, eta_s=None)


def training_retry(*, lease: Lease) -> None:
    """Queue the job again, and call for a worker: its process died. Raises LeaseLost."""
    with lease_scope(lease):
        _requeue(lease, attempt=lease.attempt)
        enqueue_on_commit(JobName.TRAINING_RUN, id=lease.job_id)


def training_give_back(*, lease: Lease) -> None:
    """Queue the job as if it had not been claimed; the reaper calls for a worker later. Raises LeaseLost."""
    with lease_scope(lease):
        _requeue(lease, attempt=lease.attempt - 1)


def _locked(lease: Lease) -> TrainingJob:
    job = held_by(lease).select_for_update(of=("self",)).select_related("tenant", "task", "dataset").first()
    if job is None:
        raise LeaseLost
    return job


def _end(lease: Lease, job: TrainingJob, state: JobState, **changes: object) -> None:
    if not job_move(held_by(lease), state, **NO_LEASE, finished_at=Now(), **changes):
        raise LeaseLost
    audit_record(
        actor=f"job:{job.pk}",
        action=f"training.{state.value}",
        target=job,
        tenant=job.tenant,
        attempt=lease.attempt,
    )


def _requeue(lease: Lease, *, attempt: int) -> None:
    if not job_move(
        held_by(lease), JobState.QUEUED, **NO_LEASE, enqueued_at=Now(), eta_s=None, attempt=attempt
    ):
        raise LeaseLost
