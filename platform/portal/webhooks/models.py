"""Where tenants want to be told of events, the events, and what became of each delivery (an outbox)."""

from uuid import uuid4

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from portal.common.models import TenantManager, TenantOwned


class EventType(models.TextChoices):
    """What can be told."""

    TRAINING_SUCCEEDED = "training.succeeded"
    TRAINING_FAILED = "training.failed"
    VERSION_PUBLISHED = "version.published"
    DEPLOYMENT_CHANGED = "deployment.changed"
    DEPLOYMENT_HELD = "deployment.held"
    DEPLOYMENT_MOVED = "deployment.moved"
    DATASET_READY = "dataset.ready"
    DATASET_BLOCKED = "dataset.blocked"
    DRIFT_DETECTED = "drift.detected"
    QUOTA_REACHED = "quota.reached"
    PING = "ping"


class Webhook(TenantOwned):
    """An address of the tenant's that is told of some events. Secrets are sealed (common.sealing)."""

    name = models.CharField(max_length=200)
    url = models.CharField(max_length=2000)
    events = ArrayField(models.CharField(max_length=32, choices=EventType))
    is_active = models.BooleanField(default=True)  # else nothing is noted for it, and what is pending waits
    secret = models.CharField(max_length=300)
    old_secret = models.CharField(max_length=300, blank=True, default="")  # signs too, until old_ends_at
    old_ends_at = models.DateTimeField(null=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        db_table = "webhook"


class WebhookEvent(models.Model):
    """Something that happened, written in its transaction. Ids of one subject are in the order of commits."""

    id = models.BigAutoField(primary_key=True)
    uid = models.UUIDField(default=uuid4, unique=True, editable=False)  # as receivers see it
    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name="+")
    type = models.CharField(max_length=32, choices=EventType)
    subject = models.UUIDField()  # the task, dataset or tenant: events of one are delivered in order
    data = models.JSONField()
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = TenantManager()

    class Meta:
        db_table = "webhook_event"
        indexes = [models.Index(fields=["created_at"], name="webhook_event_created")]


class DeliveryState(models.TextChoices):
    """PENDING -> DELIVERED | FAILED; failed ones were tried for days and can be replayed."""

    PENDING = "pending"
    DELIVERED = "delivered"
    FAILED = "failed"


class WebhookDelivery(TenantOwned):
    """One event on its way to one webhook."""

    webhook = models.ForeignKey(Webhook, on_delete=models.CASCADE, related_name="+")
    event = models.ForeignKey(WebhookEvent, on_delete=models.CASCADE, related_name="+")
    subject = models.UUIDField(null=True)  # the event's; null for a replay, which waits for nothing
    state = models.CharField(max_length=16, choices=DeliveryState, default=DeliveryState.PENDING)
    num_attempts = models.PositiveIntegerField(default=0)
    next_attempt_at = models.DateTimeField(
        default=timezone.now
    )  # while one is under way: when its lease ends
    last_attempt_at = models.DateTimeField(null=True)
    status = models.PositiveSmallIntegerField(null=True)  # HTTP status of the last attempt
    error = models.CharField(max_length=200, blank=True, default="")  # why the last attempt failed
    duration_ms = models.PositiveIntegerField(null=True)
    delivered_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "webhook_delivery"
        verbose_name_plural = "webhook deliveries"
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                condition=models.Q(state=DeliveryState.PENDING),
                name="webhook_delivery_due",
            ),
            models.Index(
                fields=["webhook", "subject", "event"],
                condition=models.Q(state=DeliveryState.PENDING),
                name="webhook_delivery_order",
            ),
            models.Index(fields=["webhook", "-event"], name="webhook_delivery_list"),
        ]
