"""What the inference service counts; the portal only reads these rows."""

from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.db import models

from portal.common.models import TenantManager

LATENCY_BOUNDS_MS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000)
"""Latencies are counted between these: under 1, 1 to 2, ..., 5000 and more."""


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


class ComparisonEvent(models.Model):
    """A row of wire.usage.ComparisonEvent, without foreign keys. Summed up in TrialFigures as it arrives."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    tenant_id = models.UUIDField()
    trial_id = models.UUIDField()
    created_at = models.DateTimeField()
    num_texts = models.PositiveIntegerField()
    has_live_failed = models.BooleanField()
    has_trial_failed = models.BooleanField()
    num_agreed = models.PositiveIntegerField()
    live_ms = models.FloatField()
    trial_ms = models.FloatField()
    difference = models.FloatField()
    difference_counts = ArrayField(models.BigIntegerField())

    objects = TenantManager()

    class Meta:
        db_table = "comparison_event"
        indexes = [models.Index(fields=["tenant_id", "created_at"], name="comparison_event_tenant")]


class TrialFigures(models.Model):
    """The sums of a trial's comparisons, kept by a trigger.

    Texts, times and differences are those of requests that both versions answered.
    """

    trial_id = models.UUIDField(primary_key=True)
    tenant_id = models.UUIDField()
    num_requests = models.BigIntegerField()  # compared, failed ones included
    num_live_failed = models.BigIntegerField()  # requests that the live version alone failed
    num_trial_failed = models.BigIntegerField()  # requests that the version on trial alone failed
    num_both_failed = models.BigIntegerField()
    num_texts = models.BigIntegerField()
    num_agreed = models.BigIntegerField()  # texts
    difference = models.FloatField()  # sum over texts
    difference_counts = ArrayField(models.BigIntegerField())  # texts, by wire.usage.DIFFERENCE_BUCKETS
    live_ms = models.FloatField()  # sum over requests
    trial_ms = models.FloatField()
    live_ms_counts = ArrayField(models.BigIntegerField())  # requests, by LATENCY_BOUNDS_MS
    trial_ms_counts = ArrayField(models.BigIntegerField())

    objects = TenantManager()

    class Meta:
        db_table = "trial_figures"
