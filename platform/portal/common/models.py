"""Base of every tenant's rows, and managers that refuse a query which does not start from a tenant."""

from typing import TypeVar
from uuid import uuid4

from django.db import models
from django.utils import timezone

M = TypeVar("M", bound=models.Model)


class UnscopedQueryError(RuntimeError):
    """A bug of ours: rows were asked for without saying whose."""


class TenantManager(models.Manager[M]):
    """Gives query sets that start from a tenant; everything else on it raises UnscopedQueryError."""

    def for_tenant(self, tenant: models.Model) -> models.QuerySet[M]:
        """The tenant's own rows."""
        return super().get_queryset().filter(tenant_id=tenant.pk)

    def visible_to(self, tenant: models.Model) -> models.QuerySet[M]:
        """The tenant's own rows and the shared ones (those of no tenant)."""
        return super().get_queryset().filter(models.Q(tenant_id=tenant.pk) | models.Q(tenant_id__isnull=True))

    def unscoped(self) -> models.QuerySet[M]:
        """Every row that row-level security lets through: for operator code and jobs."""
        return super().get_queryset()

    def get_queryset(self) -> models.QuerySet[M]:
        raise UnscopedQueryError(
            f"{self.model.__name__}.objects needs for_tenant(tenant), visible_to(tenant) or unscoped()"
        )


class TenantOwned(models.Model):
    """A row that belongs to one tenant and goes with it."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = TenantManager()

    class Meta:
        abstract = True


class IdempotencyRecord(TenantOwned):
    """The answer to a create that carried an Idempotency-Key, for a repeated request to get again."""

    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64)  # SHA-256 of method, path and body
    status = models.PositiveSmallIntegerField(null=True)  # null: the first request has not been answered yet
    body = models.JSONField(null=True)

    class Meta:
        db_table = "idempotency_record"
        constraints = [models.UniqueConstraint(fields=["tenant", "key"], name="idempotency_record_key")]
