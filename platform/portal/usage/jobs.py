"""Background jobs of usage; each may run twice without harm."""

from datetime import timedelta

from celery import shared_task
from django.conf import settings
from django.utils import timezone

from portal.common.idempotency import idempotency_prune
from portal.common.queue import JobName
from portal.tenants.ended_sessions import sessions_prune
from portal.usage import services


@shared_task(name=JobName.USAGE_PRUNE.value)  # type: ignore[untyped-decorator]  # Celery has no types
def usage_prune() -> None:
    """Forget old hours, notices and events, sessions that have expired, and answers kept for repeats."""
    now = timezone.now()
    services.usage_prune(now=now, events_kept_for=timedelta(days=settings.ENV.usage_events_days))
    sessions_prune(now=now)
    idempotency_prune(now=now)


@shared_task(name=JobName.QUOTAS_WATCH.value)  # type: ignore[untyped-decorator]  # Celery has no types
def quotas_watch() -> None:
    """Tell of quotas that are nearly used, or all."""
    services.quotas_watch(now=timezone.now())
