"""Background jobs of webhooks; each may run twice without harm."""

import time

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from portal.common.locks import session_lock
from portal.common.queue import JobName
from portal.webhooks import services
from portal.webhooks.delivering import deliver_due
from portal.webhooks.sender import Sender

RUN_S = 20.0
_LOCK = 0x686D692D686F6F6B
"""Of the job: slow receivers hold up one worker process, not all."""


@shared_task(name=JobName.WEBHOOKS_DELIVER.value)  # type: ignore[untyped-decorator]  # Celery has no types
def webhooks_deliver() -> None:
    """Send what is due, if nobody else does."""
    sender = Sender(is_private_allowed=settings.ENV.webhooks_private)
    ends_at = time.monotonic() + RUN_S
    with session_lock(_LOCK) as is_alone:
        if is_alone:
            deliver_due(sender=sender, now=timezone.now, is_time_left=lambda: time.monotonic() < ends_at)


@shared_task(name=JobName.WEBHOOKS_PRUNE.value)  # type: ignore[untyped-decorator]  # Celery has no types
def webhooks_prune() -> None:
    """Forget old events."""
    services.events_prune()
