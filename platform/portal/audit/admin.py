"""The audit log in the operator's console."""

from django.contrib import admin

from portal.audit.models import AuditEntry
from portal.common.console import ReadOnlyAdmin


@admin.register(AuditEntry)
class AuditEntryAdmin(ReadOnlyAdmin):
    """Newest first."""

    list_display = ("at", "actor", "action", "target_type", "target_id", "tenant_id")
    list_filter = ("action",)
    search_fields = ("actor", "target_id", "tenant_id")
    ordering = ("-id",)
