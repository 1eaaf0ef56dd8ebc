"""Usage in the operator's console."""

from django.contrib import admin

from portal.common.console import ReadOnlyAdmin
from portal.usage.models import UsageEvent


@admin.register(UsageEvent)
class UsageEventAdmin(ReadOnlyAdmin):
    """Newest first."""

    list_display = ("created_at", "tenant_id", "task_id", "num_texts", "num_tokens", "num_truncated")
    search_fields = ("tenant_id", "task_id")
    ordering = ("-created_at",)
