"""Deploying, rolling back, undeploying, and deleting a task when nothing of it is at work."""

from django.db import transaction
from django.utils import timezone

from portal.audit.services import audit_record
from portal.catalog.models import AdapterVersion, Task, VersionState
from portal.catalog.services import task_delete, task_lock
from portal.common.errors import Conflict, InUse, NotFound
from portal.serving.models import Deployment, DeploymentState, HeldTask, Trial, TrialState
from portal.serving.selectors import deployment_active, trial_running
from portal.tenants.actors import Actor
from portal.training.models import UNFINISHED, AdapterImport, TrainingJob
from portal.webhooks.models import EventType
from portal.webhooks.services import event_emit


@transaction.atomic
def deploy(*, version: AdapterVersion, acting: Actor) -> Deployment:
    """Let ``version`` serve its task instead of the one that does now. An older one: that is rolling back."""
    check_published(version)
    task = task_lock(version.task)
    active = deployment_active(tenant=task.tenant, task=task)
    if active is not None and active.version_id == version.pk:
        raise Conflict(f"Version {version.number} is deployed already.")
    _end_trial(task, acting)
    if active is not None:
        _end(active)
    deployment = Deployment(tenant=task.tenant, task=task, version=version, created_by=acting.user)
    deployment.save(force_insert=True)
    audit_record(
        actor=acting.name,
        action="deployment.create",
        target=deployment,
        tenant=task.tenant,
        task=task.slug,
        version=version.number,
        instead_of=active.version.number if active is not None else None,
    )
    _tell(task, version.number)
    return deployment


@transaction.atomic
def undeploy(*, task: Task, acting: Actor) -> None:
    """Nothing of the task serves any more."""
    task_lock(task)
    active = deployment_active(tenant=task.tenant, task=task)
    if active is None:
        raise NotFound("deployment")
    _end_trial(task, acting)
    _end(active)
    audit_record(
        actor=acting.name,
        action="deployment.end",
        target=active,
        tenant=task.tenant,
        task=task.slug,
        version=active.version.number,
    )
    _tell(task, None)


@transaction.atomic
def task_delete_unused(*, task: Task, acting: Actor) -> None:
    """Delete a task with its versions, trainings and keys; refused while it serves or trains."""
    task_lock(task)
    if deployment_active(tenant=task.tenant, task=task) is not None:
        raise InUse("The task is deployed: undeploy it first.")
    if TrainingJob.objects.for_tenant(task.tenant).filter(task=task, state__in=UNFINISHED).exists():
        raise InUse("A training of this task is under way: cancel it first.")
    if AdapterImport.objects.for_tenant(task.tenant).filter(task=task, state__in=UNFINISHED).exists():
        raise InUse("An adapter is being imported for this task: cancel that first.")
    task_delete(task=task, acting=acting)


def check_published(version: AdapterVersion) -> None:
    """Raise Conflict for a version that may not answer applications."""
    if version.state == VersionState.DRAFT and version.import_id is not None:
        raise Conflict(
            f"Version {version.number} was imported and has not passed its parity test: its report says why."
        )
    if version.state != VersionState.PUBLISHED:
        raise Conflict(
            f"Version {version.number} is {version.state}: only a published one can be deployed or tried."
        )


def trial_end(trial: Trial, state: TrialState, *, reason: str, acting: Actor) -> None:
    """``trial`` is running, and its task is locked."""
    trial.state = state
    trial.reason = reason
    trial.ended_at = timezone.now()
    trial.save(update_fields=["state", "reason", "ended_at"])
    audit_record(
        actor=acting.name,
        action=f"trial.{state.value}",
        target=trial,
        tenant=trial.tenant,
        task=trial.task.slug,
        version=trial.version.number,
        reason=reason,
    )


def _end_trial(task: Task, acting: Actor) -> None:
    """What a version was tried against is about to change."""
    trial = trial_running(tenant=task.tenant, task=task)
    if trial is not None:
        trial_end(trial, TrialState.ENDED, reason="What serves was changed.", acting=acting)


def _tell(task: Task, version: int | None) -> None:
    """Webhooks hear which version serves now; None: no one does."""
    event_emit(
        tenant=task.tenant,
        type=EventType.DEPLOYMENT_CHANGED,
        subject=task.pk,
        data={"task": task.slug, "version": version},
    )


def _end(deployment: Deployment) -> None:
    deployment.state = DeploymentState.SUPERSEDED
    deployment.ended_at = timezone.now()
    deployment.save(update_fields=["state", "ended_at"])
    HeldTask.objects.for_tenant(deployment.tenant).filter(deployment=deployment).delete()
