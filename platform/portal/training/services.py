"""What a tenant does with trainings: start and cancel them."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models.functions import Now

from portal.audit.services import audit_record
from portal.catalog.models import Task
from portal.catalog.selectors import backbone_default, general_tree
from portal.catalog.services import task_labels_set, task_lock
from portal.common.errors import Conflict, InvalidField
from portal.common.queue import JobName, enqueue_on_commit
from portal.common.refusals import unless_taken
from portal.datasets.models import Dataset, DatasetState
from portal.tenants.actors import Actor
from portal.training.memory import check_fits, reckoned_bytes
from portal.training.models import UNFINISHED, JobState, TrainingEstimate, TrainingJob
from portal.training.outcomes import job_cancel, job_pause
from portal.training.recipes import BadRecipe, parse_recipe
from portal.training.states import job_move
from portal.training.try_again import can_be_tried_again
from wire.codec import to_plain
from wire.training import Recipe


@transaction.atomic
def training_create(*, task: Task, dataset_id: UUID, recipe: Mapping[str, Any], acting: Actor) -> TrainingJob:
    """Queue a training of ``task`` on one of its tenant's datasets; one at a time for each task."""
    asked = _asked(task, recipe)
    dataset = dataset_for_task(task, dataset_id)
    task_lock(task)  # its deletion has come before, and is seen here, or comes after, and is refused
    plain = to_plain(asked)
    memory_bytes = reckoned_bytes(task=task, dataset_id=dataset_id, recipe=asked, plain=plain)
    check_fits(memory_bytes)
    job = TrainingJob(
        tenant=task.tenant,
        task=task,
        dataset=dataset,
        recipe=plain,
        memory_bytes=memory_bytes,
        created_by=acting.user,
    )
    with unless_taken(_another_unfinished()):
        job.save(force_insert=True)
    task_labels_set(task=task, labels=[count["label"] for count in dataset.labels])
    audit_record(
        actor=acting.name,
        action="training.create",
        target=job,
        tenant=task.tenant,
        task=task.slug,
        dataset_id=str(dataset_id),
    )
    enqueue_on_commit(JobName.TRAINING_RUN, id=str(job.pk))
    return job


@transaction.atomic
def training_cancel(*, job: TrainingJob, acting: Actor) -> None:
    """See job_cancel."""
    if not job_cancel(jobs=TrainingJob.objects.for_tenant(job.tenant).filter(pk=job.pk)):
        raise Conflict("This training has ended already.")
    _audit(job, "training.cancel", acting)


@transaction.atomic
def training_pause(*, job: TrainingJob, acting: Actor) -> None:
    """Set a queued or running job aside: it keeps its task, its dataset and what it has done so far."""
    jobs = TrainingJob.objects.for_tenant(job.tenant).filter(pk=job.pk, cancel_requested=False)
    if not job_pause(jobs=jobs):
        raise Conflict("This training has ended or is being cancelled, or is paused already.")
    _audit(job, "training.pause", acting)


@transaction.atomic
def training_resume(*, job: TrainingJob, acting: Actor) -> None:
    """Queue a paused job again; it goes on from its last checkpoint."""
    jobs = TrainingJob.objects.for_tenant(job.tenant).filter(pk=job.pk, state=JobState.PAUSED)
    if not job_move(jobs, JobState.QUEUED, enqueued_at=Now(), retry_at=None):
        raise Conflict("This training is not paused.")
    _audit(job, "training.resume", acting)
    enqueue_on_commit(JobName.TRAINING_RUN, id=str(job.pk))


@transaction.atomic
def training_retry(*, job: TrainingJob, acting: Actor) -> None:
    """Queue a job again that failed by what passes; it goes on from its last checkpoint."""
    if job.dataset_id is None or not can_be_tried_again(job):
        raise Conflict("There is nothing to go on from: start a new training.")
    dataset_for_task(job.task, job.dataset_id)
    with unless_taken(_another_unfinished()):
        is_queued = job_move(
            TrainingJob.objects.for_tenant(job.tenant).filter(pk=job.pk, state=JobState.FAILED),
            JobState.QUEUED,
            attempt=0,
            error=None,
            cancel_requested=False,
            enqueued_at=Now(),
            finished_at=None,
        )
    if not is_queued:
        raise Conflict("This training is being tried again already.")
    _audit(job, "training.retry", acting)
    enqueue_on_commit(JobName.TRAINING_RUN, id=str(job.pk))


@transaction.atomic
def estimate_create(
    *, task: Task, dataset_id: UUID, recipe: Mapping[str, Any], acting: Actor
) -> TrainingEstimate:
    """Queue a probe of what a training would take and give; it takes the place of the task's last one."""
    asked = _asked(task, recipe)
    dataset = dataset_for_task(task, dataset_id)
    task_lock(task)  # its deletion has come before, and is seen here, or comes after, and is refused
    before = TrainingEstimate.objects.for_tenant(task.tenant).filter(task=task, state__in=UNFINISHED)
    for one in before.values_list("pk", flat=True):
        job_cancel(jobs=before.filter(pk=one))
    estimate = TrainingEstimate(
        tenant=task.tenant, task=task, dataset=dataset, recipe=to_plain(asked), created_by=acting.user
    )
    estimate.save(force_insert=True)
    audit_record(
        actor=acting.name,
        action="estimate.create",
        target=estimate,
        tenant=task.tenant,
        task=task.slug,
        dataset_id=str(dataset_id),
    )
    enqueue_on_commit(JobName.ESTIMATE_RUN, id=str(estimate.pk))
    return estimate


def _another_unfinished() -> Conflict:
    return Conflict(
        "A training of this task is queued, running or paused: wait for its end, or cancel it first."
    )


def _audit(job: TrainingJob, action: str, acting: Actor) -> None:
    audit_record(actor=acting.name, action=action, target=job, tenant=job.tenant, task=job.task.slug)


def _asked(task: Task, recipe: Mapping[str, Any]) -> Recipe:
    asked = parse_recipe(recipe)
    if asked.leaf_mb and task.domain.tenant_id is not None:
        raise BadRecipe(
            "leaf_mb", "is for tasks in a shared domain: this one's own domain knows all of its text."
        )
    return asked


def dataset_for_task(task: Task, dataset_id: UUID) -> Dataset:
    """Locked, so that the dataset is not deleted while a job for it is being made."""
    datasets = Dataset.objects.for_tenant(task.tenant).select_for_update()
    dataset = datasets.filter(pk=dataset_id, deleted_at=None).first()
    if dataset is None:
        raise InvalidField("dataset", "There is no such dataset: upload it first.")
    if dataset.state != DatasetState.READY:
        raise Conflict("This dataset is not ready to train on: see its report for what is to be fixed.")
    if dataset.kind != task.kind:
        raise InvalidField(
            "dataset",
            f"The task is of kind {task.kind}, the dataset {dataset.kind}: upload one of its kind.",
        )
    general_tree(tenant=task.tenant, backbone=backbone_default())  # raises not_ready
    return dataset
