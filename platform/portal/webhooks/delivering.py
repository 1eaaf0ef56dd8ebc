"""Takes deliveries that are due from the outbox, sends them, and notes what came of it."""

import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID

import structlog
from django.db.models import Exists, OuterRef, Window
from django.db.models.functions import RowNumber

from portal.common.scope import operator_scope
from portal.common.sealing import unseal
from portal.webhooks.models import DeliveryState, WebhookDelivery
from portal.webhooks.sender import Answer
from portal.webhooks.signing import signed_headers

LEASE = timedelta(seconds=60)
"""An attempt that has not ended by then was cut off: it is made again. Longer than the sender's deadline."""
FIRST_PAUSE_S = 5
LONGEST_PAUSE_S = 300
GIVE_UP_AFTER = timedelta(days=3)
NUM_AT_ONCE = 8
_log = structlog.get_logger("portal.webhooks")


class Posts(Protocol):
    """What sends; see sender.Sender."""

    def post(self, url: str, *, headers: Any, body: bytes) -> Answer:
        """What came of one attempt."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A delivery whose turn it is."""

    delivery_id: UUID
    number: int  # 1, 2, ...
    url: str
    secrets: tuple[str, ...]  # none: they cannot be read
    uid: str
    body: bytes
    created_at: datetime


def deliver_due(*, sender: Posts, now: Callable[[], datetime], is_time_left: Callable[[], bool]) -> int:
    """Send what is due, until nothing is or the time is up; how many attempts were made.

    Of one webhook and subject only the oldest event is tried; the next one when it was delivered or given up.
    """
    num_attempts = 0
    with ThreadPoolExecutor(NUM_AT_ONCE) as threads:
        while attempts := attempts_claim(now=now(), max_attempts=NUM_AT_ONCE):
            sent = threads.map(lambda attempt: _send(sender, attempt, now()), attempts)
            for attempt, answer in zip(attempts, sent, strict=True):
                attempt_note(attempt=attempt, answer=answer, now=now())
            num_attempts += len(attempts)
            if not is_time_left():
                break
    return num_attempts


def attempts_claim(*, now: datetime, max_attempts: int) -> list[Attempt]:
    """Deliveries that are due, each leased: until the lease ends nobody else gets it.

    In turns between tenants: one with thousands to a receiver that never answers holds up its own.
    """
    with operator_scope():
        pending = WebhookDelivery.objects.unscoped().filter(state=DeliveryState.PENDING)
        earlier = pending.filter(
            webhook=OuterRef("webhook"), subject=OuterRef("subject"), event__lt=OuterRef("event")
        )
        due = pending.filter(~Exists(earlier), next_attempt_at__lte=now).filter(
            webhook__is_active=True, tenant__is_active=True
        )
        oldest = ("next_attempt_at", "event_id")
        turn = Window(RowNumber(), partition_by="tenant", order_by=oldest)
        next_ones = due.annotate(turn=turn).order_by("turn", *oldest).values_list("pk", flat=True)
        claimed = list(
            pending.select_for_update(skip_locked=True, of=("self",))
            .select_related("webhook", "event", "tenant")
            .filter(pk__in=list(next_ones[:max_attempts]), next_attempt_at__lte=now)
            .order_by(*oldest)
        )
        for delivery in claimed:
            delivery.num_attempts += 1
            delivery.last_attempt_at, delivery.next_attempt_at = now, now + LEASE
            delivery.save(update_fields=["num_attempts", "last_attempt_at", "next_attempt_at"])
        return [_attempt(delivery, now) for delivery in claimed]


def attempt_note(*, attempt: Attempt, answer: Answer, now: datetime) -> None:
    """Write down what came of it; nothing when the lease was lost meanwhile, or the webhook is gone."""
    outcome: dict[str, Any] = {
        "status": answer.status,
        "error": answer.error,
        "duration_ms": answer.duration_ms,
    }
    if not answer.error:
        outcome |= {"state": DeliveryState.DELIVERED, "delivered_at": now}
    elif now - attempt.created_at >= GIVE_UP_AFTER:
        outcome |= {"state": DeliveryState.FAILED}
    else:
        outcome |= {"next_attempt_at": now + pause_after(attempt.number)}
    with operator_scope():
        WebhookDelivery.objects.unscoped().filter(
            pk=attempt.delivery_id, state=DeliveryState.PENDING, num_attempts=attempt.number
        ).update(**outcome)
    _log.info("webhook.attempt", delivery=str(attempt.delivery_id), number=attempt.number, error=answer.error)


def pause_after(number: int) -> timedelta:
    """How long to wait after the failed attempt of this number: doubled each time, up to five minutes."""
    return timedelta(seconds=min(FIRST_PAUSE_S << min(number - 1, 16), LONGEST_PAUSE_S))


def _attempt(delivery: WebhookDelivery, now: datetime) -> Attempt:
    webhook, event = delivery.webhook, delivery.event
    is_old_valid = webhook.old_ends_at is not None and now < webhook.old_ends_at
    sealed = [webhook.secret, *([webhook.old_secret] if is_old_valid else [])]
    told = {
        "type": event.type,
        "timestamp": event.created_at.isoformat(),
        "tenant": delivery.tenant.slug,
        "data": event.data,
    }
    return Attempt(
        delivery_id=delivery.pk,
        number=delivery.num_attempts,
        url=webhook.url,
        secrets=tuple(_readable(sealed)),
        uid=str(event.uid),
        body=json.dumps(told, separators=(",", ":")).encode(),
        created_at=delivery.created_at,
    )


def _readable(sealed: Sequence[str]) -> Iterator[str]:
    """One that was sealed under another key does not hold up other tenants' deliveries."""
    for secret in sealed:
        with suppress(ValueError):
            yield unseal(secret)


def _send(sender: Posts, attempt: Attempt, now: datetime) -> Answer:
    if not attempt.secrets:
        return Answer(None, "the signing secret cannot be read any more: rotate it", 0)
    headers = signed_headers(
        attempt.secrets, uid=attempt.uid, timestamp_s=int(now.timestamp()), body=attempt.body
    )
    try:
        return sender.post(
            attempt.url, headers={**headers, "Content-Type": "application/json"}, body=attempt.body
        )
    except Exception:  # noqa: BLE001 a bug of ours: it fails this attempt, and not those of other tenants beside it
        _log.exception("webhook.attempt_failed", delivery=str(attempt.delivery_id))
        return Answer(None, "could not be sent: tell the operator", 0)
