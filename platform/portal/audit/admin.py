"""The audit log in the operator's console."""

from django.contrib import admin

from portal.audit.models import AuditEntry
from portal.common.console import TenantNamingAdmin


@admin.register(AuditEntry)
class AuditEntryAdmin(TenantNamingAdmin):
    """Newest first."""

    list_display = ("at", "actor", "action", "target_type", "target_id", "tenant")
    list_filter = ("action",)
    search_fields = ("actor", "target_id", "tenant_id", "tenant_slug")
    ordering = ("-id",)
