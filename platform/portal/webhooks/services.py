"""Keeping webhooks, and noting events for them in the transaction in which they happen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from portal.audit.services import audit_record
from portal.common.errors import Conflict, InvalidField
from portal.common.locks import count_lock, row_lock
from portal.common.queue import JobName, enqueue_on_commit
from portal.common.scope import operator_scope
from portal.common.sealing import seal
from portal.tenants.actors import Actor
from portal.tenants.models import Tenant
from portal.webhooks.addresses import AddressRefused, checked_url
from portal.webhooks.models import DeliveryState, EventType, Webhook, WebhookDelivery, WebhookEvent
from portal.webhooks.signing import secret_new

MAX_WEBHOOKS = 20
OLD_SECRET_LIFE = timedelta(hours=24)
KEPT_FOR = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class NewSecret:
    """A webhook and its signing secret, which is shown only now."""

    webhook: Webhook
    secret: str


@dataclass(frozen=True, slots=True)
class WebhookChange:
    """What is to be changed; None leaves a thing as it is."""

    name: str | None = None
    url: str | None = None
    events: Sequence[EventType] | None = None
    is_active: bool | None = None


@transaction.atomic
def webhook_create(
    *,
    tenant: Tenant,
    name: str,
    url: str,
    events: Sequence[EventType],
    is_private_allowed: bool,
    acting: Actor,
) -> NewSecret:
    """A webhook for ``events``. InvalidField for a URL that may not be called, Conflict for one too many."""
    _check_url(url, is_private_allowed)
    webhooks = Webhook.objects.for_tenant(tenant)
    count_lock(tenant, "webhooks")
    if webhooks.count() >= MAX_WEBHOOKS:
        raise Conflict(f"A tenant has at most {MAX_WEBHOOKS} webhooks: delete one first.")
    secret = secret_new()
    webhook = Webhook(
        tenant=tenant,
        name=name,
        url=url,
        events=[event.value for event in dict.fromkeys(events)],
        secret=seal(secret),
        created_by=acting.user,
    )
    webhook.save(force_insert=True)
    _audit("webhook.create", webhook, acting, url=url, events=webhook.events)
    return NewSecret(webhook, secret)


@transaction.atomic
def webhook_change(
    *, webhook: Webhook, change: WebhookChange, is_private_allowed: bool, acting: Actor
) -> Webhook:
    """Change name, address, events, or pause it. A paused one's pending deliveries wait."""
    webhook = row_lock(webhook, "webhook")
    if change.url is not None:
        _check_url(change.url, is_private_allowed)
        webhook.url = change.url
    if change.name is not None:
        webhook.name = change.name
    if change.events is not None:
        webhook.events = [event.value for event in dict.fromkeys(change.events)]
    if change.is_active is not None:
        webhook.is_active = change.is_active
    webhook.save(update_fields=["url", "name", "events", "is_active"])
    _audit(
        "webhook.change", webhook, acting, url=webhook.url, events=webhook.events, is_active=webhook.is_active
    )
    return webhook


@transaction.atomic
def webhook_delete(*, webhook: Webhook, acting: Actor) -> None:
    """Take it away with its deliveries."""
    webhook = row_lock(webhook, "webhook")
    _audit("webhook.delete", webhook, acting, url=webhook.url)
    webhook.delete()


@transaction.atomic
def webhook_rotate(*, webhook: Webhook, acting: Actor) -> NewSecret:
    """A new secret; for a day the old one signs too, so that receivers can change over without a gap."""
    webhook = row_lock(webhook, "webhook")
    secret = secret_new()
    webhook.old_secret, webhook.old_ends_at = webhook.secret, timezone.now() + OLD_SECRET_LIFE
    webhook.secret = seal(secret)
    webhook.save(update_fields=["secret", "old_secret", "old_ends_at"])
    _audit("webhook.rotate", webhook, acting)
    return NewSecret(webhook, secret)


