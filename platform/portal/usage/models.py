"""What the inference service counts; the portal only reads these rows."""

from uuid import uuid4

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models

from portal.common.models import TenantManager, TenantOwned

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
    num_trigram_tokens = models.PositiveIntegerField(default=0)
    num_bigram_tokens = models.PositiveIntegerField(default=0)
    num_exact_tokens = models.PositiveIntegerField(default=0)
    score_counts = ArrayField(models.BigIntegerField(), default=list)
    label_counts = ArrayField(models.BigIntegerField(), default=list)
    latency_ms = models.FloatField(null=True)

    objects = TenantManager()

    class Meta:
        db_table = "usage_event"
        indexes = [
            models.Index(fields=["tenant_id", "created_at"], name="usage_event_tenant"),
            models.Index(fields=["created_at"], name="usage_event_created"),
        ]


class UsageDay(models.Model):
    """The sums of one day's events (UTC) of one key with one version, kept by a trigger."""

    id = models.BigAutoField(primary_key=True)
    tenant_id = models.UUIDField()
    day = models.DateField()
    task_id = models.UUIDField()
    key_id = models.UUIDField()
    version_id = models.UUIDField()
    num_requests = models.BigIntegerField()
    num_texts = models.BigIntegerField()
    num_tokens = models.BigIntegerField()
    num_truncated = models.BigIntegerField()
    num_trigram_tokens = models.BigIntegerField()
    num_bigram_tokens = models.BigIntegerField()
    num_exact_tokens = models.BigIntegerField()
    score_counts = ArrayField(models.BigIntegerField())  # texts, by wire.usage.SCORE_BUCKETS
    label_counts = ArrayField(models.BigIntegerField())  # labels given, in the order of the version's labels

    objects = TenantManager()

    class Meta:
        db_table = "usage_day"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "day", "task_id", "key_id", "version_id"], name="usage_day_once"
            )
        ]


class UsageHour(models.Model):
    """The sums of one hour's events of one version, kept by a trigger, for services.HOURS_KEPT_FOR."""

    id = models.BigAutoField(primary_key=True)
    tenant_id = models.UUIDField()
    hour = models.DateTimeField()  # its beginning
    task_id = models.UUIDField()
    version_id = models.UUIDField()
    num_requests = models.BigIntegerField()
    num_texts = models.BigIntegerField()
    num_tokens = models.BigIntegerField()
    num_trigram_tokens = models.BigIntegerField()
    num_bigram_tokens = models.BigIntegerField()
    num_exact_tokens = models.BigIntegerField()
    latency_counts = ArrayField(models.BigIntegerField())  # requests, see usage.latencies

    objects = TenantManager()

    class Meta:
        db_table = "usage_hour"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant_id", "task_id", "hour", "version_id"], name="usage_hour_once"
            )
        ]
        indexes = [models.Index(fields=["hour"], name="usage_hour_hour")]


class QuotaPeriod(models.TextChoices):
    """When a quota begins anew, in UTC."""

    DAY = "day"
    MONTH = "month"


def above_zero(value: float) -> None:
    """What the console tells beside the field; the tables' constraints keep it."""
    if value <= 0:
        raise ValidationError("Give a number above 0.")


class Plan(models.Model):
    """What a tenant may use unless its own limits differ; one is the default. The operator's to change."""

    slug = models.SlugField(max_length=63, primary_key=True)
    name = models.CharField(max_length=200)
    is_default = models.BooleanField(
        default=False, help_text="Of all tenants that have no plan of their own."
    )
    weight = models.FloatField(
        default=1.0,
        validators=[above_zero],
        help_text="Share of a busy device: twice the weight, twice the share.",
    )
    requests_per_s = models.FloatField(
        null=True, blank=True, validators=[above_zero], help_text="Of each key. Empty: as many as come."
    )
    burst = models.PositiveIntegerField(
        default=20, validators=[MinValueValidator(1)], help_text="Requests that a key may send at once."
    )
    quota_period = models.CharField(max_length=8, choices=QuotaPeriod, default=QuotaPeriod.MONTH)
    quota_texts = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="In a period. Empty: no quota."
    )
    quota_tokens = models.PositiveBigIntegerField(
        null=True, blank=True, help_text="In a period. Empty: no quota."
    )
    max_stored_bytes = models.PositiveBigIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text="Of datasets, uploads and what trainings made of them. Empty: no limit.",
    )

    class Meta:
        db_table = "plan"
        constraints = [
            models.UniqueConstraint(
                fields=["is_default"], condition=models.Q(is_default=True), name="plan_one_default"
            ),
            models.CheckConstraint(condition=models.Q(weight__gt=0), name="plan_weight"),
            models.CheckConstraint(
                condition=models.Q(requests_per_s__isnull=True) | models.Q(requests_per_s__gt=0),
                name="plan_requests_per_s",
            ),
            models.CheckConstraint(condition=models.Q(burst__gte=1), name="plan_burst"),
        ]

    def __str__(self) -> str:
        return self.name


class TenantLimits(models.Model):
    """A tenant's plan, and what differs from it: empty fields are the plan's. The operator's to change."""

    tenant = models.OneToOneField(
        "tenants.Tenant", on_delete=models.CASCADE, primary_key=True, related_name="+"
    )
    plan = models.ForeignKey(Plan, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    weight = models.FloatField(null=True, blank=True, validators=[above_zero])
    requests_per_s = models.FloatField(null=True, blank=True, validators=[above_zero])
    burst = models.PositiveIntegerField(null=True, blank=True, validators=[MinValueValidator(1)])
    quota_texts = models.PositiveBigIntegerField(null=True, blank=True)
    quota_tokens = models.PositiveBigIntegerField(null=True, blank=True)
    max_stored_bytes = models.PositiveBigIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1)]
    )

    class Meta:
        db_table = "tenant_limits"
        verbose_name_plural = "tenant limits"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(weight__isnull=True) | models.Q(weight__gt=0), name="tenant_limits_weight"
            ),
            models.CheckConstraint(
                condition=models.Q(requests_per_s__isnull=True) | models.Q(requests_per_s__gt=0),
                name="tenant_limits_requests_per_s",
            ),
            models.CheckConstraint(
                condition=models.Q(burst__isnull=True) | models.Q(burst__gte=1), name="tenant_limits_burst"
            ),
        ]

    def __str__(self) -> str:
        return self.tenant.slug


class QuotaNotice(TenantOwned):
    """So much of a quota was used; told once in its period."""

    what = models.CharField(max_length=8)  # texts or tokens
    percent = models.PositiveSmallIntegerField()
    period = models.CharField(max_length=8, choices=QuotaPeriod)
    period_began = models.DateField()
    quota = models.PositiveBigIntegerField()  # one that is changed is told of anew
    used = models.PositiveBigIntegerField()

    class Meta:
        db_table = "quota_notice"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "what", "percent", "period", "period_began", "quota"],
                name="quota_notice_once",
            )
        ]


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
        indexes = [
            models.Index(fields=["tenant_id", "created_at"], name="comparison_event_tenant"),
            models.Index(fields=["created_at"], name="comparison_event_created"),
        ]


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
