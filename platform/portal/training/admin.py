"""Training jobs in the operator's console."""

from django.contrib import admin

from portal.common.console import ReadOnlyAdmin
from portal.training.models import AdapterImport, TrainingJob


@admin.register(TrainingJob)
class TrainingJobAdmin(ReadOnlyAdmin):
    """Newest first."""

    list_display = (
        "id",
        "task",
        "tenant",
        "state",
        "phase",
        "done",
        "validation",
        "attempt",
        "created_at",
    )
    list_select_related = ("task", "tenant")
    list_filter = ("state", "phase")
    search_fields = ("task__slug", "tenant__slug")
    ordering = ("-created_at",)

    @admin.display(ordering="share")
    def done(self, job: TrainingJob) -> str:
        """Of the whole training."""
        return f"{job.share:.0%}"

    @admin.display(ordering="validation_accuracy")
    def validation(self, job: TrainingJob) -> str | None:
        """The figure that is watched on validation rows."""
        return None if job.validation_accuracy is None else f"{job.validation_accuracy:.3f}"


@admin.register(AdapterImport)
class AdapterImportAdmin(ReadOnlyAdmin):
    """Newest first."""

    list_display = ("id", "task", "tenant", "state", "passed", "file_name", "num_bytes", "created_at")
    list_select_related = ("task", "tenant")
    list_filter = ("state", "passed")
    search_fields = ("task__slug", "tenant__slug")
    ordering = ("-created_at",)