@transaction.atomic
def webhook_ping(*, webhook: Webhook, acting: Actor) -> WebhookDelivery:
    """Send an event that tells nothing, to try the receiver out."""
    webhook = row_lock(webhook, "webhook")
    if not webhook.is_active:
        raise Conflict("This webhook is paused: switch it on first.")
    event = WebhookEvent(
        tenant=webhook.tenant, type=EventType.PING, subject=webhook.pk, data={"webhook": str(webhook.pk)}
    )
    event.save(force_insert=True)
    _audit("webhook.ping", webhook, acting, event=str(event.uid))
    return _deliver_alone(webhook, event)


@transaction.atomic
def delivery_replay(*, delivery: WebhookDelivery, webhook: Webhook, acting: Actor) -> WebhookDelivery:
    """Send the event once more, with its own id, without waiting for others.

    One that is pending is tried now instead, after those that it waits for; Conflict while it is paused.
    """
    webhook = row_lock(webhook, "webhook")
    again = delivery
    if delivery.state == DeliveryState.PENDING:
        if not webhook.is_active:
            raise Conflict("This webhook is paused: switch it on first.")
        _try_now(delivery)
    else:
        again = _deliver_alone(webhook, delivery.event)
    _audit("webhook.replay", webhook, acting, event=str(delivery.event.uid))
    return again


@transaction.atomic
def event_emit(*, tenant: Tenant, type: EventType, subject: UUID, data: Mapping[str, Any]) -> None:
    """Note that something happened, for every webhook that wants to know; call it in the same transaction.

    ``subject`` is the task, dataset or tenant: its events reach each webhook in the order of their commits.
    ``data`` holds ids, names and numbers; no text of a tenant, no secret. Needs the tenant's scope or the
    operator's.
    """
    wanting = list(Webhook.objects.for_tenant(tenant).filter(is_active=True, events__contains=[type.value]))
    if not wanting:
        return
    with connection.cursor() as cursor:
        # Held until the commit: of two events of one subject the lower id is committed first.
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [subject.int % (1 << 63)])
    event = WebhookEvent(tenant=tenant, type=type, subject=subject, data=dict(data))
    event.save(force_insert=True)
    WebhookDelivery.objects.for_tenant(tenant).bulk_create(
        WebhookDelivery(tenant=tenant, webhook=webhook, event=event, subject=subject) for webhook in wanting
    )
    enqueue_on_commit(JobName.WEBHOOKS_DELIVER)


def events_prune() -> None:
    """Forget events, with their deliveries, when they are old and nothing of them is pending."""
    with operator_scope():
        pending = WebhookDelivery.objects.unscoped().filter(state=DeliveryState.PENDING)
        old = WebhookEvent.objects.unscoped().filter(created_at__lt=timezone.now() - KEPT_FOR)
        old.exclude(pk__in=pending.values("event_id")).delete()


def _deliver_alone(webhook: Webhook, event: WebhookEvent) -> WebhookDelivery:
    delivery = WebhookDelivery(tenant=webhook.tenant, webhook=webhook, event=event, subject=None)
    delivery.save(force_insert=True)
    enqueue_on_commit(JobName.WEBHOOKS_DELIVER)
    return delivery


def _try_now(delivery: WebhookDelivery) -> None:
    """It, and what is to reach the receiver before it."""
    pending = WebhookDelivery.objects.for_tenant(delivery.tenant).filter(
        webhook=delivery.webhook_id, state=DeliveryState.PENDING
    )
    before = Q(subject=delivery.subject, event__lte=delivery.event_id)
    now = timezone.now()
    pending.filter(Q(pk=delivery.pk) | before, next_attempt_at__gt=now).update(next_attempt_at=now)
    delivery.refresh_from_db()
    enqueue_on_commit(JobName.WEBHOOKS_DELIVER)


def _check_url(url: str, is_private_allowed: bool) -> None:
    try:
        checked_url(url, is_private_allowed=is_private_allowed)
    except AddressRefused as exc:
        raise InvalidField("url", str(exc)) from exc


def _audit(action: str, webhook: Webhook, acting: Actor, **details: Any) -> None:
    audit_record(
        actor=acting.name, action=action, target=webhook, tenant=webhook.tenant, name=webhook.name, **details
    )
