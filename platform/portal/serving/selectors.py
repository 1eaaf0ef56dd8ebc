"""Reading deployments, and tasks with all that is going on with them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import QuerySet

from portal.catalog.models import AdapterVersion, Task, TreeVersion
from portal.serving.models import (
    Deployment,
    DeploymentState,
    DriftAlarm,
    HeldTask,
    HoldReason,
    Trial,
    TrialState,
)
from portal.tenants.models import Tenant
from portal.training.models import TrainingJob
from portal.usage.models import TrialFigures

ROW_QUALITY = "row_quality"
"""What verdicts of older releases, which name no metric, have told: a mean over rows, of right ones, of a
row's F1, or of a score's absolute error with a minus."""


@dataclass(frozen=True, slots=True)
class HoldFigures:
    """How the gate found a held task's held-out rows to be answered on either tree; None: not tried."""

    num_rows: int
    metric: str | None  # wire.tasks.validation_metric, or ROW_QUALITY
    accuracy_old: float | None  # on the tree that it serves on
    accuracy_new: float | None  # on the one that it moves to


@dataclass(frozen=True, slots=True)
class Hold:
    """A deployment that stays on an older tree of its domain."""

    reason: HoldReason
    since: datetime
    until: datetime
    old_tree: TreeVersion  # that it serves on
    new_tree: TreeVersion  # that it moves to
    figures: HoldFigures


@dataclass(frozen=True, slots=True)
class TaskOverview:
    """A task with its newest training and version, what serves, and what is tried beside it."""

    task: Task
    latest_training: TrainingJob | None
    latest_version: AdapterVersion | None
    deployment: Deployment | None
    trial: Trial | None
    drift_alarms: Sequence[DriftAlarm]  # of what serves
    hold: Hold | None  # of what serves


def deployment_list(*, tenant: Tenant, task: Task) -> QuerySet[Deployment]:
    """The task's deployments, newest first, versions loaded."""
    return (
        Deployment.objects.for_tenant(tenant)
        .filter(task=task)
        .select_related("version", "created_by")
        .order_by("-created_at", "id")
    )


def deployment_active(*, tenant: Tenant, task: Task) -> Deployment | None:
    """What serves now."""
    return deployment_list(tenant=tenant, task=task).filter(state=DeploymentState.ACTIVE).first()


def served_tree(deployment: Deployment) -> TreeVersion:
    """What a deployment looks up in now, as the view serving_v1.tasks says; version's tree loaded."""
    tree: TreeVersion = deployment.tree_version or deployment.version.tree_version
    return tree.replaced_by or tree


def hold_list(*, tenant: Tenant, deployments: Sequence[Deployment]) -> dict[UUID, Hold]:
    """Which of ``deployments`` are held, by the deployment."""
    held = HeldTask.objects.for_tenant(tenant).filter(deployment__in=deployments)
    rows = held.select_related(
        "tree__replaced_by",
        "deployment__tree_version__replaced_by",
        "deployment__version__tree_version__replaced_by",
    )
    return {
        row.deployment_id: Hold(
            reason=HoldReason(row.reason),
            since=row.created_at,
            until=row.until,
            old_tree=served_tree(row.deployment),
            new_tree=row.tree.replaced_by or row.tree,
            figures=hold_figures(row),
        )
        for row in rows
    }


def hold_figures(held: HeldTask) -> HoldFigures:
    """The gate tried the tree that a task was asked to go to: of one that was brought back, the older one."""
    before, after = held.verdict.get("accuracy_before"), held.verdict.get("accuracy_after")
    old, new = (after, before) if held.reason == HoldReason.BROUGHT_BACK else (before, after)
    metric = held.verdict.get("metric", ROW_QUALITY) if held.verdict else None
    return HoldFigures(held.verdict.get("num_rows", 0), metric, old, new)


def alarm_list(*, tenant: Tenant, deployments: Sequence[Deployment]) -> list[DriftAlarm]:
    """The alarms of ``deployments`` that have not ended, oldest first, deployments loaded."""
    alarms = DriftAlarm.objects.for_tenant(tenant).filter(deployment__in=deployments, ended_at=None)
    return list(alarms.select_related("deployment").order_by("created_at", "part"))


def trial_list(*, tenant: Tenant, task: Task) -> QuerySet[Trial]:
    """The task's trials, newest first, versions loaded."""
    return (
        Trial.objects.for_tenant(tenant)
        .filter(task=task)
        .select_related("version__task", "against", "created_by", "task", "tenant")
        .order_by("-created_at", "id")
    )


def trial_running(*, tenant: Tenant, task: Task) -> Trial | None:
    """The version that is tried now."""
    return trial_list(tenant=tenant, task=task).filter(state=TrialState.RUNNING).first()


def trial_figures(*, tenant: Tenant, trials: Sequence[Trial]) -> list[TrialFigures | None]:
    """What was counted for each of ``trials``; None where nothing was."""
    rows = TrialFigures.objects.for_tenant(tenant).filter(trial_id__in=[trial.pk for trial in trials])
    found = {row.trial_id: row for row in rows}
    return [found.get(trial.pk) for trial in trials]


def task_overviews(*, tenant: Tenant, tasks: Sequence[Task]) -> list[TaskOverview]:
    """``tasks`` with all that is going on with them, in six queries however many they are."""
    jobs = (
        TrainingJob.objects.for_tenant(tenant)
        .filter(task__in=tasks)
        .order_by("task_id", "-created_at")
        .distinct("task_id")
    )
    versions = (
        AdapterVersion.objects.for_tenant(tenant)
        .filter(task__in=tasks)
        .order_by("task_id", "-number")
        .distinct("task_id")
    )
    deployments = Deployment.objects.for_tenant(tenant).filter(task__in=tasks, state=DeploymentState.ACTIVE)
    trials = Trial.objects.for_tenant(tenant).filter(task__in=tasks, state=TrialState.RUNNING)
    job_of = {job.task_id: job for job in jobs}
    version_of = {version.task_id: version for version in versions}
    deployment_of = {deployment.task_id: deployment for deployment in deployments.select_related("version")}
    alarms_of: dict[UUID, list[DriftAlarm]] = defaultdict(list)
    for alarm in alarm_list(tenant=tenant, deployments=list(deployment_of.values())):
        alarms_of[alarm.deployment.task_id].append(alarm)
    hold_of = hold_list(tenant=tenant, deployments=list(deployment_of.values()))
    holds = {one.task_id: hold_of.get(one.pk) for one in deployment_of.values()}
    trial_of = {trial.task_id: trial for trial in trials.select_related("version")}
    return [
        TaskOverview(
            task,
            job_of.get(task.pk),
            version_of.get(task.pk),
            deployment_of.get(task.pk),
            trial_of.get(task.pk),
            alarms_of[task.pk],
            holds.get(task.pk),
        )
        for task in tasks
    ]
