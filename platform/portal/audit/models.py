"""The record of every change: who did what to which thing. Rows are added and never changed."""

from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.utils import timezone

from portal.common.models import TenantManager


def _no_details() -> dict[str, Any]:
    return {}


class AuditEntry(models.Model):
    """One change. Has no foreign keys, so that it outlives what it tells of; holds no text of a tenant."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(default=timezone.now)
    tenant_id = models.UUIDField(null=True)
    actor = models.CharField(max_length=300)  # "user:<email>", "key:<id>", "job:<id>" or "operator"
    action = models.CharField(max_length=64)  # "task.create"
    target_type = models.CharField(max_length=64)
    target_id = models.CharField(max_length=64)
    details = models.JSONField(default=_no_details, encoder=DjangoJSONEncoder)

    objects = TenantManager()

    class Meta:
        db_table = "audit_entry"
        verbose_name_plural = "audit entries"
        indexes = [models.Index(fields=["tenant_id", "-id"], name="audit_entry_tenant")]
