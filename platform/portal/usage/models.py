"""Usage as the inference service counts it; the portal only reads these rows."""

from uuid import uuid4

from django.db import models

from portal.common.models import TenantManager


class UsageEvent(models.Model):
    """A row of wire.usage.UsageEvent, without foreign keys: no insert fails because a thing is gone."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    tenant_id = models.UUIDField()
    task_id = models.UUIDField()
    key_id = models.UUIDField()
    version_id = models.UUIDField()
    created_at = models.DateTimeField()
    num_texts = models.PositiveIntegerField()
    num_tokens = models.PositiveIntegerField()
    num_truncated = models.PositiveIntegerField()

    objects = TenantManager()

    class Meta:
        db_table = "usage_event"
        indexes = [models.Index(fields=["tenant_id", "created_at"], name="usage_event_tenant")]
