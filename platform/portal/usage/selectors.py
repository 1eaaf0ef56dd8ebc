"""Reading usage."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Count, Sum
from django.db.models.functions import TruncDate

from portal.tenants.models import Tenant
from portal.usage.models import UsageEvent


@dataclass(frozen=True, slots=True)
class UsageOfDay:
    """What was counted for one task on one day (UTC)."""

    task_id: UUID
    day: date
    num_requests: int
    num_texts: int
    num_tokens: int
    num_truncated: int


def usage_by_task_and_day(*, tenant: Tenant, days: int, now: datetime) -> list[UsageOfDay]:
    """Usage of the last ``days`` days, today included; days without any are absent."""
    first = now.date() - timedelta(days=days - 1)
    rows = (
        UsageEvent.objects.for_tenant(tenant)
        .filter(created_at__gte=datetime.combine(first, datetime.min.time(), now.tzinfo))
        .annotate(day=TruncDate("created_at"))
        .values("task_id", "day")
        .annotate(
            num_requests=Count("id"),
            texts=Sum("num_texts"),
            tokens=Sum("num_tokens"),
            truncated=Sum("num_truncated"),
        )
        .order_by("day", "task_id")
    )
    return [
        UsageOfDay(
            task_id=row["task_id"],
            day=row["day"],
            num_requests=row["num_requests"],
            num_texts=row["texts"],
            num_tokens=row["tokens"],
            num_truncated=row["truncated"],
        )
        for row in rows
    ]
