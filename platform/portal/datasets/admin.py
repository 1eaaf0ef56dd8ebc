"""Datasets in the operator's console: names and numbers, no texts."""

from django.contrib import admin

from portal.common.console import ReadOnlyAdmin
from portal.datasets.models import Dataset


@admin.register(Dataset)
class DatasetAdmin(ReadOnlyAdmin):
    """Newest first. Without the doctor's report and the fixes, which quote rows."""

    fields = (
        "id",
        "tenant",
        "name",
        "file_name",
        "series",
        "version",
        "kind",
        "state",
        "format",
        "num_bytes",
        "num_rows",
        "num_attempts",
        "sha256",
        "created_by",
        "created_at",
        "deleted_at",
    )
    list_display = ("name", "tenant", "format", "num_rows", "num_bytes", "created_at", "deleted_at")
    list_select_related = ("tenant",)
    list_filter = ("format",)
    search_fields = ("name", "tenant__slug")
    ordering = ("-created_at",)
