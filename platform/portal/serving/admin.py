"""Deployments, holds, trials and alarms in the operator's console."""

from django.contrib import admin

from portal.common.console import ReadOnlyAdmin
from portal.serving.models import Deployment, DriftAlarm, HeldTask, Trial


@admin.register(Deployment)
class DeploymentAdmin(ReadOnlyAdmin):
    """Newest first."""

    list_display = ("task", "tenant", "version_number", "state", "created_at", "ended_at")
    list_select_related = ("task", "tenant", "version")
    list_filter = ("state",)
    search_fields = ("task__slug", "tenant__slug")
    ordering = ("-created_at",)

    @admin.display(description="version")
    def version_number(self, deployment: Deployment) -> int:
        """The version's number within its task."""
        return deployment.version.number


@admin.register(HeldTask)
class HeldTaskAdmin(ReadOnlyAdmin):
    """Tasks that stay on an older tree; who is first to move comes first."""

    list_display = ("deployment_task", "tenant", "reason", "created_at", "until")
    list_select_related = ("deployment__task", "tenant")
    list_filter = ("reason",)
    search_fields = ("deployment__task__slug", "tenant__slug")
    ordering = ("until",)

    @admin.display(description="task")
    def deployment_task(self, held: HeldTask) -> str:
        """The task's slug."""
        return held.deployment.task.slug


@admin.register(Trial)
class TrialAdmin(ReadOnlyAdmin):
    """Newest first."""

    list_display = ("task", "tenant", "version_number", "kind", "share", "state", "created_at", "ended_at")
    list_select_related = ("task", "tenant", "version")
    list_filter = ("state", "kind")
    search_fields = ("task__slug", "tenant__slug")
    ordering = ("-created_at",)

    @admin.display(description="version")
    def version_number(self, trial: Trial) -> int:
        """The version's number within its task."""
        return trial.version.number


@admin.register(DriftAlarm)
class DriftAlarmAdmin(ReadOnlyAdmin):
    """Newest first."""

    list_display = ("deployment_task", "tenant", "part", "created_at", "ended_at")
    list_select_related = ("deployment__task", "tenant")
    list_filter = ("part",)
    search_fields = ("deployment__task__slug", "tenant__slug")
    ordering = ("-created_at",)

    @admin.display(description="task")
    def deployment_task(self, alarm: DriftAlarm) -> str:
        """The task's slug."""
        return alarm.deployment.task.slug
